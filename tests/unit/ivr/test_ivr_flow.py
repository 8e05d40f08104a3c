"""The call flow alone: what happens on the line, and what is said next."""

from dataclasses import replace

import pytest

from intake.messages import Answer, Button, Expects, Line, Reply
from ivr.flow import (
    CallState,
    Event,
    HangUp,
    Heard,
    HungUp,
    Keyed,
    Keys,
    Listen,
    Say,
    Silence,
    Started,
    Step,
    advance,
    answered,
    apologise,
)
from ivr.prompts import Prompts

pytestmark = pytest.mark.unit

NEW = CallState("CA1", caller="+8613907241234")
NOISE, ROADS = Button("噪声扰民", "/噪声"), Button("道路破损", "/道路")
UNDER_WAY = replace(NEW, messages=1, prompt=("请问在哪里？",), step=1)
CHOOSING = replace(UNDER_WAY, buttons=(NOISE, ROADS), expects=Expects.CHOICE)
NUMBERING = replace(UNDER_WAY, expects=Expects.PHONE)
NUMBERING_OR_CHOOSING = replace(NUMBERING, buttons=(Button("就用这个号码", "是"),))


def said(step: Step) -> list[str]:
    return [instruction.text for instruction in step.instructions if isinstance(instruction, Say)]


def test_the_greeting_is_one_sentence_with_the_citys_name_and_then_listens(prompts: Prompts) -> None:
    step = advance(NEW, Started(), prompts)

    assert step.instructions == (
        Say("您好，咸宁12345。请直接说您的问题；企业请按2；人工请按0。"),
        Listen(Keys.ONE),
    )
    assert step.ask is None


ASKED: list[tuple[str, CallState, Event, str]] = [
    ("speech goes to the conversation as it is", NEW, Heard("路灯坏了。", 0.9), "路灯坏了。"),
    ("speech without confidence counts", NEW, Heard("路灯坏了"), "路灯坏了"),
    ("key 0 at the greeting asks for a person", NEW, Keyed("0"), "人工"),
    ("key 0 later asks for a person", UNDER_WAY, Keyed("0"), "人工"),
    ("saying 转人工 asks for a person", UNDER_WAY, Heard("转人工。", 0.8), "人工"),
    ("a key chooses", CHOOSING, Keyed("2"), "/道路"),
    ("key 0 is a person among choices too", CHOOSING, Keyed("0"), "人工"),
    ("saying the title chooses", CHOOSING, Heard("噪声扰民", 0.9), "/噪声"),
    ("saying the second one chooses", CHOOSING, Heard("第二个。", 0.9), "/道路"),
    (
        "other speech among choices goes to the conversation",
        CHOOSING,
        Heard("都不是，是漏水", 0.9),
        "都不是，是漏水",
    ),
    ("a keyed number is sent as text", NUMBERING, Keyed("13907241234"), "13907241234"),
    (
        "a number that was begun anew with * counts from there",
        NUMBERING,
        Keyed("1399*13907241234"),
        "13907241234",
    ),
    ("a number may begin with 0", NUMBERING, Keyed("07158125345"), "07158125345"),
    ("a lone 0 leaves the collecting of a number", NUMBERING, Keyed("0"), "人工"),
    ("a number may be spoken", NUMBERING, Heard("13907241234", 0.7), "13907241234"),
    ("a choice beside a number has its key", NUMBERING_OR_CHOOSING, Keyed("1"), "是"),
    ("a number beside a choice is a number", NUMBERING_OR_CHOOSING, Keyed("13907241234"), "13907241234"),
]


