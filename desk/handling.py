"""Making the moves of an order's life: the state, the clocks and the log change together, in one transaction.

`desk/lifecycle.py` says what may follow what; this module says what each move does besides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, RowMapping, select, update

from core.calendar import WorkingCalendar
from core.city import City
from core.problems import Problem
from desk import moves
from desk.clocks import Clocks, end
from desk.deadlines import Limit, Step, read_deadlines
from desk.dispatch import suggest
from desk.lifecycle import FROM, TO, Move
from desk.model import Line, Nature, State, WorkOrder
from desk.register import add_event, find, row_of
from desk.tables import work_order_events, work_orders

UNIT_STEPS = (Step.SIGN, Step.RETURN, Step.FIRST_REPLY, Step.FINISH)
"""The clocks that start when an order is sent to a unit."""
MOST_CHANGES = 500
OVERLAP = 500
"""On PostgreSQL an order with a smaller id may be committed later: so many are looked at again."""
MOST_REDONE = 1
"""How often an order is done again by itself before somebody higher has to see to it."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Turn(Generic[R]):
    """One move being made: who does what with which order, when, in which transaction."""

    connection: Connection
    order: RowMapping
    request: R
    now: datetime
    actor: str

    def allow(self, move: Move) -> None:
        """Raise Problem 409 unless the order's state allows the move; nothing goes on with an erased order."""
        if self.order["erased_at"] is not None:
            detail = f"move: {move} needs an order that says whose it is; this one was erased"
            raise Problem(409, "Conflict", detail, field="move")
        if self.order["state"] not in FROM[move]:
            wanted = ", ".join(sorted(FROM[move]))
            detail = f"move: {move} needs an order that is {wanted}; this one is {self.order['state']}"
            raise Problem(409, "Conflict", detail, field="move")

    def step(self, move: Move, told: dict[str, Any], **changes: Any) -> None:
        """Check the move, change the row, write the event."""
        self.allow(move)
        state = TO[move] or self.order["state"]
        self.connection.execute(
            update(work_orders).where(work_orders.c.id == self.order["id"]).values(**changes, state=state)
        )
        self.note(move, {**told, "state": state})

    def note(self, kind: str, told: dict[str, Any]) -> None:
        """Write an event that changes no state."""
        data = {key: value for key, value in told.items() if value is not None}
        add_event(self.connection, self.order["id"], kind, data, self.now, self.actor)

    def last(self, kind: Move) -> RowMapping:
        """The order's last event of a kind."""
        query = (
            select(work_order_events)
            .where(work_order_events.c.work_order_id == self.order["id"], work_order_events.c.kind == kind)
            .order_by(work_order_events.c.sequence.desc())
            .limit(1)
        )
        return self.connection.execute(query).mappings().one()


