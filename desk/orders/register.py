"""The register of work orders: opening, finding, and what a citizen adds afterwards.

Every function takes the connection of a running transaction; nothing here commits.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from core.access import Principal
from core.clock import to_city_time
from core.database import vault_of
from core.problems import Problem
from desk.exchange import answers
from desk.orders.model import (
    OPEN_STATES,
    SIMULATOR,
    Event,
    Line,
    Nature,
    NewWorkOrder,
    State,
    WorkOrder,
    e164,
    is_simulated,
)
from desk.orders.numbers import order_number, query_code
from desk.orders.tables import daily_sequences, idempotency_keys, outbox, work_order_events, work_orders
from desk.personal_data import looks
from desk.personal_data.privacy import may_know
from desk.repeated.places import place_key
from desk.special import running

# Statements of every opening, built once: building one costs more than running it.
_BY_KEY = select(idempotency_keys).where(idempotency_keys.c.key == bindparam("wanted"))
_BY_ID = select(work_orders).where(work_orders.c.id == bindparam("wanted"))
_COUNT = (
    update(daily_sequences)
    .where(daily_sequences.c.day == bindparam("today"))
    .values(last=daily_sequences.c.last + 1)
    .returning(daily_sequences.c.last)
)
_INSERT_ORDER = insert(work_orders).returning(work_orders)
_INSERT_EVENT = insert(work_order_events).returning(work_order_events.c.id)
_INSERT_OUTBOX = insert(outbox)
_INSERT_KEY = insert(idempotency_keys)
_TOUCH = (
    update(work_orders)
    .where(work_orders.c.id == bindparam("wanted"))
    .values(updated_at=bindparam("now"))
    .returning(work_orders.c.source)
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An order, and whether this request made it (False: an earlier one did, and this is its repeat)."""

    order: WorkOrder
    created: bool


def open_work_order(
    connection: Connection,
    new: NewWorkOrder,
    key: str | None,
    now: datetime,
    actor: str,
    session: int | None = None,
    review: str | None = None,
) -> Opened:
    """Open an order once for each idempotency `key`.

    On the line leader it belongs to `session`, or else to the one that runs. `review` is why a person has to read it
    first although the request does not ask for that.

    1. A key seen before returns its order; with another body it raises Problem 422.
    2. An order that was opened automatically for the same conversation, and that nobody has read, is completed
       instead of a second one being opened.
    3. Otherwise a new order gets the next number of the day.
    """
    body = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
    if key and (earlier := _by_key(connection, key, body)):
        return Opened(earlier, created=False)
    _one_at_a_time(connection, new.conversation_id)
    unread = None if new.needs_person or review else _unread_of_conversation(connection, new.conversation_id)
    if unread:
        row = _complete(connection, unread, new, now, actor)
    else:
        row = _insert(connection, new, now, actor, session=session, review=review)
    if key:
        # A plain hash would tell the phone number to whoever tries them all.
        fingerprint = vault_of(connection).trace(body)
        kept = {"key": key, "fingerprint": fingerprint, "work_order_id": row["id"], "at": now}
        connection.execute(_INSERT_KEY, kept)
    return Opened(_order(row), created=not unread)


def forget_key(connection: Connection, key: str, before: datetime) -> None:
    """Let an idempotency key that was used at or before a moment open a new order."""
    connection.execute(delete(idempotency_keys).where(idempotency_keys.c.key == key, idempotency_keys.c.at <= before))


def keep_for_person(connection: Connection, matter: NewWorkOrder, now: datetime) -> WorkOrder:
    """Make sure a message the bot could not answer is in an order a person will read; return that order.

    If the bot had already opened an order out of the very message, that order is the answer. If the conversation
    has an unread automatic order, the words are added to it. Otherwise a new automatic order is opened.
    """
    _one_at_a_time(connection, matter.conversation_id)
    if matter.message_id and (order := _of_message(connection, matter)):
        return order
    if (unread := _unread_of_conversation(connection, matter.conversation_id)) is not None:
        if matter.text not in unread["text"] and not _is_supplemented(connection, unread["id"], matter.text):
            add_event(connection, unread["id"], "supplemented", {"text": matter.text}, now, "intake")
        return _order(by_id(connection, unread["id"]))
    return _order(_insert(connection, matter, now, "intake", automatic=True))


