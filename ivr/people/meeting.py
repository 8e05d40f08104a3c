"""Those who are rung for a talk: what they hear, how they come into the room, and how they leave it.

Every function takes the connection of a running transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from core.access import Principal
from core.problems import Problem
from desk.orders.model import Line
from ivr.flow import Ended, HangUp, Instruction, Say
from ivr.messages import announced
from ivr.people import legs as script
from ivr.people import tasks
from ivr.people.acts import NOTHING, Acts, Bring, Drop, Ring
from ivr.people.legs import Kind, Leg, LegState, Turn
from ivr.people.rules import Rules, Specialist
from ivr.people.tables import legs, talks
from ivr.people.tables import waits as wait_table
from ivr.people.talks import NOT_CONNECTED, NOT_TAKEN, add_leg, calls_of, end, find_row, row_of, told_of
from ivr.people.waits import WaitState
from ivr.people.whisper import matter, whisper

MOST_SPECIALISTS = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What a telephone that was rung hears, and what is to be done besides."""

    instructions: tuple[Instruction, ...]
    acts: Acts = field(default_factory=Acts)


def hear(connection: Connection, rules: Rules, token: str, call_sid: str, pressed: str | None, now: datetime) -> Heard:
    """What a telephone that was rung hears now. An unknown token hears nothing."""
    row = connection.execute(select(legs).where(legs.c.token == token).with_for_update()).mappings().first()
    if row is None:
        return Heard((HangUp(),))
    talk, leg = row_of(connection, row["talk_id"]), Leg(Kind(row["kind"]), LegState(row["state"]), row["asked"])
    if call_sid and row["call_sid"] is None:
        connection.execute(update(legs).where(legs.c.token == token).values(call_sid=call_sid))
    wanted = Turn.GONE if talk["over_at"] is not None else script.turn(leg, pressed, rules)
    match wanted:
        case Turn.TELL:
            _set_leg(connection, token, LegState.TOLD, asked=row["asked"] + 1)
            return Heard(script.telling(_told_to(connection, rules, talk, row, now), rules))
        case Turn.GIVE_UP:
            leg_over(connection, token, now)
            return Heard(script.leaving(rules.words.not_taken))
        case Turn.GONE:
            return Heard(script.leaving(rules.words.caller_gone))
        case Turn.JOIN:
            return _join(connection, rules, talk, row, leg, now)


def ended(connection: Connection, call_sid: str, now: datetime) -> Acts:
    """A call has ended: if it was rung for a talk, it is out of it. A repeat changes nothing."""
    query = select(legs.c.token).where(legs.c.call_sid == call_sid, legs.c.state != LegState.OVER)
    token = connection.execute(query).scalar()
    return NOTHING if token is None else leg_over(connection, token, now)


def out_of_room(connection: Connection, token: str, now: datetime) -> tuple[int | None, Acts]:
    """Somebody came out of the room: the step with which a waiting caller's call goes on, None for anybody else."""
    query = (
        select(legs.c.kind, wait_table.c.step)
        .join(talks, talks.c.id == legs.c.talk_id)
        .join(wait_table, wait_table.c.id == talks.c.wait_id, isouter=True)
        .where(legs.c.token == token)
    )
    row = connection.execute(query).first()
    acts = leg_over(connection, token, now)
    return (row.step + 1 if row and row.kind == Kind.CALLER else None), acts


def leg_over(connection: Connection, token: str, now: datetime) -> Acts:
    """A telephone that was rung was not taken up, or has hung up. A repeat changes nothing."""
    row = connection.execute(select(legs).where(legs.c.token == token)).mappings().first()
    if row is None or row["state"] == LegState.OVER:
        return NOTHING
    _set_leg(connection, token, LegState.OVER, over_at=now)
    talk = row_of(connection, row["talk_id"])
    if talk["over_at"] is not None or row["kind"] == Kind.SPECIALIST:
        return NOTHING
    if row["kind"] == Kind.CITIZEN and talk["joined_at"] is None:
        end(connection, talk["id"], NOT_CONNECTED, now)
        return Acts(talk["carrier"], talk["id"], calls_of(connection, talk["id"], Kind.SEAT))
    end(connection, talk["id"], NOT_TAKEN if talk["joined_at"] is None else str(Ended.TALKED), now)
    return NOTHING


def undo(connection: Connection, talk_id: int, act: Ring | Bring | Drop, now: datetime) -> None:
    """The carrier did not do what it was asked: the talk is over, and the caller waits on."""
    if isinstance(act, Drop):
        return
    leg = connection.execute(select(legs).where(legs.c.token == act.token)).mappings().one()
    _set_leg(connection, act.token, LegState.OVER, over_at=now)
    if leg["kind"] == Kind.SPECIALIST:
        return
    talk = row_of(connection, talk_id)
    if isinstance(act, Bring) and talk["wait_id"] is not None:
        connection.execute(
            update(wait_table)
            .where(wait_table.c.id == talk["wait_id"], wait_table.c.state == WaitState.TALKING)
            .values(state=WaitState.OFFERED, joined_at=None)
        )
        connection.execute(update(talks).where(talks.c.id == talk_id).values(joined_at=None))
    end(connection, talk_id, NOT_CONNECTED, now)


