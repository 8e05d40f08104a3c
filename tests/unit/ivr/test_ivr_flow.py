"""The call flow alone: what happens on the line, and what is said next."""

from dataclasses import replace

import pytest

from intake.messages import Answer, Button, Expects, Line, Reply
from ivr.flow import (
    Ask,
    CallBack,
    CallState,
    ComeBack,
    Connect,
    Effect,
    Ended,
    Enqueue,
    Event,
    Expedite,
    Facts,
    FindSeat,
    HangUp,
    Heard,
    HungUp,
    KeepMessage,
    Kept,
    Keyed,
    Keys,
    Listen,
    OpenOrder,
    Pace,
    Prove,
    Proved,
    Record,
    Recorded,
    Returned,
    Say,
    SeatFound,
    ShareCard,
    Shared,
    Silence,
    Started,
    Step,
    Supplement,
    TextNumber,
    Where,
    Why,
    advance,
    apologise,
    hold,
    met,
)
from ivr.prompts import Prompts

pytestmark = pytest.mark.unit

NEW = CallState("CA1", caller="+8613907241234", prompt=("您好。",))
NOISE, ROADS = Button("噪声扰民", "/噪声"), Button("道路破损", "/道路")
UNDER_WAY = replace(NEW, where=Where.TALK, messages=1, prompt=("请问在哪里？",), step=1)
CHOOSING = replace(UNDER_WAY, buttons=(NOISE, ROADS), expects=Expects.CHOICE)
NUMBERING = replace(UNDER_WAY, expects=Expects.PHONE)
NUMBERING_OR_CHOOSING = replace(NUMBERING, buttons=(Button("就用这个号码", "是"),))
STORY = "我们小区楼下的夜市每天晚上都吵到两三点钟没法睡觉"
ORDERS = (
    OpenOrder("20261121-000017", "三天前", "噪音", "正在办理", "今天17点到期"),
    OpenOrder("20261120-000003", "四天前", "路灯", "待签收", None),
)
WITH_ORDERS = replace(NEW, where=Where.ORDERS, orders=ORDERS, order=ORDERS[0].number)


def said(step: Step) -> list[str]:
    return [instruction.text for instruction in step.instructions if isinstance(instruction, Say)]


def test_the_greeting_is_one_sentence_with_the_citys_name_and_then_listens(prompts: Prompts) -> None:
    step = advance(NEW, Started(), prompts)

    assert step.instructions == (
        Say("您好，咸宁12345，请直接说。民生按1，政企通按2，查进度按3，建议按4，人工按0。"),
        Listen(Keys.ONE),
    )
    assert step.need is None


ASKED: list[tuple[str, CallState, Event, str]] = [
    ("speech goes to the conversation as it is", NEW, Heard("路灯坏了。", 0.9), "路灯坏了。"),
    ("speech without confidence counts", NEW, Heard("路灯坏了"), "路灯坏了"),
    ("a key chooses", CHOOSING, Keyed("2"), "/道路"),
    ("saying the title chooses", CHOOSING, Heard("噪声扰民", 0.9), "/噪声"),
    ("saying the second one chooses", CHOOSING, Heard("第二个。", 0.9), "/道路"),
    ("other speech among choices is told", CHOOSING, Heard("都不是，是漏水", 0.9), "都不是，是漏水"),
    ("a keyed number is sent as text", NUMBERING, Keyed("13907241234"), "13907241234"),
    ("a number begun anew with * counts from there", NUMBERING, Keyed("1399*13907241234"), "13907241234"),
    ("a number may begin with 0", NUMBERING, Keyed("07158125345"), "07158125345"),
    ("a number may be spoken", NUMBERING, Heard("13907241234", 0.7), "13907241234"),
    ("a choice beside a number has its key", NUMBERING_OR_CHOOSING, Keyed("1"), "是"),
    ("a number beside a choice is a number", NUMBERING_OR_CHOOSING, Keyed("13907241234"), "13907241234"),
    ("# goes one step back in the conversation", UNDER_WAY, Keyed("#"), "返回"),
    ("an unknown number asks the conversation for progress", NEW, Keyed("3"), "查进度"),
    ("a suggestion says that it is one", replace(NEW, suggestion=True), Heard("多装路灯"), "我有一个建议：多装路灯"),
]


