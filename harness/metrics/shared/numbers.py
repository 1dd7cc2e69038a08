"""Finding the number that answers a sum in a worked solution, as lm-eval's GSM8K task does it.

Cobbe et al. (2021), "Training Verifiers to Solve Math Word Problems", arXiv 2110.14168: solutions
end in ``#### 18``. *Strict* takes the first number written so; *flexible* the last number there is.
"""

import re

_STRICT = re.compile(r"#### (-?[0-9.,]+)")
_FLEXIBLE = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")
_SOLUTION = re.compile(r".*#### ", re.DOTALL)


def strict_number(text: str) -> str | None:
    """The first number behind ``####``, as it is written.

    >>> strict_number("9 * 2 = 18 #### 1,800 dollars")
    '1,800'
    """
    match = _STRICT.search(text)
    return match and match[1]


def flexible_number(text: str) -> str | None:
    """The last number, whatever stands around it.

    >>> flexible_number("So she makes $18 a day, 7 days a week.")
    '7'
    """
    return next(reversed(_FLEXIBLE.findall(text)), None)


def same_number(given: str | None, right: str) -> bool:
    """Whether a number is the right one once commas, dollar signs and a final stop are dropped.

    Compared as text, as lm-eval does: "18.0" is not "18".

    >>> same_number("$1,800.", "#### 1800")
    True
    """
    return given is not None and _bare(given) == _bare(right)


def _bare(text: str) -> str:
    text = _SOLUTION.sub("", text.replace(",", "").replace("$", ""))
    return text.removesuffix(".").strip()
