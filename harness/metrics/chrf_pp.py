"""chrF++: chrF with word unigrams and bigrams beside the character n-grams.

Popović (2017), "chrF++: words helping character n-grams"; sacreBLEU is the reference
implementation and does the work here.
"""

from pydantic import Field

from harness.metrics.chrf import Chrf


class ChrfPlusPlus(Chrf):
    """Corpus chrF++, 0..100, higher is better; a corpus of empty answers scores 0.

    Not for scripts without spaces between words. Reference implementation: sacreBLEU, exactly.
    """

    word_order: int = Field(2, ge=0)
    """Longest word n-gram; 0 for none."""


METRIC = ChrfPlusPlus
