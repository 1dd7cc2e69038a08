"""XML read piece by piece with line numbers, without entities of the file's own.

Entities a file declares can grow without bounds ("billion laughs") or reach other files, and no
format here needs them; a document type by reference, as TMX has, is allowed and never fetched.
"""

from collections.abc import Callable, Mapping
from xml.parsers import expat

from harness.storage.reading import Reading

Start = Callable[[str, Mapping[str, str], int], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class _Refused(Exception):
    """The file declares an entity."""


def parse_xml(data: bytes, reading: Reading, start: Start, end: End, text: Text) -> None:
    """Tells of every element and text; what follows a fault of syntax is not read.

    Args:
        data: The file, in the encoding it declares.
        reading: Is told what is wrong with it.
        start: Called with name, attributes and line.
        end: Called with the name.
        text: Called with a piece of text.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(name: str, *_: object) -> None:
        raise _Refused(name)

    def skipped(name: str, is_parameter: bool) -> None:
        if not is_parameter:
            fault = f"unknown entity &{name};, allowed &amp; &lt; &gt; &quot; &apos; and numbers"
            reading.fault(parser.CurrentLineNumber, fault)

    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = skipped
    parser.StartElementHandler = lambda name, attributes: start(
        name, attributes, parser.CurrentLineNumber
    )
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        fault = f"not well-formed XML ({expat.ErrorString(error.code)})"
        reading.fault(error.lineno, f"{fault}; what follows was not read")
    except (LookupError, ValueError) as error:  # an encoding Python does not know
        reading.fault(1, f"cannot be read as XML ({error}), allowed UTF-8")
    except _Refused as name:
        fault = f"declares the entity {name}, allowed none: it could grow without bounds"
        reading.fault(parser.CurrentLineNumber, fault)
