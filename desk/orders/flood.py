"""Many orders of one sender in a short time: those past the limit wait for a person, and none is dropped."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, bindparam, func, or_, select

from core.city import City
from desk.orders.model import NewWorkOrder
from desk.orders.register import traced
from desk.orders.tables import work_orders

FLOOD = "flood"
"""The reason under which such an order is kept for a person."""

# Built once: every opening asks it. It counts no further than it has to: in a flood there are thousands.
_SENT = select(func.count()).select_from(
    select(work_orders.c.id)
    .where(
        or_(
            work_orders.c.phone_trace == bindparam("phone_trace"),
            work_orders.c.conversation_id == bindparam("conversation_id"),
        ),
        work_orders.c.created_at > bindparam("since"),
    )
    .limit(bindparam("most"))
    .subquery()
)


class Flood(BaseModel):
    """`flood` of `city/limits.yml`: so many orders of one number or conversation pass within so many hours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: int = Field(ge=1)
    hours: int = Field(ge=1)

    @classmethod
    def of_city(cls, city: City) -> "Flood":
        """A city's rule. Raises pydantic's ValidationError naming what is wrong."""
        return cls.model_validate(city.read("limits.yml")["flood"])

    def reason(self, connection: Connection, new: NewWorkOrder, now: datetime) -> str | None:
        """Why an order has to be read by a person first, or None. Takes the connection of a running transaction."""
        sender = {"phone_trace": traced(connection, new.contact_phone), "conversation_id": new.conversation_id}
        if not any(sender.values()):
            return None
        asked = {**sender, "since": now - timedelta(hours=self.hours), "most": self.orders}
        return FLOOD if connection.execute(_SENT, asked).scalar_one() >= self.orders else None
