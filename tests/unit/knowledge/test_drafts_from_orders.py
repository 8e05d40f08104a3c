"""Entries from the good replies of departments: never live by themselves, and without anybody's name in them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient

from core.access import Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.orders.model import WorkOrder
from desk.personal_data.nameless import Nameless
from hotline.app import Parts, assemble
from hotline.knowledge_drafts import shortened
from knowledge import entries
from knowledge.content import Content
from knowledge.entries import Actor
from tests.fakes import FakeBot, SetClock
from tests.unit.knowledge.staff import OTHER, OWN, Headers, signed_in

pytestmark = pytest.mark.unit

PATH = "/api/knowledge/drafts"
QUESTION = {
    "text": "我叫张建国，住阳光花园3栋501室，电话13871234567。请问失业保险金怎么领取，要带什么材料？",
    "category": "16",
    "nature": "咨询",
    "area_code": "421202001",
    "contact_phone": "+8613871234567",
    "contact_name": "张建国",
    "line": "citizen",
    "channel": "web",
}
REPLY = (
    "张建国您好，经核实，失业保险金可以在线上申请，也可以带身份证和社保卡到窗口办理，每月1400元。"
    "已电话告知您13871234567，如有疑问请拨打0715-8255123，问题已解决。"
)


@pytest.fixture
def client(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The application; nothing is found by vectors."""
    with TestClient(assemble(Parts(settings, sqlite, city, bot, clock, encoder=None))) as made:
        yield made


@pytest.fixture
def answered(client: TestClient, as_bot: Headers, as_operator: Headers, clock: SetClock) -> Callable[..., str]:
    """Opens a question, has a unit answer it and its citizen asked; returns its number."""

    def post(path: str, who: Headers, **said: Any) -> Any:
        answer = client.post(f"/api/work-orders{path}", json=said, headers=who)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def answer(unit: str = OWN, *, satisfied: bool = True, **said: Any) -> str:
        number = str(post("", as_bot, **QUESTION | said)["number"])
        moves: list[dict[str, Any]] = [
            {"move": "dispatch", "unit": unit},
            {"move": "sign"},
            {"move": "reply", "text": REPLY, "outcome": "solved"},
            {"move": "approve_reply"},
            {
                "move": "callback",
                "reached": True,
                "solved": satisfied,
                "satisfied": satisfied,
                "service_satisfied": True,
            },
        ]
        for move in moves:
            post(f"/{number}/moves", as_operator, **move)
        clock.forward(timedelta(minutes=1))
        return number

    return answer


def test_a_draft_from_a_reply_waits_for_somebody_who_looks_at_it(
    client: TestClient, sqlite: Database, clock: SetClock, answered: Callable[..., str]
) -> None:
    number, writer = answered(), signed_in(sqlite, clock(), Role.HANDLER)
    made = client.post(f"{PATH}/from-order", json={"number": number}, headers=writer).json()
    assert (made["state"], number in made["note"]) == ("in_review", True)
    content = made["content"]
    assert content["question"] == "请问失业保险金怎么领取，要带什么材料？"
    assert (content["unit"], content["area"], content["category"]) == ("人力资源和社会保障局", "", "16")
    assert (content["basis"], content["confirm"]) == ([], ["依据"])
    assert "身份证和社保卡到窗口办理，每月1400元" in content["answer"]
    for personal in ("张", "1387", "8255123", number):
        assert personal not in str(content)
    assert client.get(f"/api/knowledge/entries/{made['entry_id']}").status_code == 404
    path = f"/api/knowledge/entries/{made['entry_id']}/versions/1/approve"
    own, other = writer, signed_in(sqlite, clock(), Role.UNIT_HEAD)
    assert client.post(path, json={}, headers=own).status_code == 403
    assert client.post(path, json={}, headers=other).status_code == 200


def test_a_reply_makes_one_entry_and_not_two(
    client: TestClient, sqlite: Database, clock: SetClock, answered: Callable[..., str]
) -> None:
    wish, who = {"number": answered()}, signed_in(sqlite, clock(), Role.DISPATCHER)
    first, again = (client.post(f"{PATH}/from-order", json=wish, headers=who) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 409)
    assert first.json()["entry_id"] in again.json()["detail"]


