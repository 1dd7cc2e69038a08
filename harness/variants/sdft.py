"""Self-distillation fine-tuning: y in the untuned model's own words, where those pass a check.

Yang et al. 2024, "Self-Distillation Bridges Distribution Gap in Language Model Fine-Tuning", arXiv
2402.13669, section 3. The model is shown the task and its answer, writes the answer anew, and is
trained on what it wrote: the target is then close to what it would say, and less is forgotten.

An answer that fails a check is replaced by y. (The name is also that of another method: see
``sdft_onpolicy``.)

Deviations and choices:

- The wording of ``request`` is this project's; the paper's says the same.
- The paper checks the result of calculations and little else. Here an answer must be in the target
  language, of about the reference's length, near to it (chrF2), and without phrases that speak
  about the task; each reason for falling back is counted.
- ``extract: first_paragraph`` (as benchmarks read a translation) leaves out remarks behind it;
  ``all`` trains on everything, which then has to pass.
- Decoding is greedy unless ``temperature`` says otherwise.
- LoRA r 8 with alpha 16 on q and v at 1e-4 is the paper's code; settings of the adapter are not the
  variant's here.
"""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from harness.data.segments import pair_messages
from harness.protocols import Sources
from harness.records import Decoding, ExampleSet, Message, Pair, TokenIds
from harness.seeds import stream_seed
from harness.variants.shared.method import Method
from harness.variants.shared.written import Extraction, in_place_of_references, template_of


class Sdft(Method):
    """Trains on the untuned model's own wording of the references."""

    name: Literal["sdft"] = "sdft"

    writes: ClassVar[bool] = True

    request: str = (
        "{request}\n\nHere is a good answer to this request:\n{reference}\n\n"
        "With this answer as a guide, answer the request in your own words. Write the answer alone."
    )
    """What the model is asked; {request} becomes the translation request, {reference} y."""

    extract: Extraction = "first_paragraph"
    """What of its answer is the translation: the text before the first blank line, or all of it."""

    max_new_tokens: int = Field(256, ge=1)
    """Tokens of an answer at most; y takes the place of longer ones."""

    temperature: float = Field(0.0, ge=0.0, allow_inf_nan=False)
    """0 is greedy."""

    check_language: bool = True
    """Refuse answers that are clearly in the source's language."""

    max_length_ratio: float = Field(2.0, ge=1.0, allow_inf_nan=False)
    """Refuse answers so many times longer or shorter than y, in characters."""

    min_chrf: float = Field(30.0, ge=0.0, le=100.0)
    """Refuse answers whose chrF2 to y is lower (0 to 100)."""

    meta_phrases: tuple[str, ...] = (
        "own words", "reference", "as a guide", "as an ai", "here is", "here's", "sure,",
        "the request", "translation:", "referenz", "eigenen worten", "übersetzung:",
    )  # fmt: skip
    """Refuse answers with one of these (in any case) that y does not have."""

    neutral: ClassVar[str] = "no setting: with a model that echoes the reference it equals sft"

    _fields = field_validator("request")(template_of("request", "reference"))

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair: prompt, then the model's wording or, failing that, y.

        Raises:
            ConfigError: The language check does not know a language of the pairs.
        """
        from harness.variants.shared import rewording  # loads sacreBLEU, which parsing must not

        check = rewording.Check(
            self.check_language, self.max_length_ratio, self.min_chrf, self.meta_phrases
        )
        seed = stream_seed(sources.seed, "sdft/sample") if self.temperature else 0
        generations = sources.base.generate(
            [self._shown(sources, pair) for pair in sources.corpora.parallel],
            Decoding(self.max_new_tokens, self.temperature, seed),
        )
        return in_place_of_references(
            sources, sources.base, generations, self.extract, check.fault, rewording.REASONS
        )

    def _shown(self, sources: Sources, pair: Pair) -> TokenIds:
        """The prompt that shows the model the request and its answer."""
        *before, request = pair_messages(sources, pair)
        text = self.request.format(request=request.content, reference=pair.target)
        return sources.base.tokenizer.encode_chat((*before, Message("user", text)))


VARIANT = Sdft
