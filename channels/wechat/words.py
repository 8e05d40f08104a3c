"""An answer as texts for WeChat, a message as words for the conversation, and a number as the button it stands for."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from channels.wechat.texts import text
from intake.attachments.kinds import Kind
from intake.attachments.texts import said as file_words
from intake.messages import Answer, Button

LONGEST_TEXT = 2048
"""Bytes in UTF-8 of a text, passive or by customer service."""
_ROOM = len(text("part", number=99, count=99).encode())
_SENTENCE_ENDS = "\n。！？；"
_AROUND_NUMBERS = " .。、．)）"
FILES = {"image": Kind.PICTURE, "voice": Kind.VOICE, "video": Kind.VIDEO, "shortvideo": Kind.VIDEO}
"""Kinds of messages that are files."""


def said(kind: str, message: Any) -> str | None:
    """What a message says, in words; None when it is of a kind that says nothing to us."""
    match kind:
        case "text":
            return _written(message.content)
        case "voice" if heard := _written(message.recognition):
            return heard
        case "location":
            return _place(message)
        case "link":
            return text("link", title=_written(message.title), url=_written(message.url)).strip()
        case "click":
            return _written(message.key)
        case _ if kind in FILES:
            return file_words(FILES[kind])
    return None


def file_of(kind: str, message: Any) -> str | None:
    """The media id of a message that is a file; none of a voice that WeChat has put into words."""
    if kind not in FILES or (kind == "voice" and _written(message.recognition)):
        return None
    return _written(message.media_id) or None


def spoken(answer: Answer) -> str:
    """All that is answered, without the buttons; the order's card where the words do not name it."""
    lines = [reply.text for reply in answer.replies]
    order = answer.work_order
    if order is not None and not any(order["number"] in line for line in lines):
        lines.append(_card(order))
    return "\n".join(lines)


def buttons(answer: Answer) -> list[Button]:
    """The quick replies of all replies."""
    return [button for reply in answer.replies for button in reply.buttons]


def numbered(said: str, titles: Sequence[str]) -> str:
    """A text with the quick replies under it, each with the number to answer with."""
    if not titles:
        return said
    choices = [text("choice", number=number, title=title) for number, title in enumerate(titles, start=1)]
    return "\n".join([said, text("choose"), *choices])


def picked(said: str, last: Answer | None) -> str:
    """What the citizen means: the payload of the last answer's button by its number or title, else the words."""
    if last is None:
        return said
    plain = unicodedata.normalize("NFKC", said).strip(_AROUND_NUMBERS)
    for number, button in enumerate(buttons(last), start=1):
        if plain == str(number) or said == button.title:
            return button.payload
    return said


def parts(said: str) -> list[str]:
    """A text in parts that WeChat takes, each with its number when there are several; none of an empty one."""
    if not said:
        return []
    if len(said.encode()) <= LONGEST_TEXT:
        return [said]
    found, rest = [], said
    while rest:
        part = _beginning(rest, LONGEST_TEXT - _ROOM)
        found.append(part)
        rest = rest[len(part) :]
    return [text("part", number=number, count=len(found)) + part for number, part in enumerate(found, start=1)]


def _beginning(said: str, most_bytes: int) -> str:
    """As much as fits, up to the end of a sentence where one is in its second half."""
    fits = said.encode()[:most_bytes].decode(errors="ignore")
    if len(fits) == len(said):
        return fits
    end = max(fits.rfind(mark) for mark in _SENTENCE_ENDS) + 1
    return fits[:end] if end > len(fits) // 2 else fits


def _place(message: Any) -> str | None:
    try:
        latitude, longitude = float(message.location_x), float(message.location_y)
    except (TypeError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    label = _written(message.label)
    key = "location" if label else "location_unnamed"
    return text(key, label=label, latitude=latitude, longitude=longitude)


def _card(order: dict[str, Any]) -> str:
    """The order as its citizen may know it (`desk.orders.progress`)."""
    lines = [
        text("card", number=order["number"], category=order["category_name"] or "—", state=order["state_name"]),
    ]
    if code := order.get("query_code"):
        lines.append(text("card_code", query_code=code))
    return "\n".join(lines)


def _written(value: object) -> str:
    """The text of a field; none when something else stands there."""
    return value.strip() if isinstance(value, str) else ""
