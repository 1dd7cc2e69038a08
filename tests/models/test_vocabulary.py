import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from harness.errors import ConfigError
from harness.models.load import load_chat_model
from harness.models.lora import attach, detach, load_adapter, save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.tokenizer import ChatTokenizer, load_tokenizer
from harness.models.vocabulary import add_tokens, learn_tokens, remove_tokens
from harness.records import Message
from harness.trial.run import run_trial
from tests.models.moved import load, moved, write_tiny
from tests.projects import write_lines, write_project
from tests.toys.tiny import tiny_tokenizer

TEXTS = ["Der Hund schläft.", "Der Hund schläft nicht.", "Ein Hund, 12 Hunde, 12 Katzen schlafen."]
NEW = 12


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model_dir(request, tmp_path):
    return write_tiny(tmp_path / "model", tied=request.param)


@pytest.fixture
def grown(model_dir):
    chat_model = load(model_dir)
    return add_tokens(chat_model, learn_tokens(chat_model.tokenizer, TEXTS, NEW))


def test_pairs_that_meet_often_become_tokens_and_text_comes_back(grown):
    old = ChatTokenizer(tiny_tokenizer())
    for text in TEXTS:
        assert grown.tokenizer.decode(grown.tokenizer.encode(text)) == text
        assert len(grown.tokenizer.encode(text)) < len(old.encode(text))
    names = set(grown.tokenizer.tokenizer.get_vocab()) - set(old.tokenizer.get_vocab())
    assert len(names) == NEW
    assert {"un", "nd", "und"} & names


def test_any_text_comes_back(grown):
    @given(st.text())
    def comes_back(text):
        assert grown.tokenizer.decode(grown.tokenizer.encode(text)) == text

    comes_back()


def test_text_without_the_new_pairs_and_numbers_are_encoded_as_before(grown):
    old = ChatTokenizer(tiny_tokenizer())
    for text in ("12 12 12", "xyz!", "?"):
        assert grown.tokenizer.encode(text) == old.encode(text)
    chat = (Message("user", "xyz"),)
    assert grown.tokenizer.encode_chat(chat) == old.encode_chat(chat)
    assert (grown.tokenizer.end_id, grown.tokenizer.pad_id) == (old.end_id, old.pad_id)


def test_the_logits_of_old_tokens_are_what_they_were(model_dir, grown):
    ids_BT = torch.tensor([[5, 6, 7, 260]])
    with torch.no_grad():
        expected = load(model_dir).model(input_ids=ids_BT).logits
        found = grown.model(input_ids=ids_BT).logits
    assert found.shape[-1] == expected.shape[-1] + NEW
    assert torch.equal(found[..., : expected.shape[-1]], expected)


def test_a_new_row_is_the_mean_of_the_rows_of_the_tokens_it_stands_for(grown):
    old = ChatTokenizer(tiny_tokenizer())
    vocabulary = grown.tokenizer.tokenizer.get_vocab()
    for layer in (grown.model.get_input_embeddings(), grown.model.get_output_embeddings()):
        for text in ("un", "nd", "Hu"):
            if text in vocabulary:
                mean = layer.weight[list(old.encode(text))].mean(0)
                assert torch.equal(layer.weight[vocabulary[text]], mean)


def test_tokens_are_taken_off_again_and_the_model_is_the_very_same(model_dir):
    chat_model = load(model_dir)
    before = dict(chat_model.model.named_parameters())
    size = chat_model.model.config.vocab_size
    grown = add_tokens(chat_model, learn_tokens(chat_model.tokenizer, TEXTS, NEW))
    assert grown.model.config.vocab_size == size + NEW
    tuned = attach(grown, LoraSpec(rank=2), seed=1)
    again = detach(tuned)
    after = dict(again.model.named_parameters())
    assert before.keys() == after.keys()
    assert all(after[name] is value for name, value in before.items())
    assert (again.tokenizer, again.extension) == (chat_model.tokenizer, None)
    assert again.model.config.vocab_size == size
    assert remove_tokens(again) is again


@pytest.mark.parametrize(("all_of_them", "rows"), [(False, NEW), (True, 261 + NEW)])
def test_only_the_new_rows_are_trained_unless_all_are(grown, all_of_them, rows):
    model = attach(grown, LoraSpec(rank=2, embeddings=all_of_them), seed=1).model
    trained = {v.shape for name, v in model.named_parameters() if "trainable_tokens" in name}
    assert trained == {(rows, 32)}


def test_they_are_saved_with_the_adapter_and_loaded_again(model_dir, grown, tmp_path):
    tuned = moved(grown, LoraSpec(rank=2))
    ids_BT = torch.tensor([tuned.tokenizer.encode(TEXTS[0])])
    assert int(ids_BT.max()) >= 261
    with torch.no_grad():
        expected = tuned.model(input_ids=ids_BT).logits
    save_adapter(tuned, tmp_path / "adapter")
    loaded = load_adapter(load(model_dir), tmp_path / "adapter")
    assert loaded.tokenizer.encode(TEXTS[0]) == tuned.tokenizer.encode(TEXTS[0])
    with torch.no_grad():
        assert torch.equal(loaded.model(input_ids=ids_BT).logits, expected)
    spec = ModelSpec(path=str(model_dir), adapter=str(tmp_path / "adapter"), device="cpu")
    whole = load_chat_model(spec)
    assert whole.extension is None
    assert load_tokenizer(spec).encode(TEXTS[0]) == whole.tokenizer.encode(TEXTS[0])
    assert load_tokenizer(spec).end_ids == load_tokenizer(spec.replace(adapter=None)).end_ids


def test_a_tokenizer_that_joins_no_pairs_is_refused():
    unigram = Tokenizer(models.Unigram([("a", -1.0), ("b", -1.0)], unk_id=0))
    tokenizer = ChatTokenizer(PreTrainedTokenizerFast(tokenizer_object=unigram))
    with pytest.raises(ConfigError, match="is of type Unigram, allowed: BPE"):
        learn_tokens(tokenizer, TEXTS, 3)


@pytest.mark.slow
def test_a_trial_learns_them_and_answers_with_them(tmp_path, tiny_model_dir):
    texts = write_lines(
        tmp_path / "texts.jsonl",
        [{"id": str(place), "text": text, "language": "de"} for place, text in enumerate(TEXTS)],
    )
    config = write_project(tmp_path, tiny_model_dir, variant="sft", chain=[{"variant": "sft"}])
    data = config.data.model_dump() | {"monolingual": {"path": str(texts)}}
    lora = config.lora.plain() | {"vocabulary": {"tokens": NEW, "language": "de"}}
    result = run_trial(config.replace(data=data, lora=lora), home=tmp_path / "home")
    assert result.facts["train/vocabulary_added"] == NEW
    assert 0.1 < result.facts["train/vocabulary_tokens_saved"] < 0.5
    adapter = tmp_path / "home" / "store" / "adapter" / result.stages["adapter"] / "adapter"
    assert (adapter / "tokenizer.json").is_file()
    thai = config.replace(data=data, lora=lora | {"vocabulary": {"tokens": 1, "language": "th"}})
    with pytest.raises(ConfigError, match=r"data.monolingual: no text in th"):
        run_trial(thai, home=tmp_path / "home")


def test_text_to_learn_them_from_must_be_named(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir, variant="sft")
    with pytest.raises(ValueError, match=r"data.monolingual: missing, and lora.vocabulary"):
        config.replace(lora=config.lora.plain() | {"vocabulary": {"tokens": 3}})
    assert "vocabulary" not in LoraSpec().plain()
