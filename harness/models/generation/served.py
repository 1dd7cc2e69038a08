"""A model behind a server as a Generator; its answers do not depend on each other."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from harness.models.folder import TOKENIZER_FILES, tokenizer_folder
from harness.models.generation.copies import once_each, seeds_of
from harness.models.generation.served_text import ANSWER_END, ServedTokenizer
from harness.models.identity import chat_identity, content_hash, read_files
from harness.models.teachers import ServedSpec
from harness.models.thoughts import split_thoughts
from harness.protocols import OnProgress
from harness.records import JSON, Decoding, Generation, Message, TokenIds
from harness.servers.chat import ChatRequest, ChatServer, Reply, TextRequest
from harness.servers.continuing import check_continues

_RULE = 1
"""Its number rises when the same prompt would be asked in another way."""
_SEED_BITS = 31  # what every server takes


class ServerGenerator:
    """Asks a server for every answer; greedy answers of equal prompts once.

    Nothing is asked, and no tokenizer loaded, before the first text is wanted.

    Args:
        spec: The model and its server.
        on_progress: Called with the share of answers that are there.
    """

    def __init__(self, spec: ServedSpec, on_progress: OnProgress | None = None) -> None:
        self._spec = spec
        self.on_progress = on_progress
        self._checked: set[bool] = set()
        server = f"{spec.server.url}: model {spec.server.model}"
        self.tokenizer = ServedTokenizer(server, spec.tokenizer)

    @property
    def identity(self) -> Mapping[str, JSON]:
        """The server's address, its model, and how it is asked."""
        return served_identity(self._spec)

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        return once_each(prompts, decoding, lambda distinct: self._answers(distinct, decoding))

    def _answers(self, prompts: list[TokenIds], decoding: Decoding) -> list[Generation]:
        answers: dict[int, Generation] = {}

        def keep(index: int, answer: Generation) -> None:
            answers[index] = answer
            if self.on_progress is not None:
                self.on_progress(len(answers) / len(prompts))

        self.answer_each(prompts, decoding, range(len(prompts)), keep)
        return [answers[index] for index in range(len(prompts))]

    def answer_each(
        self,
        prompts: Sequence[TokenIds],
        decoding: Decoding,
        indices: Sequence[int],
        on_answer: Callable[[int, Generation], None],
    ) -> None:
        """Answers the prompts of some indices; hands over each answer, with its index, as it comes.

        Raises:
            ConfigError: Its key is not there, or it does not continue answers and has to.
            EvaluationError: It did not answer; what it had answered was handed over.
        """
        seeds = _seeds(prompts, decoding)
        chats = [self.tokenizer.split(tuple(prompts[index])) for index in indices]
        if self.tokenizer.template is None:
            self._check([prefix for _, prefix in chats if prefix])
        requests = [
            self._request(messages, prefix, decoding, seeds[index])
            for index, (messages, prefix) in zip(indices, chats, strict=True)
        ]
        self._server.ask(
            requests, lambda number, reply: on_answer(indices[number], self._generation(reply))
        )

    def _request(
        self, messages: tuple[Message, ...], prefix: str, decoding: Decoding, seed: int | None
    ) -> ChatRequest | TextRequest:
        limit, temperature = decoding.max_new_tokens, decoding.temperature
        template = self.tokenizer.template
        if template is None:
            return ChatRequest(messages, limit, temperature, seed, prefix=prefix)
        text = template.render_plain(messages)
        begun = template.answer_text(prefix) if prefix else ""
        return TextRequest(text + begun, limit, temperature, seed)

    def _generation(self, reply: Reply) -> Generation:
        thoughts, text = reply.thoughts, reply.text
        if not thoughts:
            template = self.tokenizer.template
            cut = split_thoughts if template is None else template.split_thoughts
            thoughts, text = cut(text)
        ids = self.tokenizer.encode(thoughts + text)
        ended = (*ids, ANSWER_END) if reply.finished else ids
        return Generation(ended, text, reply.finished, thoughts, reply.num_tokens)

    def _check(self, prefixes: Sequence[str]) -> None:
        """Once, that the server continues answers; also such as end in white space, if some do."""
        blanks = any(prefix != prefix.rstrip() for prefix in prefixes)
        if prefixes and not self._spec.continues and not self._checked & {blanks, True}:
            check_continues(self._server, blanks)
            self._checked.add(blanks)

    @cached_property
    def _server(self) -> ChatServer:
        return ChatServer(self._spec.server)


def served_identity(spec: ServedSpec) -> dict[str, JSON]:
    """What a server's answers depend on, as far as it can be known from here.

    Raises:
        ConfigError: There is no tokenizer in the folder that is to have one.
    """
    identity = {**spec.server.identity, "asked": f"chat, {_RULE}"}
    if spec.tokenizer is not None:
        folder = tokenizer_folder(spec.tokenizer)
        names = (*TOKENIZER_FILES, "tokenizer_config.json", "chat_template.jinja")
        files = [folder / name for name in names if (folder / name).is_file()]
        if folder / TOKENIZER_FILES[0] not in files:  # which else has all that a tokenizer reads
            files = [file for file in read_files(folder) if file.suffix != ".safetensors"]
        identity["asked"] = f"text, {_RULE}"
        identity["tokenizer"] = {
            str(file.relative_to(folder)): content_hash(file) for file in files
        }
        identity |= chat_identity(folder)
    return identity


def _seeds(prompts: Sequence[TokenIds], decoding: Decoding) -> list[int | None]:
    """A seed per prompt, by its text and the number of its copy; none where nothing is drawn."""
    if decoding.temperature == 0:
        return [None] * len(prompts)
    drawn = seeds_of([tuple(prompt) for prompt in prompts], decoding.seed, "server")
    return [seed % 2**_SEED_BITS for seed in drawn]