@pytest.mark.parametrize(("state", "event", "text"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_the_conversation_is_asked(state: CallState, event: Event, text: str, prompts: Prompts) -> None:
    step = advance(state, event, prompts)

    assert step.need == Ask(text)
    assert step.state.messages == state.messages + 1
    assert not step.leaving


@pytest.mark.parametrize("event", [Keyed("0"), Heard("转人工。", 0.8), Heard("人工", 0.9)])
@pytest.mark.parametrize(
    "state",
    [
        NEW,
        UNDER_WAY,
        CHOOSING,
        NUMBERING,
        WITH_ORDERS,
        replace(NEW, where=Where.PROOF),
        replace(NEW, where=Where.STORY),
    ],
    ids=lambda state: f"{state.where}-{state.expects}",
)
def test_a_person_is_looked_for_wherever_0_is_pressed_or_said(state: CallState, event: Event, prompts: Prompts) -> None:
    assert advance(state, event, prompts).need == FindSeat(Line.CITIZEN)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("我不跟机器说，帮我转一下人工", True),
        ("喂，找人工客服", True),
        ("我不想跟机器讲，给我找个真人", True),
        ("帮我接一下接线员", True),
        ("人工湖的水发臭了", False),
        ("厂里的机器半夜还在响", False),
        ("小区要建人工湖", False),
        ("维修师傅多要了人工费", False),
        ("上次找人工说了三天都没有人给我回电话所以我今天又打来了", False),
    ],
)
def test_asking_for_a_person_is_told_from_speaking_of_one(words: str, wanted: bool, prompts: Prompts) -> None:
    step = advance(UNDER_WAY, Heard(words, 0.9), prompts)

    assert (step.need == FindSeat(Line.CITIZEN)) is wanted


@pytest.mark.parametrize("event", [Keyed("2"), Heard("企业。", 0.9), Heard("政企通", 0.9)])
def test_2_at_the_greeting_is_the_enterprise_line(event: Event, prompts: Prompts) -> None:
    step = advance(NEW, event, prompts)

    assert step.state.line is Line.ENTERPRISE
    assert said(step) == [prompts.enterprise]
    assert advance(step.state, Keyed("0"), prompts).need == FindSeat(Line.ENTERPRISE)


@pytest.mark.parametrize(("key", "sentence"), [("1", "citizen"), ("4", "suggestion")])
def test_1_and_4_ask_for_the_matter(key: str, sentence: str, prompts: Prompts) -> None:
    step = advance(NEW, Keyed(key), prompts)

    assert said(step) == [getattr(prompts, sentence)]
    assert step.state.suggestion is (key == "4")


@pytest.mark.parametrize("state", [UNDER_WAY, replace(NEW, where=Where.TALK, line=Line.ENTERPRISE)])
def test_2_after_the_greeting_is_no_option(state: CallState, prompts: Prompts) -> None:
    step = advance(state, Keyed("2"), prompts)

    assert step.state.line is state.line
    assert said(step) == [prompts.wrong_key]
    assert step.state.no_matches == 1


@pytest.mark.parametrize("event", [Keyed("*"), Heard("再说一遍。", 0.9)])
@pytest.mark.parametrize("state", [UNDER_WAY, CHOOSING, NUMBERING])
def test_star_repeats_the_last_prompt_and_counts_nothing(state: CallState, event: Event, prompts: Prompts) -> None:
    step = advance(state, event, prompts)

    assert said(step) == ["请问在哪里？"]
    assert step.state == state


