"""What each setting changes: exactly the stages of this table get another key, all others are kept.

A stage whose key stays is reused, and one whose key changes is made anew; so a setting that is in
no row, or in a wrong one, either mixes up two experiments or throws work away.
"""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from harness.models.answering_file import save_answering
from harness.settings import plugins
from harness.settings.yaml import set_path
from harness.trial.config import TrialConfig
from tests.planned import all_stage_keys
from tests.projects import write_corpus, write_lines, write_project
from tests.toys.tiny import CHAT_TEMPLATE, save_tiny

NOTHING = frozenset[str]()
SCORES = frozenset({"scores"})
ANSWERS = SCORES | {"predictions"}
ADAPTER = ANSWERS | {"adapter"}
TEXT = ADAPTER | {"examples"}
CORPUS = TEXT | {"corpus"}
MODEL = TEXT | {"completions"}
CORPORA = ("train", "validation", "instructions", "monolingual", "questions")
BASE = {f"data.{corpus}": {"path": "corpus.jsonl"} for corpus in CORPORA}
SECTIONS = ("generation", "eval")
VLLM = {"python": "venv/bin/python"}
CHAIN = [{"variant": {"name": "sft"}, "train": {"steps": 2}}]
CHAINED = ADAPTER | {"chain1/adapter"}
SERVER = {"url": "http://127.0.0.1:1/v1", "model": "wise"}
ALIGNED = {"path": "lines.en", "target_path": "lines.de", "source_lang": "en", "target_lang": "de"}

