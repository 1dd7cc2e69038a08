"""The wording of a translation request: a template with the names of languages in it."""

from harness.data.spec import DataSpec
from harness.errors import ConfigError
from harness.languages.tags import english_name, language_names, language_tag
from harness.records import Message


def language_name(tag: str) -> str:
    """The English name of a language by its BCP-47 tag; its region counts where it has a name.

    Raises:
        ConfigError: A language without a name here.

    >>> language_name("pt-BR"), language_name("zh-Hant-HK")
    ('Portuguese', 'Traditional Chinese')
    """
    name = english_name(tag)
    if name is None:
        raise ConfigError(
            f"data: the language {language_tag(tag) or tag!r} has no English name here, known: "
            + ", ".join(sorted(language_names())),
            "write the names into data.prompt in place of {source_lang} and {target_lang}",
        )
    return name


class TranslationPrompt:
    """The request of a DataSpec's ``prompt`` and ``system``."""

    def __init__(self, spec: DataSpec) -> None:
        self._template = spec.prompt
        self._system = spec.system

    def messages(self, source: str, source_lang: str, target_lang: str) -> tuple[Message, ...]:
        """The chat that asks for a translation of ``source``."""
        fields = {"source": source}
        if "{source_lang}" in self._template:
            fields["source_lang"] = language_name(source_lang)
        if "{target_lang}" in self._template:
            fields["target_lang"] = language_name(target_lang)
        request = Message("user", self._template.format(**fields))
        return (request,) if self._system is None else (Message("system", self._system), request)
