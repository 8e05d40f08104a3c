"""Ten thousand calls of people who press, say and do anything: each of them ends, and none ends unexplained."""

from dataclasses import replace
from random import Random

import pytest

from intake.messages import Answer, Button, Expects, Reply
from ivr.flow import (
    Ask,
    CallState,
    Confer,
    Connect,
    Ended,
    Enqueue,
    Event,
    Facts,
    FindSeat,
    HangUp,
    Heard,
    KeepMessage,
    Kept,
    Keyed,
    Listen,
    Met,
    Need,
    OpenOrder,
    Prove,
    Proved,
    Record,
    Recorded,
    Returned,
    SeatFound,
    ShareCard,
    Shared,
    Silence,
    Started,
    Step,
    Where,
    advance,
    met,
)
from ivr.prompts import Prompts

pytestmark = pytest.mark.unit

CALLS = 10_000
MOST_STEPS = 40
STEPS_OF_SILENCE = 12
"""So many silent steps end any call: the ladder of re-prompts, a message, and what a person's absence offers."""
LAST = (Listen, Record, Enqueue, Connect, Confer, HangUp)
WORDS = [
    "路灯坏了",
    "人工",
    "说慢点",
    "没有了",
    "查进度",
    "企业",
    "第一个",
    "3",
    "",
    "嗯",
    "再说一遍",
    "我" * 60,
    "\x00\ud7ff😀",
]
KEYS = ["0", "1", "2", "3", "4", "5", "8", "9", "*", "#", "13907241234", "246810", "12*3", "**", "1" * 20]
ORDERS = tuple(OpenOrder(f"20261124-00001{n}", "三天前", "噪音", "正在办理", None) for n in range(3))


def what_happens(state: CallState, step: Step, rng: Random) -> Event:
    """Something the last instruction makes possible."""
    match step.instructions[-1]:
        case Record():
            return Recorded("RE1", None, 20) if rng.random() < 0.5 else Recorded(None, None, 0)
        case Enqueue() | Connect() | Confer():
            return Returned(rng.choice(list(Ended)), rng.randrange(600))
        case _:
            choices: list[Event] = [
                Silence(),
                Heard(rng.choice(WORDS), rng.choice([None, 0.1, 0.9])),
                Keyed(rng.choice(KEYS)),
            ]
            return rng.choice(choices)


def what_is_found(need: Need, rng: Random) -> Met:
    """What the house may answer."""
    match need:
        case Ask():
            return an_answer(rng)
        case Prove():
            return rng.choice([Proved(None), Proved(None, barred=True), Proved(ORDERS), Proved(())])
        case FindSeat():
            return rng.choice(
                [
                    SeatFound(),
                    SeatFound(opens="明天上午8点半"),
                    SeatFound(queue="citizen", position=rng.randrange(1, 9), minutes=rng.choice([None, 3])),
                    SeatFound(number="+867158120000"),
                    SeatFound(queue="citizen", dialects=("咸宁话",)),
                ]
            )
        case KeepMessage():
            return Kept(rng.choice([None, "20261124-000018"]))
        case ShareCard():
            return Shared(rng.choice([True, False]))


def an_answer(rng: Random) -> Answer:
    """What the conversation may answer."""
    order = rng.choice(
        [None, None, {"number": "20261124-000017"}, {"number": "20261124-000017", "query_code": "246810"}]
    )
    buttons = tuple(Button(f"第{n}类", str(n)) for n in range(rng.choice([0, 0, 2, 6])))
    reply = Reply("请问在哪里？", buttons, rng.choice(list(Expects)))
    return Answer(rng.choice([(), (reply,)]), work_order=order, ended=rng.random() < 0.2, degraded=rng.random() < 0.1)


def settled(step: Step, prompts: Prompts, rng: Random) -> Step:
    """The step when all it needs is met."""
    while step.need is not None:
        effects = step.effects
        step = met(step, what_is_found(step.need, rng), prompts)
        step = replace(step, effects=(*effects, *step.effects))
    return step


def check(step: Step) -> None:
    """A step says what comes next, and ends the call if and only if its state says so."""
    assert step.instructions, "the carrier is told nothing"
    assert isinstance(step.instructions[-1], LAST), step.instructions
    assert not any(isinstance(each, LAST) for each in step.instructions[:-1]), step.instructions
    assert isinstance(step.instructions[-1], HangUp) == (step.state.where is Where.OVER)


def test_every_call_ends_in_a_defined_state(prompts: Prompts) -> None:
    for seed in range(CALLS):
        rng = Random(seed)
        known, elder, texts = (rng.random() < 0.3 for _ in range(3))
        facts = Facts(known, elder, rng.choice([None, "市长"]), texts)
        state = CallState("CA1", caller=rng.choice([None, "+8613907241234"]))
        step = settled(advance(state, Started(facts), prompts), prompts, rng)
        check(step)
        for _ in range(rng.randrange(MOST_STEPS)):
            if step.state.ended:
                break
            step = settled(advance(step.state, what_happens(step.state, step, rng), prompts), prompts, rng)
            check(step)
        for _ in range(STEPS_OF_SILENCE):
            if step.state.ended:
                break
            step = settled(advance(step.state, nothing_more(step), prompts), prompts, Random(0))
            check(step)
        assert step.state.ended, f"call {seed} goes on for ever: {step.state}"


def nothing_more(step: Step) -> Event:
    """What happens when the caller does nothing at all any more."""
    match step.instructions[-1]:
        case Record():
            return Recorded(None, None, 0)
        case Enqueue() | Connect() | Confer():
            return Returned(Ended.NOBODY)
        case _:
            return Silence()
