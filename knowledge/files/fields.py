"""The fields of an entry as people write them in sheets and Markdown: headings in Chinese, a line for each item. Pure.

What is written is read as the same content again: marks that part the pieces of a line are escaped by a backslash.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.wording import Wording
from knowledge.content import Audience, Basis, Content, Matter, Place
from knowledge.files.taken import Taken, first_fault

columns = Wording(__file__, "columns.yml")

LISTS = frozenset({"asked", "steps", "documents", "places", "basis", "confirm", "matters"})
"""Fields with a line for each item."""
NEEDED = ("id", "question", "answer")
_DATES = frozenset({"effective", "expires"})
_PLACE = ("name", "address", "phone", "hours", "area")
_PIECES = re.compile(r"(?:^|[|｜])((?:\\.|[^|｜])*)")
_ESCAPED = re.compile(r"\\(.)")
_CITED = re.compile(r"(.*)[（(]\s*(\d{4}-\d{1,2}-\d{1,2})\s*[）)]")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?")


class _Unreadable(ValueError):
    """A value that is not written as it has to be; the text is a key of `refusals`."""


def headings() -> dict[str, str]:
    """The heading of each field, in the order of the columns."""
    found: dict[str, str] = columns.all["fields"]
    return found


def fields_by_heading() -> dict[str, str]:
    """The field of each heading, however it may be written."""
    also: dict[str, str] = columns.all["also"]
    return {heading: name for name, heading in headings().items()} | also


def written(content: Content) -> dict[str, str]:
    """Every field that says something, as a text; the items of a list stand in lines."""
    told: dict[str, str] = {}
    for name in Content.model_fields:
        value = getattr(content, name)
        text = "\n".join(map(_item, value)) if isinstance(value, tuple) else _value(value)
        if text:
            told[name] = text
    return told


def take(taken: Taken, line: int, texts: Mapping[str, str]) -> None:
    """Add the entry that the texts of fields say, or what is wrong with them."""
    entry_id = texts.get("id", "").strip()
    if not taken.knows_id(entry_id, line, columns.of("refusals", "id"), columns.of("refusals", "twice")):
        return
    shown = headings()
    for name in NEEDED:
        if not texts.get(name, "").strip():
            taken.refuse(line, shown[name], None, columns.of("refusals", "missing"))
            return
    said: dict[str, Any] = {}
    for name, text in texts.items():
        if name == "id":
            continue
        try:
            said[name] = _read(name, text)
        except _Unreadable as error:
            taken.refuse(line, shown[name], text, columns.of("refusals", str(error)))
            return
    try:
        taken.add(entry_id, Content.model_validate(said), line)
    except ValidationError as error:
        field, value, allowed = first_fault(error)
        name, _, rest = field.partition(".")
        taken.refuse(line, shown.get(name, name) + (f".{rest}" if rest else ""), value, allowed)


def _value(value: Any) -> str:
    if isinstance(value, Audience):
        # Who an answer is for is said only where it is not for everybody.
        return "" if value is Audience.BOTH else columns.of("audiences", value)
    return "" if value is None else str(value)


def _item(item: Any) -> str:
    if isinstance(item, Basis):
        law = _escaped(item.law, "" if _is_balanced(item.law) else "《》")
        return f"《{law}》{item.article or ''}（{item.date.isoformat()}）"
    if isinstance(item, Place):
        pieces = [_escaped(getattr(item, name), "|｜") for name in _PLACE]
        while not pieces[-1]:
            pieces.pop()
        return " | ".join(pieces)
    if isinstance(item, Matter):
        return f"{_escaped(item.title, '|｜')} | {_escaped(item.entry, '|｜')}"
    return str(item)


def _read(name: str, text: str) -> Any:
    text = text.strip()
    if name in LISTS:
        read = {"basis": _basis, "places": _place, "matters": _matter}.get(name, str)
        return tuple(read(line) for each in text.split("\n") if (line := each.strip()))
    if name in _DATES:
        return _day(text)
    if name == "audience":
        words: dict[str, str] = columns.all["audiences"]
        by_word = {word: key for key, word in words.items()} | {key: key for key in words}
        if text not in by_word:
            raise _Unreadable("audience")
        return by_word[text]
    # A spreadsheet program makes a number of 03.
    return text.zfill(2) if name == "category" and text.isdecimal() else text


def _day(text: str) -> str:
    if (found := _DAY.fullmatch(text)) is None:
        raise _Unreadable("date")
    year, month, day = found.groups()
    return f"{year}-{int(month):02}-{int(day):02}"


def _basis(line: str) -> dict[str, Any]:
    if not line.startswith("《"):
        raise _Unreadable("basis")
    depth, position = 0, 0
    while position < len(line):
        mark = line[position]
        depth += (mark == "《") - (mark == "》")
        if depth == 0:
            break
        position += 2 if mark == "\\" else 1
    found = _CITED.fullmatch(line[position + 1 :].strip())
    if found is None:
        raise _Unreadable("basis")
    article, day = found.groups()
    return {"law": _plain(line[1:position]), "article": article.strip() or None, "date": _day(day)}


def _place(line: str) -> dict[str, str]:
    pieces = _split(line)
    if len(pieces) > len(_PLACE) or not pieces[0]:
        raise _Unreadable("places")
    return dict(zip(_PLACE, pieces, strict=False))


def _matter(line: str) -> dict[str, str]:
    if len(pieces := _split(line)) != 2 or not all(pieces):
        raise _Unreadable("matters")
    return {"title": pieces[0], "entry": pieces[1]}


def _split(line: str) -> list[str]:
    return [_plain(piece.strip()) for piece in _PIECES.findall(line)]


def _is_balanced(text: str) -> bool:
    depth = 0
    for mark in text:
        depth += (mark == "《") - (mark == "》")
        if depth < 0:
            return False
    return depth == 0


def _escaped(text: str, marks: str) -> str:
    return "".join(f"\\{mark}" if mark == "\\" or mark in marks else mark for mark in text)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
