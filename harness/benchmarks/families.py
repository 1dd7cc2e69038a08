"""Benchmarks of one YAML for many languages: ``ntrex_PAIR_test.yaml`` is ``ntrex_en_de_test``.

A file with PAIR (two languages) or LANG (one) in its name is a family. In its text ``$PAIR`` stands
for ``en_de``, ``$SOURCE`` and ``$TARGET`` for the tags, ``$SOURCE_CODE`` and ``$TARGET_CODE`` for
what the data's files call them (its ``codes``); one language is a target. A member is found by its
name alone; a suite has those of the family's ``pairs``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.benchmarks.lm_file import PREFIX
from harness.errors import ConfigError, unknown_name
from harness.settings.yaml import get_path, parse_yaml, read_text

_TAG = r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*"
_HOLES = {"PAIR": rf"({_TAG})_({_TAG})", "LANG": rf"({_TAG})"}


@dataclass(frozen=True, order=True)
class BenchmarkRef:
    """Where a benchmark is: its YAML, its name, and the languages if the YAML is a family's."""

    key: str
    path: Path
    languages: tuple[str, ...] = ()

    @property
    def suite(self) -> str:
        """The folder it is in."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """Without its suite."""
        return self.key.partition("/")[2]


def members(path: Path) -> list[BenchmarkRef]:
    """The benchmarks of a YAML: itself, or a family's for the languages it names.

    Raises:
        ConfigError: A family's YAML cannot be read.
    """
    hole = _hole(path.stem)
    if hole is None:
        return [BenchmarkRef(f"{path.parent.name}/{path.stem}", path)]
    named = _data(path).get("pairs") or ()
    return [_ref(path, hole, tuple(re.split(r"-(?=[a-z])", pair))) for pair in named]


def named_member(path: Path, name: str) -> BenchmarkRef | None:
    """The benchmark of that name, if a YAML is its family's."""
    hole = _hole(path.stem)
    if hole is None:
        return None
    before, after = path.stem.split(hole)
    languages = re.fullmatch(re.escape(before) + _HOLES[hole] + re.escape(after), name)
    return None if languages is None else _ref(path, hole, languages.groups())


def known_suites(folders: Sequence[Path]) -> tuple[str, ...]:
    """Names of the folders in these that hold benchmarks."""
    return tuple(sorted({path.parent.name for path in _files(folders)}))


def find_refs(folders: Sequence[Path], suites: Sequence[str]) -> dict[str, list[BenchmarkRef]]:
    """The benchmarks each name selects; a suite may have some in each of the folders.

    Raises:
        ConfigError: No such folder, suite or benchmark, or two folders have one of the same name.
    """
    refs = _refs(folders)
    paths = _files(folders)
    chosen: dict[str, list[BenchmarkRef]] = {}
    faults: list[str] = []
    for name in suites:
        if name.startswith(PREFIX):
            chosen[name] = [BenchmarkRef(name.replace(":", "/", 1), Path(name))]
            continue
        pattern = name if "/" in name else f"{name}/*"
        suite, _, benchmark = pattern.partition("/")
        chosen[name] = [ref for key, ref in refs.items() if fnmatchcase(key, pattern)]
        if not chosen[name]:
            beside = (named_member(path, benchmark) for path in paths if path.parent.name == suite)
            chosen[name] = [ref for ref in beside if ref is not None]
        if chosen[name]:
            continue
        if suite in known_suites(folders):
            known = [key for key in refs if key.startswith(f"{suite}/")]
            faults.append(unknown_name("benchmark", name, known))
        else:
            faults.append(unknown_name("suite", name, known_suites(folders)))
    if faults:
        where = ", ".join(map(str, folders))
        raise ConfigError("\n".join(f"eval.suites: {fault} in {where}" for fault in faults))
    return chosen


def _files(folders: Sequence[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*/*.yaml"))]


def _refs(folders: Sequence[Path]) -> dict[str, BenchmarkRef]:
    """The benchmarks of all folders by key.

    Raises:
        ConfigError: No such folder, or two of them have a benchmark of the same name.
    """
    faults = [
        f"eval.folder: found {str(folder)!r}, allowed: an existing folder"
        for folder in folders
        if not folder.is_dir()
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    refs: dict[str, BenchmarkRef] = {}
    files: dict[str, Path] = {}
    for folder in folders:
        own = {ref.key: ref for path in _files([folder]) for ref in members(path)}
        # a family by its own name, too: those of its languages are found by theirs
        named = {f"{path.parent.name}/{path.stem}": path for path in _files([folder])}
        named |= {key: ref.path for key, ref in own.items()}
        clashes = {
            (files[key], path): key
            for key, path in reversed(named.items())  # a family is named before its languages
            if key in files and files[key].resolve() != path.resolve()
        }
        faults += [
            f"eval.folder: {key}: two files are called so, {first} and {second}"
            for (first, second), key in clashes.items()
        ]
        refs |= own
        files |= named
    if faults:
        raise ConfigError("\n".join(faults), "results are filed under that name: rename one")
    return refs


def text_of(ref: BenchmarkRef) -> str:
    """The YAML's text, its holes filled.

    Raises:
        ConfigError: The data have no such language, or the file cannot be read.
    """
    text = read_text(ref.path)
    if not ref.languages:
        return text
    codes: Mapping[str, str] = _data(ref.path).get("codes") or {}
    unknown = [tag for tag in ref.languages if tag not in codes]
    if unknown:
        raise ConfigError(
            "\n".join(
                f"{ref.path}: metadata.harness.data.codes: "
                f"{unknown_name('language', tag, sorted(codes))}"
                for tag in unknown
            ),
            f"{ref.key} needs them; a language the data have can be added there",
        )
    target, source = ref.languages[-1], ref.languages[0]
    filled = {
        "$SOURCE_CODE": codes[source], "$TARGET_CODE": codes[target], "$SOURCE": source,
        "$TARGET": target, "$PAIR": f"{source}_{target}", "$LANG": target,
    }  # fmt: skip
    holes = "|".join(map(re.escape, filled))  # the longer of two that begin alike comes first
    return re.sub(holes, lambda found: filled[found[0]], text)


def _hole(stem: str) -> str | None:
    return next((hole for hole in _HOLES if hole in stem), None)


def _ref(path: Path, hole: str, languages: tuple[str, ...]) -> BenchmarkRef:
    name = path.stem.replace(hole, "_".join(languages))
    return BenchmarkRef(f"{path.parent.name}/{name}", path, languages)


def _data(path: Path) -> Mapping[str, Any]:
    try:
        data = get_path(parse_yaml(read_text(path), str(path)), "metadata.harness.data")
    except KeyError:
        return {}
    return data if isinstance(data, Mapping) else {}
