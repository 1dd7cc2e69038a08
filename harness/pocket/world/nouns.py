"""The nouns a pocket world may draw from."""

from harness.pocket.world.lexicon import Gender, Noun

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
