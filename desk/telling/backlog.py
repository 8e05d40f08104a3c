"""What still waits to be told or delivered, counted."""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, func, select

from desk.orders.tables import outbox
from desk.telling.deliveries import DeliveryState, deliveries
from desk.telling.noticeboard import NoticeState, notices


class Backlog(BaseModel):
    """Events not handed on, notices not due yet, deliveries under way, those that failed before, and those given up."""

    events: int
    notices: int
    deliveries: int
    failing: int
    dead: int
    oldest: datetime | None
    """When the oldest waiting delivery was made."""


def backlog(connection: Connection) -> Backlog:
    """Count it. Takes the connection of a running transaction."""
    waiting = deliveries.c.state == DeliveryState.WAITING
    under_way = select(
        func.count(), func.count().filter(deliveries.c.last_error.is_not(None)), func.min(deliveries.c.made_at)
    ).where(waiting)
    count, failing, oldest = connection.execute(under_way).one()
    others = {
        "events": select(func.count()).select_from(outbox),
        "notices": select(func.count()).select_from(notices).where(notices.c.state == NoticeState.WAITING),
        "dead": select(func.count()).select_from(deliveries).where(deliveries.c.state == DeliveryState.DEAD),
    }
    counted = {name: connection.execute(query).scalar_one() for name, query in others.items()}
    return Backlog(**counted, deliveries=count, failing=failing, oldest=oldest)
