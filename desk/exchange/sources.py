"""The platforms that hand orders over, and what their files say in our words. Pure.

The platforms are the city's data (`city/sources.yml`): their headings, their words, their way to write times.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.city import City
from core.problems import Problem
from core.sheets import BadSheet, Row, read_sheet
from desk.orders.model import Channel, Line, Matter, Nature, NewWorkOrder
from desk.orders.words import words

SHOWN = 60
"""Characters of a bad value that a report repeats."""

SourceNumber = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class SourceOrder(Matter):
    """An order as another platform hands it over, under its own number."""

    source_number: SourceNumber
    line: Line = Line.CITIZEN
    received_at: AwareDatetime | None = Field(None, description="When the platform took it")

    def as_new(self, channel: Channel) -> NewWorkOrder:
        """The order to open here; without a category a person has to read it."""
        said = self.model_dump(exclude={"source_number", "received_at"})
        unsorted = self.category is None
        reason = words()["imports"]["no_category"] if unsorted else None
        return NewWorkOrder(**said, channel=channel, needs_person=unsorted, reason=reason)


NEEDED = ("source_number", "text")


class Source(BaseModel):
    """A platform of `city/sources.yml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,29}$")]
    name: str
    channel: Channel
    time_format: str
    columns: dict[str, tuple[str, ...]]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    nothing: frozenset[str] = frozenset()
    answer_url: HttpUrl | None = None

    @model_validator(mode="after")
    def _known_fields(self) -> "Source":
        unknown = sorted({*self.columns, *self.values} - set(SourceOrder.model_fields))
        missing = [field for field in NEEDED if not self.columns.get(field)]
        if unknown or missing:
            wrong = [f"{field} is no field of ours" for field in unknown]
            wrong += [f"{field} needs a heading" for field in missing]
            raise ValueError(f"source {self.id}: {'; '.join(wrong)}")
        return self


class Sources(dict[str, Source]):
    """All platforms by id."""

    @classmethod
    def of_city(cls, city: City) -> "Sources":
        """The platforms of a city's `sources.yml`. Raises pydantic's ValidationError."""
        listed = [Source.model_validate(entry) for entry in city.read("sources.yml")["sources"]]
        return cls({source.id: source for source in listed})

    def answer_urls(self, instead: Mapping[str, HttpUrl]) -> dict[str, str]:
        """Where answers are delivered to, by platform; `instead` goes before the file. ValueError for a wrong id."""
        if unknown := sorted(set(instead) - set(self)):
            raise ValueError(f"answer_urls: {', '.join(unknown)} is not one of {', '.join(self)} (city/sources.yml)")
        found = {source.id: source.answer_url for source in self.values()} | dict(instead)
        return {source: str(url) for source, url in found.items() if url is not None}

    def named(self, source: str) -> Source:
        """The platform with this id. Raises Problem 404 that names those there are."""
        if source not in self:
            detail = f"source: {source[:SHOWN]!r} is not one of {', '.join(self)} (city/sources.yml)"
            raise Problem(404, "Not Found", detail, field="source")
        return self[source]


class Fault(BaseModel):
    """Why a row was not taken: where, what was there, and what is allowed."""

    line: int
    column: str
    value: str
    allowed: str


class Reader:
    """Reads the files of one platform for one city."""

    def __init__(self, source: Source, city: City) -> None:
        self._source = source
        self._city = city
        self._zone = ZoneInfo(city.timezone)

    def read(self, raw: bytes) -> tuple[list[tuple[int, SourceOrder]], list[Fault]]:
        """The orders of a file by their lines, and what is wrong with the other rows.

        Raises BadSheet for a file that cannot be read at all.
        """
        rows = read_sheet(raw)
        seen = {heading for row in rows for heading in row.cells}
        for field in NEEDED if rows else ():
            if not seen & set(self._source.columns[field]):
                allowed = ", ".join(self._source.columns[field])
                raise BadSheet(
                    f"{field}: no column of this name with anything in it; {self._source.name} has {allowed}"
                )
        orders: list[tuple[int, SourceOrder]] = []
        faults: list[Fault] = []
        for row in rows:
            order, wrong = self._order(row)
            faults += wrong
            if order is not None:
                orders.append((row.line, order))
        return orders, faults

    def _order(self, row: Row) -> tuple[SourceOrder | None, list[Fault]]:
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for field, headings in self._source.columns.items():
            heading = next((heading for heading in headings if heading in row.cells), None)
            if heading is None or row.cells[heading] in self._source.nothing:
                continue
            cell = row.cells[heading]
            try:
                values[field] = self._value(field, self._source.values.get(field, {}).get(cell, cell))
            except ValueError as error:
                faults.append(Fault(line=row.line, column=heading, value=cell[:SHOWN], allowed=str(error)))
        try:
            order = SourceOrder.model_validate(values)
        except ValidationError as error:
            wrong = {fault.column for fault in faults}
            found = [self._fault(row, entry) for entry in error.errors(include_url=False)]
            return None, faults + [fault for fault in found if fault.column not in wrong]
        return (None if faults else order), faults

    def _fault(self, row: Row, found: Any) -> Fault:
        headings = self._source.columns[str(found["loc"][0])]
        column = next((heading for heading in headings if heading in row.cells), headings[0])
        return Fault(line=row.line, column=column, value=row.cells.get(column, "")[:SHOWN], allowed=found["msg"])

    def _value(self, field: str, said: str) -> Any:
        """Our value for what a platform wrote. Raises ValueError with what is allowed."""
        if field == "category":
            return _one_of(said, self._categories, "an id or a name of city/categories.yml")
        if field == "area_code":
            return _one_of(said.replace(" ", ""), self._areas, "a code of city/areas.csv, or a name only one area has")
        if field == "nature":
            return _one_of(said, {nature: nature for nature in Nature}, "、".join(Nature))
        if field == "line":
            return _one_of(said, {line: line for line in Line}, "、".join(Line))
        if field == "received_at":
            return self._moment(said)
        return _e164(said) if field == "contact_phone" else said

    @cached_property
    def _categories(self) -> dict[str, str]:
        return {key: one.id for one in self._city.categories.values() for key in (one.id, one.name, one.slug)}

    @cached_property
    def _areas(self) -> dict[str, str]:
        """Codes by code, by whole name with and without the city's in front, and by the names only one area has."""
        areas = self._city.areas
        shared = Counter(name for area in areas.values() for name in {area.name, *area.aliases})
        named = {name: code for code, area in areas.items() for name in (area.name, *area.aliases) if shared[name] == 1}
        paths = {self._city.area_path(code): code for code in areas}
        whole = {self._city.name + path: code for path, code in paths.items()}
        return {**named, **whole, **paths, **{code: code for code in areas}}

    def _moment(self, said: str) -> datetime:
        try:
            moment = datetime.strptime(said, self._source.time_format)
        except ValueError:
            try:
                moment = datetime.fromisoformat(said)
            except ValueError:
                raise ValueError(f"a time like {self._source.time_format} or 2026-11-24 09:30:00") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)


def _one_of(said: str, known: dict[Any, Any], allowed: str) -> Any:
    if said not in known:
        raise ValueError(allowed)
    return known[said]


def _e164(said: str) -> str:
    """A phone number as it is kept, where it is one; what it may be is the model's to say."""
    try:
        return format_number(parse(said, "CN"), PhoneNumberFormat.E164)
    except NumberParseException:
        return said
