import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import masking_utils

from harness.errors import ConfigError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.records import Role, TokenRow
from harness.training.batches import collate
from harness.training.loop import fit
from harness.training.objective import LossTerms
from harness.training.packing import check_packing, pack, packed_batches
from harness.training.passes import role_sums
from harness.training.penalties.kl import KlSpec
from harness.training.penalties.reverse_kl import ReverseKlSpec
from harness.training.prepare import prepare
from harness.training.spec import TrainSpec
from tests.toys.families import FAMILIES, save_toy
from tests.training.bigram import row

WEIGHTS = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
SPEC = TrainSpec(learning_rate=1e-2, steps=5, batch_size=5, micro_batch_tokens=64, log_every=1)


def some_rows(count=13, longest=40):
    rows = []
    for index in range(count):
        length = 7 + (11 * index) % longest
        ids = tuple((7 * index + 3 * place) % 90 + 5 for place in range(length))
        roles = [Role.PROMPT] * 3 + [Role.TRANSLATION] * 2 + [Role.RATIONALE] * (length - 5)
        rows.append(TokenRow(f"r{index}", ids, tuple(roles), teacher_prompt=(9, 8, 7 + index)))
    return rows


def rows_of(*lengths):
    named = [row("0" * n, "p" + "t" * (n - 1), f"r{i}") for i, n in enumerate(lengths)]
    return prepare(named, {Role.TRANSLATION: 1.0})


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def toy(request, tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toys") / request.param, request.param)


def loaded(folder, attention=None):
    return load_chat_model(ModelSpec(path=str(folder), device="cpu", attention=attention))


def test_rows_lie_one_behind_the_other_and_count_from_nought():
    batch = pack(rows_of(3, 2, 4))
    assert batch.ids_BT.shape == (1, 9)
    assert batch.positions_BT.tolist() == [[0, 1, 2, 0, 1, 0, 1, 2, 3]]
    assert batch.loss_BT.int().tolist() == [[1, 1, 0, 1, 0, 1, 1, 1, 0]]
    assert batch.num_rows == 3
    assert collate(rows_of(3, 2, 4), 0).num_rows == 3


@given(st.lists(st.integers(2, 60), max_size=30), st.integers(1, 200))
def test_batches_hold_every_row_once_and_keep_to_the_limit(lengths, max_tokens):
    rows = rows_of(*lengths)
    made = packed_batches(rows, max_tokens)
    assert sum(batch.num_rows for batch in made) == len(rows)
    assert sum(batch.ids_BT.numel() for batch in made) == sum(lengths)
    assert all(b.ids_BT.numel() <= max_tokens or b.num_rows == 1 for b in made)


@pytest.mark.parametrize("attention", [None, "eager"])
def test_packed_and_padded_losses_agree_in_every_family(toy, attention):
    model = loaded(toy, attention).model
    rows = prepare(some_rows(), WEIGHTS)
    padded, _ = role_sums(model, [collate(rows, 0)], {}, backward=False)
    packed, _ = role_sums(model, [pack(rows)], {}, backward=False)
    in_parts, _ = role_sums(model, [pack(rows)], {}, backward=False, max_logits=4096)
    for role, total in padded.items():
        assert packed[role] == pytest.approx(total, rel=1e-5)
        assert in_parts[role] == pytest.approx(total, rel=1e-5)
    check_packing(model, rows)


@pytest.mark.parametrize(
    "penalty", [None, KlSpec(strength=0.5), ReverseKlSpec(teacher_decay=0.5)], ids=str
)
def test_packed_a_training_is_the_same_to_rounding(tiny_model_dir, penalty):
    def trained(packing):
        model = attach(loaded(tiny_model_dir), LoraSpec(rank=4), seed=1).model
        report = fit(
            model,
            some_rows(),
            SPEC.replace(packing=packing),
            LossTerms(WEIGHTS, None if penalty is None else penalty.build(model, [])),
            seed=1,
            pad_id=0,
            validation=some_rows(4),
        )
        return report, {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    (padded, expected), (packed, adapter) = trained(False), trained(True)
    assert packed.losses == pytest.approx(padded.losses, rel=1e-4)
    assert packed.validation_losses == pytest.approx(padded.validation_losses, rel=1e-4)
    for name, value in adapter.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5)
    assert packed.padding == 0 < padded.padding


def test_attention_that_mixes_rows_is_refused(tiny_model_dir, monkeypatch):
    monkeypatch.setattr(masking_utils, "find_packed_sequence_indices", lambda positions: None)
    model = loaded(tiny_model_dir).model
    with pytest.raises(ConfigError, match=r"attention \(sdpa\) does not keep packed rows apart"):
        check_packing(model, prepare(some_rows(), WEIGHTS))


def test_full_memory_halves_packs_too(tiny_model_dir, monkeypatch):
    model = attach(loaded(tiny_model_dir), LoraSpec(rank=4), seed=1).model
    seen = []

    def full(module, arguments, named):
        tokens = named["input_ids"].numel()
        seen.append(tokens)
        if module.training and tokens > 50:
            raise torch.OutOfMemoryError("full")

    model.register_forward_pre_hook(full, with_kwargs=True)
    spec = SPEC.replace(packing=True, micro_batch_tokens=400)
    report = fit(model, some_rows(), spec, LossTerms(WEIGHTS), seed=1, pad_id=0)
    assert report.num_halvings >= 2
    assert report.num_steps == 5
    assert report.padding == 0
