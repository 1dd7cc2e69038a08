"""chrF++: chrF with word unigrams and bigrams beside the character n-grams.

Popović (2017), "chrF++: words helping character n-grams"; sacreBLEU is the reference
implementation and does the work here.
"""

from typing import ClassVar

from harness.metrics.chrf import Chrf


class ChrfPlusPlus(Chrf):
    """Corpus chrF++, 0..100, higher is better; a corpus of empty answers scores 0.

    Not for scripts without spaces between words. Reference implementation: sacreBLEU, exactly.
    """

    title: ClassVar[str] = "chrF2++"
    word_order: ClassVar[int] = 2


METRIC = ChrfPlusPlus
