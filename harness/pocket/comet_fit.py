"""Trains a small COMET on rated translations: a program for an interpreter with unbabel-comet.

    python comet_fit.py ROWS_DIR OUTPUT_DIR --seed N --epochs N

Stand-alone (the main environment cannot hold unbabel-comet): rows come as JSON lines in
ROWS_DIR/{train,validation,test}.jsonl, each with src, mt, ref, score, kind and direction, and in
ladder.jsonl outputs of known order for a source (src, ref, outputs by name). The model is
unbabel-comet's own RegressionMetric, trained by its own Lightning module from a randomly
initialised XLM-R-shaped encoder. OUTPUT_DIR gets the checkpoint as unbabel-comet lays one out, its
encoder folder beside it under a relative name, and report.json.
"""

import argparse
import json
import logging
import os
import random
import shutil
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy
import pytorch_lightning
import scipy.stats
import sentencepiece
import torch
import transformers
import yaml
from comet import __version__ as comet_version
from comet.models import RegressionMetric
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch.utils.data import DataLoader, RandomSampler

Row = dict[str, Any]
ENCODER = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 192,
    "max_position_embeddings": 130,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
NUM_PIECES = 400
SETTINGS = {
    "nr_frozen_epochs": 0,
    "keep_embeddings_frozen": False,
    "encoder_learning_rate": 1e-3,
    "learning_rate": 1e-3,
    "layerwise_decay": 1.0,
    "pool": "avg",
    "layer": "mix",
    "layer_transformation": "softmax",
    "layer_norm": False,
    "dropout": 0.05,
    "hidden_sizes": [128, 64],
    "batch_size": 32,
}


class Pocket(RegressionMetric):  # type: ignore[misc]  # untyped here
    """unbabel-comet's metric, reading JSON lines: a CSV file cannot hold an empty translation."""

    def read_training_data(self, path: str) -> list[Row]:
        """Rows as dictionaries of strings and a score."""
        return [{key: row[key] for key in ("src", "mt", "ref", "score")} for row in read(path)]

    read_validation_data = read_training_data


class Progress(Callback):  # type: ignore[misc]  # untyped here
    """One line an epoch."""

    def on_validation_end(
        self, trainer: pytorch_lightning.Trainer, model: pytorch_lightning.LightningModule
    ) -> None:
        """Says how well the held-out rows are ordered."""
        if trainer.sanity_checking:
            return
        tau = float(trainer.callback_metrics.get("val_kendall", float("nan")))
        print(f"epoch {trainer.current_epoch + 1}: Kendall tau {tau:.3f}", flush=True)


def main() -> None:
    """Trains, measures on the test rows, writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("rows", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    rows, output = arguments.rows.resolve(), arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    # Hyper-parameters keep the names they were given: relative ones, so that the checkpoint works
    # wherever it lies.
    os.chdir(output)
    start = time.monotonic()
    make_encoder(rows, Path("encoder"), arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        model = fit(rows, Path(scratch), arguments.seed, arguments.epochs)
    report = measure(model, read(rows / "test.jsonl"))
    report["reference_preferred_to"] = climb(model, read(rows / "ladder.jsonl"))
    report["seconds"] = round(time.monotonic() - start)
    report["settings"] = {"encoder": ENCODER, "pieces": NUM_PIECES, **SETTINGS}
    report["versions"] = {
        "unbabel-comet": comet_version,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "pytorch-lightning": pytorch_lightning.__version__,
        "sentencepiece": sentencepiece.__version__,
        "numpy": numpy.__version__,
    }
    Path("report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def read(path: str | Path) -> list[Row]:
    """Rows of a JSON lines file."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def make_encoder(rows: Path, folder: Path, seed: int) -> None:
    """A SentencePiece tokenizer of the training text and a random XLM-R-shaped encoder."""
    folder.mkdir(exist_ok=True)
    text = sorted({row[key] for row in read(rows / "train.jsonl") for key in ("src", "ref", "mt")})
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text),
        model_prefix=str(folder / "sentencepiece.bpe"),
        model_type="unigram",
        vocab_size=NUM_PIECES,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.vocab").unlink()
    tokenizer = transformers.XLMRobertaTokenizerFast(str(folder / "sentencepiece.bpe.model"))
    tokenizer.model_max_length = ENCODER["max_position_embeddings"] - 2
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = transformers.XLMRobertaConfig(vocab_size=len(tokenizer), **ENCODER)
    transformers.XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)