def note_call(connection: Connection, token: str, call_sid: str) -> None:
    """Remember the carrier's id of a call that rings."""
    connection.execute(update(legs).where(legs.c.token == token, legs.c.call_sid.is_(None)).values(call_sid=call_sid))


def invite(connection: Connection, rules: Rules, talk_id: int, subject: str, who: Principal, now: datetime) -> Acts:
    """Ring 政策专员 of a subject into a talk. Raises Problem 404, 409, or 422 for a subject the city has not."""
    talk = find_row(connection, talk_id, who)
    if talk["joined_at"] is None or talk["over_at"] is not None:
        raise Problem(409, "Conflict", f"talk: nobody is in talk {talk_id} now to be joined", field="talk")
    wanted = specialist_of(rules, subject, Line(talk["line"]))
    invited = connection.execute(
        select(legs.c.who, legs.c.state).where(legs.c.talk_id == talk_id, legs.c.kind == Kind.SPECIALIST)
    ).all()
    if any(each.who == subject and each.state != LegState.OVER for each in invited):
        return NOTHING
    if len(invited) >= MOST_SPECIALISTS:
        raise Problem(409, "Conflict", f"talk: {MOST_SPECIALISTS} were rung into talk {talk_id} already", field="talk")
    token = add_leg(connection, talk_id, Kind.SPECIALIST, subject, wanted.number, now)
    return Acts(talk["carrier"], talk_id, (Ring(token, str(wanted.number)),))


def specialist_of(rules: Rules, subject: str, line: Line) -> Specialist:
    """Who answers for a subject on a line. Raises Problem 422, or 409 where no number is known."""
    on_line = {each.subject: each for each in rules.seats.specialists if line in each.lines}
    if subject not in on_line:
        allowed = "、".join(on_line) or "none on this line"
        raise Problem(422, "Unprocessable Content", f"subject: {subject!r} is none of {allowed}", field="subject")
    if on_line[subject].number is None:
        detail = f"subject: city/phone.yml names no number for {subject}; seats.specialists, number"
        raise Problem(409, "Conflict", detail, field="subject")
    return on_line[subject]


def _join(connection: Connection, rules: Rules, talk: RowMapping, row: RowMapping, leg: Leg, now: datetime) -> Heard:
    into_room = script.joining(leg, talk["room"], talk["call_sid"], rules)
    _set_leg(connection, row["token"], LegState.JOINED)
    if rules.talk_notice is not None and leg.kind in script.CITIZENS:
        announced(connection, talk["call_sid"], now)
    if leg.state is LegState.JOINED:
        return Heard(into_room)
    if leg.kind is Kind.CITIZEN:
        _talk_begins(connection, talk, now)
        return Heard(into_room)
    if leg.kind is not Kind.SEAT:
        return Heard(into_room)
    if talk["task_id"] is not None:
        task = tasks.row_by_id(connection, talk["task_id"])
        token = add_leg(connection, talk["id"], Kind.CITIZEN, "", task["phone"], now)
        said = (Say(rules.words.calling_citizen), *into_room)
        return Heard(said, Acts(talk["carrier"], talk["id"], (Ring(token, task["phone"]),)))
    return _bring(connection, rules, talk, into_room, now)


def _bring(
    connection: Connection, rules: Rules, talk: RowMapping, into_room: tuple[Instruction, ...], now: datetime
) -> Heard:
    taken = connection.execute(
        update(wait_table)
        .where(wait_table.c.id == talk["wait_id"], wait_table.c.state == WaitState.OFFERED)
        .values(state=WaitState.TALKING, joined_at=now)
        .returning(wait_table.c.task_id)
    ).first()
    if taken is None:
        end(connection, talk["id"], NOT_CONNECTED, now)
        return Heard(script.leaving(rules.words.caller_gone))
    if taken.task_id is not None:
        tasks.called_again(connection, taken.task_id, talk["seat"], now)
    _talk_begins(connection, talk, now)
    token = add_leg(connection, talk["id"], Kind.CALLER, "", None, now)
    return Heard(into_room, Acts(talk["carrier"], talk["id"], (Bring(token, talk["call_sid"]),)))


def _talk_begins(connection: Connection, talk: RowMapping, now: datetime) -> None:
    connection.execute(update(talks).where(talks.c.id == talk["id"]).values(joined_at=now))


def _told_to(connection: Connection, rules: Rules, talk: RowMapping, leg: RowMapping, now: datetime) -> str:
    told = told_of(connection, rules, talk, now)
    if leg["kind"] == Kind.SPECIALIST:
        template = rules.words.whisper_specialist
        return template.format(city=rules.city, subject=leg["who"], said=matter(told, rules))
    return whisper(told, rules)


def _set_leg(connection: Connection, token: str, state: LegState, **values: Any) -> None:
    connection.execute(update(legs).where(legs.c.token == token).values(state=state, **values))
