"""Whether a server continues an answer that was begun for it, or closes it and begins another.

Both give text, and text of the second kind would be trained on as if the model had written it
behind the translation. Servers do not say which they do, but they count the tokens they read: a
closed turn costs the marks that close it and open the next. So a begun answer has to cost less than
the same as a turn of its own; or, where a server continues that too, no more than its words.
"""

from harness.errors import ConfigError
from harness.records import Message
from harness.servers.chat import ChatServer
from harness.servers.exchange import ChatRequest, Reply
from harness.servers.faults import ServerError

_QUESTION = (Message("user", "Count to eight, in words."),)
_WORDS = "one two three four five six seven eight"
_TWICE = f"{_WORDS} {_WORDS}"
_BLANKS = f"{_WORDS}\n\n"
_REFUSED = (400, 422)
_LEAST_TOKENS = 8


def check_continues(server: ChatServer, blanks: bool) -> None:
    """Asks the server five short questions, an answer of one token each.

    Args:
        server: The server.
        blanks: Whether answers will be begun that end in white space, which some templates cut.

    Raises:
        ConfigError: It does not continue answers, or cannot be seen to.
        EvaluationError: It did not answer.
    """
    turn = ChatRequest((*_QUESTION, Message("assistant", _WORDS)), max_tokens=1)
    (plain,) = server.ask([_request("")])
    try:
        begun = [_request(text) for text in (_WORDS, _TWICE, _BLANKS)]
        closed, once, twice, blank = server.ask([turn, *begun])
    except ServerError as error:
        if error.status not in _REFUSED:
            raise
        raise _fault(server, f"it was refused: {error.message}") from None
    reason = _reason(plain, closed, once, twice) or (_cut(once, blank) if blanks else None)
    if reason is not None:
        raise _fault(server, reason)


def _request(prefix: str) -> ChatRequest:
    return ChatRequest(_QUESTION, max_tokens=1, prefix=prefix)


def _reason(plain: Reply, closed: Reply, once: Reply, twice: Reply) -> str | None:
    """Why an answer begun is not continued, None where it is."""
    counts = [reply.prompt_tokens or 0 for reply in (plain, closed, once, twice)]
    if not all(counts):
        return "the server does not say how many tokens it read, so it cannot be told"
    without, turn, begun, begun_twice = counts
    words = begun_twice - begun
    if words < _LEAST_TOKENS:
        return "the server seems to leave it out"
    # Templates of models that think put closed thoughts before an answer that has begun, or before
    # one that has not: its words alone do not tell there.
    more = begun - without - words
    if begun >= turn and more > 0:
        return f"the server closes it ({more} tokens more than its words) and begins another"
    if once.text.startswith(_WORDS):
        return "the server repeats it in its answer"
    return None


def _cut(once: Reply, blank: Reply) -> str | None:
    kept = (blank.prompt_tokens or 0) > (once.prompt_tokens or 0)
    return None if kept else "the server cuts white space off its end"


def _fault(server: ChatServer, reason: str) -> ConfigError:
    return ConfigError(
        f"{server.spec.url}: model {server.spec.model}: the beginning of an answer has to be "
        f"continued, and {reason}",
        "give the folder of the model's tokenizer beside `server` (tokenizer: FOLDER): chats are "
        "then sent to /completions as plain text; or say `continues: true` where you know that it "
        "does",
    )
