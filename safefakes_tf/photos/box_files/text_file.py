"""A file of annotations, read and parsed once."""

import codecs
import functools
import json
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # Excel's "Unicode text"


class TextFile:
    """A file of text.

    Attributes:
        name: relative to the folder that is read.
        basename: the last part of it, in small letters.
        content: its bytes.
        text: what they say.
        place: how messages begin that are about a place in it.
    """

    def __init__(self, name: str, content: bytes, alone: bool):
        """Decode a file.

        Args:
            name: relative to the folder that is read.
            content: its bytes, in UTF-8, or in UTF-16 with its mark.
            alone: whether it is the only one, so that messages need not name it.

        Raises:
            ValueError: if it is not text.
        """
        self.name, self.content = name, content
        self.basename = name.rpartition("/")[2].lower()
        self.place = "" if alone else f"{name}, "
        encoding = "utf-16" if content.startswith(UTF_16) else "utf-8-sig"
        try:
            self.text = content.decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name} must be text in UTF-8; got {error.reason} at byte "
                f"{error.start}; save it as UTF-8"
            ) from error

    @functools.cached_property
    def lines(self) -> list[tuple[str, str]]:
        """The lines that are not blank, as their place and what they say."""
        return [
            (f"{self.place}line {number}", line.strip())
            for number, line in enumerate(self.text.splitlines(), start=1)
            if line.strip()
        ]

    @functools.cached_property
    def json(self) -> Any:
        """The content if it begins as JSON does, else None.

        Raises:
            ValueError: if it goes on otherwise.
        """
        if self.text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{self.name} begins as JSON, but line {error.lineno}, column "
                f"{error.colno}, does not go on so ({error.msg}); cut short?"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{self.name} has JSON that is nested too deep, or a number that is "
                "too large"
            ) from error

    @functools.cached_property
    def xml(self) -> Element | None:
        """The root if the content begins as XML does, else None.

        Raises:
            ValueError: if it goes on otherwise, or defines entities, which can make
                much of little.
        """
        if not self.text.lstrip().startswith("<"):
            return None
        try:
            return defusedxml.ElementTree.fromstring(self.text)
        except ParseError as error:
            raise ValueError(
                f"{self.name} begins as XML, but does not go on so ({error}); cut "
                "short?"
            ) from error
        except (defusedxml.DefusedXmlException, ValueError, RecursionError) as error:
            raise ValueError(
                f"{self.name} is XML with entities, or broken, and is not read: "
                f"{type(error).__name__}"
            ) from error
