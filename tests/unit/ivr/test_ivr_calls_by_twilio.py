"""Whole calls over Twilio's door, with a scripted conversation behind it."""

import asyncio
import logging
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import utc_now
from core.database import Database
from core.problems import Unavailable
from intake.messages import Answer, Button, Channel, Expects, InboundMessage, Line, Reply
from ivr import flow
from ivr import line as line_module
from ivr.calls import Outcome, calls
from ivr.line import PhoneLine
from ivr.prompts import Prompts
from tests.telephone import Post
from tests.telephones import LOCAL, PUBLIC_URL, SECRET, posting_to
from tests.twiml import TwimlCaller
from tests.unit.ivr.conftest import (
    Dial,
    FakeHouse,
    ScriptedConversation,
    phone_app,
    phone_line,
)

pytestmark = pytest.mark.unit

WHERE = Answer((Reply("请问在哪里？"),), draft={"text": "楼下夜市太吵了"})
PHONE = Answer((Reply("请问您的联系电话？", expects=Expects.PHONE),), draft={"text": "楼下夜市太吵了"})
FILED = Answer((Reply("已登记，工单号20261124-000017。"),), work_order={"number": "20261124-000017"}, ended=True)


async def outcome_of(call_sid: str, database: Database) -> str | None:
    query = select(calls.c.outcome).where(calls.c.call_sid == call_sid)
    return await database.read(lambda connection: connection.execute(query).scalar_one())


async def test_a_caller_who_speaks_and_keys_the_phone_number_hears_the_order_number(
    dial: Dial, conversation: ScriptedConversation, database: Database, prompts: Prompts
) -> None:
    conversation.will_answer(WHERE, PHONE, FILED)
    caller = dial()

    assert await caller.start() == prompts.greeting
    assert await caller.say("楼下夜市太吵了") == "请问在哪里？"
    assert "请问您的联系电话？" in await caller.say("温泉街道")
    assert re.search(r"工单号20261124000017", await caller.press("13907241234#"))
    assert await caller.silence() == "感谢来电，再见。"

    assert caller.ended
    assert conversation.texts == ["楼下夜市太吵了", "温泉街道", "13907241234"]
    assert [message.message_id for message in conversation.told] == ["1", "2", "3"]
    assert {m.conversation_id for m in conversation.told} == {f"phone:{caller.call_sid}"}
    assert {(m.channel, m.caller, m.line) for m in conversation.told} == {
        (Channel.PHONE, "+8613907241234", Line.CITIZEN)
    }
    assert await outcome_of(caller.call_sid, database) == Outcome.GOODBYE


async def test_key_2_puts_every_later_message_on_the_enterprise_line(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts
) -> None:
    caller = dial()
    await caller.start()

    assert await caller.press("2") == prompts.enterprise
    await caller.say("执照办不下来")
    await caller.say("政务中心")

    assert [(m.text, m.line) for m in conversation.told] == [
        ("执照办不下来", Line.ENTERPRISE),
        ("政务中心", Line.ENTERPRISE),
    ]


async def test_key_0_asks_for_a_person_and_who_is_not_there_calls_back(
    dial: Dial, house: FakeHouse, prompts: Prompts
) -> None:
    caller = dial()
    await caller.start()

    assert await caller.press("0") == f"{prompts.nobody}\n留言请按1；要我们回电请按2；说别的事请按3。"
    assert await caller.press("2") == f"{prompts.will_call_back}\n{prompts.goodbye}"
    assert caller.ended
    assert house.effects == [flow.CallBack(flow.Why.MISSED)]


async def test_who_falls_silent_in_the_middle_leaves_what_was_said_for_a_person(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts
) -> None:
    conversation.will_answer(WHERE, Answer((Reply("请问您的联系电话？"),), draft={"reason": "call back"}))
    caller = dial()
    await caller.start()
    await caller.say("路灯坏了")

    assert [await caller.silence() for _ in range(3)] == list(prompts.silence)
    assert await caller.silence() == f"{prompts.still_silent}\n{prompts.kept}\n{prompts.goodbye}"
    assert caller.ended
    assert conversation.texts == ["路灯坏了", "人工"]
    assert f"phone:{caller.call_sid}" in conversation.abandoned


async def test_a_choice_is_made_by_key_and_star_reads_the_choices_again(
    dial: Dial, conversation: ScriptedConversation
) -> None:
    choice = Reply("您说的是？", (Button("噪声", "/噪声"), Button("道路", "/道路")), Expects.CHOICE)
    conversation.will_answer(Answer((choice,)), WHERE)
    caller = dial()
    await caller.start()

    heard = await caller.say("吵")
    assert heard == "您说的是？\n噪声请按1；道路请按2。"
    assert await caller.press("*") == heard
    await caller.press("2")

    assert conversation.texts == ["吵", "/道路"]


