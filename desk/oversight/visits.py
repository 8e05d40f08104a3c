"""现场核实: whether somebody of the unit has been where the matter is, or has said why that was not needed."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping

from core.problems import Problem
from desk.life.lifecycle import Move
from desk.orders.model import Line, State
from desk.orders.register import last_event


def require(connection: Connection, order_id: int, since: datetime) -> None:
    """Raise Problem 409 unless there was a visit since a moment, or the reason was given why none was needed."""
    found = last_event(connection, order_id, Move.VISIT, Move.WAIVE_VISIT)
    if found is None or _moment(found) < since:
        detail = (
            f"move: no visit on record since {since.isoformat()}; make the move {Move.VISIT} first, "
            f"or {Move.WAIVE_VISIT} with the reason"
        )
        raise Problem(409, "Conflict", detail, field="move")


def require_for_reply(connection: Connection, order: RowMapping) -> None:
    """Raise Problem 409 when an enterprise order is answered unseen by the unit it was sent to last.

    What another city or line answers is passed on as it is.
    """
    if order["line"] == Line.ENTERPRISE and order["state"] != State.REFERRED:
        sent = last_event(connection, order["id"], Move.DISPATCH, Move.ASSIGN)
        assert sent is not None
        require(connection, order["id"], sent["at"])


def _moment(event: RowMapping) -> datetime:
    """When the visit was, or when the reason was given."""
    visited_at = event["data"].get("visited_at")
    moment: datetime = event["at"] if visited_at is None else datetime.fromisoformat(visited_at)
    return moment
