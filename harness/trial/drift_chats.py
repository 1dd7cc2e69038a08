"""General chats as the untuned model answers them: what drift is measured on."""

import logging

from harness.errors import DataError
from harness.records import Decoding, Instruction, Role, TokenRow
from harness.trial.config import TrialConfig
from harness.trial.resources import Resources

logger = logging.getLogger(__name__)

MAX_ANSWER_TOKENS = 128
"""Longer answers are measured as far as this."""

OTHER = "general"
"""The skill of chats whose corpus names none."""


def answered_chats(config: TrialConfig, resources: Resources) -> dict[str, list[TokenRow]]:
    """The first chats of each skill with the untuned model's greedy answers, as rows by skill.

    To be called while no adapter is on the model. Rows that are too long are left out,
    and how many is said.

    Raises:
        DataError: There is no chat that fits.
    """
    generator = resources.generator
    chosen = _first_of_each(resources, config.train.drift_chats)
    prompts = [generator.tokenizer.encode_chat(chat.messages) for chat in chosen]
    with resources.engine.running():
        answers = generator.generate(prompts, Decoding(MAX_ANSWER_TOKENS))
    rows: dict[str, list[TokenRow]] = {}
    num_too_long = 0
    for chat, prompt, answer in zip(chosen, prompts, answers, strict=True):
        ids = prompt + answer.token_ids
        if len(ids) <= config.train.max_length:
            roles = (Role.PROMPT,) * len(prompt) + (Role.REPLY,) * len(answer.token_ids)
            rows.setdefault(chat.skill or OTHER, []).append(TokenRow(chat.id, ids, roles))
        else:
            num_too_long += 1
    if not rows:
        raise DataError(
            f"data.instructions: none of {len(resources.corpora.instructions)} chats fits into "
            f"train.max_length ({config.train.max_length}), and train.drift_points measures on them"
        )
    if num_too_long:
        logger.warning(
            "%d of %d chats that drift is measured on have more tokens than train.max_length (%d) "
            "and are left out",
            num_too_long,
            len(chosen),
            config.train.max_length,
        )
    return dict(sorted(rows.items()))


def _first_of_each(resources: Resources, count: int) -> list[Instruction]:
    by_skill: dict[str | None, list[Instruction]] = {}
    for chat in resources.corpora.instructions:
        by_skill.setdefault(chat.skill, []).append(chat)
    return [chat for chats in by_skill.values() for chat in chats[:count]]
