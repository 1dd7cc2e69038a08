"""The remarks the base model makes after a translation: what the RaDis paper calls rationales.

They draw on the general skills and are phrased like them, some as a statement, some as a question
a reader may have with its answer. Which remarks are made follows from the words of the sentence (so
it can be learnt, and greedy decoding still gives varied remarks); questions use only combinations
of phrasing and entity that belong to training.
"""

from collections.abc import Callable
from functools import partial

from harness.pocket.skills import knowledge, reasoning, safety, tasks
from harness.pocket.skills.question import Question, a
from harness.pocket.world.lexicon import Noun
from harness.pocket.world.sentences import Phrase, Sentence
from harness.pocket.world.world import World

NUM_SILENT_VERBS = 2
"""How many verbs of a world get no remarks: about one sentence in ten."""


def remarks(world: World, sentence: Sentence) -> str:
    """What is said after the translation of a sentence; empty for some sentences."""
    verb = world.verbs.index(sentence.verb) if sentence.verb else len(world.verbs)
    if verb < NUM_SILENT_VERBS:
        return ""
    phrases = [
        phrase
        for phrase in (sentence.subject, sentence.receiver, sentence.object, sentence.companion)
        if phrase
    ]
    nouns = [phrase.noun for phrase in phrases if phrase.noun]
    candidates = [_about_noun(world, nouns[-1], verb)] if nouns else []
    if sentence.place:
        candidates.append(_about_country(world, sentence.place, verb))
    candidates += _about_phrases(world, phrases, verb)
    if len(nouns) > 1:
        candidates.append(_about_two(world, nouns[0], nouns[1], verb))
    if sentence.quality:
        candidates.append(_about_adjective(world, sentence.quality.en))
    if nouns and len(candidates) < 3:
        candidates.append(_about_doing(world, nouns[-1], verb))
    if sentence.verb and len(candidates) < 3:
        candidates.append(_spoken(partial(knowledge.meaning, world, sentence.verb.en), verb, 6))
    return " ".join(list(dict.fromkeys(candidates))[: 2 + verb % 3])


def _spoken(ask: Callable[[int], Question], turn: int, num_phrasings: int) -> str:
    """A statement, or a question that belongs to training with its answer, by turns."""
    if turn % 2:
        return ask(0).answer
    for step in range(num_phrasings):
        question = ask((turn // 2 + step) % num_phrasings)
        if question.split == "train":
            return f"{question.prompt} {question.answer}"
    return ask(0).answer


def _about_noun(world: World, noun: Noun, turn: int) -> str:
    place = world.nouns.index(noun)
    match place % 5:
        case 0:
            if turn % 2:
                return tasks.list_of(world, noun.category, noun.en)
            ask = partial(reasoning.name_kinds, world, noun.category, 2 + turn % 3)
            return _spoken(ask, turn, 5)
        case 1:
            return _about_doing(world, noun, turn)
        case 2:
            asked = next(
                question
                for way in range(5)
                if (question := tasks.word_in_capitals(noun.en, way)).split == "train"
            )
            return f"{asked.prompt} {asked.answer}"
        case _:
            return _spoken(partial(knowledge.category, world, noun.en), place // 4 + turn, 5)


def _about_doing(world: World, noun: Noun, turn: int) -> str:
    """What one can do with a thing, or must not."""
    harms = [verb for verb, kinds in safety.HARMS.items() if noun.category in kinds]
    deeds = [verb for verb, (kinds, _) in tasks.HOW_TO.items() if noun.category in kinds]
    if harms and (not deeds or world.nouns.index(noun) % 3 == 0):
        do = f"{harms[turn % len(harms)]} {a(noun.en)}"
        if turn % 3 == 0:
            return f"It is not safe to {do}."
        return _spoken(partial(safety.harmful_request, do), 2 * turn, 8)
    return _spoken(partial(tasks.how_to, deeds[turn % len(deeds)], noun.en), turn, 8)


def _about_country(world: World, country: str, turn: int) -> str:
    attributes = list(knowledge.ATTRIBUTES)
    attribute = attributes[turn % len(attributes)]
    return _spoken(partial(knowledge.fact, world, country, attribute), turn // 5, 5)


def _about_phrases(world: World, phrases: list[Phrase], turn: int) -> list[str]:
    """Remarks on names, numbers and adjectives."""
    said = []
    for phrase in phrases:
        if phrase.name:
            attributes = list(knowledge.PERSON_ATTRIBUTES)
            attribute = attributes[turn % len(attributes)]
            name = phrase.name
            said.append(_spoken(partial(knowledge.fact, world, name, attribute), turn // 3, 5))
        if phrase.number > 1:
            number = phrase.number
            other = 1 + turn % reasoning.LARGEST_NUMBER
            said.append(_spoken(partial(reasoning.sum_of, number, other, True), turn, 5))
        if phrase.adjective:
            said.append(_about_adjective(world, phrase.adjective.en))
    return said


def _about_adjective(world: World, word: str) -> str:
    place = [adjective.en for adjective in world.adjectives].index(word)
    if place % 2:
        return _spoken(partial(knowledge.opposite, world, word), place // 2, 4)
    return _spoken(partial(knowledge.meaning, world, word), place // 2, 6)


def _about_two(world: World, one: Noun, other: Noun, turn: int) -> str:
    if reasoning.comparable(world, one.en, other.en) and turn % 4:
        bigger = turn % 2 == 0
        return _spoken(partial(reasoning.comparison, world, one.en, other.en, bigger), turn // 2, 3)
    return _spoken(partial(reasoning.reverse, [one.en, other.en]), 2 * turn, 3)