# What changes, and by which value of which setting.
SETTINGS: dict[frozenset[str], dict[str, Any]] = {
    NOTHING: {
        "name": "other",
        "model.revision": "main",
        "model.device_map": "auto",
        "model.trust_remote_code": True,
        "model.allow_pickle": True,
        "data.train.seed": 2,
        "train.checkpoint_every": 3,
        "eval.suites": ["mini_general"],
        "eval.folder": "other_benchmarks",
        "eval.data": "other_benchmarks",
        "eval.splits": ["test"],
        **{
            f"{section}.vllm.{field}": value
            for section in SECTIONS
            for field, value in (("python", "other_venv/bin/python"), ("gpu_share", 0.5))
        },
        "eval.comet_python": "venv/bin/python",
        "eval.comet_release": True,
    },
    frozenset(
        {f"scores/mini_translation/en_de_{split}/chrf" for split in ("validation", "test")}
    ): {"eval.metrics": {"chrf": {"char_order": 4}}},
    ANSWERS: {
        "eval.limit": 1,
        "eval.answering": "answering",
        "eval.batch_size": 4,
        "eval.engine": "vllm",
        "eval.vllm.max_length": 100,
        "eval.vllm.rows": 8,
        "eval.vllm.gpus": 2,
    },
    ADAPTER: {
        "lora.rank": 8,
        "lora.alpha": 16,
        "lora.dropout": 0.1,
        "lora.target_modules": ["q_proj"],
        "lora.rslora": True,
        "lora.dora": True,
        "lora.embeddings": True,
        "lora.vocabulary": {"tokens": 5},
        "lora.vocabulary.tokens": 6,
        "lora.vocabulary.language": "de",
        "train.learning_rate": 0.02,
        "train.steps": 4,
        "train.epochs": 2,
        "train.batch_size": 2,
        "train.micro_batch_tokens": 64,
        "train.packing": True,
        "train.processes": 2,
        "train.logits_mib": 1,
        "train.schedule": "linear",
        "train.warmup_fraction": 0.5,
        "train.weight_decay": 0.1,
        "train.adam_betas": [0.8, 0.9],
        "train.max_grad_norm": None,
        "train.normalise": "roles",
        "train.max_length": 64,
        "train.gradient_checkpointing": True,
        "train.validate_every": 1,
        "train.validation_limit": 1,
        "train.log_every": 2,
        "train.drift_points": 2,
        "train.drift_chats": 2,
        "train.gradient_cosine_points": 2,
    },
    TEXT: {
        "seed": 2,
        "variant": {"name": "sft"},
        "data.prompt": "{source} in {target_lang}",
        "data.system": "Be brief.",
    },
    CHAINED | {"chain1/examples"}: {
        "chain": {"chain": CHAIN},
        "chain.variant": {"chain": [{**CHAIN[0], "variant": {"name": "radis"}}]},
    },
    CHAINED: {
        "chain.train": {"chain": [{**CHAIN[0], "train": {"steps": 3}}]},
        "chain.learning_rate_ratio": {"chain": [{**CHAIN[0], "learning_rate_ratio": 2.0}]},
    },
    CORPUS: {
        "data.train.path": "other.jsonl",
        "data.train.target_path": "other.de",
        "data.train.format": "jsonl",
        "data.train.columns": ["source", "target"],
        "data.train.header": True,
        "data.train.split": "train",
        "data.train.checks.max_undecodable": 0.1,
        "data.train.checks.max_empty": 0.1,
        "data.train.checks.max_malformed": 0.1,
        "data.train.checks.max_unpaired": 0.1,
        "data.train.checks.max_markup": 0.1,
        "data.train.reference": "A",
        "data.train.configuration": "de-en",
        "data.train.checks.max_garbled": 0.1,
        "data.train.checks.max_duplicates": 0.1,
        "data.train.checks.max_copied": 0.1,
        "data.train.checks.max_long": 0.1,
        "data.train.checks.longest": 100,
        "data.train.checks.max_lopsided": 0.1,
        "data.train.checks.ratio": 2.0,
        "data.train.checks.max_wrong_language": 0.1,
        "data.train.source_lang": "en",
        "data.train.target_lang": "de",
        "data.train.directions": ["en-de"],
        "data.train.limit": 2,
        "data": {"train": {"path": "other.jsonl"}},
        "data.train": {"path": "other.jsonl"},
        "data.validation": {"path": "other.jsonl"},
        "data.instructions": {"path": "other.jsonl"},
        "data.monolingual": {"path": "other.jsonl"},
        "data.questions": {"path": "other.jsonl"},
    },
    MODEL: {
        "model.path": "other_model",
        "model.adapter": "adapter",
        "model.chat_template": "template.jinja",
        "model.chat_date": "2026-11-30",
        "model.thoughts": ["<plan>", "</plan>"],
        "model.dtype": "bfloat16",
        "model.quantise": "nf4",
        "model.attention": "eager",
        "model.device": "cuda",
        "model.threads": 2,
        "generation.batch_size": 4,
        "generation.engine": "vllm",
        "generation.vllm.max_length": 100,
        "generation.vllm.rows": 8,
        "generation.vllm.gpus": 2,
    },
}
GIVEN = {
    "model.chat_date": {"model.chat_template": "dated.jinja"},
    "model.device_map": {"model.device": "auto"},
    "data.train.target_path": {"data.train": ALIGNED},
    "lora.vocabulary.": {"lora.vocabulary": {"tokens": 5}},
    "train.epochs": {"train.steps": None},
    **{f"{one}.engine": {f"{one}.vllm": VLLM} for one in SECTIONS},
    **{f"{one}.vllm.": {f"{one}.engine": "vllm", f"{one}.vllm": VLLM} for one in SECTIONS},
    "chain.": {"chain": CHAIN},
    "eval.answering": {"variant": {"name": "base"}},
    "icl.": {
        **{f"data.{corpus}": None for corpus in CORPORA[1:]},
        "data.train": {"path": "train.jsonl"},
    },
    "merge.density": {"variant.method": "ties"},
    "radis.teacher.": {"variant.teacher": {"server": SERVER}},
}
"""What else a setting takes to be one, before and after it changes, by the start of its name."""
PART = ADAPTER | {"general/examples", "general/adapter"}
SOURCE = ADAPTER | {"source/examples", "source/adapter"}
TRANSLATIONS, GENERAL = (
    frozenset({f"predictions/{name}" for name in names})
    | {f"scores/{name}/{metric}" for name in names for metric in metrics}
    for metrics, names in (
        (("chrf", "empty"), [f"mini_translation/en_de_{s}" for s in ("validation", "test")]),
        (("exact_match",), [f"mini_general/echo_{s}" for s in ("validation", "test")]),
    )
)
METHODS: dict[str, dict[frozenset[str], dict[str, Any]]] = {
    "base": {},
    "chat": {},
    "cfs": {
        TEXT: {
            "ratio": 2,
            "start": "text",
            "answers": False,
            "temperature": 2,
            "max_new_tokens": 5,
        },
        ADAPTER: {"text_weight": 2},
    },
    "ewc": {TEXT: {"num_samples": 2, "max_new_tokens": 5}, ADAPTER: {"strength": 2}},
    "icl": {
        TRANSLATIONS | {"answering"}: {"examples": 1},
        GENERAL | {"answering"}: {"prompts": "all"},
    },
    "kl": {ADAPTER: {"strength": 2, "temperature": 2}},
    "l2": {ADAPTER: {"strength": 2}},
    "lait": {ADAPTER: {"unlikelihood_weight": 2, "last_steps": 2}},
    "merge": {
        PART: {"adapters": {"translation": "sft", "general": "recovery_kd"}},
        ADAPTER: {"adapter_weights": {"general": 2}, "method": "ties", "density": 0.2},
    },
    "radis": {
        NOTHING: {
            "teacher.server.key_variable": "MY_KEY",
            "teacher.server.parallel": 2,
            "teacher.server.timeout_s": 2,
            "teacher.server.retries": 2,
            "teacher.continues": True,
        },
        TEXT: {
            "max_rationale_tokens": 5,
            "temperature": 2,
            "separator": "\n",
            "empty": "prime",
            "resample_temperature": 2,
            "fraction": 0.5,
            "shuffle": True,
            "order": "before",
            "teacher": {"path": "other_model"},
            "teacher.server.url": "http://127.0.0.1:2/v1",
            "teacher.server.model": "wiser",
            "teacher.tokenizer": "other_model",
        },
        ADAPTER: {"rationale_weight": 2, "refresh_steps": 2},
    },
    "recovery_kd": {TEXT: {"ratio": 2, "max_new_tokens": 5}, ADAPTER: {"reply_weight": 2}},
    "replay": {TEXT: {"ratio": 2, "only_replies": True}, ADAPTER: {"reply_weight": 2}},
    "sdft": {
        TEXT: {
            "request": "{request} {reference}",
            "extract": "all",
            "max_new_tokens": 5,
            "temperature": 2,
            "check_language": False,
            "max_length_ratio": 3,
            "min_chrf": 5,
            "meta_phrases": [],
        }
    },
    "sdft_onpolicy": {
        TEXT: {"temperature": 2, "max_new_tokens": 5, "demonstration": "{request} {demonstration}"},
        ADAPTER: {"refresh_steps": 2, "teacher_decay": 0.5},
    },
    "seqkd": {TEXT: {"teacher": {"path": "other_model"}, "extract": "all", "max_new_tokens": 5}},
    "sft": {},
    "ssr": {
        TEXT: {
            "ratio": 2,
            "num_demonstrations": 2,
            "shots": 3,
            "num_candidates": 5,
            "num_clusters": 2,
            "num_kept": 5,
            "max_similarity": 0.5,
            "temperature": 2,
            "max_instruction_tokens": 5,
            "max_new_tokens": 5,
        },
        ADAPTER: {"reply_weight": 2},
    },
    "transllm": {
        ADAPTER: {"chain_tokens": 5},
        ADAPTER | {"chain2/adapter"}: {"parallel_steps": 5},
        ADAPTER | {"chain1/adapter", "chain2/adapter"}: {"text_steps": 5, "learning_rate_ratio": 5},
        TEXT: {
            "stage": "text",
            "tags": False,
            "language_tag": "[{language}]",
            "response_tag": "[ANSWER]",
            "recovery_ratio": 2,
            "question_ratio": 2,
            "pair_fraction": 0.5,
            "max_answer_tokens": 5,
        },
        TEXT | {f"chain{n}/{stage}" for n in (1, 2) for stage in ("examples", "adapter")}: {
            "language": "de",
            "pivot": "fr",
            "pivot_ratio": 2,
            "pairs_as": "request",
        },
    },
    "wise": {SOURCE: {"source": "lait"}, ADAPTER: {"alpha": 0.2}},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_model_dir, python_with_vllm):
    """A trial with every corpus, and beside it what a setting may name."""
    folder = tmp_path_factory.mktemp("project")
    config = write_project(folder, tiny_model_dir)
    write_corpus(folder / "corpus.jsonl", ["Hund", "Wolf"])
    write_corpus(folder / "other.jsonl", ["Esel"])
    for name in ("lines.en", "lines.de", "other.de"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    for name, before in (("template", "Chat."), ("dated", "{{ strftime_now('%Y') }}")):
        (folder / f"{name}.jinja").write_text(before + CHAT_TEMPLATE, encoding="utf-8")
    (folder / "bitsandbytes.py").touch()
    (folder / "answering").mkdir()
    save_answering(folder / "answering", {"kind": "tags", "pivot": "en"})
    save_tiny(folder / "other_model", seed=1)
    shutil.copytree(folder / "benchmarks", folder / "other_benchmarks")
    write_lines(folder / "adapter" / "adapter_config.json", [{"r": 4}])
    shutil.copy(tiny_model_dir / "model.safetensors", folder / "adapter/adapter_model.safetensors")
    for name in ("venv", "other_venv"):
        (folder / name).symlink_to(Path(python_with_vllm).parents[1])
    return folder, config.plain(), {}


@pytest.fixture
def keys(project, monkeypatch):
    """The stage keys of the project's trial with some settings."""
    folder, plain, known = project
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)

    def of(settings):
        if repr(settings) not in known:
            data = copy.deepcopy(plain)
            for path, value in settings.items():
                set_path(data, path, copy.deepcopy(value))
            config = TrialConfig.model_validate(data)
            known[repr(settings)] = all_stage_keys(config, folder / "home")
        return known[repr(settings)]

    return of


