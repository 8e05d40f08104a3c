"""Calls as they are kept."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection, select

from core.clock import utc_now
from core.database import Database
from intake.messages import Button, Expects, Line
from ivr.calls import Calls, Happened, Outcome, call_steps
from ivr.flow import CallState, HangUp, Heard, Keys, Listen, Say, Step, Where

pytestmark = pytest.mark.unit

STATE = CallState(
    "CA1",
    caller="+8613907241234",
    line=Line.ENTERPRISE,
    step=3,
    messages=2,
    expects=Expects.PHONE,
    buttons=(Button("就用这个号码", "是"),),
    prompt=("请问您的联系电话？",),
)


HEARD = Happened(Heard("温泉路", 0.8), 120)


def nothing(connection: Connection, now: datetime) -> None:
    """Nothing besides."""


@pytest.fixture
def kept(database: Database) -> Calls:
    return Calls(database, utc_now)


async def test_a_call_is_found_as_it_was_saved(kept: Calls) -> None:
    step = Step(STATE, (Say("请问您的联系电话？"), Listen(Keys.NUMBER, seconds=10), HangUp()))
    await kept.save("twilio", step, HEARD, nothing)

    call = await kept.find("CA1")

    assert call is not None
    assert (call.state, call.instructions, call.over) == (step.state, step.instructions, False)


async def test_an_unknown_call_is_none(kept: Calls) -> None:
    assert await kept.find("CA2") is None
    assert await kept.end("CA2", Outcome.CALLER_LEFT, nothing) is None


@pytest.mark.parametrize("late", [3, 2])
async def test_who_saves_a_step_too_late_gets_what_was_saved_first(late: int, kept: Calls) -> None:
    await kept.save("twilio", Step(STATE, (Say("一"), Listen())), HEARD, nothing)

    call = await kept.save("twilio", Step(replace(STATE, step=late), (Say("二"), Listen())), HEARD, nothing)

    assert call.instructions == (Say("一"), Listen())


async def test_the_first_end_of_a_call_stays(kept: Calls) -> None:
    await kept.save("twilio", Step(STATE), HEARD, nothing)
    await kept.end("CA1", Outcome.CALLER_LEFT, nothing)
    await kept.save("twilio", Step(replace(STATE, step=4, where=Where.OVER)), HEARD, nothing)

    assert await kept.end("CA1", Outcome.LOST, nothing) == replace(STATE, step=4, where=Where.OVER)
    assert await kept.silent_since(utc_now()) == []


async def test_each_step_is_written_down_with_what_was_heard(kept: Calls, database: Database) -> None:
    await kept.save("twilio", Step(STATE, (Say("几号楼？"),)), HEARD, nothing)

    row = (await database.read(lambda c: c.execute(select(call_steps)).mappings().all()))[0]
    assert (row["step"], row["where"], row["took_ms"]) == (3, Where.GREETING, 120)
    assert row["event"] == {"kind": "heard", "text": "温泉路", "confidence": 0.8}
    assert row["instructions"][0]["text"] == "几号楼？"


async def test_what_follows_from_a_step_happens_once_and_with_it(kept: Calls) -> None:
    done: list[str] = []

    def besides(connection: Connection, now: datetime) -> None:
        del connection, now
        done.append("a task")

    for _ in range(2):
        await kept.save("twilio", Step(STATE), HEARD, besides)
    for _ in range(2):
        await kept.end("CA1", Outcome.CALLER_LEFT, besides)

    assert done == ["a task", "a task"]
