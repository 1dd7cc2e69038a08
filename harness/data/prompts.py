"""The wording of a translation request: a template with the names of languages in it."""

from harness.data.spec import DataSpec
from harness.errors import ConfigError
from harness.records import Message

LANGUAGE_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "gu": "Gujarati",
    "ha": "Hausa", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "kk": "Kazakh",
    "km": "Khmer", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
    "zh": "Chinese", "zh-CN": "Chinese", "zh-TW": "Traditional Chinese", "zu": "Zulu",
}  # fmt: skip


def language_name(tag: str) -> str:
    """The English name of a language by its BCP-47 tag, its region left aside if need be.

    Raises:
        ConfigError: A language without a name here.

    >>> language_name("pt-BR")
    'Portuguese'
    """
    name = LANGUAGE_NAMES.get(tag) or LANGUAGE_NAMES.get(tag.partition("-")[0])
    if name is None:
        raise ConfigError(
            f"data: the language {tag!r} has no English name here, known: "
            + ", ".join(sorted(LANGUAGE_NAMES)),
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
