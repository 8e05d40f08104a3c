"""From what happened to who is told: takes new events, makes the notices and deliveries they call for.

Every method takes the connection of a running transaction. What is made of an event and its removal from the outbox are
one transaction, so that a killed worker neither loses nor doubles it; workers side by side skip what another has taken.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from core.calendar import WorkingCalendar
from core.city import City
from desk.orders.model import State, Urgency
from desk.orders.tables import outbox, work_order_events, work_orders
from desk.telling import deliveries, noticeboard, webhooks
from desk.telling.noticeboard import NoticeState, notices
from desk.telling.notices import CITIZEN, Draft, Happening, Names, Notices, Staff, Way, read_notices
from desk.telling.optouts import optouts
from desk.telling.texts import openid_of

MOST_AT_ONCE = 500

_NEW_EVENTS = (
    select(
        work_order_events,
        *(work_orders.c[name] for name in ("number", "urgency", "line", "channel", "category", "unit", "assist_units")),
        work_orders.c.state.label("order_state"),
        work_orders.c.conversation_id,
        work_orders.c.contact_phone.is_not(None).label("has_phone"),
        select(optouts.c.id).where(optouts.c.phone_trace == work_orders.c.phone_trace).exists().label("wants_none"),
        work_orders.c.contact_email.is_not(None).label("has_email"),
    )
    .join(outbox, outbox.c.event_id == work_order_events.c.id)
    .join(work_orders, work_orders.c.id == work_order_events.c.work_order_id)
    .order_by(outbox.c.event_id)
    .limit(MOST_AT_ONCE)
    .with_for_update(skip_locked=True, of=outbox)
)


class Outbox:
    """Hands events on under a city's rules. `ways`: those that are set up here."""

    def __init__(self, rules: Notices, names: Names, calendar: WorkingCalendar, ways: Collection[str]) -> None:
        self.rules = rules
        self._names = names
        self._calendar = calendar
        self._ways = {Way.PAGE, *map(Way, ways)}

    @classmethod
    def of_city(cls, city: City, calendar: WorkingCalendar, ways: Collection[str]) -> "Outbox":
        """The outbox under the rules of `city/notices.yml`. Raises ValueError naming what is wrong there."""
        return cls(read_notices(city), Names(city), calendar, ways)

    def hand_on(self, connection: Connection, now: datetime) -> int:
        """Make the notices and webhook deliveries of the oldest new events; returns how many events there were."""
        rows = connection.execute(_NEW_EVENTS).mappings().all()
        if not rows:
            return 0
        staff, hooks = noticeboard.staff(connection), webhooks.active(connection)
        made = [self._notice(row, draft, now) for row in rows for draft in self._drafts(row, staff)]
        if made:
            connection.execute(insert(notices), made)
        deliveries.add_webhooks(
            connection,
            [(hook, row["id"], _announcement(row)) for row in rows for hook in hooks if hook.wants(row["kind"])],
            now,
        )
        connection.execute(delete(outbox).where(outbox.c.event_id.in_([row["id"] for row in rows])))
        return len(rows)

    def tell_due(self, connection: Connection, now: datetime) -> int:
        """Tell the notices that are due, and drop those whose occasion is over; returns how many there were."""
        query = (
            select(notices, work_order_events.c.sequence)
            .join(work_order_events, work_order_events.c.id == notices.c.event_id)
            .where(notices.c.state == NoticeState.WAITING, notices.c.due_at <= now)
            .order_by(notices.c.due_at)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True, of=notices)
        )
        rows = connection.execute(query).mappings().all()
        reasons = _reasons(connection, rows)
        told = [row for row in rows if row["id"] not in reasons]
        connection.execute(
            update(notices)
            .where(notices.c.id.in_([row["id"] for row in told]))
            .values(state=NoticeState.TOLD, told_at=now)
        )
        for notice_id, reason in reasons.items():
            dropped = update(notices).where(notices.c.id == notice_id)
            connection.execute(dropped.values(state=NoticeState.DROPPED, reason=reason))
        deliveries.add_notices(connection, [(row["id"], way) for row in told for way in _first(row["ways"])], now)
        return len(rows)

    def _drafts(self, row: RowMapping, staff: Staff) -> list[Draft]:
        drafts = self.rules.drafts(_happening(row), staff, self._names, self._calendar)
        able = [replace(draft, ways=self._able(row, draft)) for draft in drafts]
        return [draft for draft in able if draft.recipient != CITIZEN or draft.ways]

    def _able(self, row: RowMapping, draft: Draft) -> tuple[Way, ...]:
        """The ways of a draft that are set up, and lead to the citizen where it is for one."""
        ways = [way for way in draft.ways if way in self._ways]
        return tuple(ways if draft.recipient != CITIZEN else (way for way in ways if _leads(row, way)))

    def _notice(self, row: RowMapping, draft: Draft, now: datetime) -> dict[str, Any]:
        return {
            "event_id": row["id"],
            "work_order_id": row["work_order_id"],
            "recipient": draft.recipient,
            "kind": row["kind"],
            "text": draft.text,
            "ways": list(draft.ways),
            "void_after": sorted(draft.void_after),
            "made_at": now,
            "due_at": draft.due_at,
            "state": NoticeState.WAITING,
        }


