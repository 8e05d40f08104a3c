"""批示: what a leader decides on a special report is carried out at once.

The order goes to the unit that was named and cannot be returned; a 督办单 of the leader's level tracks it until the
result is accepted. Every function takes the connection of a running transaction.
"""

from datetime import datetime

from sqlalchemy import Connection

from desk.life.handling import Handling
from desk.limits.clocks import must_be_ahead
from desk.orders.register import locked
from desk.orders.words import words
from desk.oversight import special_reports, supervision
from desk.oversight.special_reports import Decide, Drop, Edit, ReportMove, ReportRequest, SpecialReport
from desk.oversight.supervision import Level, NewSupervision


def make(
    connection: Connection, handling: Handling, number: str, request: ReportRequest, now: datetime, actor: str
) -> SpecialReport:
    """Make one move of a special report; returns it after the move.

    Raises Problem 404, 409 when its state or its order's does not allow the move, 422 for a time limit not ahead.
    """
    if isinstance(request, Edit):
        return special_reports.edit(connection, number, request, now, actor)
    if isinstance(request, Drop):
        return special_reports.drop(connection, number, request, now, actor)
    if isinstance(request, Decide):
        return _decide(connection, handling, number, request, now, actor)
    return special_reports.submit(connection, number, now, actor)


def _decide(
    connection: Connection, handling: Handling, number: str, decision: Decide, now: datetime, actor: str
) -> SpecialReport:
    must_be_ahead(decision.until, now, "until")
    told = decision.model_dump(mode="json", exclude={"move"})
    kept = {"decision": decision.text, "unit": decision.unit, "due": decision.until, "decided_by": actor}
    report = special_reports.change(connection, number, ReportMove.DECIDE, told, now, actor, **kept)
    handling.assign(connection, report.work_order, decision.unit, decision.until, now, actor)
    reason = words()["supervision"]["decided"].format(number=number)
    new = NewSupervision(level=Level.LEADER, reason=reason, demand=decision.text, until=decision.until)
    report_id = special_reports.row_of(connection, number)["id"]
    order = locked(connection, report.work_order)
    supervision.open_supervision(connection, handling.clocks, order, new, now, actor, report_id)
    return report