def traced(connection: Connection, phone: str | None) -> str | None:
    """The hash a telephone number is found by, however it is written."""
    number = e164(phone) if phone else None
    return vault_of(connection).trace(number) if number else None


def find(connection: Connection, number: str) -> WorkOrder:
    """The order with this number. Raises Problem 404."""
    return _order(row_of(connection, number))


def find_for(connection: Connection, number: str, who: Principal) -> WorkOrder:
    """The order with this number, if `who` may see it. Raises Problem 404."""
    return _order(row_for(connection, number, who))


def with_log(connection: Connection, number: str, who: Principal) -> tuple[WorkOrder, list[Event]]:
    """The order with this number, if `who` may see it, and its whole log, oldest first. Raises Problem 404."""
    row = row_for(connection, number, who)
    return _order(row), events_of_order(connection, row)


def row_for(connection: Connection, number: str, who: Principal) -> RowMapping:
    """The stored row, if `who` may see the order: people of a unit see what it leads, assists with or works on.

    Raises Problem 404, the same for an order that is not there and for one of others.
    """
    row = row_of(connection, number)
    if who.unit is not None and who.unit not in (row["unit"], *row["assist_units"], row["working_unit"]):
        raise Problem(404, "Not Found", f"number: no work order {number!r}", field="number")
    return row


def row_of(connection: Connection, number: str) -> RowMapping:
    """The stored row with this number. Raises Problem 404."""
    row = connection.execute(select(work_orders).where(work_orders.c.number == number)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"number: no work order {number!r}", field="number")
    return row


def ids_of(connection: Connection, numbers: Collection[str]) -> list[int]:
    """The ids of the orders with these numbers."""
    return list(connection.execute(select(work_orders.c.id).where(work_orders.c.number.in_(numbers))).scalars())


def locked(connection: Connection, number: str) -> RowMapping:
    """The stored row, which nobody else changes until the transaction ends. Raises Problem 404."""
    query = select(work_orders).where(work_orders.c.number == number).with_for_update()
    row = connection.execute(query).mappings().first()
    return row if row is not None else row_of(connection, number)


def by_id(connection: Connection, order_id: int) -> RowMapping:
    """The stored row with this id."""
    return connection.execute(_BY_ID, {"wanted": order_id}).mappings().one()


def numbers_of_conversation(connection: Connection, conversation_id: str) -> list[str]:
    """The orders that came of a conversation, the newest first."""
    query = select(work_orders.c.number).where(work_orders.c.conversation_id == conversation_id)
    return list(connection.execute(query.order_by(work_orders.c.id.desc())).scalars())


