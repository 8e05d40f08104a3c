"""Lists of orders as files for spreadsheet programs. Each export is written down: who, when, which orders, what for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import JSON, Boolean, Column, Connection, Integer, String, Table, insert, select

from core.access import Principal, Role
from core.city import City
from core.clock import to_city_time
from core.database import Database, UtcDateTime, metadata
from core.problems import Problem
from desk.limits.deadlines import Light
from desk.orders.listing import Filters, count, lights_of, page
from desk.orders.model import WorkOrder
from desk.orders.register import add_event, ids_of
from desk.orders.words import words
from desk.personal_data import looks
from desk.personal_data.looks import Purpose
from desk.personal_data.privacy import masked, may_know

PAGE = 500
MOST = 100_000
MOST_WHOLE = 5_000
"""Each order whose contact leaves gets an entry in its log; more at once nobody calls back."""
WHOLE_ROLES = frozenset({Role.DISPATCHER, Role.ADMIN})

exports = Table(
    "exports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("purpose", String(200)),
    Column("filters", JSON, nullable=False),
    Column("rows", Integer, nullable=False),
)


class ExportEntry(BaseModel):
    """An export that was made. `whole`: with the citizens' contacts; `rows`: how many orders."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: AwareDatetime
    actor: str
    whole: bool
    purpose: str | None
    filters: dict[str, str]
    rows: int


@dataclass(frozen=True, slots=True)
class Export:
    """One export: which orders, for whom, whole or masked, and what for."""

    wanted: Filters
    who: Principal
    now: datetime
    whole: bool = False
    purpose: str | None = None

    def begin(self, connection: Connection) -> int:
        """Write the export down; returns how many orders it has.

        Raises Problem 403 for whole contacts where the role may not have them, 422 without a purpose for them, or for
        too many orders.
        """
        if self.whole and self.who.role not in WHOLE_ROLES:
            raise Problem(403, "Forbidden", f"whole: not for a {self.who.role}; without it contacts are masked")
        if self.whole and not self.purpose:
            raise Problem(422, "Unprocessable Content", "purpose: missing; say what the contacts are for")
        most = MOST_WHOLE if self.whole else MOST
        found = count(connection, self.wanted, most + 1)
        if found > most:
            detail = f"from, to: more than {most:,} orders; narrow them down"
            raise Problem(422, "Unprocessable Content", detail, field="from")
        filters = self.wanted.model_dump(mode="json", by_alias=True, exclude_none=True)
        kept = {"whole": self.whole, "purpose": self.purpose, "filters": filters, "rows": found}
        connection.execute(insert(exports).values(at=self.now, actor=self.who.name, **kept))
        return found

    def rows(self, database: Database, city: City) -> Iterator[list[str]]:
        """The rows below the headings, fetched page by page. Blocks: for a thread of its own."""
        before: str | None = None
        while True:
            work = partial(self._page, before=before)
            orders, lights = database.write_now(work) if self.whole else database.read_now(work)
            for order in orders:
                yield row(self._shown(order), lights.get(order.number), city)
            if len(orders) < PAGE:
                return
            before = orders[-1].number

    def _page(self, connection: Connection, before: str | None) -> tuple[list[WorkOrder], dict[str, Light]]:
        orders = page(connection, self.wanted, before, PAGE)
        if self.whole:
            known = ids_of(connection, [order.number for order in orders if may_know(order, self.who)])
            looks.write_down(connection, known, self.who, Purpose.OTHER, self.purpose, self.now)
            for order_id in known:
                add_event(connection, order_id, "contact_viewed", {"purpose": Purpose.OTHER}, self.now, self.who.name)
        return orders, lights_of(connection, [order.number for order in orders])

    def _shown(self, order: WorkOrder) -> WorkOrder:
        return order if self.whole and may_know(order, self.who) else masked(order, self.who)


def list_exports(connection: Connection, before: int | None, limit: int) -> list[ExportEntry]:
    """The exports that were made, the newest first; `before` is the id of the last one of the page before."""
    query = select(exports).order_by(exports.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(exports.c.id < before)
    return [ExportEntry.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def headings() -> list[str]:
    """The first line of an export."""
    return list(words()["columns"].values())


def row(order: WorkOrder, light: Light | None, city: City) -> list[str]:
    """An order as people read it, in the order of the headings."""
    say = words()
    category = city.categories.get(order.category or "")
    shown = {
        **order.model_dump(),
        "line": say["lines"][order.line],
        "channel": say["channels"][order.channel],
        "state": say["states"][order.state],
        "urgency": say["urgencies"][order.urgency],
        "light": say["lights"][light] if light else "",
        "category": f"{category.id} {category.name}" if category else order.category,
        "area": city.area_path(order.area_code) if order.area_code in city.areas else order.area_code,
        "assist_units": "、".join(order.assist_units),
        "created_at": f"{to_city_time(order.created_at):%Y-%m-%d %H:%M:%S}",
        "updated_at": f"{to_city_time(order.updated_at):%Y-%m-%d %H:%M:%S}",
    }
    return ["" if shown[name] is None else str(shown[name]) for name in say["columns"]]
