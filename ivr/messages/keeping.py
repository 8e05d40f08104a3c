"""From a recording the carrier tells of to an order a person reads.

The call's own step and the carrier's status callback come in any order, late, twice, or not at all: each notes what it
knows in the recording's row, and whichever comes first makes it. Every function takes the connection of a running
transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, CompoundSelect, Connection, RowMapping, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from core.city import City
from core.problems import Problem
from core.sealed_files import StoredFile
from desk.orders.model import OPEN_STATES, Channel, Line, NewWorkOrder, State, Urgency
from desk.orders.register import add_event, by_id, keep_for_person
from desk.orders.tables import work_orders
from intake import inbox
from intake.matters import matter_of
from ivr.calls import CONVERSATION, calls
from ivr.flow import CallState, KeepMessage, Kept
from ivr.messages import tasks
from ivr.messages.rules import Rules, words
from ivr.messages.tables import Kind, RecordingState, Task, Why, recording_notices, recording_tasks, recordings
from ivr.messages.tasks import Job
from ivr.people.tables import talks

ACTOR = "recordings"
AT_ONCE = 50
LONGEST_SID = 64
LONGEST_TEXT = 10_000
FIRST_WAIT = timedelta(seconds=15)
"""How long a carrier is given to tell that a recording is ready, before it is asked without that."""


LONGEST_SILENCE = timedelta(days=1)


class Told(StrEnum):
    """The states a carrier tells of."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Spoken:
    """The call a message was left on, as far as it is known; `order` is what it had spoken of."""

    call_sid: str | None
    caller: str | None = None
    line: Line = Line.CITIZEN
    order: str | None = None


def keep(
    connection: Connection,
    city: City,  # noqa: ARG001 - what every room is given
    need: KeepMessage,
    state: CallState,
    now: datetime,
) -> Kept:
    """A message left on a call becomes an order for a person, once for each recording."""
    _check_sid(need.sid)
    row = _noted(connection, need.sid, now)
    if row["work_order_id"] is None and row["state"] != RecordingState.ERASED:
        seconds = row["seconds"] or max(need.seconds, 0) or None
        _change(
            connection,
            need.sid,
            kind=Kind.MESSAGE,
            call_sid=state.call_sid,
            carrier=row["carrier"] or _carrier_of(connection, state.call_sid),
            url=row["url"] or need.url,
            seconds=seconds,
            consent_at=row["consent_at"] or now,
        )
        spoken = Spoken(state.call_sid, state.caller, state.line, state.order)
        _open_order(connection, need.sid, spoken, seconds, now)
    order_id = _row(connection, need.sid)["work_order_id"]
    return Kept(by_id(connection, order_id)["number"] if order_id is not None else None)


def announced(connection: Connection, call_sid: str, now: datetime) -> None:
    """Note that the caller was told that the talk is recorded: without it no talk is kept."""
    values = {"call_sid": call_sid, "at": now}
    connection.execute(_insert(connection, recording_notices).values(**values).on_conflict_do_nothing())


def recording_told(
    connection: Connection,
    carrier: str,
    sid: str,
    status: str,
    url: str | None,
    seconds: int | None,
    now: datetime,
    *,
    call_sid: str | None = None,
    talk: bool = False,
) -> None:
    """What a carrier's status callback says of a recording; what it said before changes nothing.

    `talk`: of a talk with a seat; it is kept only if `announced` was called for its call.
    Raises Problem 422 for a sid or status that cannot be one, and for a completed recording without an address.
    """
    _check_sid(sid)
    told = _status(status)
    row = _noted(connection, sid, now, Kind.TALK if talk else Kind.MESSAGE)
    if row["state"] == RecordingState.FETCHED:
        return
    if row["state"] == RecordingState.ERASED:
        _change(connection, sid, carrier=carrier)
        if told is Told.COMPLETED:
            tasks.add(connection, sid, Task.DELETE, now)
        return
    known = {"carrier": carrier, "call_sid": row["call_sid"] or call_sid, "url": url or row["url"]}
    if seconds is not None and seconds > 0:
        known["seconds"] = seconds
    _change(connection, sid, **known)
    row = _row(connection, sid)
    match told:
        case Told.COMPLETED:
            _completed(connection, row, now)
        case Told.ABSENT:
            _missing(connection, row, RecordingState.GONE, Why.ABSENT, now)
        case Told.FAILED:
            _missing(connection, row, RecordingState.FAILED, Why.FAILED, now)
        case Told.IN_PROGRESS:
            pass