def test_an_order_of_a_county_makes_an_entry_for_that_county(
    client: TestClient, sqlite: Database, clock: SetClock, answered: Callable[..., str]
) -> None:
    number = answered("咸安区人力资源和社会保障局")
    who = signed_in(sqlite, clock(), Role.HANDLER, "咸安区人力资源和社会保障局")
    content = client.post(f"{PATH}/from-order", json={"number": number}, headers=who).json()["content"]
    assert (content["unit"], content["area"]) == ("人力资源和社会保障局", "421202")


def test_an_order_of_another_unit_is_not_there(
    client: TestClient, sqlite: Database, clock: SetClock, answered: Callable[..., str]
) -> None:
    wish, who = {"number": answered()}, signed_in(sqlite, clock(), Role.HANDLER, OTHER)
    assert client.post(f"{PATH}/from-order", json=wish, headers=who).status_code == 404
    assert client.get(f"{PATH}/candidates", headers=who).json() == []


@pytest.mark.parametrize("said", [{"nature": "举报"}, {"confidential": True}, {"urgency": "danger"}])
def test_no_entry_is_made_from_an_order_whose_telling_may_hurt(
    client: TestClient, as_operator: Headers, answered: Callable[..., str], said: dict[str, Any]
) -> None:
    made = client.post(f"{PATH}/from-order", json={"number": answered(**said)}, headers=as_operator)
    assert (made.status_code, "不能生成" in made.text) == (409, True)
    assert client.get(f"{PATH}/candidates", headers=as_operator).json() == []


def test_an_order_without_a_reply_makes_no_entry(client: TestClient, as_bot: Headers, as_operator: Headers) -> None:
    number = client.post("/api/work-orders", json=QUESTION, headers=as_bot).json()["number"]
    made = client.post(f"{PATH}/from-order", json={"number": number}, headers=as_operator)
    assert (made.status_code, "答复" in made.text) == (409, True)


def test_candidates_are_questions_that_were_answered_well_and_that_nothing_answers_yet(
    client: TestClient, sqlite: Database, clock: SetClock, as_operator: Headers, answered: Callable[..., str]
) -> None:
    drafted = answered(text="生育津贴怎么申请？")
    client.post(f"{PATH}/from-order", json={"number": drafted}, headers=as_operator)
    answered(text="工伤认定要多久？", satisfied=False)
    answered(text="社保卡没有解决，投诉。", nature="投诉")
    known, unknown = answered(text="失业保险金怎么领取？"), answered(text="退休年龄怎么算？")
    content = Content(question="失业保险金怎么领取？", answer="在网上办。")
    by = Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, [("dole", content)], by, live=True))
    clock.forward(timedelta(minutes=1))
    told = client.get(f"{PATH}/candidates", headers=as_operator).json()
    numbers = [one["number"] for one in told]
    assert unknown in numbers
    assert set(numbers) <= {known, unknown}
    assert "张建国" not in str(told)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("我是李建国，家住阳光花园3栋2单元501室。", "我是〔略〕，家住〔略〕。"),
        ("王女士，请联系刘师傅。", "〔略〕，请联系〔略〕。"),
        ("银行卡6222 0212 3456 7890 123，车牌鄂L12345。", "银行卡〔略〕，车牌〔略〕。"),
        ("拨打0715-8255123或8255123。", "拨打〔略〕或〔略〕。"),
        ("邮箱a.b@example.com，微信号abc_123456", "邮箱〔略〕，〔略〕"),
        ("双鹤桥村三组村民陈大明反映", "〔略〕村民〔略〕反映"),
        # What a rule says is left whole.
        ("依据《社会保险法》第十六条，满15年，每月1400元，2026年11月20日起执行。",) * 2,
        ("周一至周五8:30-12:00到一楼3号窗口办理。",) * 2,
        ("国务院令第585号，第三组材料，最高60万元。",) * 2,
    ],
)
def test_what_points_to_a_person_is_taken_out(city: City, said: str, shown: str) -> None:
    unknown = ("contact_name", "place", "company_name", "credit_code", "contact_email", "filed_by")
    order = cast(WorkOrder, SimpleNamespace(**dict.fromkeys(unknown)))
    assert Nameless(city, "〔略〕").text(said, order) == shown


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("你好。我想问社保怎么转？谢谢。", "我想问社保怎么转？"),
        ("社保转移", "社保转移"),
        ("我" * 30 + "，" + "他" * 40, "我" * 30),
        ("我" * 70, "我" * 60),
    ],
)
def test_a_long_text_becomes_a_short_question(text: str, question: str) -> None:
    assert shortened(text) == question
