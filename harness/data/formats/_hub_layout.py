"""Which files of a data set's folder are which split of which configuration, as the hub has them.

A card (README.md) may say it under ``configs``. Else names tell: the split is in the file's name
(``train-00000-of-00002.parquet``, ``wmt-dev.parquet``), else in its folder's
(``test/0000.parquet``); what other folders and names there are (``de-en/``, but for ``data/`` and
numbers) is a configuration. Nothing is merged but the numbered parts of one split.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import yaml

from harness.data.spec import CorpusSpec
from harness.errors import DataError, unknown_name
from harness.records import JSON

Layout = dict[str, dict[str, list[Path]]]
"""Files by configuration and split, in order."""
_ALIASES = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test",
}  # fmt: skip
"""Words that name a split, and which."""
_SAYING_NOTHING = {"data", "part", "shard", "chunk", "file", "split", "default", "of", ""}
_PART = re.compile(r"(?P<split>\w+(?:\.\w+)*)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?")
"""How the hub names a part of any split."""
_CARD = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.S)
_ONLY = "default"
"""The configuration of files that name none, as the hub calls it."""


def chosen_files(folder: Path, files: Sequence[Path], spec: CorpusSpec) -> list[Path]:
    """The files of the one split of the one configuration that is meant.

    Args:
        folder: Of the data set.
        files: Its files of rows.
        spec: May name both.

    Raises:
        DataError: They are not named, and there are several; or there is none of that name.
    """
    layout = _layout_of_card(folder, files) or _layout_of_names(folder, files)
    configuration = _chosen_configuration(layout, spec)
    return layout[configuration][chosen_split(layout[configuration], spec)]


def chosen_split(splits: Mapping[str, object], spec: CorpusSpec) -> str:
    """The split that is meant: the one named, the only one, else train.

    Raises:
        DataError: There is none of that name, or none is named, and train is none of several.
    """
    name = spec.split or (next(iter(splits)) if len(splits) == 1 else "train")
    meant = _ALIASES.get(name.lower(), name)
    same = [one for one in splits if _ALIASES.get(one.lower()) == meant]
    if name in splits or len(same) == 1:
        return name if name in splits else same[0]
    listed = sorted(splits)
    raise DataError(
        f"{spec.path}: {unknown_name('split', name, listed)}",
        f"set split to one of {listed}, or give one of its files",
    )


def _chosen_configuration(layout: Layout, spec: CorpusSpec) -> str:
    name = spec.configuration
    if name is None and len(layout) == 1:
        return next(iter(layout))
    if name in layout:
        return name
    listed = sorted(layout)
    fault = (
        f"{len(layout)} configurations in it ({', '.join(listed)}), and none is named"
        if name is None
        else unknown_name("configuration", name, listed)
    )
    raise DataError(
        f"{spec.path}: {fault}", f"set configuration to one of {listed}, or give one of its files"
    )


def _layout_of_names(folder: Path, files: Sequence[Path]) -> Layout:
    layout: Layout = {}
    for file in files:
        configuration, split = _named(file.relative_to(folder))
        layout.setdefault(configuration, {}).setdefault(split or "train", []).append(file)
    return layout


def _named(file: Path) -> tuple[str, str]:
    """Configuration and split of a file, as far as its name and its folders' tell."""
    folders = [part for part in file.parts[:-1] if part not in _SAYING_NOTHING]
    split, rest = _split_in(file.stem)
    if not split:
        at = next((n for n in reversed(range(len(folders))) if folders[n] in _ALIASES), None)
        if at is not None:
            split = folders.pop(at)
        elif file.suffix == ".arrow" and folders:  # as save_to_disk writes them
            split = folders.pop()
    return "/".join([*folders, *([rest] if rest else [])]) or _ONLY, split


def _split_in(stem: str) -> tuple[str, str]:
    """The split in the name of a file, and what else it tells."""
    part = _PART.fullmatch(stem)
    if part is not None and part["split"].lower() not in _SAYING_NOTHING | {"dataset"}:
        return part["split"], ""
    words = re.split(r"[-._\s]+", re.sub(r"-\d{5}-of-\d{5}(-[0-9a-f]+)?$", "", stem))
    splits = [word for word in words if word.lower() in _ALIASES]
    rest = [
        word
        for word in words
        if word not in splits and not word.isdecimal() and word.lower() not in _SAYING_NOTHING
    ]
    rest = [] if rest == ["dataset"] else rest
    return (splits[0] if splits else ""), "-".join(rest)


def _layout_of_card(folder: Path, files: Sequence[Path]) -> Layout:
    """What the card of a data set says; {} where it says nothing of files that are there."""
    layout: Layout = {}
    for entry in _configs(folder / "README.md"):
        splits: dict[str, list[Path]] = {}
        for split, pattern in _patterns(entry.get("data_files"), str(entry.get("data_dir", "."))):
            matching = [one for one in files if _matches(one.relative_to(folder), pattern)]
            if matching:
                splits.setdefault(split, []).extend(matching)
        if splits:
            layout[str(entry.get("config_name", _ONLY))] = splits
    return layout


def _configs(card: Path) -> list[Mapping[str, JSON]]:
    front = (
        _CARD.match(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    )
    try:
        said = yaml.load(front[1], yaml.CSafeLoader) if front else None
    except yaml.YAMLError:
        return []
    entries = said.get("configs") if isinstance(said, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _patterns(said: JSON, folder: str) -> Iterator[tuple[str, str]]:
    """Split and pattern of files: ``train-*``; or a list, or ``{split: ..., path: ...}`` each."""
    if isinstance(said, str):
        yield "train", str(PurePosixPath(folder) / said)
    elif isinstance(said, list):
        for entry in said:
            if isinstance(entry, dict):
                for _, pattern in _patterns(entry.get("path"), folder):
                    yield str(entry.get("split", "train")), pattern
            else:
                yield from _patterns(entry, folder)


def _matches(file: Path, pattern: str) -> bool:
    """As in a shell: ``*`` within a name, ``**`` over folders."""
    name, glob = file.as_posix(), pattern.removeprefix("./")
    if "**" in glob:
        return fnmatch(name, glob.replace("**/", "*")) or fnmatch(name, glob)
    return name.count("/") == glob.count("/") and fnmatch(name, glob)
