"""How refusals are worded: the patterns of ``refusal_wording.yaml``, which says what each is for.

Acts of speech by name for English and German; what refusals open with for other languages.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

_FILE = yaml.load(Path(__file__).with_suffix(".yaml").read_bytes(), yaml.CSafeLoader)
_PART = re.compile("%([a-z_]+)%")


def _pattern(alternatives: Sequence[str]) -> re.Pattern[str]:
    joined = "|".join(f"(?:{alternative})" for alternative in alternatives)
    return re.compile(_PART.sub(lambda part: _FILE["parts"][part.group(1)], joined))


KINDS: Mapping[str, re.Pattern[str]] = {
    name: _pattern(alternatives) for name, alternatives in _FILE["kinds"].items()
}
OTHERS: Mapping[str, re.Pattern[str]] = {
    language: _pattern(alternatives) for language, alternatives in _FILE["others"].items()
}