def test_star_after_a_reprompt_repeats_the_question_and_not_the_reprompt(prompts: Prompts) -> None:
    reprompted = advance(UNDER_WAY, Silence(), prompts).state

    assert said(advance(reprompted, Keyed("*"), prompts)) == ["请问在哪里？"]


@pytest.mark.parametrize("event", [Keyed("9"), Heard("说慢点", 0.9)])
def test_slower_stays_slow_for_the_rest_of_the_call(event: Event, prompts: Prompts) -> None:
    step = advance(UNDER_WAY, event, prompts)
    later = met(Step(step.state, need=Ask("温泉路")), Answer((Reply("几号楼？"),)), prompts)

    assert step.instructions[0] == Say("请问在哪里？", Pace.SLOW)
    assert later.instructions[0] == Say("几号楼？", Pace.SLOW)


def test_louder_repeats_the_prompt_louder(prompts: Prompts) -> None:
    assert advance(UNDER_WAY, Heard("大声点", 0.9), prompts).instructions[0] == Say("请问在哪里？", loud=True)


def test_silence_is_met_three_times_with_different_words_each_shorter_and_slower(prompts: Prompts) -> None:
    state, heard = NEW, []
    for _ in range(3):
        step = advance(state, Silence(), prompts)
        state = step.state
        heard += [each for each in step.instructions if isinstance(each, Say)]
        assert step.instructions[-1] == Listen(Keys.ONE)

    assert [each.text for each in heard] == list(prompts.silence)
    assert [each.pace for each in heard] == [Pace.NORMAL, Pace.SLOW, Pace.SLOW]


def test_who_never_spoke_may_leave_a_message(prompts: Prompts) -> None:
    step = advance(replace(NEW, silences=3), Silence(), prompts)

    assert said(step) == [prompts.still_silent, prompts.message]
    assert step.instructions[-1] == Record()
    assert advance(step.state, Recorded(None, None, 0), prompts).effects == (CallBack(Why.MISSED),)


def test_who_fell_silent_after_words_has_them_kept_for_a_person(prompts: Prompts) -> None:
    step = advance(replace(UNDER_WAY, silences=3), Silence(), prompts)

    assert (step.need, step.leaving) == (Ask("人工"), True)
    assert said(step) == [prompts.still_silent]


SILENT = Step(replace(UNDER_WAY), (Say("一直没有听到您的声音。"),), need=Ask("人工"), leaving=True)
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
    step = met(SILENT, answer, prompts)

    assert said(step) == ["一直没有听到您的声音。", *words, prompts.goodbye]
    assert step.instructions[-1] == HangUp()
    assert step.state.ended


def test_a_silent_caller_without_number_is_told_that_nobody_can_call_back(prompts: Prompts) -> None:
    recording = advance(replace(NEW, caller=None, silences=3), Silence(), prompts)
    step = advance(recording.state, Recorded(None, None, 0), prompts)

    assert (step.need, step.effects) == (None, ())
    assert said(step) == [prompts.unreachable, prompts.goodbye]
    assert step.instructions[-1] == HangUp()


@pytest.mark.parametrize("event", [Heard("路灯坏了", 0.29), Heard("", 0.9), Heard("  。", None)])
def test_speech_that_was_not_understood_is_asked_for_again_and_then_a_person_is_looked_for(
    event: Event, prompts: Prompts
) -> None:
    steps = [advance(NEW, event, prompts)]
    for _ in range(3):
        steps.append(advance(steps[-1].state, event, prompts))

    assert [said(step) for step in steps] == [*([each] for each in prompts.no_match), [prompts.still_unclear]]
    assert steps[0].state.silences == 0
    assert steps[-1].need == FindSeat(Line.CITIZEN)
    assert met(steps[-1], SeatFound(), prompts).instructions[-1] == Record(), "nobody is there: a message"
    assert met(steps[-1], SeatFound(queue="citizen"), prompts).instructions[-1] == Enqueue("citizen")