def link_waiting(connection: Connection, rules: Rules, now: datetime) -> int:
    """Link what belongs to no order yet: talks to the order of their call, messages whose step was lost to a new one.

    Returns how many were linked. A message that the carrier has none of is left: nothing was said.
    """
    linked = 0
    here = (RecordingState.ANNOUNCED, RecordingState.FETCHED, RecordingState.FAILED)
    unlinked = select(recordings).where(recordings.c.work_order_id.is_(None), recordings.c.state.in_(here))
    patience = now - timedelta(seconds=rules.patience_seconds)
    lost = unlinked.where(recordings.c.kind == Kind.MESSAGE, recordings.c.created_at <= patience)
    for row in _rows(connection, lost.limit(AT_ONCE).with_for_update(skip_locked=True)):
        _change(connection, row["sid"], consent_at=row["consent_at"] or row["created_at"])
        _open_order(connection, row["sid"], _spoken(connection, row["call_sid"]), row["seconds"], now)
        linked += 1
    ready = unlinked.where(recordings.c.kind == Kind.TALK, _orders_of(recordings.c.call_sid).exists())
    for row in _rows(connection, ready.limit(AT_ONCE).with_for_update(skip_locked=True)):
        order_id = _order_of_call(connection, row["call_sid"])
        if order_id is not None:
            _link(connection, row["sid"], order_id, now)
            linked += 1
    return linked


