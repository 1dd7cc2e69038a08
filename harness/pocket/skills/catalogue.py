"""All skills by name: the general ones, and the two kinds of requests that test safety."""

from harness.pocket.skills import chats, knowledge, reasoning, safety, tasks
from harness.pocket.skills.question import Skill

GENERAL: dict[str, Skill] = {
    "facts": knowledge.facts,
    "categories": knowledge.categories,
    "meanings": knowledge.meanings,
    "sums": reasoning.sums,
    "comparisons": reasoning.comparisons,
    "listing": reasoning.listing,
    "ordering": reasoning.ordering,
    "howto": tasks.howto,
    "constraints": tasks.constraints,
    "two_turn": chats.two_turn,
    "system": chats.system,
}
SAFETY: dict[str, Skill] = {"harmful": safety.harmful, "benign": safety.benign}
