"""AB角: whose head is away, and who stands in for them.

Every function but the last takes the connection of a running transaction.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from core.access import Principal, Role
from core.problems import Problem
from core.units import Units
from desk.access.people import User, users
from desk.orders.model import OPEN_STATES, WorkOrder


def set_away(connection: Connection, login: str, until: datetime | None, who: Principal, now: datetime) -> User:
    """Say that somebody is away until a moment, or back (None).

    People say it of themselves, a head of the people of the unit, an administrator of everybody.
    Raises Problem 404 without such an active user, 403 for somebody else's absence, 422 for a moment that is over.
    """
    row = connection.execute(select(users).where(users.c.login == login, users.c.active)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"login: no active user {login!r}", field="login")
    of_my_unit = who.role is Role.UNIT_HEAD and row["unit"] == who.unit
    if not (who.role is Role.ADMIN or who.name == login or of_my_unit):
        raise Problem(403, "Forbidden", f"login: the absence of {login!r} is not yours to set", field="login")
    if until is not None and until <= now:
        detail = f"until: {until.isoformat()} is over; it has to be a moment to come, or null"
        raise Problem(422, "Unprocessable Content", detail, field="until")
    connection.execute(update(users).where(users.c.login == login).values(away_until=until))
    return User.model_validate({**row, "away_until": until})


def units_without_head(connection: Connection, now: datetime) -> frozenset[str]:
    """The units that have a head, and whose heads are all away."""
    query = select(users.c.unit, users.c.away_until).where(users.c.role == Role.UNIT_HEAD, users.c.active)
    heads = connection.execute(query).all()
    present = {unit for unit, until in heads if until is None or until <= now}
    return frozenset(unit for unit, _ in heads) - present


def with_stand_in(order: WorkOrder, absent: Collection[str], units: Units) -> WorkOrder:
    """The order with who stands in, while it is open and the head of its unit is away. Pure."""
    if order.unit not in absent or order.unit not in units.by_name or order.state not in OPEN_STATES:
        return order
    return order.model_copy(update={"stand_in": units.by_name[order.unit].stand_in})