def test_something_understood_starts_all_counts_anew(prompts: Prompts) -> None:
    step = advance(replace(UNDER_WAY, silences=2, no_matches=2), Heard("路灯坏了", 0.9), prompts)

    assert (step.state.silences, step.state.no_matches) == (0, 0)


def test_choices_are_read_with_their_keys_four_at_most(prompts: Prompts) -> None:
    buttons = tuple(Button(f"第{n}类", str(n)) for n in range(1, 7))
    answer = Answer((Reply("您说的是哪一类？", buttons, Expects.CHOICE),))

    step = met(Step(UNDER_WAY, need=Ask("吵")), answer, prompts)

    assert said(step) == ["您说的是哪一类？", "第1类请按1；第2类请按2；第3类请按3；第4类请按4。"]
    assert step.state.buttons == buttons[:4]
    assert step.instructions[-1] == Listen(Keys.ONE)


@pytest.mark.parametrize("expects", [Expects.PHONE, Expects.DIGITS])
def test_a_wanted_number_is_collected_until_hash(expects: Expects, prompts: Prompts) -> None:
    answer = Answer((Reply("请问您的联系电话？", (Button("就用这个号码", "是"),), expects),))

    step = met(Step(UNDER_WAY, need=Ask("温泉路")), answer, prompts)

    assert said(step) == ["请问您的联系电话？", prompts.number_keys, "就用这个号码请按1再按井号。"]
    assert step.instructions[-1] == Listen(Keys.NUMBER, seconds=10)


def test_an_answer_without_words_still_asks_the_caller_to_go_on(prompts: Prompts) -> None:
    assert said(met(Step(UNDER_WAY, need=Ask("…")), Answer(()), prompts)) == [prompts.go_on]


def test_after_the_number_was_given_the_caller_may_hear_it_again_or_go_on_or_fall_silent(
    prompts: Prompts,
) -> None:
    filed = Answer((Reply("工单号20261124-000017。"),), work_order={"number": "20261124-000017"}, ended=True)
    step = met(Step(UNDER_WAY, need=Ask("对")), filed, prompts)

    assert said(step) == ["工单号20261124-000017。", prompts.anything_else]
    assert said(advance(step.state, Keyed("*"), prompts)) == said(step)
    assert advance(step.state, Heard("还有路灯坏了", 0.9), prompts).need == Ask("还有路灯坏了")
    assert advance(step.state, Silence(), prompts).instructions == (Say(prompts.goodbye), HangUp())


def test_when_the_bot_has_said_goodbye_the_phone_does_not_say_it_twice(prompts: Prompts) -> None:
    answer = Answer((Reply("再见，祝您生活愉快。", expects=Expects.NOTHING),), ended=True)

    assert met(Step(UNDER_WAY, need=Ask("再见")), answer, prompts).instructions == (
        Say("再见，祝您生活愉快。"),
        HangUp(),
    )


def test_a_fault_is_admitted_and_the_second_one_ends_the_call(prompts: Prompts) -> None:
    assert apologise(NUMBERING, False, prompts).instructions == (
        Say(prompts.trouble),
        Listen(Keys.NUMBER, seconds=10),
    )
    assert apologise(NUMBERING, True, prompts).instructions == (Say(prompts.trouble_goodbye), HangUp())


def test_a_slow_answer_is_held_with_another_sentence_each_time(prompts: Prompts) -> None:
    held = [hold(UNDER_WAY, times, prompts).instructions for times in range(3)]

    assert held == [(Say(text), ComeBack()) for text in (*prompts.hold, prompts.hold[-1])]


