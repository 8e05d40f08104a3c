"""The life of a hand-over: asked for, taken, spoken in, ended.

Every function takes the connection of a running transaction.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from core.problems import Problem
from desk.orders.model import Channel, Line
from intake.handover.rules import Rules, words
from intake.handover.tables import Author, Ending, HandoverState, chat_seats, handovers, remarks
from intake.messages import InboundMessage

LONGEST_LIST = 200

Carry = Callable[[Connection, str, str, str, datetime], None]
"""Has a remark brought to a citizen who does not fetch it: conversation, key, text, now."""


class Handover(BaseModel):
    """A hand-over as seats see it. `ahead`: how many wait before it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    conversation_id: str
    channel: Channel
    line: Line
    state: HandoverState
    asked_at: datetime
    spoken_at: datetime
    seat: str | None
    taken_at: datetime | None
    ended_at: datetime | None
    how: Ending | None


class Remark(BaseModel):
    """What somebody other than the bot says to a citizen."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    author: Author
    login: str | None
    text: str
    said_at: datetime


class Handovers:
    """Hand-overs under the rules of a city; `carry` brings remarks to citizens by channel."""

    def __init__(self, rules: Rules, carry: dict[Channel, Carry] | None = None) -> None:
        self.rules = rules
        self._carry = carry or {}

    def seat_heard(self, connection: Connection, login: str, now: datetime) -> None:
        """Note that a seat's page of conversations is open."""
        dialect = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
        noted = dialect(chat_seats).values(login=login, heard_at=now)
        connection.execute(noted.on_conflict_do_update(index_elements=["login"], set_={"heard_at": now}))

    def somebody_is_there(self, connection: Connection, now: datetime) -> bool:
        """Whether any seat's page is open."""
        there = select(chat_seats.c.login).where(chat_seats.c.heard_at > now - self.rules.present)
        return connection.execute(there.limit(1)).first() is not None

    def ask(self, connection: Connection, message: InboundMessage, now: datetime) -> int:
        """Put a conversation into the queue; returns how many wait before it."""
        ahead = select(func.count()).select_from(handovers).where(handovers.c.state == HandoverState.WAITING)
        waiting = int(connection.execute(ahead).scalar_one())
        connection.execute(
            insert(handovers).values(
                conversation_id=message.conversation_id,
                channel=message.channel,
                line=message.line,
                state=HandoverState.WAITING,
                asked_at=now,
                waiting_since=now,
                spoken_at=now,
            )
        )
        return waiting

    def give_up(self, connection: Connection, handover: Handover, now: datetime) -> None:
        """The citizen waits no more."""
        _end(connection, handover.id, Ending.CITIZEN, now)

    def take(self, connection: Connection, handover_id: int, login: str, now: datetime) -> Handover:
        """A seat takes what waits. Raises Problem 404; 409 when it does not wait, or the seat holds too many."""
        found = find(connection, handover_id, lock=True)
        if found.state is HandoverState.TALKING and found.seat == login:
            return found
        if found.state is not HandoverState.WAITING:
            whose = f"taken by {found.seat}" if found.state is HandoverState.TALKING else "over"
            raise Problem(409, "Conflict", f"id: conversation {handover_id} is {whose}", field="id")
        held = select(func.count()).where(handovers.c.seat == login, handovers.c.state == HandoverState.TALKING)
        if int(connection.execute(held).scalar_one()) >= self.rules.most:
            detail = f"you hold {self.rules.most} conversations, which is the most; end one first"
            raise Problem(409, "Conflict", detail)
        taken = {"state": HandoverState.TALKING, "seat": login, "taken_at": now, "spoken_at": now}
        connection.execute(update(handovers).where(handovers.c.id == handover_id).values(taken))
        self._tell(connection, found, words("taken"), now)
        return find(connection, handover_id)

    def say(self, connection: Connection, handover_id: int, login: str, key: str, text: str, now: datetime) -> Remark:
        """What a seat says, once for each key. Raises Problem 404, 409 when the conversation is not the seat's."""
        found = self.own(connection, handover_id, login)
        return self._remark(connection, found, key, Author.SEAT, login, text, now)

    def end(self, connection: Connection, handover_id: int, login: str, how: Ending, now: datetime) -> Handover:
        """The seat gives the conversation back to the bot, or closes it. Raises as `say`."""
        found = self.own(connection, handover_id, login)
        self._tell(connection, found, words("handed_back" if how is Ending.HANDED_BACK else "ended"), now)
        _end(connection, handover_id, how, now)
        return find(connection, handover_id)

    def tell(self, connection: Connection, handover: Handover, key: str, text: str, now: datetime) -> None:
        """Tell both sides something, once for each key."""
        self._remark(connection, handover, key, Author.SYSTEM, None, text, now)

    def end_silent(self, connection: Connection, now: datetime) -> int:
        """End conversations in which nobody has spoken for long; returns how many."""
        silent = handovers.c.spoken_at < now - self.rules.silent
        over = _listed(connection, handovers.c.state == HandoverState.TALKING, silent)
        for found in over:
            self._tell(connection, found, words("silent"), now)
            _end(connection, found.id, Ending.SILENT, now)
        return len(over)

    def put_back(self, connection: Connection, now: datetime) -> int:
        """Put conversations whose seat is gone into the queue again, where they stood; returns how many."""
        there = select(chat_seats.c.login).where(chat_seats.c.heard_at > now - self.rules.present)
        left = _listed(connection, handovers.c.state == HandoverState.TALKING, handovers.c.seat.not_in(there))
        for found in left:
            again = {"state": HandoverState.WAITING, "seat": None, "taken_at": None, "waiting_since": now}
            connection.execute(update(handovers).where(handovers.c.id == found.id).values(again))
            self._tell(connection, found, words("again"), now)
        return len(left)

    def waited_too_long(self, connection: Connection, now: datetime) -> list[Handover]:
        """What no seat took in time, or what waits while no seat is there."""
        late = [handovers.c.state == HandoverState.WAITING]
        if self.somebody_is_there(connection, now):
            late.append(handovers.c.waiting_since < now - self.rules.waiting)
        return _listed(connection, *late)

    def nobody_came(self, connection: Connection, handover: Handover, text: str, now: datetime) -> None:
        """End it, and tell the citizen what became of it."""
        self._tell(connection, handover, text, now)
        _end(connection, handover.id, Ending.NOBODY, now)

    def own(self, connection: Connection, handover_id: int, login: str) -> Handover:
        """A conversation the seat holds, until the transaction ends. Raises Problem 404, 409 when it does not."""
        found = find(connection, handover_id, lock=True)
        if found.state is not HandoverState.TALKING or found.seat != login:
            detail = f"id: conversation {handover_id} is not yours; take it first"
            raise Problem(409, "Conflict", detail, field="id")
        return found

    def _tell(self, connection: Connection, handover: Handover, text: str, now: datetime) -> None:
        self.tell(connection, handover, f"system:{uuid4().hex}", text, now)

    def _remark(
        self,
        connection: Connection,
        handover: Handover,
        key: str,
        author: Author,
        login: str | None,
        text: str,
        now: datetime,
    ) -> Remark:
        said = select(remarks).where(remarks.c.conversation_id == handover.conversation_id, remarks.c.key == key)
        if (earlier := connection.execute(said).mappings().first()) is not None:
            return Remark.model_validate(dict(earlier))
        values = {"conversation_id": handover.conversation_id, "handover_id": handover.id, "key": key}
        row = connection.execute(
            insert(remarks).values(**values, author=author, login=login, text=text, said_at=now).returning(remarks)
        )
        remark = Remark.model_validate(dict(row.mappings().one()))
        connection.execute(update(handovers).where(handovers.c.id == handover.id).values(spoken_at=now))
        if (carry := self._carry.get(handover.channel)) is not None:
            carry(connection, handover.conversation_id, f"remark:{remark.id}", text, now)
        return remark


