"""Removing recordings: with their order, with the last order of their call, or because no order came of them.

What opens a file is removed in the transaction, so that nobody hears it from then on; the file itself and what may
still be at the carrier are removed by the worker. Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from ivr.calls import sids_of
from ivr.messages import tasks
from ivr.messages.tables import RecordingState, Task, recording_notices, recordings

BATCH = 100


def forget_order(connection: Connection, order_id: int) -> None:
    """Remove the recordings of an order."""
    _erase(connection, recordings.c.work_order_id == order_id)


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove the recordings of these conversations, and that their callers were told of them."""
    call_sids = sids_of(conversation_ids)
    if call_sids:
        _erase(connection, recordings.c.call_sid.in_(call_sids))
        connection.execute(delete(recording_notices).where(recording_notices.c.call_sid.in_(call_sids)))


def remove_unlinked(connection: Connection, made_before: datetime) -> int:
    """Remove recordings that belong to no order and were made before then, at most `BATCH`; returns how many."""
    old = (recordings.c.work_order_id.is_(None)) & (recordings.c.created_at < made_before)
    first = select(recordings.c.sid).where(old, recordings.c.state != RecordingState.ERASED).limit(BATCH)
    sids = connection.execute(first).scalars().all()
    _erase(connection, recordings.c.sid.in_(sids))
    connection.execute(delete(recording_notices).where(recording_notices.c.at < made_before))
    return len(sids)


def removed(connection: Connection, sid: str) -> None:
    """Note that the file of an erased recording is gone."""
    connection.execute(update(recordings).where(recordings.c.sid == sid).values(path=None))
    tasks.drop(connection, sid, Task.REMOVE)


def _erase(connection: Connection, which: ColumnElement[bool]) -> None:
    query = select(recordings).where(which, recordings.c.state != RecordingState.ERASED).with_for_update()
    for row in connection.execute(query).mappings().all():
        sid, at = row["sid"], row["created_at"]
        emptied = dict.fromkeys(("url", "key", "sha256", "call_sid", "why"))
        connection.execute(
            update(recordings).where(recordings.c.sid == sid).values(state=RecordingState.ERASED, **emptied)
        )
        tasks.drop(connection, sid, Task.FETCH, Task.TRANSCRIBE)
        if row["path"] is not None:
            tasks.add(connection, sid, Task.REMOVE, at)
        if row["fetched_at"] is None:
            tasks.add(connection, sid, Task.DELETE, at)


def known_files(connection: Connection) -> list[str]:
    """The files that recordings speak of."""
    return list(connection.execute(select(recordings.c.path).where(recordings.c.path.is_not(None))).scalars())
