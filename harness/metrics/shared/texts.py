"""Whether a text says anything."""


def says_anything(text: str) -> bool:
    """Whether it has a letter or a digit, in any script.

    >>> says_anything("..."), says_anything("犬")
    (False, True)
    """
    return any(character.isalnum() for character in text)
