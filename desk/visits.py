"""现场核实: whether somebody of the unit has been where the matter is, or has said why that was not needed."""

from datetime import datetime

from sqlalchemy import Connection, RowMapping

from core.problems import Problem
from desk.lifecycle import Move
from desk.model import Line
from desk.register import last_event


def require(connection: Connection, order_id: int, since: datetime) -> None:
    """Raise Problem 409 unless a visit, or a reason why none was needed, is on record since a moment."""
    found = last_event(connection, order_id, (Move.VISIT, Move.WAIVE_VISIT))
    if found is None or found["at"] < since:
        detail = f"move: no visit on record; make the move {Move.VISIT} first, or {Move.WAIVE_VISIT} with the reason"
        raise Problem(409, "Conflict", detail, field="move")


def require_for_reply(connection: Connection, order: RowMapping) -> None:
    """Raise Problem 409 when an enterprise order is answered unseen by the unit it was sent to last."""
    if order["line"] == Line.ENTERPRISE:
        sent = last_event(connection, order["id"], (Move.DISPATCH, Move.ASSIGN))
        assert sent is not None
        require(connection, order["id"], sent["at"])
