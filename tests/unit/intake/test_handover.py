"""A citizen who writes asks for a person, and what they and the seat see of it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient

from channels.web import feed
from core.access import Role
from core.city import City
from core.database import Database
from core.problems import Problem
from intake.conversation import Conversation
from intake.handover import keeping
from intake.handover.keeping import Handover, Handovers
from intake.handover.rules import Rules
from intake.handover.tables import Author, Ending, HandoverState
from intake.handover.unheard import file_unheard
from intake.messages import Answer, Channel, InboundMessage, Line, Reply
from tests.fakes import FakeBot, SetClock
from tests.unit.desk.conftest import sign_in

__all__ = ["sign_in"]

pytestmark = pytest.mark.unit

SESSION = "0123456789abcdef0123456789abcdef"
MINUTE = timedelta(minutes=1)


class Office:
    """A citizen in the chat, and the seats."""

    def __init__(self, database: Database, bot: FakeBot, city: City, clock: SetClock) -> None:
        self.database = database
        self.bot = bot
        self.clock = clock
        self.desk = Handovers(Rules.of_city(city))
        self.conversation = Conversation(database, bot, city, clock, self.desk)
        self._count = 0

    async def says(self, text: str, channel: Channel = Channel.WEB) -> list[str]:
        self._count += 1
        message = InboundMessage(channel, f"{channel}:1", f"m{self._count}", text)
        return [reply.text for reply in (await self.conversation.handle(message)).replies]

    async def seat_opens(self, login: str = "seat1") -> None:
        await self.database.write(lambda c: self.desk.seat_heard(c, login, self.clock()))

    async def takes(self, login: str = "seat1") -> Handover:
        (waiting,) = [each for each in await self.queue() if each.state is HandoverState.WAITING]
        return await self.database.write(lambda c: self.desk.take(c, waiting.id, login, self.clock()))

    async def queue(self) -> list[Handover]:
        return await self.database.read(keeping.queue)

    async def told(self) -> list[str]:
        return [each.text for each in await self.database.read(lambda c: keeping.remarks_of(c, "web:1"))]

    async def minutes_pass(self, minutes: int) -> int:
        """The worker's round after a while; returns how many were filed unheard."""
        self.clock.forward(minutes * MINUTE)
        now = self.clock()
        await self.database.write(lambda c: self.desk.end_silent(c, now))
        await self.database.write(lambda c: self.desk.put_back(c, now))
        return await self.database.write(lambda c: file_unheard(c, self.desk, now))


@pytest.fixture
def office(sqlite: Database, bot: FakeBot, city: City, clock: SetClock) -> Office:
    return Office(sqlite, bot, city, clock)


@pytest.mark.parametrize(
    "text",
    ["人工", "转人工。", "请帮我转接人工客服", "我要找真人", "能不能找个工作人员说", "我不想跟机器人说话了，找真人"],
)
def test_who_wants_a_person_is_understood(text: str, city: City) -> None:
    assert Rules.of_city(city).wants_person(text)


@pytest.mark.parametrize(
    "text", ["工作人员态度不好", "人工湖的水发臭", "窗口工作人员不给办", "找人修路灯", "客服电话打不通"]
)
def test_who_speaks_of_people_does_not_ask_for_one(text: str, city: City) -> None:
    assert not Rules.of_city(city).wants_person(text)


async def test_with_a_seat_there_the_citizen_is_put_through_and_the_bot_is_silent(office: Office) -> None:
    await office.seat_opens()
    (told,) = await office.says("转人工")
    assert "前面还有 0 位" in told
    await office.takes()
    assert await office.says("我家楼下很吵") == []
    assert office.bot.asked == []
    assert await office.told() == ["工作人员已接入，您前面说的都看得到。"]


async def test_with_no_seat_there_the_bot_takes_the_wish(office: Office) -> None:
    await office.seat_opens()
    office.clock.forward(3 * MINUTE)
    assert await office.says("转人工") == ["听到了：转人工"]


async def test_on_the_telephone_the_call_itself_goes_to_a_seat(office: Office) -> None:
    await office.seat_opens()
    assert await office.says("转人工", Channel.PHONE) == ["听到了：转人工"]


