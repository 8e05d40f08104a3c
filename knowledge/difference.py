"""What differs between two contents of an entry, field by field. Pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from knowledge.content import Basis, Content, Matter, Place

# A text is compared by its clauses: with them a reader sees what was changed, with characters a mosaic.
_CLAUSES = re.compile(r"[^，。！？；：、,;\n]*[，。！？；：、,;\n]?")


class Op(StrEnum):
    """What became of a piece of a field."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Piece(BaseModel):
    """A line of a list, or some clauses of a text."""

    op: Op
    text: str


class Difference(BaseModel):
    """How one field differs: its pieces, the removed and the added ones in their places."""

    field: str
    pieces: list[Piece]


def changed_fields(old: Content, new: Content) -> list[str]:
    """The names of the fields that differ."""
    return [name for name in Content.model_fields if getattr(old, name) != getattr(new, name)]


def difference(old: Content, new: Content) -> list[Difference]:
    """Every field that differs, with what was removed and added."""
    return [
        Difference(field=name, pieces=list(_compared(_pieces(getattr(old, name)), _pieces(getattr(new, name)))))
        for name in changed_fields(old, new)
    ]


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Piece(op=Op.SAME, text=text) for text in old[old_from:old_to])
        else:
            yield from (Piece(op=Op.REMOVED, text=text) for text in old[old_from:old_to])
            yield from (Piece(op=Op.ADDED, text=text) for text in new[new_from:new_to])


def _pieces(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return [clause for clause in _CLAUSES.findall("" if value is None else str(value)) if clause]


def _shown(item: Any) -> str:
    if isinstance(item, Basis):
        return item.cited
    if isinstance(item, Place):
        return "，".join(filter(None, (item.shown, item.area)))
    if isinstance(item, Matter):
        return f"{item.title}：{item.entry}"
    return str(item)
