"""MetricX on a checkpoint of its architecture, random and tiny but for its vocabulary."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
import torch
from transformers import AutoTokenizer, MT5Config, MT5ForConditionalGeneration

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.evaluation.score import Unmeasured, metric_named, score_predictions
from harness.metrics.metricx import MetricXRegression
from harness.models.metricx import MetricX
from harness.models.metricx_checkpoint import SCORE_TOKEN, check_local, find_metricx
from harness.protocols import Services
from harness.records import Prediction

ROWS = [
    {"src": "The dog sleeps.", "mt": "Der Hund schläft.", "ref": "Der Hund schläft."},
    {"src": "The cat eats a fish.", "mt": "Die Katze", "ref": "Die Katze frisst einen Fisch."},
    {"src": "Yes.", "mt": "", "ref": "Ja."},
]


def write_tokenizer(folder: Path) -> None:
    words = " ".join(" ".join(row.values()) for row in ROWS) + " source: candidate: reference:"
    (folder / "text.txt").write_text(f"{words}\n" * 9, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "spiece"), vocab_size=40,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    (folder / "text.txt").unlink()
    (folder / "spiece.vocab").unlink()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metricx") / "tiny"
    config = MT5Config(
        vocab_size=SCORE_TOKEN + 11, d_model=8, d_kv=4, d_ff=16, num_layers=2,
        num_heads=2, tie_word_embeddings=False, architectures=["MT5ForRegression"],
    )  # fmt: skip
    config.tie_word_embeddings = False  # the library's class says otherwise
    torch.manual_seed(0)
    model = MT5ForConditionalGeneration(config)
    with torch.no_grad():
        model.lm_head.weight[SCORE_TOKEN] = 10 * torch.randn(8)
        model.shared.weight.copy_(torch.randn_like(model.shared.weight))
    # the class of the same layout whose head MetricX reads otherwise
    tensors = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name not in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
    }
    folder.mkdir()
    torch.save(tensors, folder / "pytorch_model.bin")
    config.architectures = ["MT5ForRegression"]
    config.to_json_file(folder / "config.json")
    write_tokenizer(folder)
    return folder


def by_hand(folder: Path, text: str) -> float:
    """One text alone, by the whole model's logits over its vocabulary."""
    config = MT5Config.from_json_file(folder / "config.json")
    config.tie_word_embeddings = False
    model = MT5ForConditionalGeneration(config).eval()
    tensors = torch.load(folder / "pytorch_model.bin")
    for side in ("encoder", "decoder"):
        tensors[f"{side}.embed_tokens.weight"] = tensors["shared.weight"]
    model.load_state_dict(tensors)
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    assert ids[-1] == 1
    with torch.no_grad():
        logits = model(
            input_ids=torch.tensor([ids[:-1]]), decoder_input_ids=torch.tensor([[0]])
        ).logits
    return min(max(logits[0, 0, 250089].item(), 0.0), 25.0)


def test_a_score_is_the_logit_of_one_token_at_the_first_step(checkpoint: Path) -> None:
    scores = MetricX().score(checkpoint, ROWS)
    texts = [f"source: {r['src']} candidate: {r['mt']} reference: {r['ref']}" for r in ROWS]
    assert scores == pytest.approx([by_hand(checkpoint, text) for text in texts], abs=1e-5)
    assert len(set(scores)) > 1
    assert all(0 <= score <= 25 for score in scores)


def test_without_a_reference_the_text_ends_with_the_candidate(checkpoint: Path) -> None:
    rows = [{"src": row["src"], "mt": row["mt"]} for row in ROWS]
    texts = [f"source: {row['src']} candidate: {row['mt']}" for row in rows]
    expected = [by_hand(checkpoint, text) for text in texts]
    assert MetricX().score(checkpoint, rows) == pytest.approx(expected, abs=1e-5)