def under_way(connection: Connection, conversation_id: str) -> Handover | None:
    """The hand-over a conversation is in."""
    query = select(handovers).where(
        handovers.c.conversation_id == conversation_id, handovers.c.state != HandoverState.ENDED
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _handover(row)


def citizen_said(connection: Connection, handover: Handover, now: datetime) -> None:
    """Note that the citizen said something more."""
    connection.execute(update(handovers).where(handovers.c.id == handover.id).values(spoken_at=now))


def ahead_of(connection: Connection, handover: Handover) -> int:
    """How many wait before one."""
    before = (handovers.c.state == HandoverState.WAITING, handovers.c.id < handover.id)
    return int(connection.execute(select(func.count()).select_from(handovers).where(*before)).scalar_one())


def find(connection: Connection, handover_id: int, *, lock: bool = False) -> Handover:
    """A hand-over; with `lock` nobody else changes it until the transaction ends. Raises Problem 404."""
    query = select(handovers).where(handovers.c.id == handover_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"id: no conversation {handover_id}", field="id")
    return _handover(row)


def queue(connection: Connection) -> list[Handover]:
    """All that wait or are with a seat, the longest waiting first."""
    return _listed(connection, handovers.c.state != HandoverState.ENDED)


def remarks_of(connection: Connection, conversation_id: str) -> list[Remark]:
    """The newest of what seats and the house have said in a conversation, the oldest first."""
    query = (
        select(remarks)
        .where(remarks.c.conversation_id == conversation_id)
        .order_by(remarks.c.id.desc())
        .limit(LONGEST_LIST)
    )
    newest = connection.execute(query).mappings().all()
    return [Remark.model_validate(dict(row)) for row in reversed(newest)]


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove what was said in these conversations, and that a person was in them."""
    connection.execute(delete(remarks).where(remarks.c.conversation_id.in_(conversation_ids)))
    connection.execute(delete(handovers).where(handovers.c.conversation_id.in_(conversation_ids)))


def _listed(connection: Connection, *which: object) -> list[Handover]:
    query = select(handovers).where(*which).order_by(handovers.c.asked_at).limit(LONGEST_LIST)  # type: ignore[arg-type]
    return [_handover(row) for row in connection.execute(query).mappings()]


def _end(connection: Connection, handover_id: int, how: Ending, now: datetime) -> None:
    ended = {"state": HandoverState.ENDED, "ended_at": now, "how": how}
    connection.execute(update(handovers).where(handovers.c.id == handover_id).values(ended))


def _handover(row: RowMapping) -> Handover:
    return Handover.model_validate(dict(row))
