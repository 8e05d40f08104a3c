"""Making the moves of an order's life: the state, the clocks and the log change together, in one transaction.

`desk/life/lifecycle.py` says what may follow what; this module says what each move does besides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, RowMapping, select, update

from core.calendar import WorkingCalendar
from core.city import City
from core.problems import Problem
from desk.closing import callbacks, rechecks
from desk.closing.aftercare import Aftercare, Missed, read_aftercare
from desk.closing.callbacks import By
from desk.closing.reply_gate import Finding, Gate, read_gate
from desk.life import moves, proceedings
from desk.life.lifecycle import FROM, TO, Move
from desk.limits.clocks import Clocks, drop, end
from desk.limits.deadlines import Limit, Step, read_deadlines
from desk.orders.model import SIMULATOR, Event, Line, Nature, State, WorkOrder
from desk.orders.register import add_event, by_id, events_of, events_of_order, find, last_event, locked, row_of
from desk.orders.tables import work_orders
from desk.repeated import supporters
from desk.repeated.places import place_key
from desk.repeated.supporters import Person
from desk.units.dispatch import suggest
from desk.units.returns import granted

UNIT_STEPS = (Step.SIGN, Step.RETURN, Step.FIRST_REPLY, Step.FINISH)
"""The clocks that start when an order is sent to a unit."""
SENT_TO_A_UNIT = (Move.DISPATCH, Move.ASSIGN)
SENT_ELSEWHERE = (Move.REFER, Move.HAND_OVER)
MOST_CHANGES = 500
OVERLAP = 500
"""On PostgreSQL an order with a smaller id may be committed later: so many are looked at again."""
MOST_REDONE = 1
"""How often an order is done again by itself before somebody higher has to see to it."""

TOLD_BY_CITIZENS = ("supplemented", "joined")
"""Events whose text is a citizen's."""

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

    def last(self, *kinds: Move) -> RowMapping:
        """The order's last event of these kinds. Raises LookupError without one."""
        event = last_event(self.connection, self.order["id"], *kinds)
        if event is None:
            raise LookupError(f"order {self.order['number']} has no {', '.join(kinds)}")
        return event


