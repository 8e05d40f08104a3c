"""What an entry says: one matter, as it is asked and as it is answered."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from core.records import Record

LONGEST_ANSWER = 20_000
MOST_PHRASES = 60
LONGEST_GIST = 64

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def _text(value: Any) -> Any:
    """A text as any file and any database can hold it: no control characters, one kind of line end."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return _UNWRITABLE.sub("", _LINE_ENDS.sub("\n", value))


def _line(value: Any) -> Any:
    text = _text(value)
    return text.replace("\n", " ") if isinstance(text, str) else text


# They stand after the constraints of their types, which would else look at the text before it is stripped.
_AS_TEXT, _AS_LINE = BeforeValidator(_text), BeforeValidator(_line)
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), _AS_LINE]
Lines = Annotated[tuple[Line, ...], Field(max_length=MOST_PHRASES)]


class Audience(StrEnum):
    """Whom an answer is for."""

    CITIZEN = "citizen"
    COMPANY = "company"
    BOTH = "both"


class Facet(StrEnum):
    """A part of an answer that can be asked for by itself."""

    STEPS = "steps"
    DOCUMENTS = "documents"
    FEE = "fee"
    TIME = "time"
    PLACES = "places"
    BASIS = "basis"


class Basis(Record):
    """The text an answer rests on. `date`: since when the version that was read is in force."""

    law: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200), _AS_LINE]
    article: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), _AS_LINE] | None = None
    date: date

    @field_validator("article")
    @classmethod
    def _no_article(cls, value: str | None) -> str | None:
        return value or None

    @property
    def cited(self) -> str:
        """《法律》第几条（日期）."""
        law = self.law if self.law.startswith("《") else f"《{self.law}》"
        return f"{law}{self.article or ''}（{self.date.isoformat()}）"


class Place(Record):
    """A counter where the matter is done."""

    name: Line
    address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _AS_LINE] = ""
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50), _AS_LINE] = ""
    hours: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), _AS_LINE] = ""
    area: Annotated[str, StringConstraints(pattern=r"^(\d{6}(\d{3}){0,2})?$")] = ""

    @property
    def shown(self) -> str:
        """The card in one line."""
        return "，".join(filter(None, (self.name, self.address, self.phone, self.hours)))


class Matter(Record):
    """One of the matters a 一件事 leads through: its name there, and the entry that answers it."""

    title: Line
    entry: Annotated[str, StringConstraints(pattern=r"^\S{1,100}$")]


class Content(Record):
    """All that an entry says.

    `asked`: other ways of asking for it. `short`: for the telephone; empty: the answer's first sentences. `area`: the
    area the answer holds for, empty: everywhere. `confirm`: what the operator has to find out or fill in locally.
    `matters`: what a 一件事 leads through, in their order.
    `effective` and `expires` are the first and the last day on which it may be told.
    """

    question: Line
    asked: Lines = ()
    short: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _AS_TEXT] = ""
    answer: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_ANSWER), _AS_TEXT]
    steps: Lines = ()
    documents: Lines = ()
    fee: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), _AS_TEXT] = ""
    time: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), _AS_TEXT] = ""
    places: Annotated[tuple[Place, ...], Field(max_length=MOST_PHRASES)] = ()
    basis: Annotated[tuple[Basis, ...], Field(max_length=MOST_PHRASES)] = ()
    audience: Audience = Audience.BOTH
    area: Annotated[str, StringConstraints(pattern=r"^(\d{6}(\d{3}){0,2})?$")] = ""
    category: Annotated[str, StringConstraints(pattern=r"^(\d{2})?$")] = ""
    unit: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), _AS_LINE] = ""
    effective: date | None = None
    expires: date | None = None
    confirm: Lines = ()
    matters: Annotated[tuple[Matter, ...], Field(max_length=MOST_PHRASES)] = ()

    @field_validator("effective", "expires", mode="before")
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Content":
        if self.effective and self.expires and self.expires < self.effective:
            raise ValueError(f"expires {self.expires} lies before effective {self.effective}")
        return self

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """All ways of asking for it."""
        return (self.question, *self.asked)

    @cached_property
    def gist(self) -> str:
        """What it is about, in one line: the question and the beginning of the answer."""
        return f"{self.question}。{self.short or self.answer}"[:LONGEST_GIST]

    @cached_property
    def meant(self) -> tuple[str, ...]:
        """The texts it is found by when the meaning is compared: all ways of asking, and last the gist."""
        return (*self.phrases, self.gist)

    @cached_property
    def body(self) -> str:
        """All it says, as one text to search in."""
        cited = (f"{basis.law}{basis.article or ''}" for basis in self.basis)
        parts = (self.short, self.answer, *self.steps, *self.documents, self.fee, self.time, *cited)
        return "\n".join(filter(None, parts))

    @property
    def whole(self) -> str:
        """All ways of asking, and all it says."""
        return "\n".join((*self.phrases, self.body))

    def holds_on(self, day: date) -> bool:
        """Whether it may be told on a day."""
        return (self.effective is None or self.effective <= day) and (self.expires is None or day <= self.expires)

    def holds_for(self, audience: Audience | None, area: str | None) -> bool:
        """Whether it is meant for somebody there; what is not known of them excludes nothing."""
        if audience not in (None, Audience.BOTH) and self.audience not in (Audience.BOTH, audience):
            return False
        return not (area and self.area) or area.startswith(self.area) or self.area.startswith(area)

    @property
    def source(self) -> str:
        """Where the answer comes from, with its date; empty when none is named."""
        return "、".join(basis.cited for basis in self.basis)

    def to_json(self) -> dict[str, Any]:
        """The content as it is stored; what is empty is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """A live version of an entry."""

    id: str
    version: int
    content: Content
