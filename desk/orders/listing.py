"""Lists of orders: the newest first, narrowed by filters, page by page.

A page begins after the last order of the page before (key set), so that the thousandth costs what the first does. Each
filter has its index in the order of the list (`desk/orders/tables.py`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from core.access import Principal
from core.database import vault_of
from desk.limits.deadlines import Light
from desk.orders.model import CategoryId, Line, State, WorkOrder
from desk.orders.register import row_of
from desk.orders.tables import clocks, work_orders
from desk.personal_data import looks

LONGEST_SEARCH = timedelta(days=31)
"""The time a search in texts may look through: without a full-text index it reads every order of it."""


class Filters(BaseModel):
    """Which orders a list shows; what is not given does not matter. `from` and `to` are when an order was opened."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    category: CategoryId | None = None
    line: Line | None = None
    state: State | None = None
    unit: Annotated[str, StringConstraints(min_length=2, max_length=50)] | None = Field(
        None, description="The unit that is responsible"
    )
    light: Light | None = Field(None, description="The worst light of the clocks that run")
    source: Annotated[str, StringConstraints(max_length=30)] | None = Field(
        None, description="The platform that handed it over"
    )
    conversation_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    opened_from: AwareDatetime | None = Field(None, alias="from", description="Opened then or later")
    opened_to: AwareDatetime | None = Field(None, alias="to", description="Opened before")
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=50)] | None = Field(
        None, description="Words of the text or the place; needs `from`, and at most 31 days"
    )

    @model_validator(mode="after")
    def _search_is_bounded(self) -> Self:
        start, end = self.opened_from, self.opened_to
        if start and end and end <= start:
            raise ValueError("to: has to be after from")
        if self.text and not (start and end and end - start <= LONGEST_SEARCH):
            raise ValueError(f"text: needs from and to, at most {LONGEST_SEARCH.days} days apart")
        return self

    def seen_by(self, who: Principal) -> "Wanted":
        """The filters as they hold for somebody: people of a unit see what it is responsible for or was handed down."""
        return Wanted(**self.model_dump(include=set(Filters.model_fields), by_alias=True), holder=who.unit)


class Wanted(Filters):
    """The filters with what the desk itself narrows a list to."""

    holder: str | None = Field(None, description="The unit that is responsible or was handed the order down")
    deputy: str | None = None
    session_id: int | None = None
    traces: tuple[str, ...] | None = Field(None, description="Keyed hashes of the citizen's phone")


def page(connection: Connection, wanted: Filters, before: str | None = None, limit: int = 50) -> list[WorkOrder]:
    """The newest orders; `before` is the number of the last order of the page before. Raises Problem 404 for it."""
    query = narrowed(select(work_orders), wanted).limit(limit)
    query = query.order_by(work_orders.c.created_at.desc(), work_orders.c.id.desc())
    if before is not None:
        query = query.where(_older_than(row_of(connection, before)))
    return [WorkOrder.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def search_by_phone(
    connection: Connection,
    phone: str,
    wanted: Wanted,
    who: Principal,
    now: datetime,
    before: str | None = None,
    limit: int = 50,
) -> list[WorkOrder]:
    """A page of the orders of one phone number (E.164); since it tells whose they are, it is a look at each."""
    traced = wanted.model_copy(update={"traces": tuple(vault_of(connection).traces(phone))})
    found = page(connection, traced, before, limit)
    ids = select(work_orders.c.id).where(work_orders.c.number.in_([order.number for order in found]))
    looks.write_down(connection, connection.execute(ids).scalars(), who, looks.SEARCH, None, now)
    return found


def count(connection: Connection, wanted: Filters, most: int) -> int:
    """How many orders the filters leave; `most` is where counting stops."""
    found = narrowed(select(work_orders.c.id), wanted).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def narrowed(query: Select[Any], wanted: Filters) -> Select[Any]:
    """A query of orders with the filters applied."""
    own = wanted if isinstance(wanted, Wanted) else Wanted()
    equal = {name: getattr(wanted, name) for name in ("category", "line", "state", "unit", "source", "conversation_id")}
    for name, value in {**equal, "deputy": own.deputy, "session_id": own.session_id}.items():
        if value is not None:
            query = query.where(work_orders.c[name] == value)
    if own.holder is not None:
        query = query.where(or_(work_orders.c.unit == own.holder, work_orders.c.working_unit == own.holder))
    if own.traces is not None:
        query = query.where(work_orders.c.phone_trace.in_(own.traces))
    if wanted.opened_from is not None:
        query = query.where(work_orders.c.created_at >= wanted.opened_from)
    if wanted.opened_to is not None:
        query = query.where(work_orders.c.created_at < wanted.opened_to)
    if wanted.light is not None:
        query = query.where(_shows(wanted.light))
    if wanted.text is not None:
        found = [column.contains(wanted.text, autoescape=True) for column in (work_orders.c.text, work_orders.c.place)]
        query = query.where(or_(*found))
    return query


def lights_of(connection: Connection, numbers: Sequence[str]) -> dict[str, Light]:
    """The worst light of each order that shows one."""
    query = (
        select(work_orders.c.number, clocks.c.light)
        .join(clocks, clocks.c.work_order_id == work_orders.c.id)
        .where(work_orders.c.number.in_(numbers), clocks.c.ended_at.is_(None), clocks.c.light.is_not(None))
    )
    order, found = list(Light), dict[str, Light]()
    for number, light in connection.execute(query):
        found[number] = max(found.get(number, Light.YELLOW), Light(light), key=order.index)
    return found


def _older_than(row: Any) -> ColumnElement[bool]:
    created, mine = work_orders.c.created_at, row["created_at"]
    return and_(created <= mine, or_(created < mine, work_orders.c.id < row["id"]))


def _shows(light: Light) -> ColumnElement[bool]:
    """Whether a light is the worst of an order's running clocks.

    Asked from the clocks' side: those that show a light are few, however many orders there are.
    """
    worse = list(Light)[list(Light).index(light) + 1 :]
    running = select(clocks.c.work_order_id).where(clocks.c.ended_at.is_(None), clocks.c.light.is_not(None))
    shown = work_orders.c.id.in_(running.where(clocks.c.light == light))
    return and_(shown, work_orders.c.id.not_in(running.where(clocks.c.light.in_(worse)))) if worse else shown
