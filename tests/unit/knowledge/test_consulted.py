"""What becomes of an answer: it is chosen, sent as text messages, noted, and counted as 即时办结 or not."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from core.city import City
from core.database import Database
from core.settings import Settings
from desk.telling.texts import texts
from hotline.app import Parts, assemble
from intake.handover.tables import HandoverState, handovers
from knowledge.content import Content
from knowledge.entries import Actor, put
from knowledge.figures import Consulted, counted, told
from knowledge.tables import Outcome
from knowledge.texting import LONGEST_TEXT, MOST_TEXTS, texts_of
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
Ask = Callable[..., dict[str, Any]]
ENTRY = {
    "question": "单位拖欠工资怎么办？",
    "short": "先协商，再向劳动监察大队投诉。",
    "answer": "先协商。协商不成的，向劳动监察大队投诉。",
    "documents": ["身份证", "欠条"],
    "basis": [{"law": "劳动法", "article": "第五十条", "date": "1995-01-01"}],
}


@pytest.fixture
def house(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The application with two entries and a gateway for text messages, without an encoder."""
    settings.sms_url = "https://sms.example"
    lapsed = {**ENTRY, "question": "去年的补贴怎么领？", "expires": date(2026, 11, 24)}
    known = [("wage", Content.model_validate(ENTRY)), ("lapsed", Content.model_validate(lapsed))]
    sqlite.write_now(lambda c: put(c, known, Actor("test", clock(), alone=True), live=True))
    with TestClient(assemble(Parts(settings, sqlite, city, bot, clock, encoder=None))) as made:
        yield made


@pytest.fixture
def ask(house: TestClient, as_bot: Headers) -> Ask:
    """The bot asks in a conversation."""

    def question(conversation: str = "web:1", text: str = "单位拖欠工资怎么办", **more: Any) -> dict[str, Any]:
        asked = {"text": text, "channel": "web", "conversation_id": conversation, "message_id": "m1", **more}
        answered: dict[str, Any] = house.post("/api/knowledge/questions", json=asked, headers=as_bot).json()
        return answered

    return question


def figures(house: TestClient, headers: Headers) -> dict[str, Any]:
    days = {"from": "2026-11-24", "to": "2026-11-24"}
    shown = house.get("/api/knowledge/figures", params=days, headers=headers).json()["figures"]
    return {figure["key"]: figure["value"] for figure in shown}


def test_an_entry_that_has_lapsed_meanwhile_is_not_told_when_it_is_chosen(
    house: TestClient, ask: Ask, as_bot: Headers, clock: SetClock
) -> None:
    number = ask()["id"]
    path, lapsed = f"/api/knowledge/questions/{number}/choice", {"entry_id": "lapsed"}
    assert house.post(path, json=lapsed, headers=as_bot).status_code == 200
    clock.forward(timedelta(days=1))
    assert house.post(path, json=lapsed, headers=as_bot).status_code == 404


def test_an_answer_leaves_as_text_messages_once_and_sealed_until_then(
    house: TestClient, ask: Ask, as_bot: Headers, sqlite: Database
) -> None:
    asked = ask()
    assert asked["sends_texts"] is True
    path = f"/api/knowledge/questions/{asked['id']}"
    assert house.post(f"{path}/choice", json={"entry_id": "wage"}, headers=as_bot).status_code == 200
    for _ in range(2):
        sent = house.post(f"{path}/text", json={"phone": "+8613907241234"}, headers=as_bot)
        assert (sent.status_code, sent.json()) == (202, {"texts": 1})
    [row] = sqlite.read_now(lambda c: c.execute(select(texts)).mappings().all())
    assert row["phone"] == "+8613907241234"
    source = "依据：《劳动法》第五十条（1995-01-01）"
    assert row["text"] == f"先协商。协商不成的，向劳动监察大队投诉。\n需要的材料：身份证、欠条。\n{source}"


def test_a_text_is_refused_with_the_reason(house: TestClient, ask: Ask, as_bot: Headers) -> None:
    path = f"/api/knowledge/questions/{ask(text='公园几点关门')['id']}/text"
    untold = house.post(path, json={"phone": "+8613907241234"}, headers=as_bot)
    assert (untold.status_code, "没有给过答案" in untold.json()["detail"]) == (404, True)
    landline = house.post(path, json={"phone": "+867158888888"}, headers=as_bot)
    assert (landline.status_code, "不是手机号" in landline.json()["detail"]) == (422, True)


