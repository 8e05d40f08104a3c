"""What a citizen sees of the intake, whatever the bot does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.city import City
from core.database import Database
from desk.orders import listing, register
from desk.orders.listing import Filters
from desk.orders.model import WorkOrder
from intake.conversation import Conversation
from intake.messages import Answer, Button, Channel, InboundMessage, Line, Reply
from intake.sweep import sweep
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.unit


@pytest.fixture
def conversation(sqlite: Database, bot: FakeBot, city: City, clock: SetClock) -> Conversation:
    return Conversation(sqlite, bot, city, clock)


def said(text: str, message_id: str = "m1", **changes: Any) -> InboundMessage:
    return InboundMessage(Channel.WEB, "web:1", message_id, text, **changes)


async def orders(database: Database) -> list[WorkOrder]:
    return await database.read(lambda c: listing.page(c, Filters()))


async def test_a_message_is_answered_by_the_bot(conversation: Conversation) -> None:
    answer = await conversation.handle(said("你好"))
    assert [reply.text for reply in answer.replies] == ["听到了：你好"]


async def test_a_repeated_message_gets_the_stored_answer_and_asks_the_bot_only_once(
    conversation: Conversation, bot: FakeBot
) -> None:
    first = await conversation.handle(said("你好"))
    again = await conversation.handle(said("你好"))

    assert again == first
    assert len(bot.asked) == 1


async def test_the_same_message_arriving_twice_at_once_is_handled_once(
    conversation: Conversation, bot: FakeBot
) -> None:
    first, second = await asyncio.gather(conversation.handle(said("你好")), conversation.handle(said("你好")))

    assert first == second
    assert len(bot.asked) == 1


async def test_when_the_bot_is_down_the_citizen_is_told_the_truth_and_gets_a_number(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.down = True
    answer = await conversation.handle(said("楼下烧烤店半夜放音乐"))
    (order,) = await orders(sqlite)

    assert answer.degraded
    assert "会有工作人员看到" in answer.replies[0].text
    assert order.number in answer.replies[0].text
    assert order.text == "楼下烧烤店半夜放音乐"
    assert order.state == "pending_acceptance"


async def test_what_is_said_while_the_bot_is_down_goes_into_one_order(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.down = True
    await conversation.handle(said("楼下烧烤店半夜放音乐", "m1"))
    answer = await conversation.handle(said("在淦河大道88号", "m2"))

    (order,) = await orders(sqlite)
    assert "补记" in answer.replies[0].text
    events = await sqlite.read(lambda c: register.events_of(c, order.number))
    assert [(e.kind, e.data.get("text")) for e in events] == [("opened", None), ("supplemented", "在淦河大道88号")]


async def test_what_the_bot_had_understood_is_not_lost_when_it_goes_down(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    draft = {"text": "楼下烧烤店半夜放音乐", "category": "09", "area_code": "421202001", "line": "enterprise"}
    bot.will_answer("楼下烧烤店半夜放音乐", Answer((Reply("具体位置在哪里？"),), draft=draft))
    await conversation.handle(said("楼下烧烤店半夜放音乐", "m1"))
    bot.down = True
    await conversation.handle(said("淦河大道88号", "m2"))

    (order,) = await orders(sqlite)
    assert (order.category, order.area_code, order.line) == ("09", "421202001", "enterprise")
    assert order.text == "楼下烧烤店半夜放音乐\n淦河大道88号"


async def test_a_caller_who_hangs_up_in_the_middle_leaves_an_order_for_a_person(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.will_answer("路灯坏了", Answer((Reply("在哪里？"),), draft={"text": "路灯坏了", "category": "02"}))
    await conversation.handle(said("路灯坏了", caller="+8613871234567"))
    await conversation.abandon("web:1")
    await conversation.abandon("web:1")

    (order,) = await orders(sqlite)
    assert (order.text, order.category, order.contact_phone) == ("路灯坏了", "02", "+8613871234567")


async def test_a_caller_who_hangs_up_after_the_order_was_filed_leaves_nothing_more(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.will_answer("确认", Answer((Reply("已登记"),), work_order={"number": "x"}, ended=True))
    await conversation.handle(said("确认"))
    await conversation.abandon("web:1")

    assert await orders(sqlite) == []


async def test_danger_is_told_to_call_for_help_before_anything_else(conversation: Conversation, bot: FakeBot) -> None:
    answer = await conversation.handle(said("着火了！四楼冒黑烟"))

    assert "119" in answer.replies[0].text
    assert answer.replies[1].text.startswith("听到了")
    assert bot.told_emergency == [True]


async def test_danger_is_told_to_call_for_help_even_when_the_bot_is_down(
    conversation: Conversation, bot: FakeBot
) -> None:
    bot.down = True
    answer = await conversation.handle(said("有人要跳楼"))
    assert "110" in answer.replies[0].text


async def test_a_message_nobody_answered_becomes_an_order_and_its_repeat_gets_the_number(
    conversation: Conversation, sqlite: Database, clock: SetClock
) -> None:
    from intake import inbox

    await sqlite.write(lambda c: inbox.accept(c, said("井盖没了"), clock()))
    half_a_minute = timedelta(seconds=30)

    assert await sweep(sqlite, conversation, clock, half_a_minute) == 0
    clock.forward(half_a_minute)
    assert await sweep(sqlite, conversation, clock, half_a_minute) == 1
    assert await sweep(sqlite, conversation, clock, half_a_minute) == 0

    (order,) = await orders(sqlite)
    answer = await conversation.handle(said("井盖没了"))
    assert order.number in answer.replies[0].text


async def test_an_enterprise_message_is_kept_on_the_enterprise_line(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.down = True
    await conversation.handle(said("执照办不下来", line=Line.ENTERPRISE))
    (order,) = await orders(sqlite)
    assert order.line == "enterprise"


async def test_a_caller_number_that_is_no_number_does_not_stop_the_order(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.down = True
    await conversation.handle(said("停水了", caller="anonymous"))
    (order,) = await orders(sqlite)
    assert order.contact_phone is None


async def test_the_history_shows_every_turn_in_order(conversation: Conversation) -> None:
    for number in range(3):
        await conversation.handle(said(f"第{number}句", f"m{number}"))
    turns = await conversation.history("web:1")
    assert [turn.text for turn in turns] == ["第0句", "第1句", "第2句"]
    assert all(turn.answer for turn in turns)


async def test_what_was_asked_and_answered_stands_in_the_order_when_the_bot_goes_down_after_it(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    solved = Answer((Reply("要看划片。"), Reply("解决了吗？", (Button("没解决", "没解决"),))))
    bot.will_answer("谢谢，再见", Answer((Reply("再见。"),), ended=True))
    for text in ("孩子上学划到哪个学校", "那转学呢"):
        bot.will_answer(text, solved)
    for number, text in enumerate(("谢谢，再见", "孩子上学划到哪个学校", "那转学呢"), start=1):
        await conversation.handle(said(text, f"m{number}"))
    bot.down = True
    await conversation.handle(said("没解决", "m4"))
    (order,) = await orders(sqlite)
    assert order.text == "孩子上学划到哪个学校\n那转学呢\n没解决"


async def test_who_leaves_after_an_answer_has_filed_nothing(
    conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.will_answer(
        "老板不发工资怎么办", Answer((Reply("先协商。"), Reply("解决了吗？", (Button("解决了", "解决了"),))))
    )
    await conversation.handle(said("老板不发工资怎么办"))
    await conversation.abandon("web:1")
    assert await orders(sqlite) == []
