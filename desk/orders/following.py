"""An order as its citizen follows it: which light it shows, until when, and what has been done so far."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, select

from core.city import City
from core.clock import to_city_time
from desk.closing import callbacks
from desk.limits.deadlines import Light, Step
from desk.orders import register
from desk.orders.model import State
from desk.orders.progress import Progress, progress_of
from desk.orders.tables import clocks
from desk.orders.words import words
from desk.repeated.supporters import Person

ANSWERED = (State.PENDING_CALLBACK, State.CLOSED)
"""States in which a citizen may say what they think of the answer."""


class CitizenLight(StrEnum):
    """The light of the time to finish, with the green that the desk has no word for."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class Taken(BaseModel):
    """A step of the order's way, in words for its citizen."""

    at: datetime
    kind: str
    text: str


class Followed(Progress):
    """Progress with the light, the end of the time to finish, and the way so far, oldest step first.

    `light` and `due` are null while no time runs: before it is sent to its unit, while the unit waits for the citizen,
    and once it is answered.
    """

    light: CitizenLight | None
    due: datetime | None
    history: list[Taken]
    may_rate: bool

    @classmethod
    def by(cls, person: Person, connection: Connection, city: City, now: datetime) -> Self:
        """What `person` may know of their order. An order merged into another shows that one's light."""
        own = register.find(connection, person.number)
        handled = _handled(connection, person.order_id)
        clock = _running(connection, handled)
        return cls(
            **progress_of(own, city).model_dump(),
            light=None if clock is None else _light(clock, now),
            due=None if clock is None else to_city_time(clock["red"]),
            history=_history(connection, person.number),
            may_rate=handled["state"] in ANSWERED and not callbacks.has_answered(connection, handled, person),
        )


def _handled(connection: Connection, order_id: int) -> RowMapping:
    """The order in which a matter is handled, without locking it as `supporters.handled_in` does."""
    order = register.by_id(connection, order_id)
    while order["merged_into"] is not None:
        order = register.by_id(connection, order["merged_into"])
    return order


def _running(connection: Connection, order: RowMapping) -> RowMapping | None:
    if order["state"] == State.WAITING_FOR_CITIZEN:
        return None
    runs = (clocks.c.work_order_id == order["id"]) & (clocks.c.step == Step.FINISH) & clocks.c.ended_at.is_(None)
    return connection.execute(select(clocks).where(runs).order_by(clocks.c.id.desc()).limit(1)).mappings().first()


def _light(clock: RowMapping, now: datetime) -> CitizenLight:
    """The light at this moment, also before the worker has told it."""
    lit = [light for light in Light if clock[light] <= now]
    return CitizenLight(lit[-1]) if lit else CitizenLight.GREEN


def _history(connection: Connection, number: str) -> list[Taken]:
    """The events that `told` of `words.yml` has words for: what it does not name is none of the citizen's business."""
    told = words()["told"]
    return [
        Taken(
            at=to_city_time(event.at),
            kind=event.kind,
            text=told[event.kind].format(unit=event.data.get("unit", ""), question=event.data.get("question", "")),
        )
        for event in register.events_of(connection, number)
        if event.kind in told
    ]
