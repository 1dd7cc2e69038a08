"""The most frequent function words of a few languages, from ``function_words.yaml`` beside this."""

from collections.abc import Mapping
from pathlib import Path

import yaml

FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in yaml.load(
        Path(__file__).with_suffix(".yaml").read_bytes(), yaml.CSafeLoader
    ).items()
}
