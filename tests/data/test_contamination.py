import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.contamination import (
    NEAR,
    SHORTEST,
    TrainingText,
    _grams,
    find_overlaps,
    item_texts,
    normalise,
    training_texts,
)
from harness.data.overlaps import MATCHES, BenchmarkItems, overlaps_stored
from harness.records import Corpora, Instruction, Message, Pair, ParallelQuestion, Text
from harness.storage.store import Store

TRAINING = [
    TrainingText("t1", "The quick brown fox jumps over the lazy dog near the river.", "source"),
    TrainingText("t2", "欧洲联盟委员会今天在布鲁塞尔举行了一次会议。", "source"),
    TrainingText("t3", "คณะกรรมาธิการยุโรปจัดการประชุมในกรุงบรัสเซลส์วันนี้", "source"),
    TrainingText("t4", "Yes.", "source"),
]


def kinds(*sources):
    items = [{"id": str(index), "source": text} for index, text in enumerate(sources)]
    overlap = find_overlaps(TRAINING, {"one": items})["one"]
    found = {match.item_id: (match.kind, match.training_id) for match in overlap.matches}
    return [found.get(str(index)) for index in range(len(sources))]


def test_a_copy_is_found_whatever_its_case_spacing_and_punctuation():
    assert kinds("the QUICK brown  fox jumps over the lazy dog, near the river") == [
        ("exact", "t1")
    ]


def test_a_copy_with_a_word_changed_is_near():
    assert kinds("The quick brown fox jumps over the lazy dog near the lake.") == [("near", "t1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("欧洲联盟委员会今天在布鲁塞尔举行了一次会谈。", ("near", "t2")),
        ("คณะกรรมาธิการยุโรปจัดการประชุมในกรุงบรัสเซลส์", ("near", "t3")),
    ],
)
def test_near_copies_are_found_in_scripts_without_spaces(text, expected):
    assert kinds(text) == [expected]


def test_other_text_on_the_same_matter_is_not_found():
    assert kinds("A brown dog sleeps near the quick river.", "欧洲议会明天在斯特拉斯堡开会。") == [
        None,
        None,
    ]


def test_of_a_short_text_a_copy_counts_and_a_text_that_holds_it_does_not():
    assert kinds("yes", "Near the river.") == [("exact", "t4"), None]


def by_brute_force(training, items):
    """Per item the best (is exact, share), comparing everything with everything."""
    found = {}
    for item in items:
        plain = normalise(item["source"])
        grams = _grams(plain)
        for _, text, _ in training:
            other = normalise(text)
            if plain and plain == other:
                found[item["id"]] = (True, 1.0)
            elif len(plain) >= SHORTEST:
                share = len(grams & _grams(other)) / len(grams)
                if share >= NEAR:
                    found[item["id"]] = max(found.get(item["id"], (False, 0.0)), (False, share))
    return found


@given(st.lists(st.text("ab ", min_size=18, max_size=50), min_size=1, max_size=6), st.randoms())
def test_the_index_finds_what_comparing_everything_finds(texts, random):
    changed = [text + random.choice(["", "a", " bbb"]) for text in texts]
    training = [TrainingText(str(n), text, "text") for n, text in enumerate(changed)]
    items = [{"id": str(n), "source": text[random.randrange(4) :]} for n, text in enumerate(texts)]
    found = find_overlaps(training, {"one": items})["one"].matches
    assert {
        match.item_id: (match.kind == "exact", match.share) for match in found
    } == by_brute_force(training, items)


def test_shares_count_items_and_an_exact_match_beats_a_near_one():
    longer = f"{TRAINING[0].text} And so on, and so on."
    training = [TrainingText("near", longer, "text"), *TRAINING]
    items = [{"id": "a", "source": TRAINING[0].text}, {"id": "b", "source": "Something else now."}]
    overlap = find_overlaps(training, {"one": items})["one"]
    assert (overlap.exact, overlap.near) == (0.5, 0.0)
    assert (overlap.matches[0].training_id, overlap.matches[0].place) == ("t1", "source")
    assert overlap.facts("s/b") == {"contamination/s/b/exact": 0.5, "contamination/s/b/near": 0.0}


def test_several_benchmarks_are_searched_in_one_pass():
    copied, new = {"id": "a", "prompt": TRAINING[0].text}, {"id": "a", "prompt": "Another request."}
    found = find_overlaps(iter(TRAINING), {"one": [copied], "two": [new], "none": []})
    assert [found[key].exact for key in ("one", "two", "none")] == [1.0, 0.0, 0.0]