# ---- a long story --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Silence(), Keyed("#"), Heard("没有了。", 0.9), Heard("就这些", 0.9)])
def test_a_story_is_told_in_pieces_until_it_is_told(end: Event, prompts: Prompts) -> None:
    first = advance(NEW, Heard(STORY, 0.9), prompts)
    second = advance(first.state, Heard("孩子明年要高考了", 0.9), prompts)
    told = advance(second.state, end, prompts)

    assert (said(first), said(second)) == ([prompts.more], [])
    assert second.instructions == (Listen(Keys.ONE, seconds=3),)
    assert told.need == Ask(f"{STORY}，孩子明年要高考了")
    assert told.state.pieces == ()


def test_a_short_matter_is_answered_at_once(prompts: Prompts) -> None:
    assert advance(NEW, Heard("路灯坏了三天了", 0.9), prompts).need == Ask("路灯坏了三天了")


# ---- own orders ----------------------------------------------------------------------------------------------------


def test_a_known_number_hears_nothing_of_its_orders_before_the_proof(prompts: Prompts) -> None:
    greeted = advance(NEW, Started(Facts(known=True)), prompts)
    asked = advance(greeted.state, Keyed("3"), prompts)

    assert said(greeted) == said(advance(NEW, Started(), prompts))
    assert said(asked) == [prompts.proof, prompts.number_keys]
    assert asked.instructions[-1] == Listen(Keys.NUMBER, seconds=10)


@pytest.mark.parametrize(
    ("event", "proof"),
    [
        (Keyed("246810"), "246810"),
        (Keyed("123*"), "123X"),
        (Keyed("999*246810"), "246810"),
        (Heard("2 4 6 8 1 0", 0.9), "246810"),
    ],
)
def test_the_proof_is_keyed_or_spoken(event: Event, proof: str, prompts: Prompts) -> None:
    state = replace(NEW, where=Where.PROOF, facts=Facts(known=True))

    assert advance(state, event, prompts).need == Prove(proof)


def test_after_the_proof_the_newest_order_is_told_in_a_breath(prompts: Prompts) -> None:
    step = met(Step(replace(NEW, where=Where.PROOF), need=Prove("246810")), Proved(ORDERS), prompts)

    assert said(step) == [
        "三天前的噪音工单，正在办理，今天17点到期。",
        "补充情况请按1；催办请按2；听下一件请按3；说别的事请按4。",
    ]


def test_a_wrong_proof_is_asked_for_again_and_in_the_end_barred(prompts: Prompts) -> None:
    asked = Step(replace(NEW, where=Where.PROOF, proofs=1), need=Prove("000000"))

    assert said(met(asked, Proved(None), prompts)) == [prompts.proof_wrong]
    barred = met(asked, Proved(None, barred=True), prompts)
    assert said(barred) == [prompts.barred]
    assert barred.state.orders == ()


def test_the_next_order_is_told_and_urged(prompts: Prompts) -> None:
    told = met(Step(replace(NEW, where=Where.PROOF), need=Prove("246810")), Proved(ORDERS), prompts)
    following = advance(told.state, Keyed("3"), prompts)
    urged = advance(following.state, Heard("催办", 0.9), prompts)

    assert said(following)[0] == "四天前的路灯工单，待签收。"
    assert urged.effects == (Expedite("20261120-000003"),)
    assert said(urged)[0] == prompts.expedited


@pytest.mark.parametrize("end", [Silence(), Keyed("#"), HungUp()])
def test_what_is_added_to_an_order_reaches_it_even_when_the_caller_hangs_up(end: Event, prompts: Prompts) -> None:
    told = met(Step(replace(NEW, where=Where.PROOF), need=Prove("246810")), Proved(ORDERS), prompts)
    asked = advance(told.state, Keyed("1"), prompts)
    spoken = advance(asked.state, Heard("昨晚又吵到三点", 0.9), prompts)

    assert said(asked) == [prompts.supplement]
    assert advance(spoken.state, end, prompts).effects == (Supplement("20261121-000017", "昨晚又吵到三点"),)


# ---- people --------------------------------------------------------------------------------------------------------


