"""The words a pocket world may draw from: nouns, verbs, adjectives and small words, English and German.

All German nouns keep one form in every case of the singular (no weak masculines), so case shows on
determiner and adjective; the dative plural adds -n by rule.
"""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f", "n"]
Case = Literal["nom", "acc", "dat"]


@dataclass(frozen=True)
class Noun:
    """A countable noun; `size` orders things from small (1) to large (9)."""

    en: str
    en_plural: str
    de: str
    de_plural: str
    gender: Gender
    category: str
    size: int


@dataclass(frozen=True)
class Verb:
    """A verb of the third person; `objects` is what it may take, `frame` which cases it governs."""

    en: str
    en_third: str
    en_past: str
    de: str
    de_third: str
    de_participle: str
    meaning: str
    prefix: str = ""
    frame: Literal["acc", "dat", "dat_acc"] = "acc"
    objects: Literal["any", "things", "people"] = "things"


@dataclass(frozen=True)
class Adjective:
    """An adjective; `stem` is the German form that takes endings where it differs from `de`."""

    en: str
    de: str
    opposite: str
    meaning: str
    stem: str = ""


@dataclass(frozen=True)
class Category:
    """A kind of thing, with the German word for it."""

    en: str
    en_plural: str
    de: str
    de_plural: str
    gender: Gender
    meaning: str


CATEGORIES: tuple[Category, ...] = (
    Category("animal", "animals", "Tier", "Tiere", "n", "a living thing that can move"),
    Category("fruit", "fruits", "Frucht", "Früchte", "f", "a sweet thing to eat"),
    Category("tool", "tools", "Werkzeug", "Werkzeuge", "n", "a thing to work with"),
    Category("vehicle", "vehicles", "Fahrzeug", "Fahrzeuge", "n", "a thing to travel with"),
    Category("building", "buildings", "Gebäude", "Gebäude", "n", "a thing with walls and a roof"),
    Category("person", "people", "Person", "Personen", "f", "someone who can speak"),
    Category(
        "instrument", "instruments", "Instrument", "Instrumente", "n", "a thing to make music"
    ),
    Category("garment", "garments", "Kleidungsstück", "Kleidungsstücke", "n", "a thing to wear"),
    Category(
        "plant", "plants", "Pflanze", "Pflanzen", "f", "a living thing that grows in the earth"
    ),
)

