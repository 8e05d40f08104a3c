"""《工单部门职责一览表》: which task answers for what. Pure.

A row stands for a category, and perhaps for an area and for keywords. Every category has one general row, without
either, for everything no other row fits.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.units import Level

_Phrase = tuple[str, ...]


def _parts(cell: Any) -> list[str]:
    return [part.strip() for part in str(cell or "").split("|") if part.strip()]


def _phrases(cell: Any) -> list[list[str]]:
    return [[word.strip() for word in part.split("+") if word.strip()] for part in _parts(cell)]


class Row(BaseModel):
    """One row. `keywords` are alternatives, each a phrase of words that all have to be there.

    `level` is the lowest that handles it: CITY keeps it in the city; `confirm` is what the operator has to find out
    before the row can be relied on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^\d{2}-\d{2}$")
    category: str = Field(pattern=r"^\d{2}$")
    area: str = Field("", pattern=r"^(\d{6}(\d{3}){0,2})?$")
    keywords: Annotated[tuple[_Phrase, ...], BeforeValidator(_phrases)] = ()
    lead: str = Field(min_length=2)
    assist: Annotated[tuple[str, ...], BeforeValidator(_parts)] = ()
    level: Level
    stand_in: str = ""
    basis: str = Field(min_length=2)
    source: str = Field(min_length=2)
    confirm: str = ""

    @property
    def is_general(self) -> bool:
        """Whether it is the category's row for everything else."""
        return not self.area and not self.keywords


@dataclass(frozen=True, slots=True)
class Fit:
    """A row that fits an order, and the words of the order it was found by."""

    row: Row
    words: tuple[str, ...]

    @property
    def strength(self) -> tuple[int, int, int]:
        """How special it is: by its area, by its longest phrase found, by how many words were found."""
        return len(self.row.area), max(map(len, self.words), default=0), len(self.words)

    def covers(self, other: "Fit") -> bool:
        """Whether this row stands over the other.

        Its area is the smaller one, or the other row was found only by words inside its words (施工 in 夜间施工).
        """
        return len(self.row.area) > len(other.row.area) or all(
            any(word in mine for mine in self.words) for word in other.words
        )


class Table:
    """All rows. Raises ValueError for a row whose id is not its category's, an id used twice, a second general row."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        ids = Counter(row.id for row in self.rows)
        if doubled := [found for found, count in ids.items() if count > 1]:
            raise ValueError(f"responsibilities: {', '.join(doubled)} is there twice")
        if stray := [row.id for row in self.rows if not row.id.startswith(f"{row.category}-")]:
            raise ValueError(f"responsibilities: {', '.join(stray)} does not begin with its category")
        self._by_id = {row.id: row for row in self.rows}
        self._by_category: dict[str, list[Row]] = {}
        for row in self.rows:
            self._by_category.setdefault(row.category, []).append(row)
        self._general = {row.category: row for row in self.rows if row.is_general}
        if len(self._general) != sum(row.is_general for row in self.rows):
            raise ValueError("responsibilities: a category has two general rows")
        canonical = "\n".join(row.model_dump_json() for row in sorted(self.rows, key=lambda row: row.id))
        self.version = hashlib.sha256(canonical.encode()).hexdigest()[:12]

    @classmethod
    def from_cells(cls, lines: Iterable[Mapping[str, str]]) -> "Table":
        """The table of a spreadsheet's lines. Raises pydantic's ValidationError or ValueError naming what is wrong."""
        return cls(Row.model_validate(dict(line)) for line in lines)

    def row(self, row_id: str) -> Row:
        """The row with an id. Raises KeyError."""
        return self._by_id[row_id]

    def general(self, category: str) -> Row:
        """The row for everything in a category that no other row fits. Raises KeyError."""
        return self._general[category]

    def fitting(self, category: str, area: str | None, text: str) -> list[Fit]:
        """The rows that fit, the most special first; the general row is always the last."""
        fits = [fit for row in self._by_category[category] if (fit := _fit(row, area or "", text)) is not None]
        return sorted(fits, key=lambda fit: fit.strength, reverse=True)


def _fit(row: Row, area: str, text: str) -> Fit | None:
    if not area.startswith(row.area):
        return None
    found = [phrase for phrase in row.keywords if all(word in text for word in phrase)]
    if row.keywords and not found:
        return None
    return Fit(row, tuple(dict.fromkeys(word for phrase in found for word in phrase)))
