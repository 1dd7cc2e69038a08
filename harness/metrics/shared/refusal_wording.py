"""How refusals are worded: ``refusal_words/LANGUAGE.yaml``, whose comments say what each list is.

A text is of a kind where one of the kind's patterns is found in it, normalised and in lower case;
``%helping%`` and the like stand for the parts. A kind that a language lacks is never found.
"""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import yaml

_PART = re.compile("%([a-z_]+)%")
_NEVER = re.compile("(?!)")
_FOLDER = Path(__file__).with_name("refusal_words")


class Wordings:
    """The patterns of one language, by kind: ``wording["refuses"]``."""

    def __init__(self, path: Path) -> None:
        text = unicodedata.normalize("NFKC", path.read_text(encoding="utf-8"))
        self._file = yaml.load(text, yaml.CSafeLoader)
        self._kinds = {
            kind: self._pattern(text) for kind, text in self._file.items() if kind != "parts"
        }

    def __getitem__(self, kind: str) -> re.Pattern[str]:
        return self._kinds.get(kind, _NEVER)

    def _pattern(self, alternatives: str | list[str]) -> re.Pattern[str]:
        if isinstance(alternatives, list):
            alternatives = "|".join(f"(?:{alternative})" for alternative in alternatives)
        while _PART.search(alternatives):
            alternatives = _PART.sub(lambda part: self._file["parts"][part.group(1)], alternatives)
        return re.compile(alternatives)


WORDINGS: Mapping[str, Wordings] = {
    path.stem: Wordings(path) for path in sorted(_FOLDER.glob("*.yaml"))
}