def test_a_score_does_not_depend_on_order_or_batch(checkpoint: Path) -> None:
    rows = [{**row, "mt": row["mt"] + " Hund" * n} for n in range(9) for row in ROWS]
    scorer = MetricX()
    scores = scorer.score(checkpoint, rows)
    assert scorer.score(checkpoint, rows[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    assert scorer.score(checkpoint, rows[5:6]) == pytest.approx(scores[5:6], abs=1e-5)
    assert scorer.score(checkpoint, rows, "bf16") == pytest.approx(scores, abs=1.0)


def test_what_is_longer_than_it_reads_is_counted_to_the_token(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    scorer = MetricX()

    def of(words: int) -> tuple[dict[str, str], int]:
        row = {"src": "Yes.", "mt": "der " * words, "ref": "Ja."}
        text = f"source: Yes. candidate: {row['mt']} reference: Ja."
        return row, len(tokenizer(text)["input_ids"])

    rows, sizes = zip(*map(of, range(300, 1600, 7)), strict=True)
    assert min(sizes) < 1536 < max(sizes)
    assert scorer.num_cut(checkpoint, rows) == sum(size > 1536 for size in sizes)
    long, longer = of(2500)[0], of(2600)[0]
    assert scorer.score(checkpoint, [long]) == scorer.score(checkpoint, [longer])
    assert (scorer.num_cut(checkpoint, []), scorer.score(checkpoint, [])) == (0, [])


PREDICTIONS = [
    Prediction(
        id=str(number), prompt="p", output=row["mt"], answer=row["mt"], source=row["src"],
        references=(row["ref"],),
    )
    for number, row in enumerate(ROWS)
]  # fmt: skip


@pytest.mark.parametrize("name", ["metricx", "metricx_qe"])
def test_the_metric_is_the_mean_and_lower_is_better(checkpoint: Path, name: str) -> None:
    services = Services(metricx=MetricX())
    found = score_predictions(PREDICTIONS, name, {"model": str(checkpoint)}, services)
    rows = ROWS if name == "metricx" else [{"src": r["src"], "mt": r["mt"]} for r in ROWS]
    expected = MetricX().score(checkpoint, rows)
    assert found.value == pytest.approx(sum(expected) / 3)
    assert not found.higher_is_better
    assert found.facts == {"cut": 0.0}
    seen = "first" if name == "metricx" else "none"
    assert found.signature.startswith(f"refs:{seen}|model:tiny@")
    assert "|precision:fp32|version:transformers " in found.signature


def test_quality_estimation_needs_no_reference(checkpoint: Path) -> None:
    rows = [replace(row, references=()) for row in PREDICTIONS]
    services = Services(metricx=MetricX())
    assert score_predictions(rows, "metricx_qe", {"model": str(checkpoint)}, services).value >= 0


def test_cut_items_are_told(checkpoint: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [replace(PREDICTIONS[0], answer="Hund " * 2000), PREDICTIONS[1]]
    services = Services(metricx=MetricX())
    found = score_predictions(rows, "metricx", {"model": str(checkpoint)}, services)
    assert found.facts == {"cut": 1.0}
    assert "metricx: 1 of 2 items are longer than" in caplog.text


@pytest.fixture
def copied(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "mine"))


@pytest.mark.parametrize("file", ["config.json", "pytorch_model.bin", "spiece.model"])
def test_another_content_is_another_identity(copied: Path, file: str) -> None:
    before = find_metricx(str(copied)).identity()
    assert before.startswith("mine@")
    with (copied / file).open("a") as handle:
        handle.write("\n")
    assert find_metricx(str(copied)).identity() != before


def faults() -> Iterator[tuple[str, str, str]]:
    yield "config.json", "{}", r"found a None, allowed: a folder of a MT5ForRegression"
    plain = '{"model_type": "mt5", "architectures": ["MT5ForConditionalGeneration"]}'
    yield "config.json", plain, "found a MT5ForConditionalGeneration, allowed"
    comet = '{"model_type": "xlm-roberta", "architectures": ["XLMRobertaModel"]}'
    yield "config.json", comet, "found a XLMRobertaModel, allowed"
    small = '{"model_type": "mt5", "architectures": ["MT5ForRegression"], "vocab_size": 250089}'
    yield "config.json", small, "a vocabulary of 250089, allowed: one with token 250089"


@pytest.mark.parametrize(("file", "text", "message"), list(faults()))
def test_a_folder_of_another_model_is_refused_when_settings_are_read(
    copied: Path, file: str, text: str, message: str
) -> None:
    (copied / file).write_text(text)
    with pytest.raises(ConfigError, match=message):
        metric_named("metricx", {"model": str(copied)})


def test_a_folder_without_configuration_or_weights_is_refused(copied: Path) -> None:
    (copied / "pytorch_model.bin").unlink()
    with pytest.raises(ConfigError, match="no weights in"):
        check_local(str(copied))
    (copied / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"config\.json missing"):
        check_local(str(copied))


def test_weights_without_the_head_are_no_score(copied: Path) -> None:
    tensors = torch.load(copied / "pytorch_model.bin")
    del tensors["lm_head.weight"]
    torch.save(tensors, copied / "pytorch_model.bin")
    with pytest.raises(EvaluationError, match=r"no MetricX checkpoint: lm_head\.weight missing"):
        MetricX().score(copied, ROWS)


def test_weights_that_cannot_be_read_are_unmeasured_with_the_reason(copied: Path) -> None:
    (copied / "pytorch_model.bin").write_bytes(b"no pickle")
    services = Services(metricx=MetricX())
    found = score_predictions(PREDICTIONS, "metricx", {"model": str(copied)}, services)
    assert isinstance(found, Unmeasured)
    assert "MetricX cannot be loaded from" in found.reason


def test_a_hub_id_that_is_not_here_says_so() -> None:
    assert check_local("google/metricx-24-hybrid-xl-v2p6") is None
    with pytest.raises(
        EvaluationError, match="google/no-such-metricx, which MetricX needs, is not"
    ):
        find_metricx("google/no-such-metricx")


def test_without_anything_to_run_it_is_a_missing_extra(checkpoint: Path) -> None:
    with pytest.raises(MissingExtra, match="MetricX"):
        MetricXRegression(model=str(checkpoint)).statistics(PREDICTIONS, Services())
