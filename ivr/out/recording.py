"""What came of an attempt, told to the desk by the move a seat uses. Takes the connection of a running transaction."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from core.problems import Problem
from desk.closing.aftercare import Missed
from desk.life.handling import Handling
from desk.life.moves import Callback
from desk.orders.model import State
from desk.orders.register import by_id
from ivr.out import attempts, lists
from ivr.out.flow import OutState, Result, Where
from ivr.out.lists import Kind, NewEntry
from ivr.out.rules import Campaign
from ivr.out.words import OutWords

ACTOR = "campaign"
MISSED = {
    Result.REFUSED: Missed.REFUSED,
    Result.WRONG_NUMBER: Missed.WRONG_NUMBER,
    **dict.fromkeys(
        (
            Result.ABSENT,
            Result.HUNG_UP,
            Result.SILENT,
            Result.MACHINE,
            Result.BUSY,
            Result.NO_ANSWER,
            Result.SWITCHED_OFF,
        ),
        Missed.NO_ANSWER,
    ),
}
"""What the desk counts a result as. It hears nothing of the others: the citizen has missed no call."""
CONTENT = {
    "satisfied": Where.SATISFIED,
    "service_satisfied": Where.SERVICE,
    "enterprise_satisfied": Where.ENTERPRISE,
}


class Recorder:
    """Ends attempts under the rules of one city."""

    def __init__(self, campaign: Campaign, handling: Handling, words: OutWords) -> None:
        self._campaign = campaign
        self._handling = handling
        self._words = words

    def finish(
        self, connection: Connection, row: RowMapping, result: Result, state: OutState | None, now: datetime
    ) -> None:
        """End an attempt with its result, tell the desk, and keep a refusal for good. A second time changes nothing."""
        if row["ended_at"] is not None:
            return
        spoken = (now - row["answered_at"]) // timedelta(seconds=1) if row["answered_at"] else 0
        values = {"result": result, "seconds": spoken, "again_at": self._again_at(connection, row, result, state, now)}
        attempts.end(connection, row["id"], values, now)
        if result is Result.REFUSED and row["phone"]:
            refusal = NewEntry(kind=Kind.DO_NOT_CALL, phone=row["phone"], reason=self._words.listed)
            lists.add(connection, refusal, now, ACTOR)
        if result is Result.REACHED or result in MISSED:
            self._tell(connection, {**row, **values}, state, now)

    def tell_again(self, connection: Connection, attempt: str, now: datetime) -> None:
        """Tell the desk a result it refused before; what it still refuses stays noted."""
        row = attempts.locked(connection, attempt)
        if row is not None and row["told_at"] is None:
            self._tell(connection, dict(row), attempts.state_of(row), now)

    def _tell(self, connection: Connection, row: dict[str, Any], state: OutState | None, now: datetime) -> None:
        order = by_id(connection, row["work_order_id"])
        try:
            if order["state"] != State.PENDING_CALLBACK or order["redone"] != row["round"]:
                detail = f"the order is {order['state']} and waits for no call-back of this reply"
                raise Problem(409, "Conflict", detail)
            self._handling.move(connection, order["number"], self._callback(row, state), now, ACTOR)
        except Problem as problem:
            attempts.note(connection, row["id"], refusal=problem.detail[:300])
        else:
            attempts.note(connection, row["id"], told_at=now, refusal=None)

    def _callback(self, row: dict[str, Any], state: OutState | None) -> Callback:
        result = Result(row["result"])
        note = [self._words.note.format(nth=row["nth"], result=self._words.results[result], seconds=row["seconds"])]
        said = {"move": "callback", "person": row["person"], "reached": result is Result.REACHED}
        if result is Result.REACHED and state is not None:
            said |= {"solved": state.solved, **{name: state.content(where) for name, where in CONTENT.items()}}
            note += [self._words.answers.satisfied[(state.given or {})[Where.SATISFIED]]]
            note += [self._words.answers.said.format(remark=state.remark)] if state.remark else []
        else:
            said["missed"] = MISSED[result]
            if state is not None and state.solved is not None:
                answers = self._words.answers.solved[state.solved]
                note.append(self._words.answers.unfinished.format(answers=answers))
        return Callback.model_validate({**said, "note": "；".join(note)})

    def _again_at(
        self, connection: Connection, row: RowMapping, result: Result, state: OutState | None, now: datetime
    ) -> datetime | None:
        again = self._campaign.again_at(result, state.later if state else None, now)
        if result is Result.LATER:
            order = by_id(connection, row["work_order_id"])
            before = [each["result"] for each in attempts.of_person(connection, order, row["person"])]
            if before.count(Result.LATER) >= self._campaign.rules.postponements:
                return None
        return again