def forget(connection: Connection, order_ids: Collection[int]) -> None:
    """Tell nobody what has happened to these orders: they are invented, and their phones may be somebody's."""
    theirs = select(work_order_events.c.id).where(work_order_events.c.work_order_id.in_(order_ids))
    connection.execute(delete(outbox).where(outbox.c.event_id.in_(theirs)))


def _leads(row: RowMapping, way: Way) -> bool:
    """Whether a way leads to an order's citizen, who has not asked to be told nothing."""
    if way is Way.PAGE:
        return (row["conversation_id"] or "").startswith("web:")
    if row["wants_none"]:
        return False
    if way is Way.WECHAT:
        return openid_of(row["conversation_id"]) is not None
    return bool(row["has_phone"] if way is Way.SMS else row["has_email"])


def _first(ways: Sequence[str]) -> list[str]:
    """The way a notice is sent first; the page fetches it by itself."""
    return [way for way in ways if way != Way.PAGE][:1]


def _happening(row: RowMapping) -> Happening:
    return Happening(
        kind=row["kind"],
        data=row["data"],
        at=row["at"],
        number=row["number"],
        state=State(row["order_state"]),
        urgency=Urgency(row["urgency"]),
        line=row["line"],
        channel=row["channel"],
        category=row["category"],
        # The unit the event speaks of: a return that is granted leaves the order without one.
        unit=row["data"].get("unit") or row["unit"],
        assist_units=tuple(row["assist_units"]),
    )


def _announcement(row: RowMapping) -> dict[str, Any]:
    """What a webhook tells of an event: nothing of the citizen, and nobody's words."""
    event = _happening(row)
    data = {
        "number": event.number,
        "sequence": row["sequence"],
        "state": event.fact("state"),
        "line": event.line,
        "urgency": event.urgency,
        "category": event.category,
        "unit": event.unit,
        **{name: event.data[name] for name in ("step", "light", "due", "to", "dispatch") if name in event.data},
    }
    return {"type": f"work_order.{event.kind}", "timestamp": event.at.isoformat(), "data": data}


def _reasons(connection: Connection, rows: Sequence[RowMapping]) -> dict[int, str]:
    """The notices that are void, by id, each with the later event that made it so."""
    events = work_order_events
    query = (
        select(events.c.work_order_id, events.c.sequence, events.c.kind)
        .where(events.c.work_order_id.in_({row["work_order_id"] for row in rows if row["void_after"]}))
        .order_by(events.c.sequence)
    )
    logs: dict[int, list[tuple[int, str]]] = {}
    for order_id, sequence, kind in connection.execute(query):
        logs.setdefault(order_id, []).append((sequence, kind))
    found: dict[int, str] = {}
    for row in rows:
        later = (kind for sequence, kind in logs.get(row["work_order_id"], []) if sequence > row["sequence"])
        if reason := next((kind for kind in later if kind in row["void_after"]), None):
            found[row["id"]] = reason
    return found