async def test_danger_is_answered_at_once_while_a_person_is_there(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    (warning,) = await office.says("着火了，有人被困")
    assert "119" in warning


async def test_after_the_seat_hands_back_the_bot_goes_on(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    taken = await office.takes()
    ended = await office.database.write(
        lambda c: office.desk.end(c, taken.id, "seat1", Ending.HANDED_BACK, office.clock())
    )
    assert ended.state is HandoverState.ENDED
    assert (await office.told())[-1] == "工作人员已转回智能助手，您可以接着说。"
    assert await office.says("路灯坏了") == ["听到了：路灯坏了"]


async def test_who_waits_may_give_up(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    assert await office.says("算了") == ["已不再等待工作人员，由智能助手继续为您服务。"]
    assert await office.queue() == []


async def test_the_draft_of_the_bot_is_not_lost_by_what_is_said_to_a_person(office: Office) -> None:
    office.bot.will_answer("路灯坏了", Answer((Reply("在哪里？"),), draft={"text": "路灯坏了", "place": "银泉大道"}))
    await office.says("路灯坏了")
    await office.seat_opens()
    await office.says("人工")
    await office.says("快一点")
    assert await office.minutes_pass(6) == 1
    told = (await office.told())[-1]
    assert "没有空闲的工作人员" in told
    assert "工单号" in told


async def test_who_keeps_talking_while_waiting_waits_no_longer_than_others(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    for _ in range(5):
        await office.minutes_pass(1)
        await office.seat_opens()
        await office.says("还在吗")
    assert await office.minutes_pass(1) == 1


async def test_a_seat_that_is_gone_loses_the_conversation_to_the_next(office: Office) -> None:
    await office.seat_opens("seat1")
    await office.seat_opens("seat2")
    await office.says("人工")
    await office.takes("seat1")
    office.clock.forward(MINUTE)
    await office.seat_opens("seat2")
    assert await office.minutes_pass(1) == 0
    assert (await office.told())[-1] == "工作人员的连接中断了，正在为您重新转接，请稍候。"
    assert (await office.takes("seat2")).seat == "seat2"


async def test_a_conversation_in_which_nobody_speaks_ends(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    await office.takes()
    for _ in range(30):
        await office.minutes_pass(1)
        await office.seat_opens()
    await office.minutes_pass(1)
    assert (await office.told())[-1] == "许久没有新的消息，本次人工服务已结束。您可以随时接着说。"


async def test_two_seats_do_not_take_the_same_and_none_takes_too_many(office: Office) -> None:
    await office.seat_opens()
    await office.says("人工")
    taken = await office.takes("seat1")
    with pytest.raises(Problem, match="taken by seat1"):
        await office.database.write(lambda c: office.desk.take(c, taken.id, "seat2", office.clock()))
    with pytest.raises(Problem, match="not yours"):
        await office.database.write(lambda c: office.desk.say(c, taken.id, "seat2", "k1", "您好", office.clock()))
    full = Handovers(office.desk.rules.model_copy(update={"most": 1}))
    other = InboundMessage(Channel.WEB, "web:2", "m1", "人工", Line.CITIZEN)
    await office.conversation.handle(other)
    (waiting,) = [each for each in await office.queue() if each.state is HandoverState.WAITING]
    with pytest.raises(Problem, match="end one first"):
        await office.database.write(lambda c: full.take(c, waiting.id, "seat1", office.clock()))


async def test_a_remark_sent_twice_is_said_once_and_carried_to_where_it_is_not_fetched(
    sqlite: Database, city: City, clock: SetClock
) -> None:
    carried: list[tuple[str, str]] = []
    desk = Handovers(
        Rules.of_city(city),
        {Channel.WECHAT: lambda _, conversation, __, text, ___: carried.append((conversation, text))},
    )
    message = InboundMessage(Channel.WECHAT, "wechat:o1", "m1", "人工")
    await sqlite.write(lambda c: desk.ask(c, message, clock()))
    (waiting,) = await sqlite.read(keeping.queue)
    await sqlite.write(lambda c: desk.take(c, waiting.id, "seat1", clock()))
    for _ in range(2):
        remark = await sqlite.write(lambda c: desk.say(c, waiting.id, "seat1", "k1", "您好", clock()))
    assert remark.author is Author.SEAT
    assert carried[1:] == [("wechat:o1", "您好")]


async def test_in_a_very_long_conversation_it_is_the_newest_that_is_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LONGEST_LIST", 2)
    await office.seat_opens()
    await office.says("人工")
    taken = await office.takes()
    for key, text in (("k1", "您好"), ("k2", "请稍等")):
        said = partial(office.desk.say, handover_id=taken.id, login="seat1", key=key, text=text, now=office.clock())
        await office.database.write(said)
    assert await office.told() == ["您好", "请稍等"]


def test_a_seat_reads_what_was_said_and_files_the_order_of_it(
    client: TestClient, bot: FakeBot, sign_in: Callable[..., dict[str, str]], noise_complaint: dict[str, Any]
) -> None:
    def write(text: str, message_id: str) -> None:
        client.post("/chat/messages", json={"session_id": SESSION, "message_id": message_id, "text": text})

    seat = sign_in(Role.SEAT)
    assert "问候" in client.get("/api/chats", headers=seat).json()["canned"]
    draft = {"text": "楼下烧烤店太吵", "category": "09", "area_code": "421202001"}
    bot.will_answer("楼下烧烤店太吵", Answer((Reply("在哪里？"),), draft=draft))
    write("楼下烧烤店太吵", "m1")
    write("人工", "m2")
    (waiting,) = client.get("/api/chats", headers=seat).json()["chats"]
    path = f"/api/chats/{waiting['id']}"
    assert client.post(f"{path}/remarks", json={"key": "k", "text": "您好"}, headers=seat).status_code == 409
    assert client.post(f"{path}/take", headers=seat).json()["state"] == "talking"
    assert client.post(f"{path}/remarks", json={"key": "k", "text": "您好"}, headers=seat).status_code == 201

    filed = [
        client.post(f"{path}/work-orders", json=noise_complaint, headers={**seat, "Idempotency-Key": "1"})
        for _ in range(2)
    ]
    assert [each.status_code for each in filed] == [201, 200]
    assert filed[0].json()["channel"] == "web"

    chat = client.get(path, headers=seat).json()
    assert [(each["who"], each["text"]) for each in chat["sayings"]][:5] == [
        ("citizen", "楼下烧烤店太吵"),
        ("bot", "在哪里？"),
        ("citizen", "人工"),
        ("bot", chat["sayings"][3]["text"]),
        ("system", "工作人员已接入，您前面说的都看得到。"),
    ]
    assert chat["sayings"][-1]["text"].count(filed[0].json()["number"]) == 1
    assert {each["label"]: each["value"] for each in chat["understood"]}["类别"] == "09 生态环境"
    assert chat["draft"] == draft
    assert len({(each["who"], each["id"]) for each in chat["sayings"]}) == len(chat["sayings"])
    assert chat["orders"] == [filed[0].json()["number"]]
    assert client.post(f"{path}/close", headers=seat).json()["how"] == "closed"


def test_who_is_no_seat_reads_no_conversations(client: TestClient, sign_in: Callable[..., dict[str, str]]) -> None:
    assert client.get("/api/chats", headers=sign_in(Role.HANDLER)).status_code == 403


def test_the_page_is_told_by_the_socket_what_a_seat_says(
    client: TestClient, sign_in: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAUSE_SECONDS", 0.01)
    seat = sign_in(Role.SEAT)
    client.get("/api/chats", headers=seat)
    client.post("/chat/messages", json={"session_id": SESSION, "message_id": "m1", "text": "人工"})
    (waiting,) = client.get("/api/chats", headers=seat).json()["chats"]
    with client.websocket_connect(f"/chat/ws?session_id={SESSION}") as socket:
        assert socket.receive_json() == {"type": "remarks", "person": {"state": "waiting", "ahead": 0}, "remarks": []}
        client.post(f"/api/chats/{waiting['id']}/take", headers=seat)
        taken = socket.receive_json()
    assert taken["person"]["state"] == "talking"
    assert [(each["author"], each["text"]) for each in taken["remarks"]] == [
        ("system", "工作人员已接入，您前面说的都看得到。")
    ]
    assert client.get("/chat/remarks", params={"session_id": SESSION}).json() == {
        key: value for key, value in taken.items() if key != "type"
    }
    assert client.get("/chat/remarks", params={"session_id": "guessable"}).status_code == 404


def test_the_page_is_told_by_the_socket_that_the_wait_begins_moves_on_and_is_given_up(
    client: TestClient, sign_in: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAUSE_SECONDS", 0.01)
    seat, others = sign_in(Role.SEAT), "another" + SESSION
    client.get("/api/chats", headers=seat)
    client.post("/chat/messages", json={"session_id": others, "message_id": "m1", "text": "人工"})
    with client.websocket_connect(f"/chat/ws?session_id={SESSION}") as socket:
        client.post("/chat/messages", json={"session_id": SESSION, "message_id": "m1", "text": "人工"})
        assert socket.receive_json()["person"] == {"state": "waiting", "ahead": 1}
        client.post("/chat/messages", json={"session_id": others, "message_id": "m2", "text": "取消"})
        assert socket.receive_json()["person"] == {"state": "waiting", "ahead": 0}
        client.post("/chat/messages", json={"session_id": SESSION, "message_id": "m2", "text": "取消"})
        assert socket.receive_json()["person"] is None
