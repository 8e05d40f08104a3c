"""What every written channel does alike, whatever its wire format is."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from channels.registry import CHANNELS
from core.access import Principal, Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.orders import register
from desk.orders.model import Channel
from hotline.app import Parts, assemble
from intake.attachments import keeping
from tests.fakes import FakeBot, SetClock
from tests.unit.channels.walks import WALKS, Office, Walk, WeChatWalk

pytestmark = pytest.mark.unit

NOT_WRITTEN = {Channel.PHONE, Channel.API}


@pytest.fixture
def office(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[Office]:
    bot.down = True
    every_channel = Settings.model_validate({**settings.model_dump(), **WeChatWalk.account.settings})
    with TestClient(assemble(Parts(every_channel, sqlite, city, bot, clock))) as client:
        yield Office(client, sqlite, city, every_channel, clock)


@pytest.fixture(params=list(WALKS))
def walk(request: pytest.FixtureRequest, office: Office) -> Walk:
    return WALKS[request.param](office)


def test_every_channel_is_walked() -> None:
    assert set(WALKS) >= set(CHANNELS)
    assert set(WALKS) == set(Channel) - NOT_WRITTEN


def test_who_is_not_let_in_leaves_nothing(walk: Walk) -> None:
    assert walk.forges() == 403
    assert walk.office.orders() == []


def test_a_matter_becomes_one_order_however_often_it_is_sent_and_its_number_is_told(walk: Walk) -> None:
    first = walk.says("双鹤路的路灯三天不亮")
    for _ in range(2):
        walk.says("双鹤路的路灯三天不亮")
    (order,) = walk.office.orders()
    assert order.channel is walk.channel
    assert order.number in first
    assert "双鹤路的路灯三天不亮" in order.text


def test_a_picture_goes_to_the_order_once(walk: Walk) -> None:
    walk.says("双鹤路的路灯三天不亮")
    for _ in range(2):
        walk.sends_picture()
    (order,) = walk.office.orders()
    admin = Principal("clerk", Role.ADMIN)
    kept = walk.office.database.read_now(lambda c: keeping.of_order(c, order.number, admin))
    assert [file.kind for file in kept] == ["picture"]


def test_the_answer_goes_back_the_way_the_matter_came_and_once(walk: Walk) -> None:
    walk.says("双鹤路的路灯三天不亮")
    (order,) = walk.office.orders()
    walk.is_told()

    def answered(connection: Connection) -> None:
        order_id = register.row_of(connection, order.number)["id"]
        register.add_event(connection, order_id, "approve_reply", {}, walk.office.clock(), "head")

    walk.office.database.write_now(answered)
    for _ in range(2):
        walk.office.round()
    told = [text for text in walk.is_told() if "已答复" in text]
    assert len(told) == 1
    assert order.number in told[0]
    assert walk.office.sent("sms") == []


def test_danger_is_answered_with_whom_to_call(walk: Walk) -> None:
    assert "119" in walk.says("楼里着火了，有人被困")
