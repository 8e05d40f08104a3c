"""The leader-answers session that runs now: whom the telephone rings, and where its orders belong.

Every function takes the connection of a running transaction.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select

from desk.orders.tables import leader_sessions

FILED_LATE = timedelta(hours=1)
"""A call that was taken in a session may end, and be filed, so long after it."""


def taking_calls(connection: Connection, now: datetime) -> RowMapping | None:
    """The session that runs now and has a telephone; of several the one that began last."""
    query = (
        select(leader_sessions)
        .where(
            leader_sessions.c.starts_at <= now,
            leader_sessions.c.ends_at > now,
            leader_sessions.c.telephone.is_not(None),
        )
        .order_by(leader_sessions.c.starts_at.desc(), leader_sessions.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def leader_seat(connection: Connection, now: datetime) -> str | None:
    """The number in E.164 or the SIP address the leader's seat rings at, while a session takes calls."""
    session = taking_calls(connection, now)
    return None if session is None else str(session["telephone"])


def session_to_file_in(connection: Connection, now: datetime) -> int | None:
    """The session an order of the telephone belongs to: the one that takes calls, or took them a moment ago."""
    query = (
        select(leader_sessions.c.id)
        .where(
            leader_sessions.c.starts_at <= now,
            leader_sessions.c.ends_at > now - FILED_LATE,
            leader_sessions.c.telephone.is_not(None),
        )
        .order_by(leader_sessions.c.starts_at.desc(), leader_sessions.c.id.desc())
        .limit(1)
    )
    found: int | None = connection.execute(query).scalar()
    return found
