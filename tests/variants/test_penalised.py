"""The variants that are plain fine-tuning with a penalty: same text, a term beside the loss."""

import pytest

from harness.settings import plugins
from harness.variants.sft import Sft
from tests.contract.test_variants import sources

PENALISED = {
    "l2": {"strength": 3.0},
    "kl": {"strength": 3.0, "temperature": 2.0},
    "ewc": {"strength": 3.0},
}


@pytest.mark.parametrize("name", PENALISED)
def test_the_text_is_that_of_plain_fine_tuning(name):
    variant = plugins.load("variant", name)()
    assert variant.examples(sources()).examples == Sft().examples(sources()).examples


@pytest.mark.parametrize(("name", "settings"), PENALISED.items())
def test_the_penalty_gets_its_settings_and_the_identity_does_not(name, settings):
    kind = plugins.load("variant", name)
    variant = kind(**settings)
    assert variant.penalty == {"kind": name, **settings}
    assert variant.identity() == kind().identity()
    assert not set(settings) & set(variant.identity())


@pytest.mark.parametrize("name", PENALISED)
def test_the_settings_of_the_penalty_are_ones_the_penalty_has(name):
    settings = dict(plugins.load("variant", name)().penalty)
    assert plugins.load("penalty", settings.pop("kind")).model_validate(settings)
