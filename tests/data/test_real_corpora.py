"""Real corpora as they are published, read as they stand."""

from pathlib import Path

import pytest

from harness.data.readers import read_instructions, read_pairs
from harness.data.spec import CorpusSpec
from tests.outside import DATA, outside, skip_without


@pytest.mark.parametrize(
    ("settings", "num_pairs", "languages"),
    [
        ({"path": "alma/deen/valid.de-en.json"}, 1002, ("de", "en")),
        ({"path": "alma/deen/test.en-de.json"}, 2037, ("en", "de")),
        (
            {
                "path": "alma/zhen/train.zh-en.zh.gz",
                "target_path": "alma/zhen/train.zh-en.en.gz",
                "source_lang": "zh",
                "target_lang": "en",
                "checks": {"max_lopsided": 0.01, "max_garbled": 0.001},
            },
            15406 - 15,
            ("zh", "en"),
        ),
        (
            {
                "path": "tatoeba_tha_eng/tha.txt",
                "format": "tsv",
                "source_lang": "en",
                "target_lang": "th",
            },
            3018,
            ("en", "th"),
        ),
        (
            {
                "path": "comet_tests/regression_data.csv",
                "columns": ["src", "ref"],
                "source_lang": "ru",
                "target_lang": "en",
            },
            400,
            ("ru", "en"),
        ),
    ],
)
def test_parallel_text_is_read_whole(settings, num_pairs, languages):
    skip_without(Path(settings["path"]).parts[0])
    files = {key: str(DATA / settings[key]) for key in ("path", "target_path") if key in settings}
    pairs = read_pairs(CorpusSpec(**settings | files))
    assert len(pairs) == num_pairs
    assert {(pair.source_lang, pair.target_lang) for pair in pairs} == {languages}


@outside("instructions")
def test_instructions_are_read_as_chats_with_answers():
    chats = read_instructions(CorpusSpec(path=str(DATA / "instructions/dolly_2000.json")))
    assert len(chats) == 2000
    assert all(chat.answer and chat.messages[0].content for chat in chats)