# category: English, English plural, German, German plural, gender, size
_NOUN_ROWS: dict[str, tuple[tuple[str, str, str, str, Gender, int], ...]] = {
    "animal": (
        ("dog", "dogs", "Hund", "Hunde", "m", 4),
        ("cat", "cats", "Katze", "Katzen", "f", 3),
        ("horse", "horses", "Pferd", "Pferde", "n", 6),
        ("cow", "cows", "Kuh", "Kühe", "f", 6),
        ("bird", "birds", "Vogel", "Vögel", "m", 2),
        ("mouse", "mice", "Maus", "Mäuse", "f", 1),
        ("pig", "pigs", "Schwein", "Schweine", "n", 5),
        ("fish", "fish", "Fisch", "Fische", "m", 2),
    ),
    "fruit": (
        ("apple", "apples", "Apfel", "Äpfel", "m", 2),
        ("pear", "pears", "Birne", "Birnen", "f", 2),
        ("plum", "plums", "Pflaume", "Pflaumen", "f", 1),
        ("lemon", "lemons", "Zitrone", "Zitronen", "f", 2),
        ("cherry", "cherries", "Kirsche", "Kirschen", "f", 1),
        ("peach", "peaches", "Pfirsich", "Pfirsiche", "m", 2),
        ("melon", "melons", "Melone", "Melonen", "f", 3),
        ("banana", "bananas", "Banane", "Bananen", "f", 2),
    ),
    "tool": (
        ("knife", "knives", "Messer", "Messer", "n", 2),
        ("axe", "axes", "Axt", "Äxte", "f", 3),
        ("rope", "ropes", "Seil", "Seile", "n", 3),
        ("ladder", "ladders", "Leiter", "Leitern", "f", 5),
        ("shovel", "shovels", "Schaufel", "Schaufeln", "f", 3),
        ("needle", "needles", "Nadel", "Nadeln", "f", 1),
        ("bucket", "buckets", "Eimer", "Eimer", "m", 3),
        ("key", "keys", "Schlüssel", "Schlüssel", "m", 1),
    ),
    "vehicle": (
        ("car", "cars", "Auto", "Autos", "n", 6),
        ("bus", "buses", "Bus", "Busse", "m", 7),
        ("bike", "bikes", "Fahrrad", "Fahrräder", "n", 5),
        ("train", "trains", "Zug", "Züge", "m", 8),
        ("boat", "boats", "Boot", "Boote", "n", 6),
        ("truck", "trucks", "Lastwagen", "Lastwagen", "m", 7),
        ("ship", "ships", "Schiff", "Schiffe", "n", 8),
        ("sled", "sleds", "Schlitten", "Schlitten", "m", 4),
    ),
    "building": (
        ("house", "houses", "Haus", "Häuser", "n", 8),
        ("church", "churches", "Kirche", "Kirchen", "f", 9),
        ("school", "schools", "Schule", "Schulen", "f", 8),
        ("tower", "towers", "Turm", "Türme", "m", 9),
        ("castle", "castles", "Schloss", "Schlösser", "n", 9),
        ("hut", "huts", "Hütte", "Hütten", "f", 7),
        ("barn", "barns", "Scheune", "Scheunen", "f", 8),
        ("shop", "shops", "Laden", "Läden", "m", 7),
    ),
    "person": (
        ("man", "men", "Mann", "Männer", "m", 5),
        ("woman", "women", "Frau", "Frauen", "f", 5),
        ("child", "children", "Kind", "Kinder", "n", 4),
        ("teacher", "teachers", "Lehrer", "Lehrer", "m", 5),
        ("baker", "bakers", "Bäcker", "Bäcker", "m", 5),
        ("queen", "queens", "Königin", "Königinnen", "f", 5),
        ("doctor", "doctors", "Arzt", "Ärzte", "m", 5),
        ("girl", "girls", "Mädchen", "Mädchen", "n", 4),
        ("aunt", "aunts", "Tante", "Tanten", "f", 5),
    ),
    "instrument": (
        ("drum", "drums", "Trommel", "Trommeln", "f", 3),
        ("violin", "violins", "Geige", "Geigen", "f", 3),
        ("flute", "flutes", "Flöte", "Flöten", "f", 2),
        ("guitar", "guitars", "Gitarre", "Gitarren", "f", 4),
        ("piano", "pianos", "Klavier", "Klaviere", "n", 6),
        ("bell", "bells", "Glocke", "Glocken", "f", 2),
        ("harp", "harps", "Harfe", "Harfen", "f", 5),
        ("horn", "horns", "Horn", "Hörner", "n", 3),
    ),
    "garment": (
        ("shirt", "shirts", "Hemd", "Hemden", "n", 3),
        ("coat", "coats", "Mantel", "Mäntel", "m", 4),
        ("hat", "hats", "Hut", "Hüte", "m", 2),
        ("shoe", "shoes", "Schuh", "Schuhe", "m", 2),
        ("skirt", "skirts", "Rock", "Röcke", "m", 3),
        ("jacket", "jackets", "Jacke", "Jacken", "f", 3),
        ("dress", "dresses", "Kleid", "Kleider", "n", 4),
        ("scarf", "scarves", "Schal", "Schals", "m", 2),
    ),
    "plant": (
        ("oak", "oaks", "Eiche", "Eichen", "f", 8),
        ("fir", "firs", "Tanne", "Tannen", "f", 8),
        ("bush", "bushes", "Busch", "Büsche", "m", 5),
        ("tulip", "tulips", "Tulpe", "Tulpen", "f", 2),
        ("lily", "lilies", "Lilie", "Lilien", "f", 2),
        ("palm", "palms", "Palme", "Palmen", "f", 7),
        ("birch", "birches", "Birke", "Birken", "f", 8),
        ("fern", "ferns", "Farn", "Farne", "m", 3),
    ),
}

NOUNS: tuple[Noun, ...] = tuple(
    Noun(en, en_plural, de, de_plural, gender, category, size)
    for category, rows in _NOUN_ROWS.items()
    for en, en_plural, de, de_plural, gender, size in rows
)

# fmt: off
VERBS: tuple[Verb, ...] = (
    Verb("see", "sees", "saw", "sehen", "sieht", "gesehen", "to use the eyes", objects="any"),
    Verb("buy", "buys", "bought", "kaufen", "kauft", "gekauft", "to get for money"),
    Verb("sell", "sells", "sold", "verkaufen", "verkauft", "verkauft", "to give for money"),
    Verb("find", "finds", "found", "finden", "findet", "gefunden", "to get after a search", objects="any"),
    Verb("need", "needs", "needed", "brauchen", "braucht", "gebraucht", "to be without and want"),
    Verb("carry", "carries", "carried", "tragen", "trägt", "getragen", "to hold and move"),
    Verb("love", "loves", "loved", "lieben", "liebt", "geliebt", "to like very much", objects="any"),
    Verb("paint", "paints", "painted", "malen", "malt", "gemalt", "to put colour on"),
    Verb("clean", "cleans", "cleaned", "putzen", "putzt", "geputzt", "to take dirt away"),
    Verb("wash", "washes", "washed", "waschen", "wäscht", "gewaschen", "to clean with water"),
    Verb("repair", "repairs", "repaired", "reparieren", "repariert", "repariert", "to make good again"),
    Verb("draw", "draws", "drew", "zeichnen", "zeichnet", "gezeichnet", "to make a picture", objects="any"),
    Verb("count", "counts", "counted", "zählen", "zählt", "gezählt", "to find the number"),
    Verb("hide", "hides", "hid", "verstecken", "versteckt", "versteckt", "to put out of sight"),
    Verb("forget", "forgets", "forgot", "vergessen", "vergisst", "vergessen", "to lose from the mind", objects="any"),
    Verb("hear", "hears", "heard", "hören", "hört", "gehört", "to use the ears", objects="people"),
    Verb("visit", "visits", "visited", "besuchen", "besucht", "besucht", "to go and see", objects="people"),
    Verb("look at", "looks at", "looked at", "ansehen", "sieht", "angesehen", "to turn the eyes to", "an",
         objects="any"),
    Verb("pick up", "picks up", "picked up", "abholen", "holt", "abgeholt", "to go and get", "ab", objects="any"),
    Verb("take along", "takes along", "took along", "mitnehmen", "nimmt", "mitgenommen", "to have with you", "mit"),
    Verb("help", "helps", "helped", "helfen", "hilft", "geholfen", "to make work easy", frame="dat",
         objects="people"),
    Verb("thank", "thanks", "thanked", "danken", "dankt", "gedankt", "to say kind words", frame="dat",
         objects="people"),
    Verb("give", "gives", "gave", "geben", "gibt", "gegeben", "to put in the hand", frame="dat_acc"),
    Verb("show", "shows", "showed", "zeigen", "zeigt", "gezeigt", "to let someone see", frame="dat_acc"),
    Verb("bring", "brings", "brought", "bringen", "bringt", "gebracht", "to come with", frame="dat_acc"),
)

