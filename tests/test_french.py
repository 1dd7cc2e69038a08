"""The French sweep's material, made from a small file of the same form as the real ones."""

import importlib
import itertools
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.benchmarks.read import find_benchmarks
from harness.data.readers import read_instructions, read_pairs
from harness.sweep.spec import check_sweep

FOLDER = Path(__file__).parent.parent / "sweeps/french"
WHO = ["Tom", "Mary", "He", "She", "My friend", "The man", "The girl", "My boss"]
DOES = ["likes", "sees", "wants", "buys", "takes", "loves", "finds"]
WHAT = ["dog", "cat", "car", "book", "house", "hat", "key", "tea", "boat", "tree"]
ENDS = ["", " here", " there", " today", " now"]


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Pairs and instructions, their folder; the scripts' modules can be imported."""
    monkeypatch.syspath_prepend(str(FOLDER))
    sentences = [
        f"{who} {does} the {what}{end}{'?' if what == 'key' else '.'}"
        for who, does, what, end in itertools.product(WHO, DOES, WHAT, ENDS)
    ]
    lines = [f"{one}\tFR {one}\n{one}\tAutre {one}" for one in sentences]
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as archive:
        archive.writestr("fra.txt", "\n".join(lines) + "\n")
    rows = [
        {"instruction": f"Name number {n}.", "input": "", "output": "word " * (n % 20 + 1)}
        for n in range(400)
    ]
    (tmp_path / "dolly.json").write_text(json.dumps(rows), encoding="utf-8")
    return tmp_path


def test_a_sentence_and_its_translations_are_in_one_split(given) -> None:
    tatoeba = importlib.import_module("tatoeba")
    found = tatoeba.read_sentences(given / "pairs.zip")
    assert list(found) == list(tatoeba.SHARES)
    english = [one.english for part in found.values() for one in part]
    assert len(english) == len(set(english)) > 2000
    held_out = {text for name in ("validation", "test") for s in found[name] for text in s.french}
    assert not held_out & {
        text for name in ("base", "train") for s in found[name] for text in s.french
    }
    assert tatoeba.split_of("Is it?") == tatoeba.split_of("is it!")


def test_answers_are_right(given) -> None:
    tatoeba, skills = (importlib.import_module(name) for name in ("tatoeba", "skills"))
    one = tatoeba.Sentence("Is that the man that I saw?", ("-",))
    other = tatoeba.Sentence("Go home.", ("-",))
    answers = {
        name: {skill(one, other, random.Random(seed)).answer for seed in range(60)}
        for name, skill in skills.SKILLS.items()
    }
    assert answers["repeat"] == {"Sure: Is that the man that I saw?"}
    assert answers["first"] == {"The first word is Is."}
    assert answers["last"] == {"The last word is saw."}
    assert answers["kind"] == {"Yes, it is a question."}
    assert answers["second"] == {"Sure: Is that the man that I saw?", "Sure: Go home."}
    # that stands there twice: the word behind the first is meant
    assert "After that comes the." in answers["after"]
    assert "After that comes I." not in answers["after"]
    assert {"Yes, man is in it.", "No, home is not in it."} <= answers["contains"]


def test_held_out_deeds_are_not_trained_on(given) -> None:
    tatoeba, chats = (importlib.import_module(name) for name in ("tatoeba", "chats"))
    sentences = tatoeba.read_sentences(given / "pairs.zip")["base"]
    short, longer = chats.dolly(given / "dolly.json")
    drawn = list(itertools.islice(chats.base_chats(sentences, short, longer, 1), 4000))
    assert {one.skill for one in drawn} == set(chats.SHARES) - {"translation"} | {"fr"}
    asked = [one.messages[0]["content"] for one in drawn if one.skill in ("harmful", "benign")]
    assert "poison" in " ".join(asked)
    skills = importlib.import_module("skills")
    deeds = [f"{do} {whom}" for do in skills._DO_HARM + skills._DO_GOOD for whom in skills._WHOM]
    held_out = [deed for deed in deeds if chats.is_held_out(deed)]
    assert 0 < len(held_out) < len(deeds) / 2
    assert not any(f"{deed}{end}" in text for deed in held_out for text in asked for end in ".?")


@pytest.mark.slow
def test_what_is_made_is_a_sweep(given) -> None:
    work = given / "work"
    files = ["--pairs", given / "pairs.zip", "--instructions", given / "dolly.json"]
    command = [sys.executable, FOLDER / "make.py", *files, "--output", work, "--steps", "2"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    spec = check_sweep(work / "french.yaml").spec
    assert spec.base.data is not None
    assert spec.base.data.instructions is not None
    assert read_pairs(spec.base.data.train)[0].target.startswith(("FR ", "Autre "))
    assert len(read_instructions(spec.base.data.instructions)) == 800
    assert len(find_benchmarks(spec.base.eval)) == 22
    made = json.loads((work / "made.json").read_text(encoding="utf-8"))
    assert made["recipe"]["steps"] == 2
