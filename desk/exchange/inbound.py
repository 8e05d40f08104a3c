"""Orders that platforms hand over by themselves, signed by Standard Webhooks (https://www.standardwebhooks.com)."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, String, Table, UniqueConstraint, insert, select
from standardwebhooks import Webhook as Signature

from core.database import UtcDateTime, metadata, vault_of
from core.problems import Problem
from desk.exchange import imports
from desk.exchange.imports import Outcome, Taken
from desk.exchange.sources import Source, SourceOrder
from desk.orders.register import by_id, row_of

TOLERANCE = timedelta(minutes=5)
"""How far a message's time may be from ours; the specification proposes it."""
LONGEST_ID = 100

# What was answered to each message, so that its repeat is answered the same.
inbound_messages = Table(
    "inbound_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(30), nullable=False),
    Column("message_id", String(LONGEST_ID), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "message_id"),
    Index(None, "work_order_id"),
)


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that was signed with `secret` and sent now. Raises Problem 403."""
    message_id, seconds, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    try:
        sent = datetime.fromtimestamp(int(seconds), now.tzinfo)
        expected = Signature(secret).sign(message_id, sent, body.decode())
    except (ValueError, OverflowError, OSError):
        raise _unsigned() from None
    fits = [hmac.compare_digest(expected.encode(), one.encode()) for one in given.split(" ")]
    if not any(fits) or abs(now - sent) > TOLERANCE or not 0 < len(message_id) <= LONGEST_ID:
        raise _unsigned()
    return message_id


def take_once(
    connection: Connection, source: Source, message_id: str, body: bytes, order: SourceOrder, now: datetime
) -> Taken:
    """Take in the order of a message; a repeat of the message is answered as it was, and changes nothing.

    Takes the connection of a running transaction. Raises Problem 422 for an id that came with another body, and as
    `imports.take`.
    """
    said, messages = body.decode(), inbound_messages
    query = select(messages).where(messages.c.source == source.id, messages.c.message_id == message_id)
    if (earlier := connection.execute(query).mappings().first()) is not None:
        if earlier["fingerprint"] not in vault_of(connection).traces(said):
            detail = f"webhook-id: {message_id!r} came with another body before"
            raise Problem(422, "Unprocessable Content", detail, field="webhook-id")
        return Taken(number=by_id(connection, earlier["work_order_id"])["number"], outcome=Outcome(earlier["outcome"]))
    taken = imports.take(connection, source, order, now, source.id)
    kept = {"source": source.id, "message_id": message_id, "fingerprint": vault_of(connection).trace(said), "at": now}
    order_id = row_of(connection, str(taken.number))["id"]
    connection.execute(insert(messages).values(**kept, outcome=taken.outcome, work_order_id=order_id))
    return taken


def _unsigned() -> Problem:
    minutes = TOLERANCE // timedelta(minutes=1)
    detail = f"webhook-signature: not signed with this platform's secret within the last {minutes} minutes"
    return Problem(403, "Forbidden", detail, field="webhook-signature")
