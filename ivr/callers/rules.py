"""What a city decides about its callers, and the words they hear and read."""

import string
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from core.city import City
from core.records import Record
from desk.orders.model import ProxyAct

LONGEST_TEXT = 134
"""Characters of a text message in two parts of UCS-2 (GSM 03.38: 67 each)."""
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_FILLED_IN = {
    "number": {"number", "hotline", "query_code"},
    "card": {"number", "hotline", "who", "matter", "until"},
    "shared": {"number", "hotline", "tail", "until"},
    "who": {"tail"},
    "until": {"month", "day"},
    "ended": {"number"},
}


class Elders(Record):
    """`straight_to_person`: a number on the elder list is put through to a person at once."""

    straight_to_person: bool


class Family(Record):
    """家人同办: for how many days, what a family member may do, how many an order may have, and a phone a day."""

    days: int = Field(ge=1, le=366)
    scope: tuple[ProxyAct, ...] = Field(min_length=1)
    most: int = Field(ge=1, le=20)
    cards_a_day: int = Field(ge=1, le=20)


class CallerRules(Record):
    """`callers` of `city/phone.yml`, whose header explains it."""

    wrong_proofs: int = Field(ge=1, le=10)
    most_orders: int = Field(ge=1, le=20)
    elders: Elders
    family: Family


class Texts(Record):
    """The text messages of `texts.yml`, and the words in them."""

    number: Words
    card: Words
    shared: Words
    who: Words
    who_unknown: Words
    secret: Words
    until: Words
    consent: Words
    ended: Words

    @model_validator(mode="after")
    def _can_be_filled_in(self) -> Self:
        for name, text in self.model_dump().items():
            named = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
            allowed = _FILLED_IN.get(name, set())
            if unknown := named - allowed:
                raise ValueError(f"{name}: {', '.join(sorted(unknown))} cannot stand here; {sorted(allowed)} can")
            if "://" in text or "www." in text.lower():
                raise ValueError(f"{name}: a text message names no web address")
        return self

    def longest(self, hotline: str, matters: list[str]) -> dict[str, int]:
        """How long each message can become."""
        until, who = self.until.format(month=12, day=31), self.who.format(tail="0000")
        filled = {
            "number": "20261124-000017",
            "query_code": "000000",
            "hotline": hotline,
            "tail": "0000",
            "until": until,
            "who": max(who, self.who_unknown, key=len),
            "matter": max([*matters, self.secret], key=len),
        }
        return {name: len(getattr(self, name).format(**filled)) for name in ("number", "card", "shared")}


def read_rules(city: City) -> CallerRules:
    """A city's rules. Raises pydantic's ValidationError naming what is wrong."""
    return CallerRules.model_validate(city.read("phone.yml")["callers"])


def read_texts(city: City) -> Texts:
    """The texts, each short enough with this city's words. Raises ValueError naming the text."""
    texts = Texts.model_validate(_load("texts.yml"))
    matters = [word for category in city.categories.values() for word in (category.name, *category.keywords)]
    for name, length in texts.longest(hotline_of(city), matters).items():
        if length > LONGEST_TEXT:
            raise ValueError(f"texts.yml: {name}: can be {length} characters long; at most {LONGEST_TEXT}")
    return texts


def hotline_of(city: City) -> str:
    """The number citizens dial."""
    return str(city.read("city.yml")["hotline"])


@cache
def words() -> dict[str, Any]:
    """What is spoken of an open order."""
    loaded: dict[str, Any] = _load("words.yml")
    return loaded


def _load(file: str) -> Any:
    return yaml.safe_load(Path(__file__).with_name(file).read_text("utf-8"))
