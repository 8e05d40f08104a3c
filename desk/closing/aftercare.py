"""The rules for what follows a reply: call-backs, checks that a matter stays solved, hurrying. Pure.

The numbers are those of `city/aftercare.yml`.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field

from core.records import Record
from desk.limits.deadlines import ReadLimit
from desk.orders.model import CategoryId, Outcome


class Missed(StrEnum):
    """Why somebody could not be asked."""

    NO_ANSWER = "no_answer"
    """无人接听"""
    WRONG_NUMBER = "wrong_number"
    """号码有误"""
    REFUSED = "refused"
    """不愿接受回访"""
    NO_CONTACT = "no_contact"
    """未留电话"""


class Callbacks(Record):
    """When the asking of a person ends."""

    enough: dict[Missed, int] = Field(min_length=len(Missed))
    source: str

    def are_enough(self, missed: list[Missed]) -> bool:
        """Whether after these failed attempts nobody calls again."""
        often = any(missed.count(kind) >= most for kind, most in self.enough.items())
        return often or len(missed) >= max(self.enough.values())


class Rechecks(Record):
    """Which closed orders are looked at again, and when."""

    after: ReadLimit
    outcomes: tuple[Outcome, ...]
    categories: tuple[CategoryId, ...]
    source: str

    def concern(self, category: str | None, outcome: str | None) -> bool:
        """Whether an order that closes like this is looked at again."""
        return category in self.categories and outcome in self.outcomes


class Expediting(Record):
    """How often a citizen may hurry an order, and from when on somebody higher hears of it."""

    pause: ReadLimit
    escalate_after: int = Field(ge=1)
    source: str


class Aftercare(Record):
    """All rules of `city/aftercare.yml`. Raises pydantic's ValidationError naming what is wrong."""

    callbacks: Callbacks
    rechecks: Rechecks
    expediting: Expediting
    levels: tuple[str, ...] = Field(min_length=1)

    def head_of(self, level: int) -> str:
        """Who sees to an order of a level (1: it has come back once)."""
        return self.levels[min(level, len(self.levels)) - 1]


def read_aftercare(data: Any) -> Aftercare:
    """The rules in the data of `city/aftercare.yml`."""
    return Aftercare.model_validate(data)
