"""The units as a tree (`/api/units`), whose head is away, the table, and the orders that were returned often."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.access import Audience, Role, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.responsibilities import Row
from core.units import Level, Unit
from desk.access.people import User
from desk.orders import register
from desk.orders.routes import Number
from desk.units import absence, returns
from desk.units.returns import ReturnedOrder

Limit = Annotated[int, Query(ge=1, le=200)]


class Branch(BaseModel):
    """A unit in the tree: who stands in for its head, whether the head is away, how many open orders it answers for.

    `units` are the units right under it, as deep as was asked for; `below` is how many there are.
    """

    name: str
    level: Level
    stand_in: str
    away: bool
    open_orders: int
    below: int
    units: list["Branch"]


class Absence(BaseModel):
    """Until when somebody is away; null: is back."""

    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime | None


class TablePage(BaseModel):
    """A part of 《工单部门职责一览表》 and the version it is of."""

    version: str
    rows: list[Row]


def create_router(database: Database, city: City, clock: Clock) -> APIRouter:
    """The routes over one database and one city."""
    router = APIRouter(prefix="/api", tags=["units"])
    units, table = city.units, city.responsibilities

    @router.get("/units", dependencies=[open_to(Audience.STAFF)])
    async def show_units(
        under: Annotated[str | None, Query(max_length=50)] = None, depth: Annotated[int, Query(ge=0, le=3)] = 1
    ) -> Branch:
        """The tree below a unit (the city, unless another is named), so many levels deep."""
        root = units.root if under is None else units.by_name.get(under)
        if root is None:
            nearest = units.nearest(under or "")
            detail = f"under: no unit {under!r}; the nearest are {'、'.join(nearest) or '—'}"
            raise Problem(404, "Not Found", detail, field="under", nearest=nearest)
        now = clock()
        counts = await database.read(register.open_orders_by_unit)
        absent = await database.read(lambda c: absence.units_without_head(c, now))

        def branch(unit: Unit, depth: int) -> Branch:
            below = units.children(unit.name)
            return Branch(
                name=unit.name,
                level=unit.level,
                stand_in=unit.stand_in,
                away=unit.name in absent,
                open_orders=counts.get(unit.name, 0),
                below=len(below),
                units=[branch(lower, depth - 1) for lower in below] if depth else [],
            )

        return branch(root, depth)

    @router.put("/users/{login}/absence", dependencies=[open_to(Audience.STAFF)])
    async def set_away(login: str, wanted: Absence, request: Request) -> User:
        """Say that somebody is away until a moment, or back: of oneself, of one's unit's people as its head."""
        who, now = principal(request), clock()
        return await database.write(lambda c: absence.set_away(c, login, wanted.until, who, now))

    @router.get("/responsibilities", dependencies=[open_to(Audience.STAFF)])
    async def show_table(
        category: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
        after: Annotated[str | None, Query(pattern=r"^\d{2}-\d{2}$")] = None,
        limit: Limit = 50,
    ) -> TablePage:
        """《工单部门职责一览表》 by id; `after` pages on from a row's id."""
        rows = [row for row in table.rows if category in (None, row.category) and row.id > (after or "")]
        return TablePage(version=table.version, rows=sorted(rows, key=lambda row: row.id)[:limit])

    @router.get(
        "/returns", dependencies=[open_to(Audience.STAFF, Role.DISPATCHER, Role.SUPERVISOR, Role.LEADER, Role.AUDITOR)]
    )
    async def list_returned(
        at_least: Annotated[int, Query(ge=1, le=100)] = 2, before: Number | None = None, limit: Limit = 50
    ) -> list[ReturnedOrder]:
        """The orders that were returned at least so often, the newest first, with the days that cost."""
        now = clock()
        orders = await database.read(lambda c: returns.returned_often(c, at_least, before, limit))
        logs = await database.read(lambda c: [register.events_of(c, order.number) for order in orders])
        return [returns.in_the_report(order, log, now) for order, log in zip(orders, logs, strict=True)]

    return router