def open_orders_by_unit(connection: Connection) -> dict[str, int]:
    """How many open orders each unit answers for; units without any are left out."""
    query = (
        select(work_orders.c.unit, func.count())
        .where(work_orders.c.unit.is_not(None), work_orders.c.state.in_(OPEN_STATES))
        .group_by(work_orders.c.unit)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def events_of(connection: Connection, number: str) -> list[Event]:
    """The whole log of an order, oldest first. Raises Problem 404."""
    return events_of_order(connection, row_of(connection, number))


def events_of_order(connection: Connection, row: RowMapping) -> list[Event]:
    """The whole log of a stored order, oldest first."""
    query = (
        select(work_order_events)
        .where(work_order_events.c.work_order_id == row["id"])
        .order_by(work_order_events.c.sequence)
    )
    return [Event.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def last_event(connection: Connection, order_id: int, *kinds: str) -> RowMapping | None:
    """The newest entry of an order's log of one of these kinds, or None."""
    query = (
        select(work_order_events)
        .where(work_order_events.c.work_order_id == order_id, work_order_events.c.kind.in_(kinds))
        .order_by(work_order_events.c.sequence.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def add_event(
    connection: Connection, order_id: int, kind: str, data: dict[str, Any], now: datetime, actor: str
) -> None:
    """Append to the order's log, mark the order as changed, and note what its platform is told of it."""
    # The update comes first: on PostgreSQL it locks the row, so that two events cannot get the same sequence.
    source = connection.execute(_TOUCH, {"wanted": order_id, "now": now}).scalar_one()
    last = connection.execute(
        select(func.max(work_order_events.c.sequence)).where(work_order_events.c.work_order_id == order_id)
    ).scalar()
    event_id = _log(connection, order_id, (last or 0) + 1, kind, data, now, actor, hand_on=source != SIMULATOR)
    answers.note(connection, order_id, source, event_id, kind)


def count_events(connection: Connection, order_id: int, kind: str) -> int:
    """How often something was written to the order's log."""
    query = (
        select(func.count())
        .select_from(work_order_events)
        .where(work_order_events.c.work_order_id == order_id, work_order_events.c.kind == kind)
    )
    return int(connection.execute(query).scalar_one())


def supplement(connection: Connection, number: str, text: str, now: datetime, actor: str) -> WorkOrder:
    """补充: add what the citizen says later. Raises Problem 404, or 409 when the order is no longer open."""
    row = open_row(connection, number)
    add_event(connection, row["id"], "supplemented", {"text": text}, now, actor)
    return find(connection, number)


def view_contact(
    connection: Connection,
    number: str,
    purpose: str,
    note: str | None,
    now: datetime,
    who: Principal,
    kind: str = "contact_viewed",
    **told: Any,
) -> WorkOrder:
    """The order with the citizen's contact; the look is written down. Raises Problem 404, or 403 where it is secret.

    `kind` and `told` are what the log says of it: a recording tells who somebody is as well.
    """
    row = row_for(connection, number, who)
    order = _order(row)
    if not may_know(order, who):
        detail = (
            f"work order {number} is confidential: only the hotline knows the citizen; ask it to reach them for you"
        )
        raise Problem(403, "Forbidden", detail)
    looks.write_down(connection, [row["id"]], who, purpose, note, now)
    add_event(connection, row["id"], kind, {"purpose": purpose, **told}, now, who.name)
    return order


def set_confidential(
    connection: Connection, number: str, confidential: bool, reason: str, now: datetime, actor: str
) -> WorkOrder:
    """保密 or not: set or lift it, with a reason. Raises Problem 404."""
    order_id = row_of(connection, number)["id"]
    connection.execute(update(work_orders).where(work_orders.c.id == order_id).values(confidential=confidential))
    told = {"confidential": confidential, "reason": reason}
    add_event(connection, order_id, "confidentiality", told, now, actor)
    return find(connection, number)


def _insert(
    connection: Connection,
    new: NewWorkOrder,
    now: datetime,
    actor: str,
    automatic: bool = False,
    session: int | None = None,
    review: str | None = None,
) -> RowMapping:
    state = State.PENDING_ACCEPTANCE if automatic or review or new.needs_person else State.PENDING_DISPATCH
    values = {
        **_said(connection, new),
        **_in_session(connection, new, session, now),
        "number": order_number(to_city_time(now).date(), _next_sequence(connection, now)),
        "query_code": query_code(),
        "state": state,
        "automatic": automatic,
        "created_at": now,
        "updated_at": now,
    }
    if simulated := is_simulated(new.conversation_id):
        values["source"] = SIMULATOR
    row = connection.execute(_INSERT_ORDER, values).mappings().one()
    told = {"state": state, "reason": new.reason or review}
    _log(connection, row["id"], 1, "opened", told, now, actor, hand_on=not simulated)
    return row


def _complete(connection: Connection, unread: RowMapping, new: NewWorkOrder, now: datetime, actor: str) -> RowMapping:
    order_id = int(unread["id"])
    values = {name: value for name, value in _said(connection, new).items() if name != "channel"}
    values |= _in_session(connection, new, unread["session_id"], now)
    values["confidential"] |= unread["confidential"]
    connection.execute(
        update(work_orders)
        .where(work_orders.c.id == order_id)
        .values(**values, state=State.PENDING_DISPATCH, automatic=False)
    )
    add_event(connection, order_id, "completed", {"kept": unread["text"]}, now, actor)
    return by_id(connection, order_id)


def _said(connection: Connection, new: NewWorkOrder) -> dict[str, Any]:
    """What a request tells of an order, as the columns keep it."""
    said = new.model_dump(exclude={"needs_person", "reason"})
    confidential = new.confidential or new.nature is Nature.REPORT
    trace, key = traced(connection, new.contact_phone), place_key(new.place, new.area_code)
    return {**said, "confidential": confidential, "phone_trace": trace, "place_key": key}


def _in_session(connection: Connection, new: NewWorkOrder, session: int | None, now: datetime) -> dict[str, Any]:
    """The session of an order of the line leader; where there is none it is an order of the citizens' line."""
    if new.line is not Line.LEADER:
        return {}
    session = session or running.session_to_file_in(connection, now)
    return {"line": Line.CITIZEN} if session is None else {"session_id": session}


def _next_sequence(connection: Connection, now: datetime) -> int:
    day = to_city_time(now).date()
    counted = connection.execute(_COUNT, {"today": day}).scalar()
    if counted is None:
        connection.execute(insert(daily_sequences).values(day=day, last=1))
        return 1
    return int(counted)


def _log(
    connection: Connection,
    order_id: int,
    sequence: int,
    kind: str,
    data: dict[str, Any],
    now: datetime,
    actor: str,
    *,
    hand_on: bool = True,
) -> int:
    """Write an event; with `hand_on` whoever has to be told of it is."""
    entry = {"work_order_id": order_id, "sequence": sequence, "at": now, "actor": actor, "kind": kind, "data": data}
    event_id = int(connection.execute(_INSERT_EVENT, entry).scalar_one())
    if hand_on:
        connection.execute(_INSERT_OUTBOX, {"event_id": event_id})
    return event_id


def _order(row: RowMapping) -> WorkOrder:
    return WorkOrder.model_validate(dict(row))


def _by_key(connection: Connection, key: str, body: str) -> WorkOrder | None:
    row = connection.execute(_BY_KEY, {"wanted": key}).mappings().first()
    if row is None:
        return None
    if row["fingerprint"] not in vault_of(connection).traces(body):
        raise Problem(422, "Unprocessable Content", f"Idempotency-Key: {key!r} was used for another order before")
    return _order(by_id(connection, row["work_order_id"]))


def _one_at_a_time(connection: Connection, conversation_id: str | None) -> None:
    """Let only one transaction at a time open an order for a conversation; SQLite has one writer anyway."""
    if conversation_id is not None and connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(conversation_id))))


def _unread_of_conversation(connection: Connection, conversation_id: str | None) -> RowMapping | None:
    if conversation_id is None:
        return None
    query = (
        select(work_orders)
        .where(
            work_orders.c.conversation_id == conversation_id,
            work_orders.c.automatic,
            work_orders.c.state == State.PENDING_ACCEPTANCE,
        )
        .order_by(work_orders.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def _is_supplemented(connection: Connection, order_id: int, text: str) -> bool:
    query = select(work_order_events.c.data).where(
        work_order_events.c.work_order_id == order_id, work_order_events.c.kind == "supplemented"
    )
    return any(data["text"] == text for data in connection.execute(query).scalars())


def _of_message(connection: Connection, matter: NewWorkOrder) -> WorkOrder | None:
    query = select(work_orders).where(
        work_orders.c.conversation_id == matter.conversation_id, work_orders.c.message_id == matter.message_id
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _order(row)


def open_row(connection: Connection, number: str) -> RowMapping:
    """The stored row of an order that is open. Raises Problem 404, or 409 when it is no longer."""
    row = row_of(connection, number)
    if row["state"] not in OPEN_STATES:
        raise Problem(409, "Conflict", f"work order {number} is {row['state']}; only open orders can be changed")
    return row