class Handling:
    """The moves under the rules of one city: its time limits, its units, its demands on replies and call-backs."""

    def __init__(self, clocks: Clocks, city: City, aftercare: Aftercare, gate: Gate) -> None:
        self.clocks = clocks
        self.city = city
        self.aftercare = aftercare
        self.gate = gate

    @classmethod
    def of_city(cls, city: City) -> "Handling":
        """The moves under a city's rules and calendar. Raises pydantic's ValidationError or BadCalendar."""
        calendar = WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
        clocks = Clocks(read_deadlines(city.read("deadlines.yml")), calendar)
        return cls(clocks, city, read_aftercare(city.read("aftercare.yml")), read_gate(city.read("reply_gate.yml")))

    def move(
        self, connection: Connection, number: str, request: moves.MoveRequest, now: datetime, actor: str
    ) -> WorkOrder:
        """Make one move; returns the order after it.

        Raises Problem 404 without such an order, 409 when its state or a time limit does not allow the move, 422 when
        the request lacks what this order needs.
        """
        made: Callable[[_Turn[Any]], None] = getattr(self, f"_{request.move}")
        # Some refusals come after the first statements: a refused move changes nothing, whoever holds the transaction.
        with connection.begin_nested():
            made(_Turn(connection, locked(connection, number), request, now, actor))
        return find(connection, number)

    def assign(
        self, connection: Connection, number: str, unit: str, until: datetime, now: datetime, actor: str
    ) -> None:
        """Send an order to the unit a leader has decided on, whatever it waits for, to be finished by then.

        Raises Problem 404, 409 when its state does not allow it, 422 for a unit that does not exist.
        """
        self.city.units.require(unit, "unit")
        turn: _Turn[None] = _Turn(connection, locked(connection, number), None, now, actor)
        sent = turn.order["dispatches"] + 1
        told = {"unit": unit, "dispatch": sent}
        turn.step(Move.ASSIGN, told, unit=unit, assist_units=[], working_unit=None, dispatches=sent)
        proceedings.end_with_unit(connection, turn.order["id"], Move.ASSIGN, now, actor)
        drop(connection, turn.order["id"], now)
        order = locked(connection, number)
        for step, due in ((Step.SIGN, None), (Step.FIRST_REPLY, None), (Step.FINISH, until)):
            self.clocks.start(connection, order, step, now, due)

    def dispatch_certain(self, connection: Connection, after: int, now: datetime) -> tuple[int, int]:
        """Send new orders whose unit is certain; the others wait for the dispatcher.

        Looks at those with an id above `after`, as far as the first one that somebody else holds; returns the highest
        id seen and how many were sent.
        """
        query = (
            select(work_orders)
            .where(
                work_orders.c.id > after - OVERLAP,
                work_orders.c.state == State.PENDING_DISPATCH,
                work_orders.c.dispatches == 0,
                work_orders.c.source.is_distinct_from(SIMULATOR),
            )
            .order_by(work_orders.c.id)
            .limit(MOST_CHANGES + OVERLAP)
        )
        sent = 0
        for row in connection.execute(query).mappings().all():
            suggestion = suggest(WorkOrder.model_validate(dict(row)), self.city)
            if suggestion.certain and suggestion.unit:
                if not _is_free(connection, row["id"]):
                    break
                units = {"unit": suggestion.unit, "assist_units": suggestion.assist_units}
                request = moves.Dispatch(move=Move.DISPATCH, note="；".join(suggestion.reasons)[:200], **units)
                self.move(connection, row["number"], request, now, "automatic dispatch")
                sent += 1
            after = max(after, row["id"])
        return after, sent

    def sweep(self, connection: Connection, now: datetime) -> int:
        """Change the lights that are due and write each change to its order's log; returns how many."""
        changes = self.clocks.changes(connection, now, MOST_CHANGES)
        for change in changes:
            told = {"step": change.step, "light": change.light, "due": change.at.isoformat(), "unit": change.unit}
            add_event(connection, change.work_order_id, "light", told, now, "clock")
        return len(changes)

    def check_reply(self, connection: Connection, number: str, reply: moves.ReplyText) -> list[Finding]:
        """What a reply to the order would lack. Raises Problem 404."""
        events = events_of(connection, number)
        said = [event.data["text"] for event in events if event.kind in TOLD_BY_CITIZENS and event.data.get("text")]
        earlier = [event.data["text"] for event in events if event.kind == Move.REPLY]
        return self.gate.check(reply.text, reply.outcome, [find(connection, number).text, *said], earlier)

    def rate(self, connection: Connection, person: Person, said: moves.Rating, now: datetime, actor: str) -> WorkOrder:
        """Store what a citizen answers without being called; while the order waits for it, it is the call-back.

        Raises Problem 409 before a reply was approved, or when the person has answered already.
        """
        order = supporters.handled_in(connection, locked(connection, person.number))
        if order["state"] not in (State.PENDING_CALLBACK, State.CLOSED):
            raise Problem(
                409, "Conflict", f"work order {person.number} is not answered yet; it can be rated afterwards"
            )
        callbacks.record(connection, order, person, said.model_dump(), By.CITIZEN, now, actor)
        told = {"person": person.id, **said.model_dump(exclude_none=True)}
        add_event(connection, order["id"], "rated", told, now, actor)
        if order["state"] == State.PENDING_CALLBACK:
            self._decide(_Turn(connection, order, said, now, actor), said.note, By.CITIZEN)
        return find(connection, person.number)

    def leave(self, connection: Connection, person: Person, now: datetime, actor: str) -> WorkOrder:
        """撤回: somebody withdraws their request; the order goes on for the others. Raises Problem 409."""
        supporters.leave(connection, person, now, actor)
        order = supporters.handled_in(connection, locked(connection, person.number))
        if order["state"] == State.WITHDRAWN:
            self._come_to_end(_Turn(connection, order, person, now, actor), Move.WITHDRAW)
        stands = callbacks.standing(connection, order, self.aftercare.callbacks)
        if order["state"] == State.PENDING_CALLBACK and (stands.satisfied or stands.unsatisfied):
            self._decide(_Turn(connection, order, person, now, actor), None, By.CITIZEN)
        return find(connection, person.number)

    def recheck(
        self, connection: Connection, number: str, looked: moves.Looked, now: datetime, actor: str
    ) -> WorkOrder:
        """Record a re-check that was due; a matter that has come back opens the order again, one level higher.

        Raises Problem 404, or 409 when none is due.
        """
        order = locked(connection, number)
        result = rechecks.Result.HOLDS if looked.holds else rechecks.Result.CAME_BACK
        rechecks.finish(connection, order["id"], result, now)
        add_event(connection, order["id"], "recheck", looked.model_dump(exclude_none=True), now, actor)
        if not looked.holds and looked.note:
            self.move(connection, number, moves.Reopen(move=Move.REOPEN, reason=looked.note), now, actor)
        return find(connection, number)

    # ---- intake and dispatch ---------------------------------------------------------------------------------

    def _accept(self, turn: _Turn[moves.Accept]) -> None:
        corrected = _told(turn.request)
        key = place_key(turn.order["place"], corrected.get("area_code") or turn.order["area_code"])
        secret = {"confidential": True} if turn.request.nature is Nature.REPORT else {}
        turn.step(Move.ACCEPT, {**corrected, **secret}, **corrected, **secret, automatic=False, place_key=key)

    def _reject(self, turn: _Turn[moves.Reject]) -> None:
        turn.step(Move.REJECT, _told(turn.request))
        self._come_to_end(turn, Move.REJECT)

    def _dispatch(self, turn: _Turn[moves.Dispatch]) -> None:
        if turn.order["category"] is None:
            raise Problem(409, "Conflict", "category: not decided yet; accept the order with its category first")
        turn.allow(Move.DISPATCH)
        for name in ("unit", "assist_units"):
            named = getattr(turn.request, name)
            for unit in [named] if isinstance(named, str) else named:
                self.city.units.require(unit, name)
        told, sent = _told(turn.request), turn.order["dispatches"] + 1
        changes = {name: value for name, value in told.items() if name != "note"}
        log = events_of_order(turn.connection, turn.order)
        by_table = suggest(WorkOrder.model_validate(dict(turn.order)), self.city, granted(log))
        decided = {"row": by_table.row, "table": by_table.table}
        if by_table.unit != turn.request.unit:
            decided["suggested"] = by_table.unit
        turn.step(Move.DISPATCH, {**told, **decided, "dispatch": sent}, **changes, dispatches=sent)
        order = by_id(turn.connection, turn.order["id"])
        for step in UNIT_STEPS:
            self.clocks.start(turn.connection, order, step, turn.now)

    def _sign(self, turn: _Turn[moves.Sign]) -> None:
        turn.step(Move.SIGN, {"unit": turn.order["unit"]})
        self._end(turn, Step.SIGN)

    # ---- returns ---------------------------------------------------------------------------------------------

    def _return(self, turn: _Turn[moves.Return]) -> None:
        turn.allow(Move.RETURN)
        sent = last_event(turn.connection, turn.order["id"], *SENT_TO_A_UNIT, *SENT_ELSEWHERE)
        if sent is None or sent["kind"] in SENT_ELSEWHERE:
            detail = f"{turn.order['unit']} sent this order elsewhere and answers for it; nobody dispatched it to it"
            raise Problem(409, "Conflict", detail)
        if sent["kind"] == Move.ASSIGN:
            raise Problem(409, "Conflict", "a leader has decided that this unit handles the order; that is binding")
        if turn.order["dispatches"] >= self.clocks.rules.binding_dispatch:
            raise Problem(409, "Conflict", f"dispatch {turn.order['dispatches']} of this order is binding")
        if self.clocks.is_over(turn.connection, turn.order["id"], Step.RETURN, turn.now):
            raise Problem(409, "Conflict", "the time to return this order is over; the unit has to handle it")
        told = {**_told(turn.request), "unit": turn.order["unit"]}
        turn.step(Move.RETURN, told, returns=turn.order["returns"] + 1)
        self._end(turn, Step.SIGN, Step.RETURN)

    def _grant_return(self, turn: _Turn[moves.GrantReturn]) -> None:
        turn.allow(Move.GRANT_RETURN)
        lost = (turn.now - turn.last(Move.DISPATCH)["at"]) // timedelta(minutes=1)
        told = {**_told(turn.request), "unit": turn.order["unit"], "lost_minutes": lost}
        turn.step(Move.GRANT_RETURN, told, unit=None, assist_units=[], working_unit=None)
        proceedings.end_with_unit(turn.connection, turn.order["id"], Move.GRANT_RETURN, turn.now, turn.actor)
        drop(turn.connection, turn.order["id"], turn.now)

    def _refuse_return(self, turn: _Turn[moves.RefuseReturn]) -> None:
        turn.step(Move.REFUSE_RETURN, {**_told(turn.request), "unit": turn.order["unit"]})

    # ---- other levels, other cities, other lines -------------------------------------------------------------

    def _hand_down(self, turn: _Turn[moves.HandDown]) -> None:
        """The order goes one or more levels down; who holds it now answers for nothing, `unit` does."""
        turn.allow(Move.HAND_DOWN)
        self.city.units.require(turn.request.unit, "unit")
        holder = turn.order["working_unit"] or turn.order["unit"]
        if not self.city.units.is_below(turn.request.unit, holder):
            detail = f"unit: {turn.request.unit} is not below {holder}; it has to be of a lower level inside its area"
            raise Problem(422, "Unprocessable Content", detail, field="unit")
        turn.step(Move.HAND_DOWN, {**_told(turn.request), "from": holder}, working_unit=turn.request.unit)

    def _hand_back(self, turn: _Turn[moves.HandBack]) -> None:
        """The order goes back to who handed it down."""
        turn.allow(Move.HAND_BACK)
        lower, unit = turn.order["working_unit"], turn.order["unit"]
        if lower is None:
            raise Problem(409, "Conflict", "move: this order was not handed down", field="move")
        log = events_of_order(turn.connection, turn.order)
        upper = next(e.data["from"] for e in reversed(log) if e.kind == Move.HAND_DOWN and e.data["unit"] == lower)
        told = {**_told(turn.request), "unit": lower, "to": upper}
        turn.step(Move.HAND_BACK, told, working_unit=None if upper == unit else upper)

    def _refer(self, turn: _Turn[moves.Refer]) -> None:
        cities = self.city.elsewhere.cities
        if turn.request.city not in cities:
            detail = f"city: {turn.request.city!r} is not a city of 跨市通办; allowed are {'、'.join(cities)}"
            raise Problem(422, "Unprocessable Content", detail, field="city")
        self._send_elsewhere(turn, Move.REFER, turn.request.city, turn.request.sent)

    def _hand_over(self, turn: _Turn[moves.HandOver]) -> None:
        lines = self.city.elsewhere.lines
        if (line := lines.get(turn.request.line)) is None:
            detail = f"line: {turn.request.line!r} is not in city/other_lines.yml; allowed are {', '.join(lines)}"
            raise Problem(422, "Unprocessable Content", detail, field="line")
        self._send_elsewhere(turn, Move.HAND_OVER, line.number, turn.request.sent or line.hand_over)

    def _send_elsewhere(self, turn: _Turn[Any], move: Move, to: str, sent: str) -> None:
        """The order leaves the city, and the hotline office answers for it: it keeps the citizen's own time limit."""
        turn.allow(move)
        office, unit = self.city.units.office, turn.order["unit"]
        if unit not in (None, office):
            raise Problem(409, "Conflict", f"move: {unit} has this order; it has to return it first", field="move")
        told = {"to": to, "sent": sent, "unit": office}
        turn.step(move, told, unit=office, assist_units=[], referred_to=to, receipt=None, working_unit=None)
        for step in (Step.RECEIPT, Step.FINISH):
            self.clocks.start(turn.connection, turn.order, step, turn.now)

    def _receipt(self, turn: _Turn[moves.Receipt]) -> None:
        turn.step(Move.RECEIPT, {**_told(turn.request), "to": turn.order["referred_to"]}, receipt=turn.request.receipt)
        self._end(turn, Step.RECEIPT)

    # ---- the unit's work -------------------------------------------------------------------------------------

    def _contact(self, turn: _Turn[moves.Contact]) -> None:
        turn.step(Move.CONTACT, _told(turn.request))
        self._end(turn, Step.FIRST_REPLY)

    def _visit(self, turn: _Turn[moves.Visit]) -> None:
        visited_at = turn.request.visited_at
        if visited_at > turn.now:
            detail = f"visited_at: {visited_at.isoformat()} is still to come; a visit is told after it"
            raise Problem(422, "Unprocessable Content", detail, field="visited_at")
        turn.step(Move.VISIT, _told(turn.request))
        self._end(turn, Step.FIRST_REPLY)

    def _waive_visit(self, turn: _Turn[moves.WaiveVisit]) -> None:
        turn.step(Move.WAIVE_VISIT, _told(turn.request))

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
        self.clocks.extend(turn.connection, turn.order, Limit.parse(time))

    def _refuse_extension(self, turn: _Turn[moves.RefuseExtension]) -> None:
        turn.step(Move.REFUSE_EXTENSION, _told(turn.request))

    def _reply(self, turn: _Turn[moves.Reply]) -> None:
        turn.allow(Move.REPLY)
        proceedings.before_reply(turn.connection, turn.order, turn.request.note)
        findings = self.check_reply(turn.connection, turn.order["number"], turn.request)
        lacking = [finding for finding in findings if finding.refuses]
        if lacking and turn.request.override is None:
            told = "；".join(f"{finding.kind}: {finding.says}" for finding in lacking)
            found = [finding.model_dump(mode="json") for finding in findings]
            detail = f"text: {told}; or say in override why it goes to review all the same"
            raise Problem(422, "Unprocessable Content", detail, field="text", findings=found)
        turn.step(Move.REPLY, {**_told(turn.request), "findings": [finding.kind for finding in findings] or None})
        self._end(turn, Step.RETURN, Step.FIRST_REPLY, Step.FINISH, Step.RECEIPT)
        proceedings.after_reply(turn.connection, turn.order, turn.now, turn.actor)

    # ---- review, call-back and what comes after --------------------------------------------------------------

    def _approve_reply(self, turn: _Turn[moves.ApproveReply]) -> None:
        turn.allow(Move.APPROVE_REPLY)
        said = turn.last(Move.REPLY)["data"]
        answer = {"reply": said["text"], "outcome": said["outcome"], "replied_at": turn.now}
        turn.step(Move.APPROVE_REPLY, {}, **answer)
        for merged in supporters.family(turn.connection, turn.order):
            if merged["id"] != turn.order["id"]:
                turn.connection.execute(update(work_orders).where(work_orders.c.id == merged["id"]).values(**answer))
                add_event(turn.connection, merged["id"], "replied_with", {}, turn.now, turn.actor)
        self.clocks.start(turn.connection, turn.order, Step.CALLBACK, turn.now)

    def _refuse_reply(self, turn: _Turn[moves.RefuseReply]) -> None:
        turn.step(Move.REFUSE_REPLY, _told(turn.request))
        self.clocks.go_on(turn.connection, turn.order, Step.FINISH)

    def _callback(self, turn: _Turn[moves.Callback]) -> None:
        turn.allow(Move.CLOSE)
        asked = turn.request
        if asked.reached and (asked.solved is None or asked.satisfied is None):
            missing = "solved" if asked.solved is None else "satisfied"
            detail = f"{missing}: missing; both solved and satisfied are asked of a citizen who was reached"
            raise Problem(422, "Unprocessable Content", detail, field=missing)
        if asked.reached and asked.missed is not None:
            raise Problem(422, "Unprocessable Content", "missed: only for somebody who was not reached", field="missed")
        person = callbacks.person_of(turn.connection, turn.order, asked.person)
        missed = None if asked.reached else asked.missed or Missed.NO_ANSWER
        said = {**asked.model_dump(), "missed": missed}
        callbacks.record(turn.connection, turn.order, person, said, By.SEAT, turn.now, turn.actor)
        turn.note("callback", {**_told(asked), "person": person.id, "missed": missed})
        self._decide(turn, asked.note, By.SEAT)

    def _decide(self, turn: _Turn[Any], note: str | None, by: By) -> None:
        """What the answers so far mean: nothing yet, done again, or closed.

        1. Somebody unsatisfied: it is done again at once, once; an enterprise order as often as it takes (局长督办).
        2. Somebody still has to be asked: it waits. The satisfied never close an order over one who was not asked.
        3. Somebody unsatisfied after it was done again: somebody higher sees to it, and a citizen's order closes.
        4. Somebody satisfied: it closes. 5. Nobody reached: a citizen's order closes, an enterprise order waits.

        What a seat writes down closes nothing that is still supervised (Problem 409); a citizen's own answer does.
        """
        stands = callbacks.standing(turn.connection, turn.order, self.aftercare.callbacks)
        enterprise, redone = turn.order["line"] == Line.ENTERPRISE, turn.order["redone"]
        if stands.unsatisfied and (redone < MOST_REDONE or enterprise):
            if enterprise:
                turn.note("escalated", {"to": "bureau_head", "redone": redone})
            told = {"reason": note, "replied_by": turn.last(Move.REPLY)["actor"], "unit": turn.order["unit"]}
            self._do_again(turn, Move.REDO, told)
            proceedings.after_unsatisfied(turn.connection, self.clocks, turn.order, turn.now)
            return
        if stands.waiting or not (stands.unsatisfied or stands.satisfied or not enterprise):
            return
        if by is By.SEAT:
            proceedings.before_close(turn.connection, turn.order)
        if stands.unsatisfied:
            turn.note("escalated", {"to": "hotline_office", "redone": redone})
            self._close(turn, Move.CLOSE, {"satisfied": False})
        elif stands.satisfied:
            self._close(turn, Move.CLOSE, {"satisfied": True})
        else:
            self._close(turn, Move.CLOSE, {"reached": False})

    def _close_unreached(self, turn: _Turn[moves.CloseUnreached]) -> None:
        turn.allow(Move.CLOSE_UNREACHED)
        needed = self.clocks.rules.unreached_callbacks
        tried = unreached(events_of(turn.connection, turn.order["number"]))
        if tried < needed:
            detail = f"call-backs that reached nobody: {tried}; {needed} are needed before the order closes without one"
            raise Problem(409, "Conflict", detail)
        proceedings.before_close(turn.connection, turn.order)
        self._close(turn, Move.CLOSE_UNREACHED, {**_told(turn.request), "tried": tried})

    def _close(self, turn: _Turn[Any], move: Move, told: dict[str, Any]) -> None:
        turn.step(move, told, closed_at=turn.now)
        self._come_to_end(turn, move)
        rules = self.aftercare.rechecks
        if rules.concern(turn.order["category"], turn.order["outcome"]):
            rechecks.plan(turn.connection, turn.order["id"], rules.after.end(turn.now, self.clocks.calendar))

    def _reopen(self, turn: _Turn[moves.Reopen]) -> None:
        """The matter has come back: it is done again, and one level higher sees to it."""
        level = turn.order["level"] + 1
        self._do_again(turn, Move.REOPEN, {"reason": turn.request.reason}, level=level, closed_at=None)
        turn.note("escalated", {"to": self.aftercare.head_of(level), "because": "came_back", "level": level})
        rechecks.drop(turn.connection, turn.order["id"], turn.now)

    def _do_again(self, turn: _Turn[Any], move: Move, told: dict[str, Any], **changes: Any) -> None:
        turn.step(move, told, redone=turn.order["redone"] + 1, **changes)
        self._end(turn, Step.CALLBACK)
        self.clocks.start(turn.connection, turn.order, Step.FINISH, turn.now)

    # ---- orders about the same thing -------------------------------------------------------------------------

    def _merge(self, turn: _Turn[moves.Merge]) -> None:
        into = row_of(turn.connection, turn.request.into)
        if into["id"] == turn.order["id"] or into["state"] not in FROM[Move.MERGE]:
            detail = f"into: {turn.request.into} is {into['state']}; it has to be another open order"
            raise Problem(409, "Conflict", detail, field="into")
        turn.step(Move.MERGE, _told(turn.request), merged_into=into["id"])
        self._come_to_end(turn, Move.MERGE)
        supporters.add_people(turn.connection, into, turn.order["people"])
        add_event(turn.connection, into["id"], "merged_here", {"number": turn.order["number"]}, turn.now, turn.actor)

    def _unmerge(self, turn: _Turn[moves.Unmerge]) -> None:
        turn.allow(Move.UNMERGE)
        into = by_id(turn.connection, turn.order["merged_into"])
        people = len(supporters.concerned(turn.connection, turn.order))
        supporters.add_people(turn.connection, into, -people)
        turn.step(Move.UNMERGE, _told(turn.request), merged_into=None, unit=None, working_unit=None, people=people)

    def _come_to_end(self, turn: _Turn[Any], move: Move) -> None:
        proceedings.end_all(turn.connection, turn.order["id"], move, turn.now, turn.actor)
        drop(turn.connection, turn.order["id"], turn.now)

    def _end(self, turn: _Turn[Any], *steps: Step) -> None:
        end(turn.connection, turn.order["id"], steps, turn.now)


def unreached(events: Sequence[Event]) -> int:
    """How many call-backs in a row reached nobody since the reply was approved."""
    tried = 0
    for event in events:
        if event.kind == Move.APPROVE_REPLY:
            tried = 0
        elif event.kind == "callback" and not event.data["reached"]:
            tried += 1
    return tried


def _told(request: Any) -> dict[str, Any]:
    """What a request says besides its move, as the log keeps it."""
    said: dict[str, Any] = request.model_dump(mode="json", exclude={"move"}, exclude_none=True)
    return said


def _is_free(connection: Connection, order_id: int) -> bool:
    """Whether an order is still to be dispatched and held by nobody else; then it is ours for this transaction."""
    query = (
        select(work_orders.c.id)
        .where(work_orders.c.id == order_id, work_orders.c.state == State.PENDING_DISPATCH)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(query).first() is not None
