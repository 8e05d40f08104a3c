"""Seats on duty: who takes calls now, on which lines, in which dialects, at which telephone.

Every function takes the connection of a running transaction.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping, insert, select, update

from core.problems import Problem
from desk.orders.model import Line
from ivr.people.rules import Rules
from ivr.people.tables import seats, talks, tasks
from ivr.people.telephones import Telephone, masked_telephone


class SeatState(StrEnum):
    """Whether a seat takes calls."""

    READY = "ready"
    PAUSED = "paused"
    OFF = "off"


class Duty(BaseModel):
    """What a seat is on duty with."""

    model_config = ConfigDict(extra="forbid")

    lines: list[Line] = Field(min_length=1, max_length=len(Line))
    dialects: list[str] = Field(default_factory=list, max_length=20)
    telephone: Telephone = Field(description="E.164 or sip:…; what is rung")


class Seat(BaseModel):
    """A seat, as the others see it; the telephone masked. `talking`: in a call, or being rung."""

    model_config = ConfigDict(from_attributes=True)

    login: str
    lines: list[Line]
    dialects: list[str]
    telephone: Annotated[str, AfterValidator(masked_telephone)]
    state: SeatState
    since: datetime
    heard_at: datetime
    talking: bool = False


def go_on_duty(connection: Connection, rules: Rules, login: str, duty: Duty, now: datetime) -> Seat:
    """Come on duty, or change what one is on duty with. Raises Problem 422 for a line or dialect the city has not."""
    _check("lines", duty.lines, list(rules.seats.lines))
    _check("dialects", duty.dialects, list(rules.seats.dialects))
    values = {**duty.model_dump(mode="json"), "state": SeatState.READY, "heard_at": now}
    row = _row(connection, login)
    if row is None:
        connection.execute(insert(seats).values(login=login, since=now, **values))
    else:
        since = row["since"] if _is_on_duty(row, rules, now) else now
        connection.execute(update(seats).where(seats.c.login == login).values(since=since, **values))
    return find(connection, rules, login, now)


def set_state(connection: Connection, rules: Rules, login: str, state: SeatState, now: datetime) -> Seat:
    """Pause, go on, or go off duty; who goes off duty gives back the call-backs taken. Raises Problem 409 off duty."""
    find(connection, rules, login, now)
    connection.execute(update(seats).where(seats.c.login == login).values(state=state, heard_at=now))
    if state is SeatState.OFF:
        give_back_tasks(connection, login)
        row = _row(connection, login)
        assert row is not None
        return _seat(connection, row)
    return find(connection, rules, login, now)


def heard(connection: Connection, rules: Rules, login: str, now: datetime) -> Seat:
    """A sign of life. Raises Problem 409 off duty."""
    find(connection, rules, login, now)
    connection.execute(update(seats).where(seats.c.login == login).values(heard_at=now))
    return find(connection, rules, login, now)


def find(connection: Connection, rules: Rules, login: str, now: datetime) -> Seat:
    """A seat that is on duty. Raises Problem 409."""
    row = _row(connection, login)
    if row is None or not _is_on_duty(row, rules, now):
        raise Problem(409, "Conflict", f"{login} is not on duty; go on duty first (PUT /api/phone/seat)")
    return _seat(connection, row)


def telephone_of(connection: Connection, login: str) -> str:
    """The whole telephone of a seat."""
    return str(connection.execute(select(seats.c.telephone).where(seats.c.login == login)).scalar_one())


def on_duty(connection: Connection, rules: Rules, now: datetime, line: Line | None = None) -> list[Seat]:
    """Who is on duty, on one line or any, the longest first."""
    query = (
        select(seats)
        .where(seats.c.state != SeatState.OFF, seats.c.heard_at > now - rules.seats.silent_after)
        .order_by(seats.c.since, seats.c.login)
    )
    busy = set(connection.execute(select(talks.c.seat).where(talks.c.over_at.is_(None))).scalars())
    rows = connection.execute(query).mappings().all()
    found = [Seat.model_validate({**row, "talking": row["login"] in busy}) for row in rows]
    return [seat for seat in found if line is None or line in seat.lines]


def sign_off_silent(connection: Connection, rules: Rules, now: datetime) -> int:
    """Take those off duty of whom nothing was heard; returns how many."""
    query = select(seats.c.login).where(
        seats.c.state != SeatState.OFF, seats.c.heard_at <= now - rules.seats.silent_after
    )
    silent = list(connection.execute(query).scalars())
    for login in silent:
        connection.execute(update(seats).where(seats.c.login == login).values(state=SeatState.OFF))
        give_back_tasks(connection, login)
    return len(silent)


def give_back_tasks(connection: Connection, login: str) -> None:
    """Let others take the call-backs somebody has taken, but for one that is being made."""
    being_made = select(talks.c.task_id).where(talks.c.over_at.is_(None), talks.c.task_id.is_not(None))
    connection.execute(
        update(tasks)
        .where(tasks.c.taken_by == login, tasks.c.state == "taken", tasks.c.id.not_in(being_made))
        .values(state="open", taken_by=None, taken_at=None)
    )


def _check(field: str, given: list[Line] | list[str], allowed: list[Line] | list[str]) -> None:
    if unknown := [each for each in given if each not in allowed]:
        named = "、".join(allowed)
        raise Problem(422, "Unprocessable Content", f"{field}: {unknown[0]!r} is none of {named}", field=field)


def _is_on_duty(row: RowMapping, rules: Rules, now: datetime) -> bool:
    return row["state"] != SeatState.OFF and bool(row["heard_at"] > now - rules.seats.silent_after)


def _row(connection: Connection, login: str) -> RowMapping | None:
    return connection.execute(select(seats).where(seats.c.login == login)).mappings().first()


def _seat(connection: Connection, row: RowMapping) -> Seat:
    open_talk = select(talks.c.id).where(talks.c.seat == row["login"], talks.c.over_at.is_(None))
    return Seat.model_validate({**row, "talking": connection.execute(open_talk).first() is not None})