async def test_a_repeated_step_gets_the_same_twiml_and_the_conversation_is_asked_once(
    dial: Dial, conversation: ScriptedConversation
) -> None:
    caller = dial()
    await caller.start()
    assert await caller.repeat() == caller.documents[0]
    await caller.say("路灯坏了")

    assert await caller.repeat() == caller.documents[-2]
    assert conversation.texts == ["路灯坏了"]


async def test_a_repeated_silence_counts_once(dial: Dial, conversation: ScriptedConversation, prompts: Prompts) -> None:
    caller = dial()
    await caller.start()
    for _ in prompts.silence:
        await caller.silence()

    assert await caller.repeat() == caller.documents[-2]
    assert conversation.texts == []
    assert caller.documents[-1].count("<Gather") == 1


async def test_a_restarted_web_process_goes_on_in_the_middle_of_the_call(
    dial: Dial, conversation: ScriptedConversation, database: Database, prompts: Prompts, house: FakeHouse
) -> None:
    conversation.will_answer(WHERE, PHONE, FILED)
    caller = dial()
    await caller.start()
    await caller.press("2")
    await caller.say("执照办不下来")
    await caller.say("政务中心")

    line = phone_line(conversation, database, prompts, house)
    restarted = phone_app(line, twilio_auth_token=SECRET, public_url=PUBLIC_URL)
    caller._post = posting_to(restarted)
    await caller.press("13907241234#")

    assert conversation.told[-1].text == "13907241234"
    assert conversation.told[-1].line is Line.ENTERPRISE
    assert conversation.told[-1].message_id == "4"


@pytest.mark.parametrize("number", ["anonymous", "+266696687", ""])
async def test_a_withheld_number_is_no_number(number: str, dial: Dial, conversation: ScriptedConversation) -> None:
    caller = dial(number=number)
    await caller.start()
    await caller.say("路灯坏了")

    assert conversation.told[0].caller is None


async def test_two_calls_from_one_number_are_two_conversations(dial: Dial, conversation: ScriptedConversation) -> None:
    for caller in (dial(), dial()):
        await caller.start()
        await caller.say("路灯坏了")

    assert len({message.conversation_id for message in conversation.told}) == 2


async def test_a_step_of_an_unknown_call_loses_no_words(
    post: Post, dial: Dial, conversation: ScriptedConversation
) -> None:
    caller = dial()
    heard = await caller._request("/ivr/twilio/step/7", {"SpeechResult": "路灯坏了"}, "in-progress")

    assert heard == "请问在哪里？"
    assert [(m.text, m.message_id) for m in conversation.told] == [("路灯坏了", "7")]


async def test_keys_of_an_unknown_call_are_greeted(dial: Dial, prompts: Prompts) -> None:
    assert await dial()._request("/ivr/twilio/step/7", {"Digits": "1"}, "in-progress") == prompts.greeting


async def test_a_fault_in_the_conversation_is_admitted_and_the_call_goes_on(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts, caplog: pytest.LogCaptureFixture
) -> None:
    conversation.will_answer(ValueError("my phone is 13907241234"), WHERE)
    caller = dial()
    await caller.start()

    with caplog.at_level(logging.ERROR):
        assert await caller.say("路灯坏了") == prompts.trouble
    assert await caller.say("路灯坏了") == "请问在哪里？"

    assert [message.message_id for message in conversation.told] == ["1", "2"]
    assert "phone step failed" in caplog.text
    assert "13907241234" not in caplog.text + str([record.__dict__ for record in caplog.records])


async def test_a_second_fault_ends_the_call_with_the_truth(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts
) -> None:
    conversation.will_answer(Unavailable("系统暂时不能接收消息"))
    caller = dial()
    await caller.start()
    await caller.say("路灯坏了")

    assert await caller.say("路灯坏了") == prompts.trouble_goodbye
    assert caller.ended


async def test_a_caller_who_hangs_up_in_the_middle_leaves_a_draft_for_a_person(
    dial: Dial, conversation: ScriptedConversation, database: Database
) -> None:
    conversation.will_answer(WHERE)
    caller = dial()
    await caller.start()
    await caller.say("楼下夜市太吵了")
    await caller.hang_up()

    assert conversation.abandoned == [f"phone:{caller.call_sid}"]
    assert await outcome_of(caller.call_sid, database) == Outcome.CALLER_LEFT


async def test_a_caller_who_said_nothing_is_called_back(
    dial: Dial, conversation: ScriptedConversation, house: FakeHouse, phone: PhoneLine
) -> None:
    caller = dial()
    await caller.start()
    await caller.hang_up()
    await phone.over(caller.call_sid, Outcome.CALLER_LEFT)

    assert conversation.abandoned == []
    assert house.effects == [flow.CallBack(flow.Why.MISSED)]


async def test_a_story_is_told_in_pieces_and_a_hang_up_in_it_loses_none(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts
) -> None:
    caller = dial()
    await caller.start()

    assert await caller.say("我们小区楼下的夜市每天晚上都吵到两三点钟没法睡觉") == prompts.more
    assert await caller.say("孩子明年要高考了") == ""
    await caller.hang_up()

    assert conversation.texts == ["我们小区楼下的夜市每天晚上都吵到两三点钟没法睡觉，孩子明年要高考了"]
    assert conversation.abandoned == [f"phone:{caller.call_sid}"]


