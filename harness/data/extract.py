"""Where the answer is in what a model said."""

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from harness.data.choices import committed
from harness.data.translations import translation_in
from harness.records import JSON
from harness.settings.spec import Spec

RULE_VERSIONS: Mapping[str, int] = {"translation": 2, "choice": 2}
"""Raised when a rule finds another answer in an output."""


class Extract(Spec):
    """How the answer is found in what the model said."""

    rule: Literal["all", "first_paragraph", "translation", "choice", "regex"] = "all"
    """`all`: the whole output; `first_paragraph`: the text before the first blank line (what a
    model says after its translation is no part of it); `translation`: as many paragraphs as the
    source has, without what chat models put around them (see `harness.data.translations`);
    `choice`: the first of `choices` it commits itself to; `regex`: what `pattern` matches."""

    choices: Mapping[str, tuple[str, ...]] | None = Field(
        None, exclude_if=lambda value: value is None
    )
    """For `choice`: what counts as an answer, each with the short forms that count where an answer
    is due (`answer1: ["1"]`, `"true": ["yes"]`)."""

    pattern: str | None = None
    """For `regex`: its first group, or all of the match where it has none."""

    pick: Literal["first", "last"] = "first"
    """For `regex`: which match; without any match the answer is empty."""

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if (self.choices is None) == (self.rule == "choice"):
            raise ValueError("`choices` go with `rule: choice`, and only with it")
        forms = [form for name, short in (self.choices or {}).items() for form in (name, *short)]
        if self.choices is not None and (
            len(self.choices) < 2 or not all(any(map(str.isalnum, form)) for form in forms)
        ):
            raise ValueError("choices: allowed two or more, each with a letter or digit")
        if len({form.lower() for form in forms}) < len(forms):
            raise ValueError("choices: a form is given twice")
        return self

    @model_validator(mode="after")
    def _check_pattern(self) -> Self:
        if (self.pattern is None) == (self.rule == "regex"):
            raise ValueError("`pattern` goes with `rule: regex`, and only with it")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern: not a regular expression: {error}") from None
        return self

    def identity(self) -> dict[str, JSON]:
        """What finds the answer, and the version of its rule where that has changed."""
        version = RULE_VERSIONS.get(self.rule)
        return {**self.plain(), **({} if version is None else {"version": version})}

    @property
    def label(self) -> str:
        """The rule as signatures call it: ``translation.2``."""
        version = RULE_VERSIONS.get(self.rule)
        return self.rule if version is None else f"{self.rule}.{version}"

    def answer(self, output: str, source: str | None = None) -> str:
        r"""The answer in an output; for `translation` to a source.

        >>> Extract(rule="first_paragraph").answer("Der Hund.\n\nHund means dog.")
        'Der Hund.'
        """
        match self.rule:
            case "translation":
                return translation_in(output, source or "")
            case "first_paragraph":
                return re.split(r"\n[ \t\r]*\n", output.strip(), maxsplit=1)[0].strip()
            case "choice":
                assert self.choices is not None
                return committed(output, self.choices)
            case "regex":
                assert self.pattern is not None
                matches = list(re.finditer(self.pattern, output))
                if not matches:
                    return ""
                match = matches[0 if self.pick == "first" else -1]
                return (match.group(1 if match.re.groups else 0) or "").strip()
            case _:
                return output
