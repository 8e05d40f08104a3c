"""即时办结: how consultations ended. Every figure is told with what it means (`figures.yml`)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pydantic import BaseModel
from sqlalchemy import Connection, select

from core.clock import CITY_TIME
from core.problems import Problem
from core.wording import Wording
from knowledge.tables import Outcome, questions

told = Wording(__file__, "figures.yml")

LONGEST_DAYS = 366
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)

AskedForPerson = Callable[[Connection, datetime], Mapping[str, datetime]]
"""Tells the conversations in which a person was asked for since a moment, each with when that was last."""


@dataclass(frozen=True, slots=True)
class Consulted:
    """What became of one question of a conversation."""

    answered: bool
    outcome: Outcome | None
    order: bool
    person: bool

    @property
    def at_once(self) -> bool:
        """Whether it was done with the answer alone."""
        return self.answered and self.outcome is not Outcome.UNSOLVED and not self.order and not self.person


class Figure(BaseModel):
    """One figure with its name and what it means; None where there is nothing to divide by."""

    key: str
    name: str
    value: int | float | None
    definition: str


class Figures(BaseModel):
    """The figures of some days."""

    first_day: date
    last_day: date
    figures: list[Figure]


def counted(consulted: Iterable[Consulted]) -> dict[str, int | float | None]:
    """The figures of these questions by their keys."""
    every = list(consulted)
    answered = [each for each in every if each.answered]
    at_once = sum(each.at_once for each in every)
    return {
        "asked": len(every),
        "answered": len(answered),
        "solved": sum(each.outcome is Outcome.SOLVED for each in answered),
        "unsolved": sum(each.outcome is Outcome.UNSOLVED for each in answered),
        "silent": sum(each.at_once and each.outcome is None for each in answered),
        "orders": sum(each.order for each in every),
        "persons": sum(each.person for each in every),
        "at_once": at_once,
        "at_once_rate": round(at_once / len(every), 4) if every else None,
    }


def count(connection: Connection, first: date, last: date, asked_for_person: AskedForPerson) -> Figures:
    """The figures of the questions that were asked in these days of the city."""
    start = datetime.combine(first, time(), CITY_TIME)
    end = datetime.combine(last + timedelta(days=1), time(), CITY_TIME)
    asked = (questions.c.asked_at >= start) & (questions.c.asked_at < end) & questions.c.conversation_id.is_not(None)
    columns = ("asked_at", "conversation_id", "entry_id", "outcome", "order_number")
    rows = connection.execute(select(*(questions.c[name] for name in columns)).where(asked)).all()
    persons = asked_for_person(connection, start) if rows else {}
    values = counted(
        Consulted(
            row.entry_id is not None,
            Outcome(row.outcome) if row.outcome else None,
            row.order_number is not None,
            row.conversation_id in persons and persons[row.conversation_id] >= row.asked_at,
        )
        for row in rows
    )
    shown = [
        Figure(key=key, name=told.of(key, "name"), value=value, definition=told.of(key, "definition"))
        for key, value in values.items()
    ]
    return Figures(first_day=first, last_day=last, figures=shown)


def check_days(first: date, last: date) -> None:
    """Raises Problem 422 for days in the wrong order, too many, or beyond what a calendar reckons with."""
    if not (EARLIEST <= first <= last <= LATEST and (last - first).days < LONGEST_DAYS):
        detail = (
            f"from, to: {first} to {last}; to is from or later, at most {LONGEST_DAYS} days are counted, "
            f"between {EARLIEST} and {LATEST}"
        )
        raise Problem(422, "Unprocessable Content", detail, field="from")