def looking(**about: object) -> Step:
    return Step(replace(UNDER_WAY, **about), need=FindSeat(Line.CITIZEN))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seat", "sentence"),
    [
        (SeatFound(queue="citizen"), "正在为您转接人工，下一位就是您。"),
        (SeatFound(queue="citizen", position=3), "正在为您转接人工，前面还有2位。"),
        (SeatFound(queue="citizen", position=3, minutes=4), "正在为您转接人工，前面还有2位，大约等4分钟。"),
    ],
)
def test_the_place_in_the_queue_and_the_expected_wait_are_told(
    seat: SeatFound, sentence: str, prompts: Prompts
) -> None:
    step = met(looking(), seat, prompts)

    assert step.instructions == (Say(sentence), Enqueue("citizen"))
    assert step.state.where is Where.WAITING


def test_a_dialect_is_offered_where_somebody_speaks_it(prompts: Prompts) -> None:
    asked = met(looking(), SeatFound(queue="citizen", dialects=("咸宁话",)), prompts)

    assert said(asked) == [prompts.dialect, "普通话请按1；咸宁话请按2。"]
    assert advance(asked.state, Keyed("2"), prompts).need == FindSeat(Line.CITIZEN, "咸宁话")
    assert advance(asked.state, Heard("咸宁话", 0.9), prompts).need == FindSeat(Line.CITIZEN, "咸宁话")


def test_an_elder_is_put_through_at_once_and_spoken_to_slowly(prompts: Prompts) -> None:
    step = advance(NEW, Started(Facts(elder=True)), prompts)

    assert step.need == FindSeat(Line.CITIZEN)
    assert step.instructions == (Say(prompts.elder, Pace.SLOW),)


def test_during_a_leaders_session_8_rings_the_leader(prompts: Prompts) -> None:
    greeted = advance(NEW, Started(Facts(leader="市长")), prompts)
    asked = advance(greeted.state, Keyed("8"), prompts)

    assert said(greeted)[-1] == "市长正在接听，通话请按8。"
    assert asked.need == FindSeat(Line.LEADER)
    assert met(asked, SeatFound(number="+867158120000"), prompts).instructions[-1] == Connect("+867158120000")
    recorded = met(asked, SeatFound(number="+867158120000", notice="通话将会录音。"), prompts)
    assert said(recorded) == ["通话将会录音。", prompts.connecting]
    assert recorded.instructions[-1] == Connect("+867158120000", recorded=True)
    assert said(advance(NEW, Keyed("8"), prompts)) == [prompts.wrong_key]


def test_when_nobody_is_there_a_message_a_call_back_or_the_bot_remain(prompts: Prompts) -> None:
    step = met(looking(), SeatFound(opens="明天上午8点半"), prompts)

    assert said(step) == [
        "现在没有坐席，明天上午8点半开始有人接听。",
        "留言请按1；要我们回电请按2；说别的事请按3。",
    ]
    assert advance(step.state, Keyed("1"), prompts).instructions[-1] == Record()
    assert advance(step.state, Keyed("2"), prompts).effects == (CallBack(Why.OUT_OF_HOURS),)
    assert said(advance(step.state, Keyed("3"), prompts)) == [prompts.go_on]


def test_who_shows_no_number_is_not_offered_a_call_back(prompts: Prompts) -> None:
    step = met(looking(caller=None), SeatFound(), prompts)

    assert said(step)[-1] == "留言请按1；说别的事请按2。"


WAITING = replace(UNDER_WAY, where=Where.WAITING)
RETURNED: list[tuple[str, CallState, Ended, tuple[Effect, ...], bool]] = [
    ("after a talk the call ends", WAITING, Ended.TALKED, (), True),
    ("a call-back keeps the place", WAITING, Ended.CALL_BACK, (CallBack(Why.KEEPS_PLACE),), True),
    ("who stops waiting goes on with the bot", WAITING, Ended.LEFT, (), False),
    ("who finds nobody is offered what remains", WAITING, Ended.NOBODY, (), False),
    ("without a number nobody can call back", replace(WAITING, caller=None), Ended.CALL_BACK, (), False),
]