@pytest.mark.parametrize(("state", "event", "text"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_the_conversation_is_asked(state: CallState, event: Event, text: str, prompts: Prompts) -> None:
    step = advance(state, event, prompts)

    assert step.ask == text
    assert step.state.messages == state.messages + 1
    assert not step.leaving


@pytest.mark.parametrize("event", [Keyed("2"), Heard("企业。", 0.9)])
def test_2_at_the_greeting_is_the_enterprise_line(event: Event, prompts: Prompts) -> None:
    step = advance(NEW, event, prompts)

    assert step.state.line is Line.ENTERPRISE
    assert said(step) == ["已为您转到企业专线。请直接说您的问题。"]
    assert step.ask is None


@pytest.mark.parametrize("state", [UNDER_WAY, replace(NEW, line=Line.ENTERPRISE)])
def test_2_after_the_greeting_is_no_option(state: CallState, prompts: Prompts) -> None:
    step = advance(state, Keyed("2"), prompts)

    assert step.state.line is state.line
    assert said(step) == [prompts.wrong_key]
    assert step.state.no_matches == 1


@pytest.mark.parametrize("event", [Keyed("*"), Keyed("#"), Heard("再说一遍。", 0.9)])
@pytest.mark.parametrize("state", [UNDER_WAY, CHOOSING, NUMBERING])
def test_star_repeats_the_last_prompt_and_counts_nothing(state: CallState, event: Event, prompts: Prompts) -> None:
    step = advance(state, event, prompts)

    assert said(step) == ["请问在哪里？"]
    assert step.state == state


def test_star_after_a_reprompt_repeats_the_question_and_not_the_reprompt(prompts: Prompts) -> None:
    reprompted = advance(UNDER_WAY, Silence(), prompts).state

    assert said(advance(reprompted, Keyed("*"), prompts)) == ["请问在哪里？"]


def test_silence_is_met_three_times_with_different_shorter_words(prompts: Prompts) -> None:
    state, heard = NEW, []
    for _ in range(3):
        step = advance(state, Silence(), prompts)
        state = step.state
        heard += said(step)
        assert step.instructions[-1] == Listen(Keys.ONE)

    assert len(set(heard)) == 3
    assert max(map(len, heard)) < len(prompts.greeting)


def test_silence_after_three_reprompts_asks_for_a_call_back_and_leaves(prompts: Prompts) -> None:
    step = advance(replace(NEW, silences=3), Silence(), prompts)

    assert (step.ask, step.leaving) == ("人工", True)
    assert said(step) == [prompts.still_silent]


SILENT = Step(replace(NEW, messages=1), (Say("一直没有听到您的声音。"),), ask="人工", leaving=True)
LAST_WORDS: list[tuple[str, Answer, list[str]]] = [
    (
        "a registered call-back is told as it was registered",
        Answer((Reply("已登记回电。"),), work_order={"number": "20261124-000017"}),
        ["已登记回电。"],
    ),
    ("a degraded answer is told", Answer((Reply("已记下。"),), degraded=True), ["已记下。"]),
    (
        "a question is not asked, the draft is kept",
        Answer((Reply("您的电话？"),), draft={"text": "…"}),
        ["您的来电已经记下，会有工作人员查看。"],
    ),
    ("nothing kept, nothing promised", Answer((Reply("请问什么事？"),)), []),
]


@pytest.mark.parametrize(("answer", "words"), [row[1:] for row in LAST_WORDS], ids=[row[0] for row in LAST_WORDS])
def test_a_silent_call_ends_with_the_truth(answer: Answer, words: list[str], prompts: Prompts) -> None:
    step = answered(SILENT, answer, prompts)

    assert said(step) == ["一直没有听到您的声音。", *words, prompts.goodbye]
    assert step.instructions[-1] == HangUp()
    assert step.state.ended


def test_a_silent_caller_without_number_is_told_that_nobody_can_call_back(prompts: Prompts) -> None:
    step = advance(replace(NEW, caller=None, silences=3), Silence(), prompts)

    assert step.ask is None
    assert prompts.unreachable in said(step)
    assert step.instructions[-1] == HangUp()


@pytest.mark.parametrize("event", [Heard("路灯坏了", 0.29), Heard("", 0.9), Heard("  。", None)])
def test_speech_that_was_not_understood_is_asked_for_again(event: Event, prompts: Prompts) -> None:
    first = advance(NEW, event, prompts)
    second = advance(first.state, event, prompts)
    third = advance(second.state, event, prompts)
    last = advance(third.state, event, prompts)

    assert [said(first), said(second)] == [[sentence] for sentence in prompts.no_match]
    assert first.state.silences == 0
    assert (said(third), third.ask, third.leaving) == ([prompts.still_unclear], "人工", False)
    assert (last.ask, last.leaving) == ("人工", True)


def test_something_understood_starts_all_counts_anew(prompts: Prompts) -> None:
    step = advance(replace(UNDER_WAY, silences=2, no_matches=2), Heard("路灯坏了", 0.9), prompts)

    assert (step.state.silences, step.state.no_matches) == (0, 0)


def test_choices_are_read_with_their_keys_four_at_most(prompts: Prompts) -> None:
    buttons = tuple(Button(f"第{n}类", str(n)) for n in range(1, 7))
    answer = Answer((Reply("您说的是哪一类？", buttons, Expects.CHOICE),))

    step = answered(Step(UNDER_WAY, ask="吵"), answer, prompts)

    assert said(step) == ["您说的是哪一类？", "第1类请按1；第2类请按2；第3类请按3；第4类请按4。"]
    assert step.state.buttons == buttons[:4]
    assert step.instructions[-1] == Listen(Keys.ONE)


@pytest.mark.parametrize("expects", [Expects.PHONE, Expects.DIGITS])
def test_a_wanted_number_is_collected_until_hash(expects: Expects, prompts: Prompts) -> None:
    answer = Answer((Reply("请问您的联系电话？", (Button("就用这个号码", "是"),), expects),))

    step = answered(Step(UNDER_WAY, ask="温泉路"), answer, prompts)

    assert said(step) == ["请问您的联系电话？", prompts.number_keys, "就用这个号码请按1再按井号。"]
    assert step.instructions[-1] == Listen(Keys.NUMBER, patient=True)


def test_an_answer_without_words_still_asks_the_caller_to_go_on(prompts: Prompts) -> None:
    assert said(answered(Step(UNDER_WAY, ask="…"), Answer(()), prompts)) == [prompts.go_on]


def test_after_the_number_was_given_the_caller_may_hear_it_again_or_go_on_or_fall_silent(
    prompts: Prompts,
) -> None:
    filed = Answer((Reply("工单号20261124-000017。"),), work_order={"number": "20261124-000017"}, ended=True)
    step = answered(Step(UNDER_WAY, ask="对"), filed, prompts)

    assert said(step) == ["工单号20261124-000017。", prompts.anything_else]
    assert said(advance(step.state, Keyed("*"), prompts)) == said(step)
    assert advance(step.state, Heard("还有路灯坏了", 0.9), prompts).ask == "还有路灯坏了"
    assert advance(step.state, Silence(), prompts).instructions == (Say(prompts.goodbye), HangUp())


def test_when_the_bot_has_said_goodbye_the_phone_does_not_say_it_twice(prompts: Prompts) -> None:
    answer = Answer((Reply("再见，祝您生活愉快。", expects=Expects.NOTHING),), ended=True)

    assert answered(Step(UNDER_WAY, ask="再见"), answer, prompts).instructions == (
        Say("再见，祝您生活愉快。"),
        HangUp(),
    )


def test_a_fault_is_admitted_and_the_second_one_ends_the_call(prompts: Prompts) -> None:
    assert apologise(NUMBERING, False, prompts).instructions == (
        Say(prompts.trouble),
        Listen(Keys.NUMBER, patient=True),
    )
    assert apologise(NUMBERING, True, prompts).instructions == (Say(prompts.trouble_goodbye), HangUp())


def test_hanging_up_ends_the_call(prompts: Prompts) -> None:
    assert advance(UNDER_WAY, HungUp(), prompts) == Step(replace(UNDER_WAY, ended=True))
