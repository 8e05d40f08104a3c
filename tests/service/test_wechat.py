"""WeChat's interface as we ask it, and a citizen's whole way through it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Connection, select

from channels.wechat import media, turns, users
from channels.wechat.api import Api, Refused
from channels.wechat.carrier import WeChatCarrier
from channels.wechat.media import Fetcher
from channels.wechat.rules import Rules
from channels.wechat.tables import Way, wechat_media
from channels.wechat.tokens import Tokens
from core.city import City
from core.database import Database
from core.sealing import Vault
from core.settings import Settings
from desk.life.handling import Handling
from desk.orders import register
from desk.orders.model import Channel, NewWorkOrder
from desk.telling import deliveries
from desk.telling.deliveries import Courier, DeliveryState
from desk.telling.outbox import Outbox
from hotline.resealing import reseal
from hotline.worker import carriers, wechat_api
from intake import inbox
from intake.attachments import keeping
from intake.attachments.attaching import Attachments
from intake.messages import Answer, Button, InboundMessage, Reply
from tests.fakes import SetClock
from tests.receiver import Receiver
from tests.system import ROOT
from tests.wechat import Account, Followed, WeChatServers

pytestmark = pytest.mark.service

OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"


@pytest.fixture
def servers(clock: SetClock) -> Iterator[WeChatServers]:
    made = WeChatServers(Account(), clock)
    with made.serving():
        yield made


@pytest.fixture
def with_wechat(settings: Settings, servers: WeChatServers) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **servers.account.settings, "wechat_url": servers.url})


@pytest.fixture
def attachments(database: Database, settings: Settings, clock: SetClock) -> Attachments:
    return Attachments(database, settings.attachments_dir, clock)


@pytest.fixture
async def api(with_wechat: Settings, database: Database, clock: SetClock) -> AsyncIterator[Api]:
    made = wechat_api(with_wechat, database, clock)
    assert made is not None
    yield made
    await made.close()


@pytest.fixture
def city_with(tmp_path: Path) -> Callable[..., City]:
    """The city with other rules for notices in WeChat."""

    def changed(**notice: Any) -> City:
        folder = tmp_path / "city"
        folder.mkdir()
        for file in (ROOT / "city").iterdir():
            (folder / file.name).symlink_to(file)
        (folder / "wechat.yml").unlink()
        (folder / "wechat.yml").write_text(json.dumps({"menu": [], "notice": notice}), "utf-8")
        return City(folder)

    return changed


def courier_of(database: Database, api: Api, city: City, clock: SetClock, **others: Any) -> Courier:
    return Courier(database, {"wechat": WeChatCarrier(database, api, city), **others}, clock, "{host}", lambda: 1.0)


@pytest.fixture
def courier(database: Database, api: Api, city: City, clock: SetClock) -> Courier:
    return courier_of(database, api, city, clock)


def wrote(database: Database, servers: WeChatServers, clock: SetClock) -> None:
    """The follower writes."""
    servers.followers.setdefault(OPENID, Followed()).write(clock())
    database.write_now(lambda c: users.wrote(c, users.known(c, OPENID), clock()))


def tell(database: Database, clock: SetClock, text: str, **more: Any) -> None:
    database.write_now(lambda c: deliveries.add_wechat(c, OPENID, text, text, clock(), **more))


def states(database: Database) -> list[DeliveryState]:
    return [row.state for row in database.read_now(deliveries.list_deliveries)]


async def test_a_late_answer_is_shown_once_with_its_buttons(
    database: Database, courier: Courier, servers: WeChatServers, clock: SetClock
) -> None:
    message = InboundMessage(Channel.WECHAT, f"wechat:{OPENID}", "1", "两件事")
    answer = Answer((Reply("要分开登记吗？", (Button("分开登记", "分开"), Button("合在一起", "合并"))),))

    def be_late(connection: Connection) -> None:
        turn = turns.begin(connection, message.conversation_id, message.message_id, clock())
        assert turns.decide(connection, turn, Way.LATE) is Way.LATE
        assert turns.decide(connection, turn, Way.PASSIVE) is Way.LATE
        assert turns.hand_on(connection, clock()) == 0
        inbox.store_answer(connection, inbox.accept(connection, message, clock()).id, answer, clock())

    wrote(database, servers, clock)
    database.write_now(be_late)
    assert [database.write_now(lambda c: turns.hand_on(c, clock())) for _ in range(2)] == [1, 0]
    assert await courier.round() == 1
    assert servers.texts(OPENID) == ["要分开登记吗？[分开登记][合在一起]"]
    assert states(database) == [DeliveryState.DELIVERED]
    kept = database.read_now(lambda c: c.exec_driver_sql("SELECT openid, openid_trace, text, buttons FROM texts").all())
    assert kept == [(None,) * 4]


async def test_an_account_without_menus_numbers_the_buttons(
    database: Database, courier: Courier, servers: WeChatServers, clock: SetClock
) -> None:
    servers.menus_allowed = False
    wrote(database, servers, clock)
    tell(database, clock, "确定吗？", buttons=["确定", "不"])
    assert await courier.round() == 1
    assert servers.texts(OPENID) == ["确定吗？\n请回复数字选择：\n1 确定\n2 不"]


async def test_all_workers_share_one_token_and_fetch_a_new_one_once(
    database: Database, servers: WeChatServers, with_wechat: Settings, clock: SetClock
) -> None:
    wrote(database, servers, clock)
    servers.followers[OPENID].sent = -100
    workers = [wechat_api(with_wechat, database, clock) for _ in range(4)]

    async def all_send() -> list[str]:
        servers.asked.clear()
        message = {"touser": OPENID, "msgtype": "text", "text": {"content": "好"}}
        await asyncio.gather(*[worker.send_message(message) for worker in workers if worker])
        return servers.asked

    def tokens(asked: list[str]) -> int:
        return asked.count("/cgi-bin/stable_token")

    assert tokens(await all_send()) == 1
    assert tokens(await all_send()) == 0
    clock.forward(timedelta(seconds=7200 - 299))
    assert tokens(await all_send()) == 1
    servers.end_tokens()
    assert tokens(await all_send()) == 1
    servers.fails = [42001]
    assert tokens(await all_send()) == 1
    sealed = database.read_now(lambda c: c.exec_driver_sql("SELECT token FROM wechat_tokens").scalar())
    assert sealed is not None
    assert not any(token in sealed for token in servers._tokens)
    for worker in workers:
        assert worker is not None
        await worker.close()


async def test_a_wrong_secret_loses_nothing(
    database: Database, servers: WeChatServers, city: City, clock: SetClock
) -> None:
    wrote(database, servers, clock)
    tell(database, clock, "您好")
    wrong = Api(servers.url, Tokens(database, servers.account.app_id, "wrong", clock))
    assert await courier_of(database, wrong, city, clock).round() == 1
    await wrong.close()
    [kept] = database.read_now(deliveries.list_deliveries)
    assert (kept.state, kept.last_error) == (DeliveryState.WAITING, "no token: 40125: error 40125")


async def test_five_messages_in_48_hours_and_what_is_more_waits_until_the_citizen_writes(
    database: Database, courier: Courier, servers: WeChatServers, clock: SetClock
) -> None:
    wrote(database, servers, clock)
    for number in range(6):
        tell(database, clock, f"第{number}条")
        await courier.round()
    clock.forward(timedelta(days=3))
    tell(database, clock, "太晚了")
    await courier.round()
    assert servers.texts(OPENID) == [f"第{number}条" for number in range(5)]
    assert states(database)[:2] == [DeliveryState.HELD] * 2
    assert await courier.round() == 0
    wrote(database, servers, clock)
    assert await courier.round() == 2
    assert sorted(servers.texts(OPENID)[5:]) == ["太晚了", "第5条"]


@pytest.mark.parametrize("code", [45015, 45047])
async def test_wechats_own_count_is_believed(
    database: Database, courier: Courier, servers: WeChatServers, clock: SetClock, code: int
) -> None:
    wrote(database, servers, clock)
    servers.fails = [code]
    tell(database, clock, "您好")
    await courier.round()
    tell(database, clock, "还在吗")
    await courier.round()
    assert states(database) == [DeliveryState.HELD] * 2
    wrote(database, servers, clock)
    await courier.round()
    assert sorted(servers.texts(OPENID)) == ["您好", "还在吗"]


async def test_what_wechat_is_too_busy_for_is_sent_again(
    database: Database, courier: Courier, servers: WeChatServers, clock: SetClock
) -> None:
    wrote(database, servers, clock)
    servers.fails = [-1]
    tell(database, clock, "您好")
    await courier.round()
    clock.forward(timedelta(seconds=10))
    await courier.round()
    assert servers.texts(OPENID) == ["您好"]


# ---- notices ---------------------------------------------------------------------------------------------------------


def filed(database: Database, order: dict[str, Any], clock: SetClock, **changes: Any) -> str:
    """An order of the follower that was opened in WeChat and is answered, which is told."""
    new = NewWorkOrder.model_validate({**order, "channel": "wechat", "conversation_id": f"wechat:{OPENID}", **changes})

    def opened_and_answered(connection: Connection) -> str:
        number = register.open_work_order(connection, new, None, clock(), "bot").order.number
        register.add_event(connection, register.row_of(connection, number)["id"], "approve_reply", {}, clock(), "head")
        return number

    return database.write_now(opened_and_answered)


def hand_on(database: Database, city: City, clock: SetClock, *, texts: bool = True) -> None:
    ways = ["wechat", "sms"] if texts else ["wechat"]
    outbox = Outbox.of_city(city, Handling.of_city(city).clocks.calendar, ways)
    database.write_now(lambda c: outbox.hand_on(c, clock()))
    database.write_now(lambda c: outbox.tell_due(c, clock()))


async def test_a_notice_goes_back_to_the_conversation_the_order_came_from(
    database: Database,
    courier: Courier,
    servers: WeChatServers,
    city: City,
    clock: SetClock,
    noise_complaint: dict[str, Any],
) -> None:
    wrote(database, servers, clock)
    number = filed(database, noise_complaint, clock, contact_phone=None)
    hand_on(database, city, clock)
    hand_on(database, city, clock)
    assert await courier.round() == 1
    assert servers.texts(OPENID) == [f"您的诉求（工单{number}）已答复，12345热线将回访，请留意来电。"]


@pytest.mark.parametrize(("api_name", "allows"), [("template", False), ("subscription", True)])
async def test_outside_the_48_hours_a_notice_goes_as_a_template(
    database: Database,
    api: Api,
    servers: WeChatServers,
    city_with: Callable[..., City],
    clock: SetClock,
    noise_complaint: dict[str, Any],
    api_name: str,
    allows: bool,
) -> None:
    fields = {"character_string1": "number", "thing2": "category", "phrase3": "state"}
    city = city_with(api=api_name, template_id="t1", fields=fields)
    servers.template = {"t1": set(fields)}
    wrote(database, servers, clock)
    servers.followers[OPENID].allows = allows
    clock.forward(timedelta(days=3))
    number = filed(database, noise_complaint, clock)
    hand_on(database, city, clock)
    assert await courier_of(database, api, city, clock).round() == 1
    assert servers.texts(OPENID) == [f"character_string1={number} thing2=生态环境 phrase3=待派单"]


async def test_where_wechat_is_closed_a_notice_goes_to_the_phone_and_without_one_waits_in_the_conversation(
    database: Database,
    api: Api,
    servers: WeChatServers,
    city: City,
    clock: SetClock,
    noise_complaint: dict[str, Any],
    with_wechat: Settings,
) -> None:
    wrote(database, servers, clock)
    clock.forward(timedelta(days=3))
    with_phone = filed(database, noise_complaint, clock)
    without = filed(database, noise_complaint, clock, contact_phone=None)
    hand_on(database, city, clock)
    async with Receiver() as gateway:
        texting = with_wechat.model_copy(update={"sms_url": gateway.url("/sms")})
        texting.sms_key = type(texting.sms_key)("the-key")
        both = courier_of(database, api, city, clock, sms=carriers(texting, {})["sms"])
        assert await both.round() == 2
        assert await both.round() == 1
        [sent] = gateway.texts
        assert (sent["to"], with_phone in sent["text"]) == ("+8613871234567", True)
        wrote(database, servers, clock)
        assert await both.round() == 1
        [shown] = servers.texts(OPENID)
        assert without in shown
        await both.close()


async def test_nothing_is_told_to_who_does_not_follow_any_more(
    database: Database,
    courier: Courier,
    servers: WeChatServers,
    city: City,
    clock: SetClock,
    noise_complaint: dict[str, Any],
) -> None:
    wrote(database, servers, clock)
    filed(database, noise_complaint, clock, contact_phone=None)
    hand_on(database, city, clock)
    database.write_now(lambda c: users.left(c, OPENID, clock()))
    servers.followers[OPENID].subscribed = False
    assert await courier.round() == 1
    assert states(database) == [DeliveryState.DEAD]
    assert servers.texts(OPENID) == []


def test_a_new_key_keeps_followers_known(tmp_path: Path, sqlite: Database, clock: SetClock) -> None:
    sqlite.write_now(lambda c: users.wrote(c, users.known(c, OPENID), clock()))
    sqlite.write_now(lambda c: deliveries.add_wechat(c, OPENID, "k", "您好", clock()))
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    moved = Database(url, Vault(b"a new secret", b"a secret of the tests"))
    assert sum(reseal(moved)) > 0
    moved.close()
    alone = Database(url, Vault(b"a new secret"))
    found = alone.read_now(lambda c: users.find(c, OPENID))
    assert found is not None
    assert found["wrote_at"] == clock()
    alone.close()


# ---- files -----------------------------------------------------------------------------------------------------------


async def test_files_are_fetched_and_kept_and_what_is_not_to_be_had_is_given_up(
    database: Database, api: Api, servers: WeChatServers, attachments: Attachments, clock: SetClock
) -> None:
    drawn = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(drawn, "JPEG")
    servers.media = {
        "picture": ("image/jpeg", drawn.getvalue()),
        "film": ("video/mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(50)),
        "page": ("image/png", b"<html></html>"),
        "huge": ("image/png", b"x" * (media.MOST_BYTES + 1)),
    }
    fetcher = Fetcher(database, api, attachments, clock, lambda: 1.0)

    def wanted(connection: Connection) -> None:
        for media_id, kind in (("picture", "picture"), ("film", "video"), ("page", "picture"), ("gone", "voice")):
            media.add(connection, f"wechat:{OPENID}", media_id, kind, media_id, clock())
        media.add(connection, f"wechat:{OPENID}", "huge", "picture", "huge", clock())

    database.write_now(wanted)
    assert [await fetcher.round() for _ in range(3)] == [4, 1, 0]
    kept = database.read_now(lambda c: keeping.of_messages(c, f"wechat:{OPENID}"))
    assert {message: file.media_type for message, file in kept.items()} == {
        "picture": "image/jpeg",
        "film": "video/mp4",
    }
    rows = database.read_now(
        lambda c: c.execute(select(wechat_media).order_by(wechat_media.c.message_id)).mappings().all()
    )
    assert {row["message_id"]: (row["state"], row["media_id"], row["last_error"]) for row in rows} == {
        "film": ("kept", None, None),
        "gone": ("failed", None, "40007: error 40007"),
        "huge": ("failed", None, "ValueError"),
        "page": ("failed", None, "Problem"),
        "picture": ("kept", None, None),
    }


async def test_a_file_is_tried_again_later_and_at_last_given_up(
    database: Database, api: Api, servers: WeChatServers, attachments: Attachments, clock: SetClock
) -> None:
    fetcher = Fetcher(database, api, attachments, clock, lambda: 1.0)
    database.write_now(lambda c: media.add(c, f"wechat:{OPENID}", "1", "picture", "busy", clock()))
    tries = 0
    for _ in range(20):
        servers.fails = [-1]
        tries += await fetcher.round()
        clock.forward(timedelta(hours=6))
    assert tries == media.MOST_TRIES


# ---- the menu --------------------------------------------------------------------------------------------------------


async def test_the_menu_of_the_city_is_one_that_wechat_takes(api: Api, servers: WeChatServers, city: City) -> None:
    await api.create_menu(Rules.of_city(city).menu_document())
    assert [group["name"] for group in servers.menus[0]["button"]] == ["我要反映", "我的工单", "服务"]
    with pytest.raises(Refused, match="40016"):
        await api.create_menu({"button": []})