class Handling:
    """The moves under one set of time limits."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks

    @classmethod
    def of_city(cls, city: City) -> "Handling":
        """The moves under a city's time limits and calendar. Raises pydantic's ValidationError or BadCalendar."""
        calendar = WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
        return cls(Clocks(read_deadlines(city.read("deadlines.yml")), calendar))

    def move(
        self, connection: Connection, number: str, request: moves.MoveRequest, now: datetime, actor: str
    ) -> WorkOrder:
        """Make one move; returns the order after it.

        Raises Problem 404 without such an order, 409 when its state or a time limit does not allow the move, 422 when
        the request lacks what this order needs.
        """
        made: Callable[[_Turn[Any]], None] = getattr(self, f"_{request.move}")
        made(_Turn(connection, _locked(connection, number), request, now, actor))
        return find(connection, number)

    def dispatch_certain(self, connection: Connection, city: City, after: int, now: datetime) -> tuple[int, int]:
        """Send new orders whose unit is certain; the others wait for the dispatcher.

        Looks at those with an id above `after`; returns the highest id seen and how many were sent.
        """
        query = (
            select(work_orders)
            .where(
                work_orders.c.id > after - OVERLAP,
                work_orders.c.state == State.PENDING_DISPATCH,
                work_orders.c.dispatches == 0,
            )
            .order_by(work_orders.c.id)
            .limit(MOST_CHANGES + OVERLAP)
        )
        sent = 0
        for row in connection.execute(query).mappings().all():
            after = max(after, row["id"])
            suggestion = suggest(WorkOrder.model_validate(dict(row)), city)
            if suggestion.certain and suggestion.unit:
                units = {"unit": suggestion.unit, "assist_units": suggestion.assist_units}
                request = moves.Dispatch(move=Move.DISPATCH, note="；".join(suggestion.reasons)[:200], **units)
                self.move(connection, row["number"], request, now, "automatic dispatch")
                sent += 1
        return after, sent

    def sweep(self, connection: Connection, now: datetime) -> int:
        """Change the lights that are due and write each change to its order's log; returns how many."""
        changes = self.clocks.changes(connection, now, MOST_CHANGES)
        for change in changes:
            told = {"step": change.step, "light": change.light, "due": change.at.isoformat(), "unit": change.unit}
            add_event(connection, change.work_order_id, "light", told, now, "clock")
        return len(changes)

    # ---- intake and dispatch ---------------------------------------------------------------------------------

    def _accept(self, turn: _Turn[moves.Accept]) -> None:
        corrected = _told(turn.request)
        secret = {"confidential": True} if turn.request.nature is Nature.REPORT else {}
        turn.step(Move.ACCEPT, {**corrected, **secret}, **corrected, **secret, automatic=False)

    def _reject(self, turn: _Turn[moves.Reject]) -> None:
        turn.step(Move.REJECT, _told(turn.request))

    def _dispatch(self, turn: _Turn[moves.Dispatch]) -> None:
        if turn.order["category"] is None:
            raise Problem(409, "Conflict", "category: not decided yet; accept the order with its category first")
        told, sent = _told(turn.request), turn.order["dispatches"] + 1
        changes = {name: value for name, value in told.items() if name != "note"}
        turn.step(Move.DISPATCH, {**told, "dispatch": sent}, **changes, dispatches=sent)
        order = _locked(turn.connection, turn.order["number"])
        for step in UNIT_STEPS:
            self.clocks.start(turn.connection, order, step, turn.now)

    def _sign(self, turn: _Turn[moves.Sign]) -> None:
        turn.step(Move.SIGN, {"unit": turn.order["unit"]})
        self._end(turn, Step.SIGN)

    # ---- returns ---------------------------------------------------------------------------------------------

    def _return(self, turn: _Turn[moves.Return]) -> None:
        turn.allow(Move.RETURN)
        if turn.order["dispatches"] >= self.clocks.rules.binding_dispatch:
            raise Problem(409, "Conflict", f"dispatch {turn.order['dispatches']} of this order is binding")
        if self.clocks.is_over(turn.connection, turn.order["id"], Step.RETURN, turn.now):
            raise Problem(409, "Conflict", "the time to return this order is over; the unit has to handle it")
        turn.step(Move.RETURN, {**_told(turn.request), "unit": turn.order["unit"]})
        self._end(turn, Step.SIGN, Step.RETURN)

    def _grant_return(self, turn: _Turn[moves.GrantReturn]) -> None:
        turn.allow(Move.GRANT_RETURN)
        lost = (turn.now - turn.last(Move.DISPATCH)["at"]) // timedelta(minutes=1)
        told = {**_told(turn.request), "unit": turn.order["unit"], "lost_minutes": lost}
        turn.step(Move.GRANT_RETURN, told, unit=None, assist_units=[])
        self._end(turn, *Step)

    def _refuse_return(self, turn: _Turn[moves.RefuseReturn]) -> None:
        turn.step(Move.REFUSE_RETURN, {**_told(turn.request), "unit": turn.order["unit"]})

    # ---- the unit's work -------------------------------------------------------------------------------------

    def _contact(self, turn: _Turn[moves.Contact]) -> None:
        turn.step(Move.CONTACT, _told(turn.request))
        self._end(turn, Step.FIRST_REPLY)

    def _ask_citizen(self, turn: _Turn[moves.AskCitizen]) -> None:
        turn.step(Move.ASK_CITIZEN, _told(turn.request))
        self.clocks.pause(turn.connection, turn.order, turn.now)

    def _resume(self, turn: _Turn[moves.Resume]) -> None:
        turn.step(Move.RESUME, _told(turn.request))
        self.clocks.resume(turn.connection, turn.order, turn.now)

    def _ask_extension(self, turn: _Turn[moves.AskExtension]) -> None:
        turn.allow(Move.ASK_EXTENSION)
        asked, longest = Limit.parse(turn.request.time), self.clocks.rules.longest_extension
        if turn.order["extended"]:
            raise Problem(409, "Conflict", "time: this order has been extended already; once is allowed", field="time")
        if asked.end(turn.now, self.clocks.calendar) > longest.end(turn.now, self.clocks.calendar):
            detail = f"time: {turn.request.time} is too long; at most {longest}"
            raise Problem(422, "Unprocessable Content", detail, field="time")
        if self.clocks.is_over(turn.connection, turn.order["id"], Step.FINISH, turn.now):
            raise Problem(409, "Conflict", "time: the time to finish is over; ask before it ends", field="time")
        turn.step(Move.ASK_EXTENSION, _told(turn.request))

    def _grant_extension(self, turn: _Turn[moves.GrantExtension]) -> None:
        turn.allow(Move.GRANT_EXTENSION)
        time = turn.last(Move.ASK_EXTENSION)["data"]["time"]
        turn.step(Move.GRANT_EXTENSION, {"time": time}, extended=True)
        self.clocks.extend(turn.connection, turn.order, Limit.parse(time), turn.now)

    def _refuse_extension(self, turn: _Turn[moves.RefuseExtension]) -> None:
        turn.step(Move.REFUSE_EXTENSION, _told(turn.request))

    def _reply(self, turn: _Turn[moves.Reply]) -> None:
        turn.step(Move.REPLY, _told(turn.request))
        self._end(turn, Step.RETURN, Step.FIRST_REPLY, Step.FINISH)

    # ---- review, call-back and what comes after --------------------------------------------------------------

    def _approve_reply(self, turn: _Turn[moves.ApproveReply]) -> None:
        turn.step(Move.APPROVE_REPLY, {})
        self.clocks.start(turn.connection, turn.order, Step.CALLBACK, turn.now)

    def _refuse_reply(self, turn: _Turn[moves.RefuseReply]) -> None:
        turn.step(Move.REFUSE_REPLY, _told(turn.request))
        self.clocks.go_on(turn.connection, turn.order, Step.FINISH, turn.now)

    def _callback(self, turn: _Turn[moves.Callback]) -> None:
        """A satisfied citizen's order closes. An unsatisfied one's is done again once, then somebody higher sees to it.

        An enterprise order closes only after a satisfied call-back (局长督办 until then).
        """
        turn.allow(Move.CLOSE)
        asked, redone = turn.request, turn.order["redone"]
        if asked.reached and (asked.solved is None or asked.satisfied is None):
            missing = "solved" if asked.solved is None else "satisfied"
            detail = f"{missing}: missing; both solved and satisfied are asked of a citizen who was reached"
            raise Problem(422, "Unprocessable Content", detail, field=missing)
        turn.note("callback", _told(asked))
        if not asked.reached:
            return
        self._end(turn, Step.CALLBACK)
        if asked.satisfied:
            turn.step(Move.CLOSE, {"satisfied": True})
            return
        enterprise = turn.order["line"] == Line.ENTERPRISE
        if redone >= MOST_REDONE:
            turn.note("escalated", {"to": "bureau_head" if enterprise else "hotline_office", "redone": redone})
        if redone < MOST_REDONE or enterprise:
            self._do_again(turn, Move.REDO, asked.note)
        else:
            turn.step(Move.CLOSE, {"satisfied": False})

    def _reopen(self, turn: _Turn[moves.Reopen]) -> None:
        self._do_again(turn, Move.REOPEN, turn.request.reason)

    def _do_again(self, turn: _Turn[Any], move: Move, reason: str | None) -> None:
        turn.step(move, {"reason": reason}, redone=turn.order["redone"] + 1)
        self.clocks.start(turn.connection, turn.order, Step.FINISH, turn.now)

    # ---- orders about the same thing -------------------------------------------------------------------------

    def _merge(self, turn: _Turn[moves.Merge]) -> None:
        into = row_of(turn.connection, turn.request.into)
        if into["id"] == turn.order["id"] or into["state"] not in FROM[Move.MERGE]:
            detail = f"into: {turn.request.into} is {into['state']}; it has to be another open order"
            raise Problem(409, "Conflict", detail, field="into")
        turn.step(Move.MERGE, _told(turn.request), merged_into=into["id"])
        self._end(turn, *Step)
        add_event(turn.connection, into["id"], "merged_here", {"number": turn.order["number"]}, turn.now, turn.actor)

    def _unmerge(self, turn: _Turn[moves.Unmerge]) -> None:
        turn.step(Move.UNMERGE, _told(turn.request), merged_into=None, unit=None)

    def _end(self, turn: _Turn[Any], *steps: Step) -> None:
        end(turn.connection, turn.order["id"], steps, turn.now)


def _told(request: Any) -> dict[str, Any]:
    """What a request says besides its move, as the log keeps it."""
    said: dict[str, Any] = request.model_dump(mode="json", exclude={"move"}, exclude_none=True)
    return said


def _locked(connection: Connection, number: str) -> RowMapping:
    """The order's row, which nobody else changes until the transaction ends. Raises Problem 404."""
    query = select(work_orders).where(work_orders.c.number == number).with_for_update()
    row = connection.execute(query).mappings().first()
    return row if row is not None else row_of(connection, number)
