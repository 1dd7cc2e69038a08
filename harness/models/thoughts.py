"""Models that think aloud before they answer: how they are kept from it, and what is scored.

Where the chat template has a switch, it is set to off. Where the template opens a block of thoughts
in front of every answer, the block is closed at once. What a model thinks aloud all the same is cut
off its answer. Torch-free: the identity of a model says which of these it is.
"""

from harness.models.template_source import variables

OPEN, CLOSE = "<think>", "</think>"
SWITCHES = ("enable_thinking", "thinking")
"""Variables of chat templates that switch thoughts on and off."""


def thinking_switch(template: str) -> str | None:
    """The variable that switches thoughts off, None where the template has none.

    >>> thinking_switch("{% if enable_thinking %}<think>{% endif %}")
    'enable_thinking'
    """
    words = variables(template)
    return next((name for name in SWITCHES if name in words), None)


def thinking(template: str) -> str | None:
    """What is done about thoughts, None where the template knows of none.

    >>> thinking("{{ '<think>' }}")
    'closed in the prompt, or cut off the answer'
    """
    switch = thinking_switch(template)
    if switch is not None:
        return f"off by the template's {switch}, or cut off the answer"
    if OPEN in template or CLOSE in template:
        return "closed in the prompt, or cut off the answer"
    return None


def closed(prompt: str) -> str:
    """A prompt with the block of thoughts closed that it ends in, if it ends in one.

    >>> closed("<think>" + chr(10)).count("</think>")
    1
    """
    begun = prompt.rstrip()
    return f"{begun}\n\n{CLOSE}\n\n" if begun.endswith(OPEN) else prompt


def split_thoughts(text: str) -> tuple[str, str]:
    """Thoughts and answer; of thoughts that were not finished there is no answer.

    >>> split_thoughts("<think>two and two</think>4")
    ('<think>two and two</think>', '4')
    >>> split_thoughts("<think>two and")
    ('<think>two and', '')
    >>> split_thoughts("4")
    ('', '4')
    """
    head, close, answer = text.rpartition(CLOSE)
    if close:
        return head + close, answer.lstrip("\n")
    return (text, "") if text.lstrip().startswith(OPEN) else ("", text)
