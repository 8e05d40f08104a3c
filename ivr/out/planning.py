"""Whom the campaign calls when, and whom it leaves to people. Every function takes the connection of a transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select

from desk.closing import callbacks
from desk.closing.aftercare import Callbacks
from desk.orders.model import State, e164
from desk.orders.register import locked
from desk.orders.tables import work_orders
from desk.personal_data.privacy import masked_phone
from desk.repeated.supporters import Person
from ivr.out import attempts, lists
from ivr.out.attempts import Attempt
from ivr.out.flow import Result
from ivr.out.lists import Kind, phone_lists
from ivr.out.rules import Campaign

PAGE = 100
MOST_LOOKED_AT = 500
"""Orders a round looks at: each costs a handful of queries."""


class Hindrance(StrEnum):
    """Why the machine does not call somebody."""

    CONFIDENTIAL = "confidential"
    DO_NOT_CALL = "do_not_call"
    ELDER = "elder"
    FOR_A_PERSON = "for_a_person"
    """The last result ends the machine's tries."""
    ENOUGH = "enough"
    BEING_CALLED = "being_called"


@dataclass(frozen=True, slots=True)
class Look:
    """What stands between the machine and a call: a hindrance, or else the moment from which it may call."""

    hindrance: Hindrance | None = None
    at: datetime | None = None
    tries: int = 0
    last: Result | None = None

    def is_callable(self, now: datetime) -> bool:
        """Whether it may call now."""
        return self.hindrance is None and self.at is not None and self.at <= now


