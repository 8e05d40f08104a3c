"""What a file holds: entries with their ids, what is wrong in it, and what nobody knows."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from knowledge.content import Content

SHOWN = 60


class Fault(BaseModel):
    """Why a part of a file was not taken: where it stands, the field, its value, and what is allowed.

    `line` is counted in what `place` says: lines, or the entries of a file of `city/knowledge/`.
    """

    line: int
    field: str
    value: str
    allowed: str
    place: str = Field("line", exclude=True)

    def __str__(self) -> str:
        got = f" (got {self.value!r})" if self.value else ""
        named = f"{self.field}: " if self.field else ""
        return f"{self.place} {self.line}: {named}{self.allowed}{got}"


@dataclass
class Taken:
    """The entries with their ids, what is wrong, and the fields nobody knows. `lines`: where each entry stands."""

    entries: list[tuple[str, Content]] = field(default_factory=list)
    refused: list[Fault] = field(default_factory=list)
    passed_over: set[str] = field(default_factory=set)
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, entry_id: str, content: Content, line: int) -> None:
        """An entry that can be taken."""
        self.lines[entry_id] = line
        self.entries.append((entry_id, content))

    def refuse(self, line: int, field_name: str, value: Any, allowed: str, place: str = "line") -> None:
        """Something that cannot."""
        shown = "" if value is None else str(value)[:SHOWN]
        self.refused.append(Fault(line=line, field=field_name, value=shown, allowed=allowed, place=place))

    def knows_id(self, entry_id: str, line: int, allowed: str, twice: str, place: str = "line") -> bool:
        """Whether an id can be one and was not there before; it is refused otherwise."""
        if not entry_id or len(entry_id) > 100 or any(mark.isspace() for mark in entry_id):
            self.refuse(line, "id", entry_id, allowed, place)
        elif entry_id in self.lines:
            self.refuse(line, "id", entry_id, twice, place)
        else:
            self.lines[entry_id] = line
            return True
        return False


def first_fault(error: ValidationError) -> tuple[str, Any, str]:
    """Of what a model refuses the first: field, value, and what is allowed."""
    found = error.errors()[0]
    return ".".join(map(str, found["loc"])), found.get("input"), found["msg"]
