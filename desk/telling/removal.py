"""Removing what was delivered and told long enough ago, in batches. What waits is never removed.

What is removed is not made again, although its uniqueness (event and recipient, event and webhook) goes with it: it is
made of an event in the outbox, which leaves that in the same transaction and never comes back. A text's own row stays,
emptied: its key is what keeps it from being sent twice.

Every function takes the connection of a running transaction and returns how many it removed.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from desk.telling import texts
from desk.telling.deliveries import DeliveryState, deliveries
from desk.telling.noticeboard import NoticeState, notices

BATCH = 500


def remove_deliveries(connection: Connection, before: datetime) -> int:
    """Remove deliveries that arrived or were given up before then, at most `BATCH`."""
    ended = deliveries.c.state.in_([DeliveryState.DELIVERED, DeliveryState.DEAD])
    # The moment they were due last has an index, and was not later but by a lease or a back-off.
    old = (deliveries.c.due_at < before) & (deliveries.c.ended_at < before)
    query = select(deliveries.c.id, deliveries.c.text_id).where(ended, old).limit(BATCH)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    connection.execute(delete(deliveries).where(deliveries.c.id.in_([row.id for row in rows])))
    for row in rows:
        if row.text_id is not None:
            texts.empty(connection, row.text_id)
    return len(rows)


def remove_notices(connection: Connection, before: datetime) -> int:
    """Remove notices that were told or dropped before then, read or not, and have no delivery; at most `BATCH`."""
    over = notices.c.state.in_([NoticeState.TOLD, NoticeState.DROPPED])
    old = (notices.c.due_at < before) & (func.coalesce(notices.c.told_at, notices.c.due_at) < before)
    delivery = select(deliveries.c.id).where(deliveries.c.notice_id == notices.c.id)
    query = select(notices.c.id).where(over, old, ~delivery.exists()).limit(BATCH)
    ids = connection.execute(query.with_for_update(skip_locked=True)).scalars().all()
    connection.execute(delete(notices).where(notices.c.id.in_(ids)))
    return len(ids)