def fit(rows: Path, scratch: Path, seed: int, epochs: int) -> RegressionMetric:
    """Trains, keeps the epoch that orders the validation rows best, and saves it."""
    for name in ("train", "validation"):
        shutil.copy(rows / f"{name}.jsonl", scratch)
    pytorch_lightning.seed_everything(seed, verbose=False)
    data = {
        "train_data": [os.path.relpath(scratch / "train.jsonl")],
        "validation_data": [os.path.relpath(scratch / "validation.jsonl")],
    }
    model = Pocket(pretrained_model="encoder", local_files_only=True, **data, **SETTINGS)
    best = ModelCheckpoint(scratch / "best", monitor="val_kendall", mode="max")
    trainer = pytorch_lightning.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic=True,
        gradient_clip_val=1.0,
        callbacks=[best, Progress()],
    )
    train = model.read_training_data(str(rows / "train.jsonl"))
    kept_out = model.read_validation_data(str(rows / "validation.jsonl"))
    sample = random.Random(seed).sample(train, min(1000, len(train)))

    def batches(part: list[Row], sampler: RandomSampler | None = None) -> "DataLoader[Row]":
        size = SETTINGS["batch_size"]
        return DataLoader(part, size, sampler=sampler, collate_fn=model.prepare_sample)  # type: ignore[arg-type]

    # unbabel-comet's own loaders start two processes each, to no use with rows this small.
    trainer.fit(model, batches(train, RandomSampler(train)), [batches(sample), batches(kept_out)])
    state = torch.load(best.best_model_path, weights_only=False)["state_dict"]
    (Path("checkpoints")).mkdir(exist_ok=True)
    saved = RegressionMetric(
        pretrained_model="encoder", load_pretrained_weights=False, local_files_only=True, **SETTINGS
    )
    saved.load_state_dict(
        {key: value for key, value in state.items() if not key.startswith("val_metrics")}
    )
    # The encoder's weights are in the checkpoint; beside its settings they would only be bulk.
    Path("encoder/model.safetensors").unlink()
    holder = pytorch_lightning.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    holder.strategy.connect(saved)
    holder.save_checkpoint("checkpoints/model.ckpt", weights_only=True)
    Path("hparams.yaml").write_text(yaml.safe_dump(dict(saved.hparams)), encoding="utf-8")
    return saved


def measure(model: RegressionMetric, rows: list[Row]) -> dict[str, Any]:
    """How well the test rows are ordered, and the mean score of every kind of them."""
    scores = predict(model, rows)
    by_direction: dict[str, list[tuple[float, float]]] = defaultdict(list)
    by_kind: dict[str, list[float]] = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        by_direction[row["direction"]].append((row["score"], score))
        by_kind[row["kind"]].append(score)
    everything = [pair for pairs in by_direction.values() for pair in pairs]
    return {
        "kendall_tau": {
            "all": kendall_tau(everything),
            **{direction: kendall_tau(pairs) for direction, pairs in sorted(by_direction.items())},
        },
        "test_rows": len(rows),
        "mean_score": {
            kind: round(sum(values) / len(values), 3) for kind, values in sorted(by_kind.items())
        },
    }


def climb(model: RegressionMetric, rows: list[Row]) -> dict[str, float]:
    """Share of sentences whose reference scores above another output of it, by its name."""
    names = [name for name in rows[0]["outputs"] if name != "reference"]
    scores = {
        name: predict(model, [{**row, "mt": row["outputs"][name]} for row in rows])
        for name in ("reference", *names)
    }
    better = {
        name: sum(a > b for a, b in zip(scores["reference"], scores[name], strict=True))
        for name in names
    }
    return {name: round(count / len(rows), 3) for name, count in better.items()}


def predict(model: RegressionMetric, rows: list[Row]) -> list[float]:
    """Scores by unbabel-comet's own ``predict``."""
    samples = [{key: row[key] for key in ("src", "mt", "ref")} for row in rows]
    scores: list[float] = model.predict(samples, gpus=0, progress_bar=False)["scores"]
    return scores


def kendall_tau(pairs: list[tuple[float, float]]) -> float:
    """Tau-b of quality and score."""
    return round(float(scipy.stats.kendalltau(*zip(*pairs, strict=True)).statistic), 4)


if __name__ == "__main__":
    main()