def test_the_request_is_compared_where_there_is_nothing_to_translate():
    assert item_texts({"prompt": "Who?", "target": "Tom."}) == ["Who?"]
    row = {"prompt": "Translate: Who?", "source": "Who?", "references": ["Wer?"]}
    assert item_texts(row) == ["Who?", "Wer?"]


def test_all_that_is_trained_on_is_searched_and_nothing_else():
    corpora = Corpora(
        (Pair("p", "A dog.", "Ein Hund.", "en", "de"),),
        (Pair("v", "no", "nein", "en", "de"),),
        (Instruction("i", (Message("user", "Hi?"),)),),
        (Text("m", "Hallo.", "de"),),
        (ParallelQuestion("q", "Wer?", "Ich.", "de", "Who?", "en"),),
    )
    pair = [("p", "A dog.", "source"), ("p", "Ein Hund.", "target")]
    chat, text = ("i", "Hi?", "request"), ("m", "Hallo.", "text")
    question = [("q", "Wer?", "question"), ("q", "Who?", "pivot question")]
    assert list(training_texts(corpora)) == [*pair, chat, text, *question]
    assert list(training_texts(corpora, {"train"})) == pair
    assert list(training_texts(corpora, {"instructions", "monolingual"})) == [chat, text]


@given(st.text())
def test_what_is_compared_is_letters_marks_and_digits(text):
    assert {unicodedata.category(char)[0] for char in normalise(text)} <= set("LMN")


def test_a_run_is_checked_once(tmp_path):
    store, asked = Store(tmp_path), []
    pair = Pair("p", TRAINING[0].text, "Der schnelle braune Fuchs springt.", "en", "de")

    def corpora():
        asked.append(1)
        return Corpora((pair,))

    benchmarks = [BenchmarkItems("s/b", "0f", [{"id": "a", "source": TRAINING[0].text}])]
    for validation in ("one", "two"):
        identity = {"train": "1a", "validation": validation}
        built = overlaps_stored(identity, corpora, benchmarks, store)
        assert built.facts == {"contamination/s/b/exact": 1.0, "contamination/s/b/near": 0.0}
    assert asked == [1]
    (line,) = (built.path / MATCHES).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["training_id"] == "p"


def test_of_a_corpus_that_no_method_draws_on_nothing_is_found(tmp_path):
    chat = Instruction("i", (Message("user", TRAINING[0].text),))
    corpora = Corpora((Pair("p", "A dog.", "Ein Hund.", "en", "de"),), instructions=(chat,))
    benchmarks = [BenchmarkItems("s/b", "0f", [{"id": "a", "prompt": TRAINING[0].text}])]
    shares = []
    for chats in (None, "2b"):
        identity = {"train": "1a", "instructions": chats}
        built = overlaps_stored(identity, lambda: corpora, benchmarks, Store(tmp_path))
        shares.append(built.facts["contamination/s/b/exact"])
    assert shares == [0.0, 1.0]


def test_answers_of_chats_are_looked_at_where_they_are_the_task_under_a_key_of_its_own(tmp_path):
    chat = Instruction("i", (Message("user", "Hi?"),), "A brown fox jumps.")
    corpora = Corpora((), instructions=(chat,))
    benchmarks = [BenchmarkItems("s/b", "0f", [{"id": "a", "prompt": "A brown fox jumps."}])]
    identity = {"train": None, "instructions": "2b"}
    without, with_them = (
        overlaps_stored(identity, lambda: corpora, benchmarks, Store(tmp_path), answers=answers)
        for answers in (False, True)
    )
    assert without.facts["contamination/s/b/exact"] == 0.0
    # computed at b69ac9a, before there were answers to look at
    assert without.key == "b50e9b3e99a41605220a4195"
    assert with_them.facts["contamination/s/b/exact"] == 1.0
    (line,) = (with_them.path / MATCHES).read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["training_id"], json.loads(line)["place"]) == ("i", "answer")


def test_a_chat_without_an_answer_has_its_requests_looked_at():
    chat = Instruction("i", (Message("user", "Hi?"),))
    assert list(training_texts(Corpora((), instructions=(chat,)))) == [
        TrainingText("i", "Hi?", "request")
    ]
