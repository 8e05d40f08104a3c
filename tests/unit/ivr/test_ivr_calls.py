"""Calls as they are kept."""

from dataclasses import replace

import pytest

from core.clock import utc_now
from core.database import Database
from intake.messages import Button, Expects, Line
from ivr.calls import Calls, Outcome
from ivr.flow import CallState, HangUp, Keys, Listen, Say, Step

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


@pytest.fixture
def kept(database: Database) -> Calls:
    return Calls(database, utc_now)


async def test_a_call_is_found_as_it_was_saved(kept: Calls) -> None:
    step = Step(STATE, (Say("请问您的联系电话？"), Listen(Keys.NUMBER, patient=True), HangUp()))
    await kept.save("twilio", step)

    call = await kept.find("CA1")

    assert call is not None
    assert (call.state, call.instructions, call.over) == (step.state, step.instructions, False)


async def test_an_unknown_call_is_none(kept: Calls) -> None:
    assert await kept.find("CA2") is None
    assert await kept.end("CA2", Outcome.CALLER_LEFT) is None


@pytest.mark.parametrize("late", [3, 2])
async def test_who_saves_a_step_too_late_gets_what_was_saved_first(late: int, kept: Calls) -> None:
    await kept.save("twilio", Step(STATE, (Say("一"), Listen())))

    call = await kept.save("twilio", Step(replace(STATE, step=late), (Say("二"), Listen())))

    assert call.instructions == (Say("一"), Listen())


async def test_the_first_end_of_a_call_stays(kept: Calls) -> None:
    await kept.save("twilio", Step(STATE))
    await kept.end("CA1", Outcome.CALLER_LEFT)
    await kept.save("twilio", Step(replace(STATE, step=4, ended=True)))

    assert await kept.end("CA1", Outcome.LOST) == replace(STATE, step=4, ended=True)
    assert await kept.silent_since(utc_now()) == []