async def test_a_slow_answer_is_held_and_come_back_for(
    dial: Dial, conversation: ScriptedConversation, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation.will_answer(WHERE)
    answer, caller = conversation.handle, dial()

    async def handle(message: InboundMessage) -> Answer:
        while len(caller.documents) < 3:
            await asyncio.sleep(0)
        return await answer(message)

    monkeypatch.setattr(conversation, "handle", handle)
    await caller.start()
    monkeypatch.setattr(line_module, "HOLD_AFTER_SECONDS", 0.01)

    first, *others, answered = (await caller.say("路灯坏了")).split("\n")
    assert (first, set(others), answered) == (prompts.hold[0], {prompts.hold[1]}, "请问在哪里？")
    assert conversation.texts == ["路灯坏了"]


async def test_an_answer_that_comes_after_the_caller_left_is_kept_for_a_person(
    dial: Dial, conversation: ScriptedConversation
) -> None:
    caller = dial()
    await caller.start()
    _, form = caller._last
    await caller.hang_up()

    late = {**form, "SpeechResult": "楼下夜市太吵了", "Confidence": "0.9"}
    await caller._send("/ivr/twilio/step/1", late)

    assert conversation.abandoned == [f"phone:{caller.call_sid}"]


async def test_a_call_whose_end_nobody_told_is_closed_later(
    dial: Dial, conversation: ScriptedConversation, phone: PhoneLine, database: Database
) -> None:
    caller = dial()
    await caller.start()
    await caller.say("楼下夜市太吵了")

    assert await phone.close_lost_calls(utc_now() - timedelta(hours=1)) == 0
    assert await phone.close_lost_calls(utc_now() + timedelta(hours=1)) == 1
    assert await phone.close_lost_calls(utc_now() + timedelta(hours=1)) == 0
    assert conversation.abandoned == [f"phone:{caller.call_sid}"]
    assert await outcome_of(caller.call_sid, database) == Outcome.LOST


async def test_a_draft_that_could_not_be_handed_over_is_handed_over_later(
    dial: Dial, conversation: ScriptedConversation, phone: PhoneLine
) -> None:
    caller = dial()
    await caller.start()
    await caller.say("楼下夜市太吵了")
    conversation.down = True
    with pytest.raises(Unavailable):
        await phone.over(caller.call_sid, Outcome.CALLER_LEFT)

    conversation.down = False
    await phone.close_lost_calls(utc_now() + timedelta(hours=1))

    assert conversation.abandoned == [f"phone:{caller.call_sid}"]


@pytest.mark.parametrize("path", ["/ivr/twilio/incoming", "/ivr/twilio/step/1", "/ivr/twilio/status"])
@pytest.mark.parametrize("about", [{"auth_token": "another"}, {"public_url": LOCAL}, {"auth_token": ""}])
async def test_who_does_not_sign_as_twilio_is_refused(
    path: str, about: dict[str, str], dial: Dial, post: Post, conversation: ScriptedConversation
) -> None:
    stranger = dial(**about)
    form = stranger._common("in-progress") | {"SpeechResult": "路灯坏了"}
    reply = await post(f"http://127.0.0.1:8000{path}", form, stranger._signed(path, form))

    assert reply.status_code == 403
    assert "X-Twilio-Signature" in reply.text
    assert conversation.told == []


async def test_a_changed_form_is_refused(dial: Dial, post: Post) -> None:
    caller = dial()
    form = caller._common("in-progress")
    headers = caller._signed("/ivr/twilio/incoming", form)

    reply = await post("http://127.0.0.1:8000/ivr/twilio/incoming", form | {"From": "+8613800000000"}, headers)

    assert reply.status_code == 403


async def test_without_a_token_nothing_is_checked(phone: PhoneLine) -> None:
    caller = TwimlCaller(posting_to(phone_app(phone)), LOCAL)

    assert "咸宁12345" in (await caller.start()).replace(" ", "")


async def test_without_a_public_address_the_address_of_the_request_is_the_signed_one(
    phone: PhoneLine,
) -> None:
    app = phone_app(phone, twilio_auth_token=SECRET)

    assert await TwimlCaller(posting_to(app), LOCAL, auth_token=SECRET).start()


@pytest.mark.parametrize("form", [{}, {"CallSid": ""}, {"CallSid": "C" * 65}])
@pytest.mark.parametrize("path", ["/ivr/twilio/incoming", "/ivr/twilio/step/1", "/ivr/twilio/status"])
async def test_a_request_without_a_call_sid_is_refused_and_the_field_named(
    path: str, form: dict[str, str], phone: PhoneLine
) -> None:
    reply = await posting_to(phone_app(phone))(f"http://127.0.0.1{path}", {**form, "CallStatus": "completed"}, {})

    assert reply.status_code == 422
    assert "CallSid" in reply.text
