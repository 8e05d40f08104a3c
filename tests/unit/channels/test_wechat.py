"""What a citizen sees in WeChat, and what is not let in."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from bot.actions.city import City as BotCity
from bot.actions.entities import entities
from channels import wechat
from channels.base import House
from channels.registry import CARRIES
from channels.wechat import forgetting, reception, turns, users, wire
from channels.wechat.rules import Rules
from channels.wechat.tables import wechat_bindings, wechat_media, wechat_users
from core import problems
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from desk.orders.model import Channel
from desk.telling import deliveries
from desk.telling.carriers import Parcel, Undelivered
from intake import inbox
from intake.conversation import Conversation
from intake.handover import keeping as handover
from intake.handover.keeping import Handovers
from intake.handover.rules import Rules as HandoverRules
from intake.messages import Answer, Button, InboundMessage, Reply
from tests.fakes import FakeBot, SetClock
from tests.unit.channels.conftest import house_of
from tests.wechat import Account, Follower, message_xml, query_for

pytestmark = pytest.mark.unit

ACCOUNT = Account()
OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"
QUESTION = Answer((Reply("要分开登记吗？", (Button("分开登记", "分开"), Button("合在一起", "合并"))),))


@pytest.fixture
def open_settings(settings: Settings) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **ACCOUNT.settings, "sms_url": "https://sms.example"})


@pytest.fixture
def house(open_settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> House:
    made = house_of(open_settings, sqlite, city, Handling.of_city(city), clock)
    return replace(made, conversation=Conversation(sqlite, bot, city, clock))


def door_of(house: House) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(wechat.create_router(house))
    return TestClient(app)


@pytest.fixture
def door(house: House) -> Iterator[TestClient]:
    with door_of(house) as client:
        yield client


@pytest.fixture
def follower(door: TestClient, clock: SetClock) -> Callable[..., Follower]:
    """Makes somebody who follows the account; the safe mode unless told."""

    def post(query: dict[str, str], body: bytes) -> tuple[int, str]:
        response = door.post("/wechat", params=query, content=body)
        return response.status_code, response.text

    return lambda openid=OPENID, **mode: Follower(ACCOUNT, post, clock, openid, **mode)


@pytest.fixture
def citizen(follower: Callable[..., Follower]) -> Follower:
    return follower()


def parcels(database: Database, clock: SetClock, *carriers: str) -> list[Parcel]:
    return database.write_now(lambda c: deliveries.take(c, carriers or ("wechat",), clock()))


# ---- who is let in ---------------------------------------------------------------------------------------------------


def test_wechat_is_answered_when_it_asks_whether_we_know_the_token(door: TestClient, clock: SetClock) -> None:
    query = query_for(ACCOUNT, clock())
    assert door.get("/wechat", params={**query, "echostr": "5927"}).text == "5927"
    assert door.get("/wechat", params={**query, "nonce": "other", "echostr": "5927"}).status_code == 403
    assert door.get("/wechat").status_code == 403


def test_without_a_token_nobody_is_let_in(house: House, clock: SetClock) -> None:
    house.settings.wechat_token = type(house.settings.wechat_token)("")
    nobody = Account(token="")
    with door_of(house) as door:
        assert door.get("/wechat", params={**query_for(nobody, clock()), "echostr": "1"}).status_code == 403
        xml = message_xml(nobody, OPENID, "text", clock(), Content="你好", MsgId=1)
        answer = door.post("/wechat", params=query_for(nobody, clock()), content=xml)
    assert answer.status_code == 403
    assert "HOTLINE_WECHAT_TOKEN" in answer.json()["detail"]


def posted(door: TestClient, query: dict[str, str], body: bytes) -> Response:
    return door.post("/wechat", params=query, content=body)


def test_what_wechat_did_not_sign_is_refused_and_reaches_nobody(
    door: TestClient, bot: FakeBot, clock: SetClock
) -> None:
    stranger = Account(token="another-token")
    xml = message_xml(ACCOUNT, OPENID, "text", clock(), Content="你好", MsgId=1)
    sealed = ACCOUNT.encrypted(xml)
    body = f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()
    others = ACCOUNT.encrypted(xml, app_id="wx0000000000000000")
    refused = {
        "another token": (query_for(stranger, clock()), xml),
        "no signature": ({"timestamp": "1", "nonce": "1"}, xml),
        "an old address, whose signature does not cover the words": (
            query_for(ACCOUNT, clock() - timedelta(minutes=11)),
            xml,
        ),
        "another token, encrypted": (query_for(stranger, clock(), sealed), body),
        "another text under the signature": (
            query_for(ACCOUNT, clock(), sealed),
            body.replace(sealed[:4].encode(), b"AAAA"),
        ),
        "another account": (query_for(ACCOUNT, clock(), others), f"<xml><Encrypt>{others}</Encrypt></xml>".encode()),
    }
    for why, (query, sent) in refused.items():
        assert posted(door, query, sent).status_code == 403, why
    assert bot.asked == []


def test_an_account_without_key_takes_nothing_encrypted(house: House, clock: SetClock) -> None:
    house.settings.wechat_aes_key = type(house.settings.wechat_aes_key)("")
    sealed = ACCOUNT.encrypted(message_xml(ACCOUNT, OPENID, "text", clock(), Content="你好", MsgId=1))
    with door_of(house) as door:
        answer = posted(door, query_for(ACCOUNT, clock(), sealed), f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode())
    assert answer.status_code == 403
    assert "HOTLINE_WECHAT_AES_KEY" in answer.json()["detail"]


BOMB = b'<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><MsgType>&b;</MsgType></xml>'
HEAD = "<ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", "no XML"),
        (b"", "no XML"),
        ("<xml>乱".encode("gb18030"), "no XML"),
        (BOMB, "DOCTYPE"),
        (b"<!doctype xml><xml><MsgType>text</MsgType></xml>", "DOCTYPE"),
        (b"<xml>text</xml>", "no <xml>"),
        (f"<xml>{HEAD}</xml>".encode(), "MsgType"),
        (f"<xml>{HEAD}<MsgType><a>1</a></MsgType></xml>".encode(), "MsgType"),
        (b"<xml><MsgType>text</MsgType><MsgId>1</MsgId></xml>", "FromUserName"),
        (f"<xml>{HEAD}<MsgType>text</MsgType><MsgId>abc</MsgId></xml>".encode(), "MsgId"),
        (f"<xml>{HEAD}<MsgType>text</MsgType><MsgId>{'9' * 200}</MsgId></xml>".encode(), "MsgId"),
    ],
)
def test_a_body_that_is_no_message_is_refused_with_what_is_wrong(
    door: TestClient, clock: SetClock, body: bytes, named: str
) -> None:
    answer = posted(door, query_for(ACCOUNT, clock()), body)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]


@pytest.mark.parametrize("sealed", ["", "QUJD", "!!!", "A" * 44])
def test_a_signed_cipher_that_does_not_open_is_refused(door: TestClient, clock: SetClock, sealed: str) -> None:
    answer = posted(door, query_for(ACCOUNT, clock(), sealed), f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode())
    assert answer.status_code in (400, 403)


def test_a_huge_body_is_refused_before_it_is_read_as_xml(door: TestClient, clock: SetClock) -> None:
    assert posted(door, query_for(ACCOUNT, clock()), b"<" * (64 * 1024 + 1)).status_code == 413


# ---- what is understood ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("safe", [True, False], ids=["safe mode", "plain mode"])
def test_a_citizen_writes_and_is_answered_at_once(follower: Callable[..., Follower], bot: FakeBot, safe: bool) -> None:
    assert follower(safe=safe).say(" 路灯不亮 <b>&amp; ]]> 😀 ") == "听到了：路灯不亮 <b>&amp; ]]＞ 😀"
    [heard] = bot.asked
    assert (heard.channel, heard.conversation_id, heard.caller) == ("wechat", f"wechat:{OPENID}", None)


@pytest.mark.parametrize(
    ("kind", "fields", "heard"),
    [
        ("image", {"PicUrl": "http://mmbiz.qpic.cn/1", "MediaId": "m1"}, "（图片）"),
        ("voice", {"MediaId": "m1", "Format": "amr", "Recognition": "楼下太吵"}, "楼下太吵"),
        ("voice", {"MediaId": "m1", "Format": "speex", "Recognition": ""}, "（语音）"),
        ("voice", {"MediaId": "m1", "Format": "amr"}, "（语音）"),
        ("video", {"MediaId": "m1", "ThumbMediaId": "t1"}, "（视频）"),
        ("shortvideo", {"MediaId": "m1", "ThumbMediaId": "t1"}, "（视频）"),
        (
            "location",
            {"Location_X": "29.841500", "Location_Y": "114.322300", "Scale": 15, "Label": "咸宁市咸安区银泉大道1号"},
            "位置：咸宁市咸安区银泉大道1号（坐标29.84150,114.32230，GCJ-02）",
        ),
        (
            "location",
            {"Location_X": "29.8415", "Location_Y": "114.3223", "Scale": 15, "Label": ""},
            "位置：坐标29.84150,114.32230（GCJ-02）",
        ),
        ("link", {"Title": "公告", "Description": "…", "Url": "https://a.example/1"}, "公告\nhttps://a.example/1"),
    ],
)
def test_each_kind_of_message_is_words_for_the_conversation(
    citizen: Follower, sqlite: Database, kind: str, fields: dict[str, Any], heard: str
) -> None:
    citizen.send(kind, **fields)
    said = sqlite.read_now(lambda c: inbox.history(c, f"wechat:{citizen.openid}"))
    assert [turn.text for turn in said] == [heard]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("text", {"Content": ""}),
        ("location", {"Location_X": "nan", "Location_Y": "here", "Label": "某处"}),
        ("miniprogrampage", {"Title": "别的"}),
        ("text", {"Content": "很长" * 1001}),
    ],
)
def test_what_cannot_be_used_is_said_so(citizen: Follower, bot: FakeBot, kind: str, fields: dict[str, Any]) -> None:
    answer = citizen.send(kind, **fields)
    assert answer is not None
    assert "看不了" in answer or "太长" in answer
    assert bot.asked == []


def test_a_picture_is_noted_to_be_fetched_once(citizen: Follower, sqlite: Database) -> None:
    for _ in range(3):
        assert "已收到" in (citizen.send("image", 77, PicUrl="http://mmbiz.qpic.cn/1", MediaId="the media id") or "")
    citizen.send("voice", MediaId="m2", Format="amr", Recognition="楼下太吵")
    rows = sqlite.read_now(lambda c: c.execute(select(wechat_media)).mappings().all())
    assert [(row["message_id"], row["kind"], row["media_id"]) for row in rows] == [("77", "picture", "the media id")]


def test_a_shared_location_is_a_place_to_the_bot_and_its_coordinates_are_no_telephone(
    citizen: Follower, bot: FakeBot
) -> None:
    citizen.send("location", Location_X="29.841500", Location_Y="114.322300", Label="咸宁市咸安区银泉大道1号")
    read = [(entity.type, entity.value) for entity in entities(bot.asked[0].text, BotCity())]
    assert read == [("area", "421202"), ("place", "银泉大道1号")]


# ---- the answer ------------------------------------------------------------------------------------------------------


def test_buttons_are_numbered_and_a_number_or_title_is_the_button(citizen: Follower, bot: FakeBot) -> None:
    for chosen, meant in (("1", "分开"), ("２。", "合并"), ("合在一起", "合并"), ("3", "3"), ("好", "好")):
        bot.will_answer("两件事", QUESTION)
        assert citizen.say("两件事") == "要分开登记吗？\n请回复数字选择：\n1 分开登记\n2 合在一起"
        citizen.say(chosen)
        assert bot.asked[-1].text == meant
        citizen.say("1")
        assert bot.asked[-1].text == "1"


def test_the_order_is_told_where_the_words_do_not_name_it(citizen: Follower, bot: FakeBot) -> None:
    order = {"number": "20261124-000017", "category_name": "噪声", "state_name": "待派单", "query_code": "314159"}
    bot.will_answer("提交", Answer((Reply("好了。"),), work_order=order))
    assert citizen.say("提交") == "好了。\n工单号：20261124-000017\n类别：噪声\n状态：待派单\n查询码：314159"
    bot.will_answer("再来", Answer((Reply("工单号20261124-000017。"),), work_order=order))
    assert citizen.say("再来") == "工单号20261124-000017。"


def test_wechat_asks_three_times_and_the_citizen_is_answered_once(
    citizen: Follower, bot: FakeBot, sqlite: Database, clock: SetClock
) -> None:
    answers = {citizen.say("路灯不亮", message_id=5) for _ in range(3)}
    assert answers == {"听到了：路灯不亮"}
    assert len(bot.asked) == 1
    clock.forward(timedelta(minutes=1))
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 0


def test_a_long_answer_comes_in_numbered_parts_and_none_is_lost(
    citizen: Follower, bot: FakeBot, sqlite: Database, clock: SetClock
) -> None:
    sentences = [f"第{number}条规定，请带好身份证和户口本到窗口办理。" for number in range(80)]
    bot.will_answer("怎么办", Answer((Reply("".join(sentences)),)))
    first = citizen.say("怎么办", message_id=9)
    assert citizen.say("怎么办", message_id=9) == first
    assert first is not None
    assert first.startswith("（1/3）第0条")
    later = sorted(parcel.text or "" for parcel in parcels(sqlite, clock))
    assert [text[:5] for text in later] == ["（2/3）", "（3/3）"]
    assert "".join(text[5:] for text in [first, *later]) == "".join(sentences)
    assert all(len(text.encode()) <= 2048 for text in later)


class SlowBot(FakeBot):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def ask(self, message: InboundMessage, *, emergency_told: bool, is_repeat: bool) -> Answer:
        await self.go.wait()
        return await super().ask(message, emergency_told=emergency_told, is_repeat=is_repeat)


async def test_an_answer_that_is_late_comes_by_customer_service_and_only_so(
    house: House, sqlite: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "ANSWER_SECONDS", 0)
    slow = SlowBot()
    slow.will_answer("两件事", QUESTION)
    desks = [
        reception.Reception(
            replace(house, conversation=Conversation(sqlite, slow, house.city, clock)),
            Rules.of_city(house.city),
            answers_later=True,
            by_sms=False,
        )
        for _ in range(2)
    ]
    xml = message_xml(ACCOUNT, OPENID, "text", clock(), Content="两件事", MsgId=11)
    incoming = wire.read(wire.Secret(ACCOUNT.token), query_for(ACCOUNT, clock()), xml, clock())
    assert await desks[0].answer(incoming) is None
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 0
    slow.go.set()
    while not any(turn.answer for turn in await desks[0]._house.conversation.history(f"wechat:{OPENID}")):
        await asyncio.sleep(0)
    # WeChat asks again, another process is asked and could answer now.
    monkeypatch.setattr(desks[1], "_seconds", 5)
    assert await desks[1].answer(incoming) is None
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 1
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 0
    [parcel] = parcels(sqlite, clock)
    assert (parcel.openid, parcel.text, parcel.buttons) == (OPENID, "要分开登记吗？", ("分开登记", "合在一起"))
    assert len(slow.asked) == 1


def test_what_a_killed_process_left_open_is_answered_later(
    house: House, sqlite: Database, clock: SetClock, bot: FakeBot
) -> None:
    """The process that took the message was killed before it replied, and WeChat has given up asking."""
    message = InboundMessage(Channel.WECHAT, f"wechat:{OPENID}", "12", "路灯不亮")
    sqlite.write_now(lambda c: turns.begin(c, message.conversation_id, message.message_id, clock()))
    asyncio.run(house.conversation.handle(message))
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 0
    clock.forward(timedelta(seconds=21))
    assert sqlite.write_now(lambda c: turns.hand_on(c, clock())) == 1
    assert [parcel.text for parcel in parcels(sqlite, clock)] == ["听到了：路灯不亮"]


# ---- events ----------------------------------------------------------------------------------------------------------


def test_who_follows_is_greeted_and_a_scanned_place_goes_with_the_first_words(citizen: Follower, bot: FakeBot) -> None:
    assert "您好" in (citizen.does("subscribe", EventKey="") or "")
    greeting = citizen.does("subscribe", EventKey="qrscene_咸安区浮山街道银泉大道", Ticket="t")
    assert "“咸安区浮山街道银泉大道”" in (greeting or "")
    for _ in range(2):
        citizen.say("路灯不亮", message_id=21)
    citizen.say("谢谢")
    assert [message.text for message in bot.asked] == ["路灯不亮\n地点：咸安区浮山街道银泉大道", "谢谢"]
    assert "“长安大道”" in (citizen.does("SCAN", EventKey="长安大道", Ticket="t") or "")
    citizen.say("有积水")
    assert bot.asked[-1].text == "有积水\n地点：长安大道"
    assert "二维码" not in (citizen.does("SCAN", EventKey="4711", Ticket="t") or "")


def test_an_entry_of_the_menu_says_what_it_says(citizen: Follower, bot: FakeBot) -> None:
    assert citizen.does("CLICK", EventKey="我想查进度") == "听到了：我想查进度"
    assert citizen.does("CLICK", EventKey="我想查进度") == "听到了：我想查进度"
    assert len(bot.asked) == 1, "the same sender and time are the same event"


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "TEMPLATESENDJOBFINISH", "something_new"])
def test_other_events_are_taken_and_nothing_is_said(citizen: Follower, bot: FakeBot, event: str) -> None:
    assert citizen.does(event, EventKey="https://a.example") is None
    assert bot.asked == []


# ---- binding a telephone ---------------------------------------------------------------------------------------------


def bound(database: Database) -> list[tuple[str, str]]:
    rows = database.read_now(lambda c: c.execute(select(wechat_bindings)).mappings().all())
    return [(row["phone"], row["consent_version"]) for row in rows]


def code_sent(database: Database, clock: SetClock) -> str:
    newest = max(parcels(database, clock, "sms"), key=lambda parcel: parcel.id)
    assert newest.phone == "+8613871234567"
    found = re.search(r"验证码是(\d{6})", newest.text or "")
    assert found is not None
    return found.group(1)


def bind(citizen: Follower, database: Database, clock: SetClock) -> None:
    citizen.say("绑定")
    citizen.say("同意")
    citizen.say("13871234567")
    assert "已绑定" in (citizen.say(code_sent(database, clock)) or "")


def test_a_phone_is_bound_after_consent_and_the_code_that_was_sent_there(
    citizen: Follower, bot: FakeBot, sqlite: Database, clock: SetClock
) -> None:
    assert "同意请回复" in (citizen.say("绑定") or "")
    assert "手机号" in (citizen.say("同意") or "")
    assert "“12345”不是手机号" in (citizen.say("12345") or "")
    assert bound(sqlite) == []
    assert "+86138****4567" in (citizen.say("138 7123 4567") or "")
    code = code_sent(sqlite, clock)
    assert "不对" in (citizen.say("0000000") or "")
    assert bound(sqlite) == []
    assert "已绑定手机号 +86138****4567" in (citizen.say(code, message_id=31) or "")
    assert "已绑定" in (citizen.say(code, message_id=31) or "")
    assert bound(sqlite) == [("+8613871234567", "1")]
    citizen.say("路灯不亮")
    assert [(message.text, message.caller) for message in bot.asked] == [("路灯不亮", "+8613871234567")]
    assert "已解除" in (citizen.say("解绑") or "")
    assert bound(sqlite) == []
    assert "没有绑定" in (citizen.say("解绑") or "")


def test_without_consent_or_with_wrong_codes_nothing_is_bound(
    citizen: Follower, bot: FakeBot, sqlite: Database, clock: SetClock
) -> None:
    citizen.say("绑定")
    citizen.say("先不用")
    citizen.say("同意")
    assert [message.text for message in bot.asked] == ["先不用", "同意"]
    citizen.say("绑定")
    citizen.say("同意")
    citizen.say("13871234567")
    code = code_sent(sqlite, clock)
    said = [citizen.say("1111111") or "" for _ in range(3)]
    assert ["不对" in said[0], "没有绑定" in said[2]] == [True, True]
    citizen.say(code)
    assert bound(sqlite) == []
    assert bot.asked[-1].text == code


def test_codes_end_and_are_few(citizen: Follower, sqlite: Database, clock: SetClock) -> None:
    for _ in range(3):
        citizen.say("绑定")
        citizen.say("同意")
        citizen.say("13871234567")
        code = code_sent(sqlite, clock)
        clock.forward(timedelta(minutes=11))
        assert "过期" in (citizen.say(code) or "")
    citizen.say("绑定")
    citizen.say("同意")
    assert "明天" in (citizen.say("13871234567") or "")
    assert bound(sqlite) == []


def test_without_text_messages_nothing_is_bound(house: House, clock: SetClock, sqlite: Database) -> None:
    house.settings.sms_url = ""
    with door_of(house) as door:

        def post(query: dict[str, str], body: bytes) -> tuple[int, str]:
            return 200, posted(door, query, body).text

        assert "不能绑定" in (Follower(ACCOUNT, post, clock).say("绑定") or "")


def test_who_leaves_is_unbound_and_nothing_waits_for_them(citizen: Follower, sqlite: Database, clock: SetClock) -> None:
    bind(citizen, sqlite, clock)
    sqlite.write_now(lambda c: deliveries.add_wechat(c, OPENID, "k", "您的诉求已办结", clock()))
    [parcel] = parcels(sqlite, clock)
    closed = Undelivered("48 hours", closed=True)
    sqlite.write_now(lambda c: deliveries.failed(c, parcel, closed, 8, timedelta(0), clock()))
    assert citizen.does("unsubscribe", EventKey="") is None
    assert bound(sqlite) == []
    assert citizen.does("unsubscribe", EventKey="") is None
    citizen.does("subscribe", EventKey="")
    citizen.say("你好")
    assert parcels(sqlite, clock) == []


def test_what_is_kept_is_sealed_and_goes_with_the_conversation(
    citizen: Follower, sqlite: Database, clock: SetClock
) -> None:
    citizen.does("SCAN", EventKey="长安大道", Ticket="t")
    bind(citizen, sqlite, clock)
    citizen.send("image", PicUrl="http://mmbiz.qpic.cn/1", MediaId="the media id")

    def stored(connection: Any) -> str:
        tables = ("wechat_users", "wechat_bindings", "wechat_media", "texts")
        rows = [connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().all() for table in tables]
        rows = [{k: v for k, v in row.items() if k != "conversation_id"} for found in rows for row in found]
        return json.dumps(rows, default=str, ensure_ascii=False)

    kept = sqlite.read_now(stored)
    for personal in (OPENID, "13871234567", "长安大道", "the media id"):
        assert personal not in kept
    sqlite.write_now(lambda c: forgetting.forget(c, [f"wechat:{OPENID}", "web:other"]))
    assert sqlite.read_now(lambda c: users.find(c, OPENID)) is None
    for table in (wechat_users, wechat_bindings, wechat_media):
        assert sqlite.read_now(lambda c, table=table: c.execute(select(table)).first()) is None  # type: ignore[misc]


def test_a_person_takes_over_and_what_they_say_is_delivered_once(
    house: House, citizen: Follower, bot: FakeBot, sqlite: Database, city: City, clock: SetClock
) -> None:
    desk = Handovers(HandoverRules.of_city(city), CARRIES)
    sqlite.write_now(lambda c: desk.seat_heard(c, "seat1", clock()))
    assert "正在为您转接工作人员" in (citizen.say("转人工") or "")
    (waiting,) = sqlite.read_now(handover.queue)
    sqlite.write_now(lambda c: desk.take(c, waiting.id, "seat1", clock()))
    for _ in range(2):
        sqlite.write_now(lambda c: desk.say(c, waiting.id, "seat1", "k1", "您好，请讲。", clock()))
    assert citizen.say("路灯坏了") is None
    assert bot.asked == []
    parcels = sqlite.write_now(lambda c: deliveries.take(c, ["wechat"], clock()))
    assert [(parcel.openid, parcel.text) for parcel in parcels] == [
        (citizen.openid, "工作人员已接入，您前面说的都看得到。"),
        (citizen.openid, "您好，请讲。"),
    ]