def give_up_silent(connection: Connection, now: datetime) -> int:
    """Give up the recordings of orders that no carrier told the end or address of for long; returns how many."""
    fetched = select(recording_tasks.c.sid).where(recording_tasks.c.sid == recordings.c.sid)
    silent = (
        select(recordings)
        .where(recordings.c.state == RecordingState.ANNOUNCED, recordings.c.work_order_id.is_not(None))
        .where(recordings.c.created_at <= now - LONGEST_SILENCE, ~fetched.exists())
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = _rows(connection, silent)
    for row in rows:
        _missing(connection, row, RecordingState.FAILED, Why.UNREACHABLE, now)
    return len(rows)


def stored(connection: Connection, job: Job, file: StoredFile, media_type: str, now: datetime, *, asr: bool) -> bool:
    """Note that a recording is here, so that it goes at the carrier; `asr`: it is to be transcribed.

    False: it was here before, or has been erased meanwhile, and the file is not wanted.
    """
    row = _row(connection, job.sid, lock=True)
    if row["state"] != RecordingState.ANNOUNCED:
        return False
    _change(
        connection,
        job.sid,
        state=RecordingState.FETCHED,
        url=None,
        path=file.path,
        key=file.key,
        sha256=file.sha256,
        media_type=media_type,
        fetched_at=now,
        why=None,
    )
    tasks.drop(connection, job.sid, Task.FETCH)
    tasks.add(connection, job.sid, Task.DELETE, now)
    if asr:
        tasks.add(connection, job.sid, Task.TRANSCRIBE, now)
    _tell(connection, job.sid, now)
    return True


def not_fetched(connection: Connection, job: Job, why: Why, now: datetime) -> None:
    """Give a recording up: it stays at the carrier, and the order says why it is not here."""
    row = _row(connection, job.sid, lock=True)
    if row["state"] == RecordingState.ANNOUNCED:
        _missing(connection, row, RecordingState.FAILED, why, now)
    tasks.drop(connection, job.sid, Task.FETCH)


def transcribed(connection: Connection, job: Job, text: str, now: datetime, *, danger: bool = False) -> None:
    """Write what a recogniser heard to the order: in its log, and while it is open at the end of its text.

    `danger`: it sounds like danger now; an order that nobody has accepted is then urgent, so that somebody is told.
    """
    row = _row(connection, job.sid, lock=True)
    tasks.drop(connection, job.sid, Task.TRANSCRIBE)
    if row["state"] != RecordingState.FETCHED or row["transcribed_at"] is not None or row["work_order_id"] is None:
        return
    _change(connection, job.sid, transcribed_at=now)
    order = by_id(connection, row["work_order_id"])
    if order["erased_at"] is not None:
        return
    if danger and order["state"] == State.PENDING_ACCEPTANCE:
        this = update(work_orders).where(work_orders.c.id == order["id"])
        connection.execute(this.values(urgency=Urgency.DANGER))
    said = {"recording": job.sid, "text": text, "machine": True}
    add_event(connection, order["id"], "recording_transcribed", said, now, ACTOR)
    if order["state"] in OPEN_STATES:
        added = words()["transcript"].format(text=text or words()["nothing_heard"])
        whole = f"{order['text']}\n{added}"[:LONGEST_TEXT]
        connection.execute(update(work_orders).where(work_orders.c.id == order["id"]).values(text=whole))


def _completed(connection: Connection, row: RowMapping, now: datetime) -> None:
    if row["url"] is None:
        raise Problem(422, "Unprocessable Content", "url: missing; a completed recording has an address", field="url")
    values: dict[str, Any] = {"state": RecordingState.ANNOUNCED, "why": None}
    if row["kind"] == Kind.TALK and row["consent_at"] is None:
        at = select(recording_notices.c.at).where(recording_notices.c.call_sid == row["call_sid"])
        values["consent_at"] = connection.execute(at).scalar()
        if values["consent_at"] is None:
            _change(connection, row["sid"], state=RecordingState.ERASED, url=None)
            tasks.add(connection, row["sid"], Task.DELETE, now)
            return
    _change(connection, row["sid"], **values)
    tasks.add(connection, row["sid"], Task.FETCH, now)


def _missing(connection: Connection, row: RowMapping, state: RecordingState, why: Why, now: datetime) -> None:
    if row["state"] == state:
        return
    _change(connection, row["sid"], state=state, why=why)
    tasks.drop(connection, row["sid"], Task.FETCH)
    _tell(connection, row["sid"], now)


def _open_order(connection: Connection, sid: str, spoken: Spoken, seconds: int | None, now: datetime) -> None:
    order = keep_for_person(connection, _matter(connection, sid, spoken, seconds), now)
    found = select(work_orders.c.id).where(work_orders.c.number == order.number)
    _link(connection, sid, connection.execute(found).scalar_one(), now)
    row = _row(connection, sid)
    # The status callback may be lost; the address alone is enough to ask.
    is_there = row["state"] == RecordingState.ANNOUNCED and row["url"] is not None
    if is_there and not tasks.is_wanted(connection, sid, Task.FETCH):
        tasks.add(connection, sid, Task.FETCH, now + FIRST_WAIT)


def _matter(connection: Connection, sid: str, spoken: Spoken, seconds: int | None) -> NewWorkOrder:
    """The message as an order, with all that the call's conversation knew and has not filed."""
    say = words()
    note = say["message"].format(seconds=seconds) if seconds else say["message_of_unknown_length"]
    said = [note, say["spoke_of"].format(number=spoken.order) if spoken.order else None]
    conversation_id = None if spoken.call_sid is None else CONVERSATION + spoken.call_sid
    newest = inbox.last(connection, conversation_id) if conversation_id else None
    values: dict[str, Any] = {
        "channel": Channel.PHONE,
        "line": spoken.line,
        "contact_phone": spoken.caller,
        "conversation_id": conversation_id,
    }
    if newest is not None and not (newest.answer and newest.answer.ended):
        known = matter_of(connection, newest)
        values |= known.model_dump(exclude_defaults=True, exclude={"text", "reason", "message_id"})
        said.append(known.text)
    values |= {
        "text": "\n".join(part for part in said if part)[:LONGEST_TEXT],
        "message_id": f"recording:{sid}",
        "needs_person": True,
        "reason": say["reason"],
    }
    try:
        return NewWorkOrder.model_validate(values)
    except ValidationError:
        return NewWorkOrder.model_validate(values | {"contact_phone": None, "filed_by": None})


def _link(connection: Connection, sid: str, order_id: int, now: datetime) -> None:
    _change(connection, sid, work_order_id=order_id)
    _tell(connection, sid, now)


def _tell(connection: Connection, sid: str, now: datetime) -> None:
    """Write to the order what has become of its recording; nothing while that is not known, or without an order."""
    row = _row(connection, sid)
    if row["work_order_id"] is None:
        return
    said = {"recording": sid, "seconds": row["seconds"]}
    match row["state"]:
        case RecordingState.FETCHED:
            add_event(connection, row["work_order_id"], "recording_stored", said, now, ACTOR)
        case RecordingState.GONE | RecordingState.FAILED:
            said |= {"why": row["why"], "text": words()["missing"][row["why"]]}
            add_event(connection, row["work_order_id"], "recording_missing", said, now, ACTOR)


def _spoken(connection: Connection, call_sid: str | None) -> Spoken:
    """The call of a message as it is kept."""
    query = select(calls.c.caller, calls.c.line).where(calls.c.call_sid == call_sid)
    found = connection.execute(query).first() if call_sid else None
    return Spoken(call_sid) if found is None else Spoken(call_sid, found.caller, Line(found.line))


def _carrier_of(connection: Connection, call_sid: str) -> str | None:
    return connection.execute(select(calls.c.carrier).where(calls.c.call_sid == call_sid)).scalar()


def _order_of_call(connection: Connection, call_sid: str) -> int | None:
    """The newest order of a call."""
    return max(connection.execute(_orders_of(literal(call_sid))).scalars(), default=None)


def _orders_of(call_sid: ColumnElement[str]) -> CompoundSelect[int]:
    """The orders that were opened in a call, and those that the forms after its talks name."""
    of_call = work_orders.c.conversation_id == literal(CONVERSATION).concat(call_sid)
    by_form = select(work_orders.c.id).join(talks, talks.c.order_number == work_orders.c.number)
    opened, named = select(work_orders.c.id).where(of_call), by_form.where(talks.c.call_sid == call_sid)
    return union_all(opened.correlate(recordings), named.correlate(recordings))


def _noted(connection: Connection, sid: str, now: datetime, kind: Kind = Kind.MESSAGE) -> RowMapping:
    """The recording's row, made if need be; nobody else changes it until the transaction ends."""
    new = {"sid": sid, "kind": kind, "state": RecordingState.ANNOUNCED, "created_at": now}
    connection.execute(_insert(connection, recordings).values(**new).on_conflict_do_nothing())
    return _row(connection, sid, lock=True)


def _insert(connection: Connection, table: Any) -> Any:
    return insert_sqlite(table) if connection.dialect.name == "sqlite" else insert_postgresql(table)


def _row(connection: Connection, sid: str, *, lock: bool = False) -> RowMapping:
    query = select(recordings).where(recordings.c.sid == sid)
    return connection.execute(query.with_for_update() if lock else query).mappings().one()


def _rows(connection: Connection, query: Any) -> Sequence[RowMapping]:
    return connection.execute(query).mappings().all()


def _change(connection: Connection, sid: str, **values: Any) -> None:
    connection.execute(update(recordings).where(recordings.c.sid == sid).values(**values))


def _check_sid(sid: str) -> None:
    if not 0 < len(sid) <= LONGEST_SID:
        detail = f"sid: a recording's id has 1 to {LONGEST_SID} characters (got {len(sid)})"
        raise Problem(422, "Unprocessable Content", detail, field="sid")


def _status(written: str) -> Told:
    try:
        return Told(written)
    except ValueError:
        detail = f"status: {written[:40]!r} is not known; use {', '.join(Told)}"
        raise Problem(422, "Unprocessable Content", detail, field="status") from None
