"""The rules of `city/chat.yml`, and the sentences of `words.yml`. Pure."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field

from core.city import City
from core.records import Record
from core.wording import Wording
from desk.limits.deadlines import Limit
from desk.orders.model import Channel

words = Wording(__file__, "words.yml")
WRITTEN = frozenset({Channel.WEB, Channel.WECHAT})
"""Channels on which a person can take over; on the telephone the call itself goes to a seat."""
_CLOCK = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}
_WITHOUT_PUNCTUATION = str.maketrans("", "", "，。！？、；：,.!?;:~～ \t\r\n")


def _span(text: object) -> timedelta:
    limit = Limit.parse(str(text))
    if limit.unit not in _CLOCK:
        raise ValueError(f"{text!r}: write minutes or hours by the clock, like 5m or 2h")
    return limit.amount * _CLOCK[limit.unit]


Span = Annotated[timedelta, BeforeValidator(_span)]


class Rules(Record):
    """The key `handover` of `city/chat.yml`. Raises pydantic's ValidationError naming what is wrong."""

    present: Span
    waiting: Span
    silent: Span
    most: int = Field(ge=1, le=50)
    canned: dict[str, Annotated[str, Field(min_length=1, max_length=500)]]
    asks: tuple[re.Pattern[str], ...] = Field(min_length=1)
    gives_up: frozenset[str]

    @classmethod
    def of_city(cls, city: City) -> Self:
        """The rules of a city; how people give up stands in its phrases."""
        gives_up = city.read("phrases.yml")["cancel"]
        return cls.model_validate({**city.read("chat.yml")["handover"], "gives_up": gives_up})

    def wants_person(self, text: str) -> bool:
        """Whether somebody asks for a person, and for nothing else."""
        bare = _bare(text)
        return any(pattern.fullmatch(bare) for pattern in self.asks)

    def wants_no_more(self, text: str) -> bool:
        """Whether somebody who waits gives up."""
        return _bare(text) in self.gives_up


def _bare(text: str) -> str:
    return text.translate(_WITHOUT_PUNCTUATION)