_PAIRS: tuple[tuple[Adjective, Adjective], ...] = (
    (Adjective("old", "alt", "new", "made long ago"), Adjective("new", "neu", "old", "made today")),
    (Adjective("small", "klein", "big", "little in size"), Adjective("big", "groß", "small", "great in size")),
    (Adjective("cold", "kalt", "hot", "like ice"), Adjective("hot", "heiß", "cold", "like fire")),
    (Adjective("clean", "sauber", "dirty", "without dirt"), Adjective("dirty", "schmutzig", "clean", "full of dirt")),
    (Adjective("light", "leicht", "heavy", "easy to lift"), Adjective("heavy", "schwer", "light", "hard to lift")),
    (Adjective("rich", "reich", "poor", "with much money"), Adjective("poor", "arm", "rich", "with little money")),
    (Adjective("happy", "froh", "sad", "full of joy"), Adjective("sad", "traurig", "happy", "without joy")),
    (Adjective("cheap", "billig", "expensive", "low in price"),
     Adjective("expensive", "teuer", "cheap", "high in price", "teur")),
    (Adjective("strong", "stark", "weak", "with much force"), Adjective("weak", "schwach", "strong", "with little force")),
    (Adjective("fast", "schnell", "slow", "with great speed"), Adjective("slow", "langsam", "fast", "with little speed")),
    (Adjective("pretty", "schön", "ugly", "good to look at"), Adjective("ugly", "hässlich", "pretty", "bad to look at")),
    (Adjective("wet", "nass", "dry", "full of water"), Adjective("dry", "trocken", "wet", "without water")),
    (Adjective("long", "lang", "short", "far from end to end"), Adjective("short", "kurz", "long", "near from end to end")),
    (Adjective("soft", "weich", "hard", "easy to press"), Adjective("hard", "hart", "soft", "not easy to press")),
)
# fmt: on

ADJECTIVE_PAIRS = _PAIRS
"""Opposites, drawn together so that each opposite exists in the world."""

COLOURS: tuple[tuple[str, str], ...] = (
    ("red", "rot"),
    ("blue", "blau"),
    ("green", "grün"),
    ("white", "weiß"),
    ("black", "schwarz"),
    ("yellow", "gelb"),
    ("brown", "braun"),
)

NUMBERS: tuple[tuple[str, str, int], ...] = (
    ("two", "zwei", 2),
    ("three", "drei", 3),
    ("four", "vier", 4),
    ("five", "fünf", 5),
    ("six", "sechs", 6),
    ("seven", "sieben", 7),
)

FIRST_NAMES: tuple[str, ...] = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas",
    "Karl", "Lena", "Max", "Nora", "Otto", "Paul", "Rosa", "Tom", "Vera", "Willi",
)  # fmt: skip

JOBS: tuple[str, ...] = (
    "baker",
    "teacher",
    "doctor",
    "farmer",
    "painter",
    "driver",
    "singer",
    "cook",
)

ADVERBS: tuple[tuple[str, str], ...] = (
    ("today", "heute"),
    ("now", "jetzt"),
    ("tomorrow", "morgen"),
)
"""Stand first in the sentence; German then puts the verb before the subject."""

FREQUENCIES: tuple[tuple[str, str], ...] = (("often", "oft"), ("always", "immer"), ("never", "nie"))

MODALS: tuple[tuple[str, str, str, str], ...] = (
    ("can", "kann", "können", ""),
    ("must", "muss", "müssen", ""),
    ("wants", "will", "wollen", "to"),
)
"""English form, German form, German infinitive, English particle before the infinitive."""
