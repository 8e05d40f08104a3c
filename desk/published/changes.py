"""What has become of published orders: the events of their logs that anyone may read, in words of ours.

Which events are told is `published_changes` of `desk/orders/words.yml`; of an event only its kind, its time and the
state it led to are. Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from desk.orders.model import FINAL_STATES, State
from desk.orders.tables import work_order_events, work_orders
from desk.orders.words import words
from desk.published.orders import PUBLISHED, town_of

_TOLD = (
    *(work_order_events.c[name] for name in ("sequence", "at", "kind", "data")),
    *(work_orders.c[name] for name in ("number", "category", "area_code")),
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done with a published order; `id` is the same for ever."""

    number: str
    sequence: int
    at: datetime
    kind: str
    state: State
    category: str
    area_code: str | None

    @property
    def id(self) -> str:
        """Its own name, unlike that of any other."""
        return f"{self.number}-{self.sequence}"

    @property
    def is_closed(self) -> bool:
        """Whether the order ended by it, or had ended before."""
        return self.state in FINAL_STATES

    @property
    def words(self) -> str:
        """What was done, for people."""
        return words()["published_changes"][self.kind]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are wanted; what is not given does not matter. `area_code` is of an area or of one it lies in."""

    since: datetime
    until: datetime
    kinds: tuple[str, ...] | None = None
    category: str | None = None
    area_code: str | None = None
    newest_first: bool = False


def page(connection: Connection, wanted: Wanted, limit: int, offset: int = 0) -> list[Change]:
    """The changes of published orders in a time."""
    at = work_order_events.c.at
    query = _told(wanted.kinds).where(at >= wanted.since, at <= wanted.until)
    if wanted.category is not None:
        # In a function, so that SQLite begins with the time and not with all orders of the category.
        query = query.where(func.coalesce(work_orders.c.category, "") == wanted.category)
    if wanted.area_code is not None:
        query = query.where(work_orders.c.area_code.startswith(wanted.area_code, autoescape=True))
    order = (at, work_order_events.c.id)
    query = query.order_by(*((column.desc() for column in order) if wanted.newest_first else order))
    return _read(connection, query.limit(limit).offset(offset))


def of_orders(connection: Connection, orders: Sequence[int]) -> dict[str, list[Change]]:
    """All changes of published orders by the orders' numbers, the oldest first."""
    query = _told(None).where(work_order_events.c.work_order_id.in_(orders)).order_by(work_order_events.c.sequence)
    found: dict[str, list[Change]] = {}
    for change in _read(connection, query):
        found.setdefault(change.number, []).append(change)
    return found


def _told(kinds: tuple[str, ...] | None) -> Select[Any]:
    told = kinds or tuple(words()["published_changes"])
    return (
        select(*_TOLD)
        .join_from(work_order_events, work_orders, work_orders.c.id == work_order_events.c.work_order_id)
        .where(PUBLISHED, work_order_events.c.kind.in_(told))
    )


def _read(connection: Connection, query: Select[Any]) -> list[Change]:
    return [
        Change(
            number=row["number"],
            sequence=row["sequence"],
            at=row["at"],
            kind=row["kind"],
            state=State(row["data"]["state"]),
            category=row["category"],
            area_code=town_of(row["area_code"]),
        )
        for row in connection.execute(query).mappings()
    ]
