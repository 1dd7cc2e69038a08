from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from harness.errors import ConfigError
from harness.settings.spec import LocalPath, Spec, digest, load_spec
from harness.settings.yaml import flatten, get_path, parse_override, parse_yaml, set_path


class Inner(Spec):
    rank: int = Field(8, ge=1)
    """Rank."""

    schedule: Literal["cosine", "linear"] = "cosine"
    """Schedule."""


class Outer(Spec):
    path: LocalPath = "nowhere"
    """A path."""

    inner: Inner = Inner()
    """A part."""


keys = st.text("abcdef", min_size=1, max_size=4)
plain = st.recursive(
    st.integers() | st.text(max_size=5) | st.booleans() | st.none(),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_fault_of_a_file_is_reported_with_its_line_and_what_is_allowed(tmp_path):
    path = write(tmp_path, "inner:\n  rnk: 4\n  rank: 0\n  schedule: square\n")
    with pytest.raises(ConfigError) as caught:
        load_spec(Outer, path)
    lines = sorted(str(caught.value).splitlines())
    assert lines == [
        f"{path}:2: inner.rnk: unknown option 'rnk'; did you mean 'rank'? (known: rank, schedule)",
        f"{path}:3: inner.rank: found 0, allowed: greater than or equal to 1",
        f"{path}:4: inner.schedule: found 'square', allowed: 'cosine' or 'linear'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing, allowed a mapping"),
        ("- 1\n", "found list, allowed a mapping"),
        ("a: 1\na: 2\n", "the key 'a' is given twice"),
        ("a: [1\n", "not valid YAML"),
        ("a: &x 1\nb: *y\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=r"spec\.yaml") as caught:
        load_spec(Outer, path)
    assert message in str(caught.value)


def test_a_missing_file_names_its_nearest_neighbour(tmp_path):
    write(tmp_path, "{}")
    with pytest.raises(ConfigError, match=r"did you mean .*spec\.yaml"):
        load_spec(Outer, tmp_path / "spce.yaml")


def test_a_file_that_is_not_utf8_names_the_byte(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 3"):
        load_spec(Outer, path)


def test_a_number_without_a_dot_is_a_number():
    assert parse_yaml("a: 5e-3\nb: '5e-3'\nc: here\n", "x") == {
        "a": 0.005,
        "b": "5e-3",
        "c": "here",
    }


def test_a_path_is_found_beside_the_file_first(tmp_path, monkeypatch):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "model").mkdir()
    path = write(tmp_path / "sweeps", "path: ../model\n")
    monkeypatch.chdir(tmp_path)
    assert load_spec(Outer, path).path == "model"


def test_a_path_that_is_not_there_is_kept_as_written(tmp_path):
    assert load_spec(Outer, write(tmp_path, "path: org/model\n")).path == "org/model"


def test_an_override_wins_and_an_unknown_one_is_an_error(tmp_path):
    path = write(tmp_path, "inner: {rank: 4}\n")
    assert load_spec(Outer, path, [("inner.rank", 16)]).inner.rank == 16
    with pytest.raises(ConfigError, match=r"inner\.rnak: unknown option"):
        load_spec(Outer, path, [("inner.rnak", 16)])


@pytest.mark.parametrize("text", ["lora.rank", "=3", "a=[1"])
def test_a_malformed_override_says_what_is_allowed(text):
    with pytest.raises(ConfigError, match="--set"):
        parse_override(text)


@given(st.dictionaries(keys, plain, max_size=4))
def test_the_digest_does_not_depend_on_the_order_of_keys(data):
    assert digest(data) == digest(dict(reversed(list(data.items()))))


@given(st.lists(keys, min_size=1, max_size=3), st.integers())
def test_what_was_set_is_read_back(parts, value):
    data: dict[str, object] = {}
    set_path(data, ".".join(parts), value)
    assert get_path(data, ".".join(parts)) == value
    assert flatten(data) == {".".join(parts): value}


@given(st.integers(1, 99), st.sampled_from(["cosine", "linear"]))
def test_a_spec_survives_the_round_trip_through_plain_data(rank, schedule):
    spec = Outer(inner=Inner(rank=rank, schedule=schedule))
    assert Outer.model_validate(spec.plain()) == spec
    assert Outer.model_validate(spec.plain()).fingerprint() == spec.fingerprint()
