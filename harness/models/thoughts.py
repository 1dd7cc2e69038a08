"""Models that think aloud before they answer: how they are kept from it, and what is scored.

Where the chat template has a switch, it is set to off. Where the template opens a block of thoughts
in front of every answer, the block is closed at once. What a model thinks aloud all the same is cut
off its answer. Torch-free: the identity of a model says which of these it is.
"""

import re
from typing import Literal, TypeAlias

from harness.models.template_source import variables

Marks: TypeAlias = tuple[str, str]
"""What opens a block of thoughts, and what closes it."""
Thoughts: TypeAlias = Marks | Literal["off"] | None
"""Marks of one's own in ending of the table's; ``off`` to cut nothing, None for the table."""

MARKS: tuple[Marks, ...] = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, Hunyuan, SmolLM3, Phi 4 reasoning
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<longcat_think>", "</longcat_think>"),  # LongCat
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
)
_AROUND_ANSWERS: tuple[Marks, ...] = (
    ("<answer>", "</answer>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
)
"""What stands around the answer where thoughts stood before it."""

CHANNEL = "<|channel|>"
"""Begins each part of gpt-oss's answers: `analysis`, `commentary`, `final`."""
_FINAL = re.compile(r"<\|channel\|>final[^<]*<\|message\|>")
_END_OF_PART = re.compile(r"<\|(?:return|end|call|endoftext)\|>\s*$")
_DROPPED = re.compile(r"(?s)\s*(?:assistant)?(?:analysis|commentary).*?assistant\s*final")
"""The same where the tokens around were dropped: "analysisWe add.assistantfinal4"."""
_DROPPED_UNFINISHED = re.compile(r"\s*(?:assistant)?analysis(?=[A-Z])")
_MENTIONED_BEFORE = re.compile(r"[\"'`“‘«(]$")
_MENTIONED_BEHIND = re.compile(r"[\"'`”’»)]|[ \t]+[a-z]|[.,;:!?](?:\s|$)")

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
    'closed in the prompt, or cut off the answer where they end'
    """
    switch = thinking_switch(template)
    if switch is not None:
        return f"off by the template's {switch}, or cut off the answer where they end"
    if CHANNEL in template:
        return "kept out of the final channel, or cut off the answer where they end"
    if any(mark in template for marks in MARKS for mark in marks):
        return "closed in the prompt, or cut off the answer where they end"
    return None


def is_mark(token: str, thoughts: Thoughts = None) -> bool:
    """Whether a token marks thoughts, or the channel they are in.

    >>> is_mark("[/THINK]"), is_mark("</s>")
    (True, False)
    """
    return token == CHANNEL or any(token in marks for marks in _marks(thoughts))


def closed(prompt: str, thoughts: Thoughts = None) -> str:
    """A prompt with the block of thoughts closed that it ends in, if it ends in one.

    >>> closed("<think>" + chr(10)).count("</think>"), closed("Think. [THINK]")[-10:-2]
    (1, '[/THINK]')
    """
    begun = prompt.rstrip()
    close = next((close for opened, close in _marks(thoughts) if begun.endswith(opened)), None)
    return prompt if close is None else f"{begun}\n\n{close}\n\n"


def split_thoughts(text: str, thoughts: Thoughts = None) -> tuple[str, str]:
    """Thoughts and answer; of thoughts that were not finished there is no answer.

    A mark that closes what was not opened ends thoughts whose opening the template wrote, unless
    the answer speaks of it: in quotation marks, in code, in the course of a sentence.

    >>> split_thoughts("<think>two and two</think>4")
    ('<think>two and two</think>', '4')
    >>> split_thoughts("<think>two and")
    ('<think>two and', '')
    >>> split_thoughts("4, and </think> is a tag")
    ('', '4, and </think> is a tag')
    >>> split_thoughts("analysisTwo and two.assistantfinal4")
    ('analysisTwo and two.assistantfinal', '4')
    """
    if thoughts == "off":
        return "", text
    if thoughts is None and (end := _end_of_channels(text)) is not None:
        return text[:end], _END_OF_PART.sub("", text[end:]).lstrip("\n")
    end = _end_of_blocks(text, _marks(thoughts))
    if not end:
        end = _end_of_begun(text, _marks(thoughts))
    return (text[:end], _bare(text[end:])) if end else ("", text)


def _marks(thoughts: Thoughts) -> tuple[Marks, ...]:
    return (thoughts,) if isinstance(thoughts, tuple) else MARKS


def _end_of_channels(text: str) -> int | None:
    """Where gpt-oss's last word begins, None where it says none of its channels."""
    final = _DROPPED.match(text)
    if text.lstrip().startswith((CHANNEL, "<|start|>")):
        final = next(iter([*_FINAL.finditer(text)][-1:]), None)
        return len(text) if final is None else final.end()
    if final is None and _DROPPED_UNFINISHED.match(text):
        return len(text)
    return None if final is None else final.end()


def _end_of_blocks(text: str, table: tuple[Marks, ...]) -> int:
    """Where the blocks end that a text begins with: 0 without one, its length in one not closed."""
    end = 0
    while True:
        start = len(text) - len(text[end:].lstrip())
        marks = next((marks for marks in table if text.startswith(marks[0], start)), None)
        again = next((close for _, close in table if end and text.startswith(close, start)), None)
        if marks is None and again is not None:
            end = start + len(again)  # closed once more than opened
            continue
        if marks is None:
            return end
        closings = [match.end() for match in re.finditer(re.escape(marks[1]), text[start:])]
        if not closings:
            return len(text)
        # A block within a block ends before the outer one does.
        opened = (text.count(marks[0], start, start + ending) for ending in closings)
        balanced = [
            ending
            for number, (ending, begun) in enumerate(zip(closings, opened, strict=True), 1)
            if begun <= number
        ]
        end = start + (balanced or closings[-1:])[0]


def _end_of_begun(text: str, table: tuple[Marks, ...]) -> int:
    """Where thoughts end whose opening stands in the prompt; 0 where a text has none such."""
    for opened, close in table:
        for match in re.finditer(re.escape(close), text):
            before, behind = text[: match.start()], text[match.end() :]
            if opened in before:
                break
            if not _is_mentioned(before, behind):
                return match.end()
    return 0


def _is_mentioned(before: str, behind: str) -> bool:
    in_code = before.count("```") % 2 == 1 or before.rpartition("\n")[2].count("`") % 2 == 1
    if in_code or _MENTIONED_BEFORE.search(before):
        return True
    return before[-1:] in {" ", "\t"} and (not behind or bool(_MENTIONED_BEHIND.match(behind)))


def _bare(answer: str) -> str:
    """An answer without what marks it as one behind thoughts."""
    bare = answer.strip()
    for opened, close in _AROUND_ANSWERS:
        if bare.startswith(opened):
            return bare.removeprefix(opened).removesuffix(close).strip("\n")
    return answer.lstrip("\n")
