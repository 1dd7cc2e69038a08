"""Plain fine-tuning, each next-token distribution held near the untuned model's by a KL term.

Learning without forgetting (Li & Hoiem 2016, 1606.09282, section 3) in the form of word-level
knowledge distillation (Kim & Rush 2016, 1606.07947, section 3.1), the untuned model theta_0 being
the teacher.

At each token of the reference, w T^2 KL(theta_0 || theta) over the whole vocabulary, both softened
by the temperature T; T^2 keeps the size of its gradient as T grows (Hinton et al. 2015, 1503.02531,
section 2).

Deviations and choices:

- LwF keeps the outputs of the old tasks' heads on the new task's inputs. A language model has one
  head, so what is kept is the distribution of the next token, behind the reference's own words.
- The two terms pull apart here as they do not in LwF: the reference is one of the tokens the
  distribution is over. So the strength matters more than it does there.
- LwF's T is 2; here it is 1, because a language model's distribution has mass on many tokens as it
  is. An option.
- theta_0 is the model with the adapter switched off and without dropout: the model the
  configuration names. Of a chain that is the model before its first stage, not the stage before;
  where ``model.adapter`` is given, that adapter is merged first and belongs to theta_0.

It costs a second forward pass, without gradients. The default is chosen as that of ``l2``, from .1,
.3, 1: at .3 the loss on held-out translations is .426 (``sft`` .433), on general answers .023
(``sft`` .044); at 1 they are .501 and .008.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from harness.records import JSON
from harness.variants.shared.method import NO_TEXT, Method


class Kl(Method):
    """Trains on (x, y); drifting from what the untuned model would say there costs."""

    name: Literal["kl"] = "kl"

    strength: float = Field(0.3, ge=0.0, allow_inf_nan=False, json_schema_extra=NO_TEXT)
    """w in w T^2 KL(theta_0 || theta), beside a loss of weight 1; 0 is plain fine-tuning."""

    temperature: float = Field(1.0, gt=0.0, allow_inf_nan=False, json_schema_extra=NO_TEXT)
    """T: both models' logits are divided by it; larger heeds unlikely tokens more."""

    neutral: ClassVar[Mapping[str, JSON]] = {"strength": 0.0}

    @property
    def penalty(self) -> Mapping[str, JSON]:
        return {"kind": "kl", "strength": self.strength, "temperature": self.temperature}


VARIANT = Kl
