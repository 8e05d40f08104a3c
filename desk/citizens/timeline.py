"""All orders of a telephone, whichever door they came by. Takes the connection of a running transaction."""

from datetime import datetime

from sqlalchemy import Connection, select

from core.city import City
from core.database import vault_of
from desk.orders.following import Followed
from desk.orders.model import SIMULATOR, Channel
from desk.orders.tables import work_orders
from desk.orders.words import words
from desk.repeated.supporters import persons_of

MOST = 100


class OwnOrder(Followed):
    """An order as its citizen follows it, and the door it came by."""

    channel: Channel
    channel_name: str


def orders_of(connection: Connection, phone: str, city: City, now: datetime) -> list[OwnOrder]:
    """The orders whose contact is a number (E.164), the newest first, at most `MOST`."""
    query = (
        select(work_orders)
        .where(
            work_orders.c.phone_trace.in_(vault_of(connection).traces(phone)),
            work_orders.c.erased_at.is_(None),
            work_orders.c.source.is_distinct_from(SIMULATOR),
        )
        .order_by(work_orders.c.id.desc())
        .limit(MOST)
    )
    found = []
    for row in connection.execute(query).mappings().all():
        citizen = persons_of(connection, row)[0]
        followed = Followed.by(citizen, connection, city, now)
        name = words()["channels"][row["channel"]]
        found.append(OwnOrder(**followed.model_dump(), channel=row["channel"], channel_name=name))
    return found
