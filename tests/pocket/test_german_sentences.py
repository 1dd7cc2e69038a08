"""German written out by hand: gender, case, adjective endings, verb-second, separable verbs."""

import pytest

from harness.pocket.world.lexicon import MODALS
from harness.pocket.world.nouns import NOUNS
from harness.pocket.world.sentences import Phrase, Sentence, write
from harness.pocket.world.words import ADJECTIVE_PAIRS, VERBS

NOUN = {noun.en: noun for noun in NOUNS}
VERB = {verb.en: verb for verb in VERBS}
ADJECTIVE = {adjective.en: adjective for pair in ADJECTIVE_PAIRS for adjective in pair}
MODAL = {modal[0]: modal for modal in MODALS}


def thing(words: str, number: int = 1) -> Phrase:
    *described, noun = words.split()
    determiner = "" if number > 1 else described.pop(0)
    adjective = ADJECTIVE[described[0]] if described else None
    return Phrase(NOUN[noun], determiner, adjective, number)


def name(word: str) -> Phrase:
    return Phrase(None, name=word)


GOLDEN = [
    (
        Sentence(thing("the small dog"), VERB["see"], object=thing("the old house")),
        "The small dog sees the old house.",
        "Der kleine Hund sieht das alte Haus.",
    ),
    (
        Sentence(thing("a rich woman"), VERB["buy"], object=thing("a big hat")),
        "A rich woman buys a big hat.",
        "Eine reiche Frau kauft einen großen Hut.",
    ),
    (
        Sentence(thing("my poor child"), VERB["need"], object=thing("a new shirt")),
        "My poor child needs a new shirt.",
        "Mein armes Kind braucht ein neues Hemd.",
    ),
    (
        Sentence(thing("this man"), VERB["help"], object=thing("the happy girl")),
        "This man helps the happy girl.",
        "Dieser Mann hilft dem frohen Mädchen.",
    ),
    (
        Sentence(
            thing("the baker"),
            VERB["give"],
            receiver=thing("a sad woman"),
            object=thing("this cheap apple"),
        ),
        "The baker gives a sad woman this cheap apple.",
        "Der Bäcker gibt einer traurigen Frau diesen billigen Apfel.",
    ),
    (
        Sentence(
            name("Anna"),
            VERB["paint"],
            object=thing("my bike"),
            adverb=("today", "heute"),
            place="Norland",
        ),
        "Today Anna paints my bike in Norland.",
        "Heute malt Anna mein Fahrrad in Norland.",
    ),
    (
        Sentence(
            thing("the teacher"), VERB["forget"], object=thing("the expensive knife"), past=True
        ),
        "Yesterday the teacher forgot the expensive knife.",
        "Gestern hat der Lehrer das teure Messer vergessen.",
    ),
    (
        Sentence(
            thing("a doctor"), VERB["look at"], object=thing("a old cat")
        ),
        "A doctor looks at an old cat.",
        "Ein Arzt sieht eine alte Katze an.",
    ),
    (
        Sentence(
            thing("a doctor"), VERB["pick up"], object=thing("the strong horse"), past=True
        ),
        "Yesterday a doctor picked up the strong horse.",
        "Gestern hat ein Arzt das starke Pferd abgeholt.",
    ),
    (
        Sentence(
            name("Otto"), VERB["pick up"], object=thing("my aunt"), modal=MODAL["wants"]
        ),
        "Otto wants to pick up my aunt.",
        "Otto will meine Tante abholen.",
    ),
    (
        Sentence(thing("the queen"), VERB["thank"], object=thing("small child", number=3)),
        "The queen thanks three small children.",
        "Die Königin dankt drei kleinen Kindern.",
    ),
    (
        Sentence(thing("the cow"), VERB["see"], object=thing("dirty car", number=2)),
        "The cow sees two dirty cars.",
        "Die Kuh sieht zwei schmutzige Autos.",
    ),
    (
        Sentence(
            thing("this girl"),
            VERB["visit"],
            object=thing("the weak aunt"),
            companion=thing("my old teacher"),
            frequency=("often", "oft"),
        ),
        "This girl often visits the weak aunt with my old teacher.",
        "Dieses Mädchen besucht oft die schwache Tante mit meinem alten Lehrer.",
    ),
    (
        Sentence(thing("the bell"), quality=ADJECTIVE["heavy"]),
        "The bell is heavy.",
        "Die Glocke ist schwer.",
    ),
    (
        Sentence(
            thing("a woman"), VERB["hide"], object=thing("a dry scarf"), modal=MODAL["must"]
        ),
        "A woman must hide a dry scarf.",
        "Eine Frau muss einen trockenen Schal verstecken.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "english", "german"), GOLDEN, ids=[row[1] for row in GOLDEN])
def test_sentence_is_written_correctly_in_both_languages(
    sentence: Sentence, english: str, german: str
) -> None:
    pair = write(sentence)
    assert (pair.english, pair.german) == (english, german)


def test_word_for_word_renderings_are_uninflected() -> None:
    pair = write(
        Sentence(thing("the small dog"), VERB["see"], object=thing("the old house"), past=True)
    )
    assert pair.german_literal == "Gestern der klein Hund sehen der alt Haus."
    assert pair.english_literal == "Yesterday have small dog old house see."