def test_without_a_gateway_no_text_is_offered(client: TestClient, as_bot: Headers) -> None:
    asked = {"text": "公园几点关门", "channel": "phone", "conversation_id": "phone:1", "message_id": "m1"}
    assert client.post("/api/knowledge/questions", json=asked, headers=as_bot).json()["sends_texts"] is False
    sent = client.post("/api/knowledge/questions/1/text", json={"phone": "+8613907241234"}, headers=as_bot)
    assert sent.status_code == 409


def test_what_is_too_long_for_text_messages_is_cut_at_a_sentence_and_says_so() -> None:
    long = "".join(f"第{number}款规定的情形，由所在单位出具书面证明以后再到窗口办理。" for number in range(30))
    told = texts_of(Content.model_validate({**ENTRY, "short": "", "answer": long}))
    assert len(told) == MOST_TEXTS
    assert all(len(text) <= LONGEST_TEXT for text in told)
    assert [text[:5] for text in told] == [f"（{number}/4）" for number in range(1, 5)]
    assert "其余请拨打12345" in told[-1] + told[-2]
    assert told[-1].endswith("依据：《劳动法》第五十条（1995-01-01）")


def test_a_sentence_longer_than_a_message_is_broken() -> None:
    told = texts_of(Content.model_validate({"question": "问", "answer": "长" * 150}))
    assert all(len(text) <= LONGEST_TEXT for text in told)
    assert "".join(text[5:] for text in told) == "长" * 150


def test_what_is_no_question_is_noted_only_when_it_is_answered(ask: Ask) -> None:
    assert ask(text="楼下夜市太吵", is_question=False)["id"] is None
    assert ask(conversation="web:2", text="楼下夜市太吵", is_question=True)["id"] is not None


# ---- 即时办结 --------------------------------------------------------------------------------------------------------


def test_every_figure_is_counted_as_it_is_defined() -> None:
    values = counted(
        [
            Consulted(answered=True, outcome=Outcome.SOLVED, order=False, person=False),
            Consulted(answered=True, outcome=None, order=False, person=False),
            Consulted(answered=True, outcome=Outcome.UNSOLVED, order=False, person=False),
            Consulted(answered=True, outcome=Outcome.UNSOLVED, order=True, person=False),
            Consulted(answered=True, outcome=None, order=False, person=True),
            Consulted(answered=False, outcome=Outcome.UNSOLVED, order=True, person=False),
            Consulted(answered=False, outcome=None, order=False, person=False),
        ]
    )
    assert values == {
        "asked": 7,
        "answered": 5,
        "solved": 1,
        "unsolved": 2,
        "silent": 1,
        "orders": 2,
        "persons": 1,
        "at_once": 2,
        "at_once_rate": 0.2857,
    }
    assert counted([])["at_once_rate"] is None
    assert set(values) == set(told.all)


def test_an_answer_counts_until_an_order_or_a_person_follows(
    house: TestClient, ask: Ask, as_bot: Headers, as_operator: Headers, sqlite: Database, clock: SetClock
) -> None:
    ids = {name: ask(conversation=f"web:{name}")["id"] for name in ("solved", "filed", "person", "before")}
    for number in ids.values():
        house.post(f"/api/knowledge/questions/{number}/choice", json={"entry_id": "wage"}, headers=as_bot)
    assert figures(house, as_operator)["at_once_rate"] == 1.0
    house.post(f"/api/knowledge/questions/{ids['solved']}/outcome", json={"outcome": "solved"}, headers=as_bot)
    filed = {"outcome": "unsolved", "order_number": "20261124-000017"}
    house.post(f"/api/knowledge/questions/{ids['filed']}/outcome", json=filed, headers=as_bot)
    for name, later in (("person", 1), ("before", -1)):
        at = clock() + timedelta(minutes=later)
        moments = dict.fromkeys(("asked_at", "waiting_since", "spoken_at"), at)
        row = {"conversation_id": f"web:{name}", "channel": "web", "line": "citizen", "state": HandoverState.WAITING}
        sqlite.write_now(lambda c, values={**row, **moments}: c.execute(insert(handovers).values(values)))  # type: ignore[misc]
    counts = figures(house, as_operator)
    assert (counts["asked"], counts["solved"], counts["unsolved"], counts["orders"]) == (4, 1, 1, 1)
    assert (counts["persons"], counts["silent"], counts["at_once"], counts["at_once_rate"]) == (1, 1, 2, 0.5)


@pytest.mark.parametrize(("first", "last"), [("2026-11-24", "2026-11-23"), ("0001-01-01", "0001-01-02")])
def test_days_nobody_can_count_are_refused(house: TestClient, as_operator: Headers, first: str, last: str) -> None:
    answer = house.get("/api/knowledge/figures", params={"from": first, "to": last}, headers=as_operator)
    assert (answer.status_code, "to is from or later" in answer.json()["detail"]) == (422, True)