class Planned(BaseModel):
    """Somebody who is to be called back, as the preview shows it; `phone` is masked. `at` None: by a person."""

    number: str
    person: str
    phone: str | None
    unit: str | None
    tries: int
    last: Result | None
    at: datetime | None
    hindrance: Hindrance | None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to call."""
        return self.at is not None and self.at <= now


class Planner:
    """Looks at orders under the rules of one city; `callback_rules` are those of `city/aftercare.yml`."""

    def __init__(self, campaign: Campaign, callback_rules: Callbacks) -> None:
        self.campaign = campaign
        self._callbacks = callback_rules

    def look(self, connection: Connection, order: RowMapping, person: Person, now: datetime) -> Look:
        """When the machine may call somebody about an order that waits for them, or why it may not."""
        number = e164(person.phone or "")
        tried = attempts.of_person(connection, order, person.id)
        tries, last = len(tried), Result(tried[-1]["result"]) if tried and tried[-1]["result"] else None
        hindrance = self._hindrance(connection, order, number, tried, now)
        if number is None or hindrance is not None:
            return Look(hindrance, None, tries, last)
        calls = attempts.of_phone(connection, number, self.campaign.hours.day(now) - timedelta(days=1))
        if any(row["ended_at"] is None for row in calls):
            return Look(Hindrance.BEING_CALLED, None, tries, last)
        at = max([now, self._rested(calls, now), *(row["again_at"] for row in tried)])
        return Look(None, self.campaign.hours.from_then(at), tries, last)

    def _hindrance(
        self, connection: Connection, order: RowMapping, number: str | None, tried: list[RowMapping], now: datetime
    ) -> Hindrance | None:
        if order["confidential"]:
            return Hindrance.CONFIDENTIAL
        if number is None or any(row["ended_at"] and row["again_at"] is None for row in tried):
            return Hindrance.FOR_A_PERSON
        if lists.is_on_list(connection, number, Kind.DO_NOT_CALL, now):
            return Hindrance.DO_NOT_CALL
        if lists.is_on_list(connection, number, Kind.ELDER, now):
            return Hindrance.ELDER
        return Hindrance.ENOUGH if len(tried) >= self.campaign.rules.most else None

    def _rested(self, calls: list[RowMapping], now: datetime) -> datetime:
        """When a telephone may be called again, whatever it was called about."""
        rules, today = self.campaign.rules, self.campaign.hours.day(now)
        placed = [row["placed_at"] for row in calls if row["placed_at"]]
        if not placed:
            return now
        if sum(at >= today for at in placed) >= rules.a_day:
            return today + timedelta(days=1)
        return rules.gap.end(max(placed), self.campaign.hours.calendar)

    def plan(self, connection: Connection, now: datetime, limit: int) -> list[Planned]:
        """Everybody who is to be called back, whose reply is oldest first, with the moment or what hinders it."""
        found: list[Planned] = []
        for order in self._waiting(connection):
            for person in self._asked(connection, order):
                look = self.look(connection, order, person, now)
                found.append(
                    Planned(
                        number=order["number"],
                        person=person.id,
                        phone=None if order["confidential"] else masked_phone(person.phone),
                        unit=order["unit"],
                        tries=look.tries,
                        last=look.last,
                        at=look.at,
                        hindrance=look.hindrance,
                    )
                )
            if len(found) >= limit:
                break
        return found[:limit]

    def callable_now(
        self, connection: Connection, now: datetime, limit: int, after: "Place | None" = None
    ) -> "tuple[list[tuple[str, str]], Place | None]":
        """Order numbers and persons that may be called now, whose reply is oldest first, at most `limit`.

        Looks at `MOST_LOOKED_AT` orders behind `after`; returns also where it stopped, None at the end.
        """
        found: list[tuple[str, str]] = []
        looked, last = 0, None
        for order in self._waiting(connection, now, after):
            found += [
                (order["number"], person.id)
                for person in self._asked(connection, order)
                if self.look(connection, order, person, now).is_callable(now)
            ]
            looked, last = looked + 1, Place(order["replied_at"], order["id"])
            if len(found) >= limit or looked >= MOST_LOOKED_AT:
                return found, last
        return found, None

    def claim(self, connection: Connection, number: str, person_id: str, carrier: str, now: datetime) -> Attempt | None:
        """Claim an attempt to call somebody, if all still holds: one transaction decides it, whoever else tries."""
        if attempts.held(connection)["paused_at"] is not None or not self.campaign.hours.are_open(now):
            return None
        if attempts.under_way(connection) >= self.campaign.rules.at_once:
            return None
        order = locked(connection, number)
        person = next((each for each in self._asked(connection, order) if each.id == person_id), None)
        if person is None or not self.look(connection, order, person, now).is_callable(now):
            return None
        return attempts.start(connection, order, person, carrier, now)

    def waits_for(self, connection: Connection, order: RowMapping, person_id: str) -> bool:
        """Whether an order still waits for somebody's answers."""
        return any(person.id == person_id for person in self._asked(connection, order))

    def _asked(self, connection: Connection, order: RowMapping) -> tuple[Person, ...]:
        if order["state"] != State.PENDING_CALLBACK:
            return ()
        return callbacks.standing(connection, order, self._callbacks).waiting

    def _waiting(
        self, connection: Connection, callable_at: datetime | None = None, after: "Place | None" = None
    ) -> Iterator[RowMapping]:
        """The orders to be called back; with a moment only those of which somebody might be called then.

        The database leaves out what it can tell by itself of orders that concern one citizen: nearly all.
        """
        query = select(work_orders).where(work_orders.c.state == State.PENDING_CALLBACK)
        if callable_at is not None:
            query = query.where(work_orders.c.confidential.is_(False), ~self._left_to_people(callable_at))
        query = query.order_by(work_orders.c.replied_at, work_orders.c.id).limit(PAGE)
        while True:
            page = query
            if after is not None:
                same = and_(work_orders.c.replied_at == after.at, work_orders.c.id > after.id)
                page = query.where(or_(work_orders.c.replied_at > after.at, same))
            rows = connection.execute(page).mappings().all()
            yield from rows
            if len(rows) < PAGE:
                return
            after = Place(rows[-1]["replied_at"], rows[-1]["id"])

    @staticmethod
    def _left_to_people(now: datetime) -> ColumnElement[bool]:
        on_a_list = select(phone_lists.c.id).where(
            phone_lists.c.phone_trace == work_orders.c.phone_trace, or_(*(lists.listed(kind, now) for kind in Kind))
        )
        nobody = or_(work_orders.c.phone_trace.is_(None), on_a_list.exists(), attempts.done_with(work_orders, now))
        return and_(work_orders.c.people == 1, nobody)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list of orders a round stopped."""

    at: datetime
    id: int
