"""What goes on beside the moves of an order, where it stops a move or follows from one.

督办, 部门联办, 专报 and 现场核实 have their own rules (`desk/oversight/`); this module says at which moves they count.
Every function takes the connection of a running transaction.
"""

from datetime import datetime

from sqlalchemy import Connection, RowMapping

from desk.life.lifecycle import Move
from desk.limits.clocks import Clocks
from desk.limits.deadlines import Step
from desk.orders.model import Line
from desk.orders.words import words
from desk.oversight import joint, special_reports, supervision, visits


def before_reply(connection: Connection, order: RowMapping, note: str | None) -> None:
    """Raise Problem 409 for a reply that comes too early."""
    visits.require_for_reply(connection, order)
    joint.refuse_reply_with_open_tasks(connection, order["id"], note)


def after_reply(connection: Connection, order: RowMapping, now: datetime, actor: str) -> None:
    """The units have done together what they could."""
    joint.end_open(connection, order["id"], words()["events"][Move.REPLY], now, actor)


def before_close(connection: Connection, order: RowMapping) -> None:
    """Raise Problem 409 while something is still demanded of the unit."""
    supervision.refuse_while_open(connection, order["id"], "the order cannot close before")


def after_unsatisfied(connection: Connection, clocks: Clocks, order: RowMapping, now: datetime) -> None:
    """An enterprise order whose company is not satisfied comes under 局长督办."""
    if order["line"] == Line.ENTERPRISE:
        supervision.open_for_unsatisfied(connection, clocks, order, now)


def clock_moved(connection: Connection, order_id: int, step: Step, before: datetime, due: datetime) -> None:
    """A clock has another end since the rules changed: what shows that end beside the clock follows it."""
    if step is Step.SUPERVISION_REPLY:
        supervision.move_due(connection, order_id, due)
    elif step is Step.JOINT:
        joint.move_due(connection, order_id, before, due)


def end_with_unit(connection: Connection, order_id: int, move: Move, now: datetime, actor: str) -> None:
    """The unit has the order no longer: what was demanded of it and begun with it ends."""
    reason = words()["events"][move]
    supervision.end_open(connection, order_id, reason, now, actor)
    joint.end_open(connection, order_id, reason, now, actor)


def end_all(connection: Connection, order_id: int, move: Move, now: datetime, actor: str) -> None:
    """The order has come to its end: there is nothing to decide any more either."""
    end_with_unit(connection, order_id, move, now, actor)
    special_reports.drop_undecided(connection, order_id, words()["events"][move], now, actor)
