"""The public feed: what was taken in and settled lately, for anyone."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from channels import feed
from core import problems
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.orders import register
from desk.orders.model import NewWorkOrder, Outcome
from desk.orders.tables import work_orders
from tests.fakes import SetClock
from tests.unit.channels.conftest import house_of

pytestmark = pytest.mark.unit

Open = Callable[..., str]


@pytest.fixture
def http(settings: Settings, sqlite: Database, city: City, clock: SetClock) -> Iterator[TestClient]:
    """The doors of the feed alone."""
    settings.public_url = "https://12345.example.gov.cn"
    app = FastAPI()
    problems.install(app)
    app.include_router(feed.create_router(house_of(settings, sqlite, city, Handling.of_city(city), clock)))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def open_order(sqlite: Database, clock: SetClock, noise_complaint: dict[str, Any]) -> Open:
    """Opens an order, the next minute, and returns its number."""

    def opened(**changes: Any) -> str:
        clock.forward(timedelta(minutes=1))
        new = NewWorkOrder.model_validate({**noise_complaint, **changes})
        return sqlite.write_now(lambda c: register.open_work_order(c, new, None, clock(), "bot")).order.number

    return opened


def entries(http: TestClient, **asked: str) -> list[dict[str, Any]]:
    answer = http.get("/feed.json", params=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def titles(http: TestClient, **asked: str) -> list[str]:
    return [entry["title"] for entry in entries(http, **asked)]


def test_both_forms_tell_the_same_and_nothing_of_the_citizen(
    http: TestClient, open_order: Open, noise_complaint: dict[str, Any]
) -> None:
    number = open_order()
    document = http.get("/feed.json").json()
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["feed_url"] == "https://12345.example.gov.cn/feed.json"
    assert document["items"] == [
        {
            "id": f"{number}-1",
            "url": f"https://12345.example.gov.cn/open311/v2/requests/{number}.json",
            "title": "生态环境（咸安区温泉街道）：已登记",
            "content_text": "生态环境（咸安区温泉街道）：已登记",
            "date_published": "2026-11-24T09:31:00+08:00",
            "tags": ["生态环境", "咸安区温泉街道"],
        }
    ]
    answer = http.get("/feed.xml")
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    [item] = ElementTree.fromstring(answer.content).iter("item")
    assert item.findtext("title") == document["items"][0]["title"]
    assert item.findtext("guid") == f"{number}-1"
    assert item.findtext("pubDate") == "Tue, 24 Nov 2026 09:31:00 +0800"
    for told in (answer.text, http.get("/feed.json").text):
        assert "淦河大道" not in told
        assert "烧烤" not in told
        assert noise_complaint["contact_phone"][-8:] not in told


def test_an_order_is_told_when_it_comes_in_and_when_it_is_settled_the_newest_first(
    http: TestClient, open_order: Open, sqlite: Database, city: City, clock: SetClock
) -> None:
    number, handling = open_order(), Handling.of_city(city)
    reply = "经执法人员到场监测，该店夜间音响超标，已责令其22时后停止使用音响，噪音问题已解决。请拨打0715-12345。"
    life: list[Any] = [
        moves.Dispatch(move=Move.DISPATCH, unit="咸安区生态环境局"),
        moves.Sign(move=Move.SIGN),
        moves.Reply(move=Move.REPLY, text=reply, outcome=Outcome.SOLVED),
        moves.ApproveReply(move=Move.APPROVE_REPLY),
        moves.Callback(move="callback", reached=True, solved=True, satisfied=True, service_satisfied=True),
    ]
    for move in life:
        clock.forward(timedelta(hours=1))
        sqlite.write_now(lambda c, move=move: handling.move(c, number, move, clock(), "test"))  # type: ignore[misc]
    assert [title.partition("：")[2] for title in titles(http)] == ["已办结", "已登记"]


def test_a_feed_may_be_of_an_area_and_of_a_category(http: TestClient, open_order: Open) -> None:
    open_order()
    open_order(area_code="421221", category="02")
    open_order(area_code=None, category="02")
    assert titles(http, area="421202") == titles(http, area="421202001") == ["生态环境（咸安区温泉街道）：已登记"]
    assert titles(http, category="02") == ["市政设施（咸宁市）：已登记", "市政设施（嘉鱼县）：已登记"]
    assert titles(http, category="02", area="421221") == ["市政设施（嘉鱼县）：已登记"]
    assert titles(http, category="02", area="421202") == []
    assert len(titles(http, area="421200")) == 3
    assert http.get("/feed.json", params={"area": "421202", "category": "09"}).json()["title"] == (
        "咸宁市12345热线 · 咸安区 · 生态环境"
    )


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"category": "99"}, 404), ({"area": "110000"}, 404), ({"category": "x"}, 422), ({"area": "421202001002"}, 422)],
)
def test_an_area_or_category_nobody_has_is_refused(http: TestClient, asked: dict[str, str], status: int) -> None:
    answer = http.get("/feed.xml", params=asked)
    assert (answer.status_code, next(iter(asked)) in answer.json()["detail"]) == (status, True)


@pytest.mark.parametrize("form", ["/feed.xml", "/feed.json"])
def test_a_reader_that_has_it_gets_nothing_until_something_is_new(
    http: TestClient, open_order: Open, clock: SetClock, form: str
) -> None:
    empty = http.get(form).headers["ETag"]
    clock.forward(timedelta(minutes=10))
    assert http.get(form, headers={"If-None-Match": f'"other", W/{empty}'}).status_code == 304
    open_order()
    answer = http.get(form, headers={"If-None-Match": empty})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=300")
    unchanged = http.get(form, headers={"If-None-Match": answer.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == answer.headers["ETag"]


def test_what_is_old_or_no_longer_for_everybody_leaves_the_feed(
    http: TestClient, open_order: Open, sqlite: Database, clock: SetClock
) -> None:
    secret = open_order()
    sqlite.write_now(
        lambda c: c.execute(update(work_orders).where(work_orders.c.number == secret).values(confidential=True))
    )
    assert titles(http) == []
    open_order()
    assert len(titles(http)) == 1
    clock.forward(timedelta(days=31))
    assert titles(http) == []


def test_the_last_fifty_are_told(http: TestClient, open_order: Open) -> None:
    last = [open_order() for _ in range(52)][-1]
    found = entries(http)
    assert (len(found), found[0]["id"]) == (50, f"{last}-1")
    times = [datetime.fromisoformat(entry["date_published"]) for entry in found]
    assert times == sorted(times, reverse=True)
