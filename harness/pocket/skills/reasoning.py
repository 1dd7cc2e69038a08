"""Skills of working something out: sums, comparisons of size, picking from a list, ordering."""

import random

from harness.pocket.skills.question import Question, a, sentence
from harness.pocket.world.world import World

LARGEST_NUMBER = 12

SUM_PHRASINGS = (
    "What is {sum}?",
    "How much is {sum}?",
    "Calculate {sum}.",
    "Work out {sum}.",
    "Tell me the result of {sum}.",
)

COMPARISON_PHRASINGS = (
    "Which is {how}, {one} or {other}?",
    "What is {how}: {one} or {other}?",
    "Tell me which is {how}, {one} or {other}.",
)

PICK_PHRASINGS = (
    "Which of these is {kind}: {words}?",
    "Pick {kind} from this list: {words}.",
    "Find {kind}: {words}.",
)

NAME_PHRASINGS = (
    "Name {count} {kinds}.",
    "Tell me {count} {kinds}.",
    "List {count} {kinds}.",
    "I need {count} {kinds}.",
    "Do you know {count} {kinds}?",
)

_COUNTS = ("two", "three", "four")

REVERSE_PHRASINGS = (
    "Say these words in reverse order: {words}.",
    "Reverse this list: {words}.",
    "Write these words backwards: {words}.",
)

SORT_PHRASINGS = (
    "Sort these numbers: {words}.",
    "Put these numbers in order: {words}.",
)


def sum_of(one: int, other: int, plus: bool, phrasing: int) -> Question:
    """A sum or a difference of two small numbers."""
    expression = f"{one} {'plus' if plus else 'minus'} {other}"
    result = one + other if plus else one - other
    prompt = SUM_PHRASINGS[phrasing].format(sum=expression)
    return Question("sums", f"sum{phrasing}", expression, prompt, f"{expression} is {result}.")


def sums(world: World, rng: random.Random) -> Question:
    """A random sum; differences are never negative."""
    one, other = rng.randint(1, LARGEST_NUMBER), rng.randint(1, LARGEST_NUMBER)
    phrasing = rng.randrange(len(SUM_PHRASINGS))
    if rng.random() < 0.65:
        return sum_of(one, other, True, phrasing)
    return sum_of(max(one, other), min(one, other), False, phrasing)


def comparison(world: World, one: str, other: str, bigger: bool, phrasing: int) -> Question:
    """Which of two things is bigger or smaller; their sizes must differ."""
    how = "bigger" if bigger else "smaller"
    first, second = world.noun_of[one], world.noun_of[other]
    winner, loser = (one, other) if (first.size > second.size) == bigger else (other, one)
    answer = f"{sentence(a(winner))} is {how} than {a(loser)}."
    things = {"how": how, "one": a(one), "other": a(other)}
    entity = f"{how}/{one}/{other}"
    prompt = COMPARISON_PHRASINGS[phrasing].format(**things)
    return Question("comparisons", f"comparison{phrasing}", entity, prompt, answer)


def comparable(world: World, one: str, other: str) -> bool:
    """Whether two things differ enough in size to be compared."""
    return abs(world.noun_of[one].size - world.noun_of[other].size) >= 2


def comparisons(world: World, rng: random.Random) -> Question:
    """A random comparison of two things."""
    while True:
        one, other = (noun.en for noun in rng.sample(world.nouns, 2))
        if comparable(world, one, other):
            phrasing = rng.randrange(len(COMPARISON_PHRASINGS))
            return comparison(world, one, other, rng.random() < 0.5, phrasing)


def name_kinds(world: World, kind: str, number: int, phrasing: int) -> Question:
    """Two to four things of a kind, in the order of the world."""
    plural, count = world.category_of[kind].en_plural, _COUNTS[number - 2]
    words = [noun.en for noun in world.nouns_in[kind][:number]]
    prompt = NAME_PHRASINGS[phrasing].format(count=count, kinds=plural)
    answer = f"{sentence(count)} {plural} are {', '.join(words[:-1])} and {words[-1]}."
    return Question("listing", f"name{phrasing}", f"{kind}/{number}", prompt, answer)


def listing(world: World, rng: random.Random) -> Question:
    """Some things of a kind, or which of three things is of a kind."""
    kind = rng.choice(world.categories).en
    if rng.random() < 0.4:
        return name_kinds(world, kind, rng.randint(2, 4), rng.randrange(len(NAME_PHRASINGS)))
    right = rng.choice(world.nouns_in[kind]).en
    wrong = [noun.en for noun in rng.sample(world.nouns, 12) if noun.category != kind][:2]
    words = rng.sample([right, *wrong], 3)
    phrasing = rng.randrange(len(PICK_PHRASINGS))
    prompt = PICK_PHRASINGS[phrasing].format(kind=a(kind), words=", ".join(words))
    entity = f"{kind}/{'/'.join(words)}"
    return Question("listing", f"pick{phrasing}", entity, prompt, f"The {kind} is {right}.")


def reverse(words: list[str], phrasing: int) -> Question:
    """The words from the last to the first."""
    prompt = REVERSE_PHRASINGS[phrasing].format(words=", ".join(words))
    answer = ", ".join(reversed(words)) + "."
    return Question("ordering", f"reverse{phrasing}", "/".join(words), prompt, answer)


def ordering(world: World, rng: random.Random) -> Question:
    """A random list to reverse or to sort."""
    if rng.random() < 0.6:
        words = [noun.en for noun in rng.sample(world.nouns, rng.choice((2, 3, 3)))]
        return reverse(words, rng.randrange(len(REVERSE_PHRASINGS)))
    numbers = rng.sample(range(1, 2 * LARGEST_NUMBER), 3)
    phrasing = rng.randrange(len(SORT_PHRASINGS))
    prompt = SORT_PHRASINGS[phrasing].format(words=", ".join(map(str, numbers)))
    answer = ", ".join(map(str, sorted(numbers))) + "."
    return Question("ordering", f"sort{phrasing}", "/".join(map(str, numbers)), prompt, answer)