@pytest.mark.parametrize(
    ("state", "how", "effects", "ends"), [row[1:] for row in RETURNED], ids=[row[0] for row in RETURNED]
)
def test_a_call_comes_back_from_waiting(
    state: CallState, how: Ended, effects: tuple[Effect, ...], ends: bool, prompts: Prompts
) -> None:
    step = advance(state, Returned(how, 60), prompts)

    assert (step.effects, step.state.ended) == (effects, ends)


def test_a_message_becomes_an_order_whose_number_is_told(prompts: Prompts) -> None:
    recording = replace(NEW, where=Where.MESSAGE)
    step = advance(recording, Recorded("RE1", "https://recordings.example/RE1", 40), prompts)
    kept = met(step, Kept("20261124-000018"), prompts)

    assert step.need == KeepMessage("RE1", "https://recordings.example/RE1", 40)
    assert said(kept)[0] == "留言已记下，编号20261124-000018，会有工作人员处理。"
    assert kept.state.ended


# ---- when a matter is filed ----------------------------------------------------------------------------------------

FILED = Answer(
    (Reply("已登记，工单号20261124-000017。"),),
    work_order={"number": "20261124-000017", "query_code": "246810"},
    ended=True,
)


def test_the_number_is_sent_to_a_mobile_where_texts_go_out(prompts: Prompts) -> None:
    state = replace(UNDER_WAY, facts=Facts(texts=True))
    step = met(Step(state, need=Ask("对")), FILED, prompts)

    assert step.effects == (TextNumber("20261124-000017"),)
    assert said(step)[1] == prompts.texted
    for other in (replace(state, facts=Facts()), replace(state, caller="+867158125345"), replace(state, caller=None)):
        assert met(Step(other, need=Ask("对")), FILED, prompts).effects == ()


def test_a_family_member_can_be_sent_the_card(prompts: Prompts) -> None:
    filed = met(Step(replace(UNDER_WAY, facts=Facts(texts=True)), need=Ask("对")), FILED, prompts)
    asked = advance(filed.state, Keyed("1"), prompts)
    keyed = advance(asked.state, Keyed("13907240000"), prompts)

    assert said(asked) == [prompts.family, prompts.number_keys]
    assert keyed.need == ShareCard("20261124-000017", "13907240000")
    assert said(met(keyed, Shared(sent=True), prompts))[0] == prompts.shared
    assert said(met(keyed, Shared(sent=False), prompts))[0] == prompts.not_shared
    assert said(advance(asked.state, Keyed("0715812"), prompts)) == [prompts.wrong_key]


# ---- hanging up ----------------------------------------------------------------------------------------------------

OWED: list[tuple[str, CallState, tuple[Effect, ...]]] = [
    ("at the greeting a call back", NEW, (CallBack(Why.MISSED),)),
    ("without a number nothing", replace(NEW, caller=None), ()),
    ("in the queue a call back", WAITING, (CallBack(Why.LEFT_WAITING),)),
    ("out of hours a call back", replace(UNDER_WAY, where=Where.NOBODY, opens="明天"), (CallBack(Why.OUT_OF_HOURS),)),
    ("in the conversation what was said is kept there", UNDER_WAY, ()),
    ("after the own orders were told nothing", WITH_ORDERS, ()),
    ("when it was over nothing", replace(NEW, where=Where.OVER), ()),
]


@pytest.mark.parametrize(("state", "effects"), [row[1:] for row in OWED], ids=[row[0] for row in OWED])
def test_who_hangs_up_is_owed_what_was_begun(state: CallState, effects: tuple[Effect, ...], prompts: Prompts) -> None:
    step = advance(state, HungUp(), prompts)

    assert step.effects == effects
    assert step.state.ended
