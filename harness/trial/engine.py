"""Who generates the text of a run: Hugging Face in this process, or vLLM in one of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.models.chat_model import ChatModel
from harness.models.generation.generate import HuggingFaceGenerator, generator_identity
from harness.models.generation.spec import GenerationSpec
from harness.models.generation.vllm_generate import VllmGenerator, vllm_identity
from harness.models.lora import load_adapter
from harness.models.spec import ModelSpec
from harness.protocols import Generator, OnProgress
from harness.records import JSON


class Engine:
    """Makes generators of models, and ends what they have started.

    Args:
        settings: Which engine, and how it runs.
        room: A folder on a disk with space, for models merged for vLLM.
    """

    def __init__(self, settings: GenerationSpec, room: Path) -> None:
        self.settings, self._room = settings, room
        self._external: list[VllmGenerator] = []

    @property
    def is_external(self) -> bool:
        """Whether models are in a process of its own, which wants the accelerator's memory."""
        return self.settings.engine == "vllm"

    def identity(
        self, model: ModelSpec, known: Mapping[str, JSON], adapter: Path | None = None
    ) -> dict[str, JSON]:
        """What a generator of this model is: equal for a loaded one and one that need not load.

        Args:
            model: The model.
            known: Its identity, see ``harness.models.identity``.
            adapter: A PEFT folder on it.

        Raises:
            MissingExtra: There is no interpreter with vllm.
        """
        if self.is_external:
            return vllm_identity(known, model, adapter, self.settings.vllm)
        return generator_identity(known, self.settings.batch_size)

    def generator(
        self,
        model: ModelSpec,
        known: Mapping[str, JSON],
        load: Callable[[], ChatModel],
        adapter: Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> Generator:
        """A source of text.

        Args:
            model: The model.
            known: Its identity.
            load: Gives the model itself where it is to be in this process.
            adapter: A PEFT folder to put on it.
            on_progress: Called with the share of answers that are complete.
        """
        if self.is_external:
            external = VllmGenerator(
                model, adapter, known, self.settings.vllm, self._room, on_progress
            )
            self._external.append(external)
            return external
        loaded = load()
        if adapter is not None:
            loaded = load_adapter(loaded, adapter)
        return HuggingFaceGenerator(loaded, self.settings.batch_size, on_progress)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While text is generated; then its processes end, as training wants their memory.

        A generator that is asked again starts one anew.
        """
        try:
            yield
        finally:
            for generator in self._external:
                generator.close()
