"""The two formats of GeoReport v2, and its errors.

An answer is made once, as the JSON has it; the XML has the same names, with a name for each entry of a list (the Spark
Convention of the specification).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

from fastapi import Response

from core.clock import to_city_time

ENTRIES = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "notes": "note",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
"""What an entry of each list is called in XML."""
# XML 1.0 has no place for them, not even as a reference.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Content = Mapping[str, Any] | Sequence[Any]


class Format(StrEnum):
    """A format by what an address ends with."""

    XML = "xml"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """Its name in HTTP."""
        return {Format.XML: "text/xml", Format.JSON: "application/json"}[self]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request. `code` is the HTTP status it deserves."""

    code: int
    description: str


class Refused(Exception):
    """A request that cannot be fulfilled, with all that is wrong with it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.description for fault in faults))
        self.faults = faults

    @property
    def status(self) -> int:
        """403 for the key, 404 for what does not exist, 400 for the rest (GeoReport v2, Errors); 429 for too many."""
        codes = {fault.code for fault in self.faults}
        return next((code for code in (403, 404, 429) if code in codes), 400)


def answer(root: str, content: Content, form: Format, status: int = 200) -> Response:
    """An answer in a format; `root` is the name of the whole in XML."""
    body = _json(content) if form is Format.JSON else _xml(root, content)
    return Response(body, status, media_type=f"{form.media_type}; charset=utf-8")


def refusal(faults: Sequence[Fault], form: Format, status: int) -> Response:
    """An error in a format."""
    listed = [{"code": fault.code, "description": fault.description} for fault in faults]
    return answer("errors", listed, form, status)


def moment(at: datetime | None) -> str | None:
    """A time as GeoReport v2 writes it (W3C note datetime), in the city's zone."""
    return None if at is None else to_city_time(at).isoformat(timespec="seconds")


def _json(content: Content) -> bytes:
    # What cannot be encoded was not text when it came in.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def _xml(root: str, content: Content) -> bytes:
    made: bytes = ElementTree.tostring(_element(root, content), encoding="utf-8", xml_declaration=True)
    return made


def _element(name: str, content: Any) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, Mapping):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list | tuple):
        element.extend(_element(ENTRIES[name], entry) for entry in content)
    elif content is not None:
        written = str(content).lower() if isinstance(content, bool) else str(content)
        element.text = _NOT_IN_XML.sub("\ufffd", written)
    return element