def changed(before, after):
    """Stages with another key: by kind where all of a kind have one, else each by its name."""
    both = before.keys() & after.keys()
    fresh = {name for name in both if before[name] != after[name]} | (after.keys() - before.keys())
    kinds = {}
    for name in both:
        kinds.setdefault(kind_of(name), set()).add(name)
    whole = {kind for kind, names in kinds.items() if names <= fresh}
    return whole | {name for name in fresh if kind_of(name) not in whole}


def kind_of(name):
    kind, _, _ = name.partition("/")
    return kind if kind in ("predictions", "scores") else name


def needed_by(setting):
    return next((given for start, given in GIVEN.items() if setting.startswith(start)), {})


def rows(table, prefix=""):
    return [
        pytest.param(f"{prefix}{field}", value, expected, id=f"{prefix}{field}")
        for expected, values in table.items()
        for field, value in values.items()
    ]


@pytest.mark.parametrize(("field", "value", "expected"), rows(SETTINGS))
def test_a_setting_changes_the_stages_of_its_row(field, value, expected, keys):
    given = BASE | needed_by(field)
    change = value if field.startswith("chain") else {field: value}
    assert changed(keys(given), keys(given | change)) == expected


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [row for method, table in METHODS.items() for row in rows(table, f"{method}.")],
)
def test_a_setting_of_a_method_changes_the_stages_of_its_row(setting, value, expected, keys):
    method, _, field = setting.partition(".")
    given = BASE | {"variant": {"name": method}} | needed_by(setting)
    assert changed(keys(given), keys(given | {f"variant.{field}": value})) == expected


def fields_of(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, tuple[Any, str]]]:
    """Dotted names of all settings, and the specification and field that each is of."""
    for python_name, field in kind.model_fields.items():
        name = field.alias or python_name
        inner = list(specs_in(field.annotation))
        if not inner or get_args(field.annotation):
            yield f"{prefix}{name}", (kind, name)
        for one in inner:
            yield from fields_of(one, f"{prefix}{name}.")


def specs_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from specs_in(argument)


def test_every_setting_has_a_row():
    fields = dict(fields_of(TrialConfig))
    listed = {field for values in SETTINGS.values() for field in values}
    for method in plugins.names("variant"):
        fields |= fields_of(plugins.load("variant", method), f"{method}.")
        listed |= {f"{method}.{field}" for values in METHODS[method].values() for field in values}
        del fields[f"{method}.name"]
    assert listed <= fields.keys()
    # a specification used in several places needs its rows in one of them
    assert {fields[field] for field in listed} == set(fields.values())
