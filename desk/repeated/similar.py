"""How alike two requests are: their place, their words, their category. Pure.

The weights and thresholds are those of `city/similar.yml`.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator
from rapidfuzz import fuzz

from core.records import Record
from desk.orders.model import CategoryId, Line, Nature, Probability
from desk.repeated.places import Place, place_of

_NOT_WORDS = re.compile(r"[\W\d_]+")
_COUNTY, _TOWN = 6, 9


class Weights(Record):
    """What each agreement counts for."""

    place: Probability
    text: Probability
    category: Probability

    @model_validator(mode="after")
    def _are_one(self) -> Self:
        if abs(self.place + self.text + self.category - 1) > 1e-9:
            raise ValueError("weights: place, text and category together have to be 1")
        return self


class Places(Record):
    """What part of its weight an agreement of places is worth."""

    same: Probability
    road: Probability
    town: Probability
    unknown: Probability


class Offering(Record):
    """Which orders a citizen may join."""

    score: Probability
    natures: tuple[Nature, ...]
    categories: tuple[CategoryId, ...]


class Reopening(Record):
    """When a new order reopens an old one."""

    days: int = Field(ge=1)
    text: Probability


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request when it is compared."""

    text: str
    category: str | None
    area_code: str | None
    place: str | None

    @property
    def spot(self) -> Place | None:
        """Its place by key."""
        return place_of(self.place, self.area_code)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two requests are, from 0 to 1; `place` is the agreement's name in the data, or None."""

    score: float
    place: str | None
    text: float
    category: bool


class Similarity(Record):
    """The rules of `city/similar.yml`. Raises pydantic's ValidationError naming what is wrong."""

    weights: Weights
    place: Places
    alike: Probability
    hours: int = Field(ge=1)
    candidates: int = Field(ge=1, le=1000)
    offering: Offering
    reopening: Reopening
    stop: tuple[str, ...]
    same: tuple[str, ...]

    def likeness(self, one: Request, other: Request) -> Likeness:
        """How alike two requests are; not at all where their places differ."""
        place = _agreement(one, other)
        text = self.text_likeness(one.text, other.text)
        category = one.category is not None and one.category == other.category
        part = 0.0 if place is None else float(getattr(self.place, place))
        score = self.weights.place * part + self.weights.text * text + self.weights.category * category
        return Likeness(0.0 if place is None else round(score, 3), place, round(text, 3), category)

    def text_likeness(self, one: str, other: str) -> float:
        """How alike two texts are, from 0 to 1: what they speak of, and how they say it."""
        words = [self._substance(text) for text in (one, other)]
        if not all(words):
            return 0.0
        # A short report and a long one of the same thing share the short one's pairs of characters.
        pairs = [{text[i : i + 2] for i in range(len(text) - 1)} for text in words]
        shared = len(pairs[0] & pairs[1]) / max(1, min(map(len, pairs)))
        said = max(shared, fuzz.ratio(*words) / 100)
        topics = [{number for number, group in enumerate(self.same) if re.search(group, text)} for text in (one, other)]
        if topics[0] & topics[1]:
            return min(1.0, 0.5 + said)
        return said / 2 if topics[0] and topics[1] else said

    def may_be_offered(self, line: str, nature: str | None, category: str | None) -> bool:
        """Whether others may hear of such an order: none that says who is accused, none of a company."""
        hidden = nature in self.offering.natures or category in self.offering.categories
        return line == Line.CITIZEN and not hidden

    def _substance(self, text: str) -> str:
        plain = unicodedata.normalize("NFKC", text)
        for word in sorted(self.stop, key=len, reverse=True):
            plain = plain.replace(word, "")
        return _NOT_WORDS.sub("", plain)


def read_similarity(data: Any) -> Similarity:
    """The rules in the data of `city/similar.yml`."""
    return Similarity.model_validate(data)


def _agreement(one: Request, other: Request) -> str | None:
    """How far the places agree: same, road, town, unknown; None where they differ."""
    here, there = one.spot, other.spot
    counties = {(request.area_code or "")[:_COUNTY] for request in (one, other)} - {""}
    if len(counties) > 1:
        return None
    if here and there:
        if here.name == there.name:
            return "same" if here.exact and there.exact else "road"
        if here.exact and there.exact:
            return None
        return "road" if here.name.startswith(there.name) or there.name.startswith(here.name) else None
    towns = [(request.area_code or "")[:_TOWN] for request in (one, other)]
    if towns[0] == towns[1] and len(towns[0]) == _TOWN:
        return "town"
    return "unknown" if counties else None
