"""How entries are kept: drafted, looked at by somebody else, live, replaced, taken down; and who may do what."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from core.access import Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.telling import noticeboard
from hotline import knowledge_reminders
from hotline.app import Parts, assemble
from knowledge import entries, expiring
from knowledge.content import Content
from knowledge.difference import Op, difference
from knowledge.entries import Actor
from knowledge.expiring import Upkeep
from tests.fakes import FakeBot, SetClock
from tests.unit.knowledge.staff import OTHER, OWN, Headers, signed_in

pytestmark = pytest.mark.unit

PATH = "/api/knowledge"
TASK = "人力资源和社会保障局"
OLD = {"question": "失业金怎么领？", "answer": "到窗口办。", "unit": TASK, "category": "16"}
NEW = OLD | {"answer": "在网上办。"}
As = Callable[..., Headers]


@pytest.fixture
def client(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The application; nothing is found by vectors."""
    with TestClient(assemble(Parts(settings, sqlite, city, bot, clock, encoder=None))) as made:
        yield made


@pytest.fixture
def someone(sqlite: Database, clock: SetClock) -> As:
    """Somebody new of the staff, by role and unit."""
    return lambda role, unit=OWN: signed_in(sqlite, clock(), role, unit)


@pytest.fixture
def ask(client: TestClient) -> Callable[..., Response]:
    """Posts something, and expects a status."""

    def post(who: Headers, path: str, status: int, **said: Any) -> Response:
        answer = client.post(f"{PATH}/{path}", json=said, headers=who)
        assert answer.status_code == status, answer.text
        return answer

    return post


Ask = Callable[..., Response]


@pytest.fixture
def live(ask: Ask, someone: As) -> str:
    """The id of an entry that answers."""
    writer, head = someone(Role.HANDLER), someone(Role.UNIT_HEAD)
    ask(writer, "drafts", 201, id="dole", content=OLD)
    ask(writer, "entries/dole/versions/1/submit", 200)
    ask(head, "entries/dole/versions/1/approve", 200)
    return "dole"


def answer(client: TestClient, entry_id: str) -> str:
    return str(client.get(f"{PATH}/entries/{entry_id}").json().get("answer"))


# ---- the life of an entry -------------------------------------------------------------------------------------------


def test_a_draft_tells_nobody_anything_until_somebody_else_lets_it(client: TestClient, ask: Ask, someone: As) -> None:
    writer = someone(Role.UNIT_HEAD)
    made = ask(writer, "drafts", 201, content=OLD).json()
    path = f"entries/{made['entry_id']}/versions/1"
    assert made["entry_id"].startswith("16-")
    assert client.get(f"{PATH}/entries/{made['entry_id']}").status_code == 404
    ask(writer, f"{path}/approve", 409)
    ask(writer, f"{path}/submit", 200)
    assert "别人审核" in ask(writer, f"{path}/approve", 403).json()["detail"]
    done = ask(someone(Role.UNIT_HEAD), f"{path}/approve", 200, note="核对过").json()
    assert (done["state"], done["author"], done["decision"]) == ("live", "unit_head.0", "核对过")
    assert answer(client, made["entry_id"]) == "到窗口办。"


def test_the_live_version_goes_on_answering_while_a_new_one_is_looked_at(
    client: TestClient, ask: Ask, someone: As, live: str
) -> None:
    writer, other = someone(Role.HANDLER), someone(Role.SUPERVISOR)
    ask(writer, f"entries/{live}/versions", 201, content=NEW, based_on=1, note="改为网办")
    ask(writer, f"entries/{live}/versions/2/submit", 200)
    assert answer(client, live) == "到窗口办。"
    ask(other, f"entries/{live}/versions/2/approve", 200)
    assert answer(client, live) == "在网上办。"
    states = [one["state"] for one in client.get(f"{PATH}/entries/{live}/history", headers=other).json()["versions"]]
    assert states == ["live", "past"]


def test_what_is_sent_back_is_mended_and_handed_in_again(client: TestClient, ask: Ask, someone: As, live: str) -> None:
    writer, other = someone(Role.HANDLER), someone(Role.DISPATCHER)
    ask(writer, f"entries/{live}/versions", 201, content=NEW, based_on=1)
    ask(writer, f"entries/{live}/versions/2/submit", 200)
    waiting = client.get(f"{PATH}/reviews", headers=writer).json()
    assert [(one["entry_id"], one["version"], one["is_new"]) for one in waiting] == [(live, 2, False)]
    ask(other, f"entries/{live}/versions/2/return", 422, reason=" ")
    ask(other, f"entries/{live}/versions/2/return", 200, reason="缺网址")
    assert client.get(f"{PATH}/reviews", headers=writer).json() == []
    ask(writer, f"entries/{live}/versions", 201, content=NEW | {"short": "网上办。"}, based_on=2)
    ask(writer, f"entries/{live}/versions/3/submit", 200)
    assert answer(client, live) == "到窗口办。"


def test_whoever_began_with_an_older_version_has_to_look_at_the_newer_one(ask: Ask, someone: As, live: str) -> None:
    ask(someone(Role.HANDLER), f"entries/{live}/versions", 201, content=NEW, based_on=1)
    late = ask(someone(Role.HANDLER), f"entries/{live}/versions", 409, content=OLD | {"answer": "打电话。"}, based_on=1)
    assert "已经有第 2 版" in late.json()["detail"]


def test_an_id_that_is_taken_makes_no_second_entry(ask: Ask, someone: As, live: str) -> None:
    ask(someone(Role.HANDLER), "drafts", 409, id=live, content=NEW)


def test_a_version_that_changes_nothing_is_refused(ask: Ask, someone: As, live: str) -> None:
    assert "没有变化" in ask(someone(Role.HANDLER), f"entries/{live}/versions", 409, content=OLD, based_on=1).text


def test_what_is_taken_down_tells_nothing_and_can_be_taken_up_again(
    client: TestClient, ask: Ask, someone: As, live: str
) -> None:
    head, other = someone(Role.UNIT_HEAD), someone(Role.UNIT_HEAD)
    ask(head, f"entries/{live}/retirement", 204, reason="政策已废止")
    assert client.get(f"{PATH}/entries/{live}").status_code == 404
    assert client.get(f"{PATH}/search", params={"q": "失业金怎么领？"}).json()["results"] == []
    ask(head, f"entries/{live}/retirement", 404, reason="再来一次")
    ask(head, f"entries/{live}/versions/1/restore", 201, based_on=1)
    ask(head, f"entries/{live}/versions/2/submit", 200)
    ask(other, f"entries/{live}/versions/2/approve", 200)
    assert answer(client, live) == "到窗口办。"


def test_an_administrator_may_stand_alone(ask: Ask, as_operator: Headers) -> None:
    ask(as_operator, "drafts", 201, id="alone", content=OLD)
    ask(as_operator, "entries/alone/versions/1/submit", 200)
    ask(as_operator, "entries/alone/versions/1/approve", 200)


# ---- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "area", "status"),
    [
        (OWN, "", 201),
        (OTHER, "", 403),
        # A county's bureau answers for what holds in its county, the city's for both.
        ("咸安区人力资源和社会保障局", "", 403),
        ("咸安区人力资源和社会保障局", "421202", 201),
        ("嘉鱼县人力资源和社会保障局", "421202", 403),
        (OWN, "421202", 201),
    ],
)
def test_people_of_a_unit_write_what_belongs_to_it(ask: Ask, someone: As, unit: str, area: str, status: int) -> None:
    ask(someone(Role.HANDLER, unit), "drafts", status, content=OLD | {"area": area})


def test_nobody_takes_an_entry_of_another_unit_by_writing_their_own_into_it(ask: Ask, someone: As, live: str) -> None:
    theirs = ask(
        someone(Role.HANDLER, OTHER), f"entries/{live}/versions", 403, content=NEW | {"unit": "公安局"}, based_on=1
    )
    assert TASK in theirs.json()["detail"]


def test_a_head_decides_about_entries_of_the_own_unit_alone(ask: Ask, someone: As, live: str) -> None:
    ask(someone(Role.HANDLER), f"entries/{live}/versions", 201, content=NEW, based_on=1)
    ask(someone(Role.HANDLER), f"entries/{live}/versions/2/submit", 200)
    stranger = someone(Role.UNIT_HEAD, OTHER)
    ask(stranger, f"entries/{live}/versions/2/approve", 403)
    ask(stranger, f"entries/{live}/versions/2/return", 403, reason="不")
    ask(stranger, f"entries/{live}/retirement", 403, reason="不")
    ask(someone(Role.HANDLER), f"entries/{live}/versions/2/approve", 403)


def test_a_seat_reads_everything_and_changes_nothing(client: TestClient, ask: Ask, someone: As, live: str) -> None:
    seat = someone(Role.SEAT)
    for path in ("entries", f"entries/{live}/history", "reviews", "changes", "export?format=md"):
        assert client.get(f"{PATH}/{path}", headers=seat).status_code == 200
    ask(seat, "drafts", 403, content=OLD)


# ---- lists -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(sqlite: Database, clock: SetClock) -> None:
    """Three entries that answer, and a draft."""
    contents = [
        ("a-1", Content(**OLD, expires=date(2026, 12, 1))),
        ("a-2", Content(**OLD | {"question": "社保卡丢了怎么办？"}, confirm=("地址",))),
        ("b-1", Content(**OLD | {"unit": "公安局", "category": "15"})),
    ]
    by = Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, contents, by, live=True))
    sqlite.write_now(lambda c: entries.draft(c, "b-2", Content(**NEW), by))


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["a-1", "a-2", "b-1", "b-2"]),
        ({"limit": 2}, ["a-1", "a-2"]),
        ({"after": "a-2"}, ["b-1", "b-2"]),
        ({"state": "live"}, ["a-1", "a-2", "b-1"]),
        ({"state": "draft"}, ["b-2"]),
        ({"unit": "公安局"}, ["b-1"]),
        ({"category": "16", "state": "live"}, ["a-1", "a-2"]),
        ({"q": "社保卡"}, ["a-2"]),
        ({"q": "B-"}, ["b-1", "b-2"]),
        ({"q": "%"}, []),
        ({"expires_before": "2026-12-02"}, ["a-1"]),
        ({"expires_before": "2026-12-01"}, []),
        ({"to_confirm": True}, ["a-2"]),
    ],
)
def test_a_list_is_narrowed_by_what_is_asked(
    client: TestClient, someone: As, wanted: dict[str, Any], found: list[str]
) -> None:
    listed = client.get(f"{PATH}/entries", params=wanted, headers=someone(Role.SEAT))
    assert [one["id"] for one in listed.json()] == found


def test_the_queue_shows_the_oldest_first_and_pages_on(
    client: TestClient, ask: Ask, someone: As, clock: SetClock
) -> None:
    writer = someone(Role.HANDLER)
    for name in ("c", "a", "b"):
        ask(writer, "drafts", 201, id=name, content=OLD)
        ask(writer, f"entries/{name}/versions/1/submit", 200)
        clock.forward(timedelta(minutes=0 if name == "a" else 1))
    seen = [one["entry_id"] for one in client.get(f"{PATH}/reviews", headers=writer).json()]
    rest = [one["entry_id"] for one in client.get(f"{PATH}/reviews?after=a&limit=1", headers=writer).json()]
    assert (seen, rest) == (["c", "a", "b"], ["b"])


def test_the_log_tells_who_changed_what(client: TestClient, ask: Ask, someone: As, live: str) -> None:
    ask(someone(Role.DISPATCHER), "drafts", 201, id="other", content=OLD)
    seat = someone(Role.SEAT)
    told = client.get(f"{PATH}/changes", params={"entry": live}, headers=seat).json()
    assert [(one["actor"], one["words"]) for one in told] == [
        ("unit_head.1", "审核通过"),
        ("handler.0", "提交审核"),
        ("handler.0", "起草"),
    ]
    everything = client.get(f"{PATH}/changes", headers=seat).json()
    assert [one["entry_id"] for one in everything] == ["other", live, live, live]
    older = client.get(f"{PATH}/changes", params={"before": everything[1]["id"], "limit": 1}, headers=seat).json()
    assert older == [everything[2]]


# ---- what differs ----------------------------------------------------------------------------------------------------


def test_a_difference_shows_what_was_removed_and_what_was_added() -> None:
    old = Content(question="问？", answer="带身份证，到窗口办。免费。", steps=("一", "二"))
    new = Content(question="问？", answer="带身份证，在网上办。免费。", steps=("一", "二", "三"), fee="免费")
    told = {one.field: [(piece.op, piece.text) for piece in one.pieces] for one in difference(old, new)}
    assert told == {
        "answer": [
            (Op.SAME, "带身份证，"),
            (Op.REMOVED, "到窗口办。"),
            (Op.ADDED, "在网上办。"),
            (Op.SAME, "免费。"),
        ],
        "steps": [(Op.SAME, "一"), (Op.SAME, "二"), (Op.ADDED, "三")],
        "fee": [(Op.ADDED, "免费")],
    }


def test_two_versions_are_compared_behind_a_door(client: TestClient, ask: Ask, someone: As, live: str) -> None:
    writer = someone(Role.HANDLER)
    ask(writer, f"entries/{live}/versions", 201, content=NEW, based_on=1)
    path = f"{PATH}/entries/{live}/difference"
    told = client.get(path, params={"old": 1, "new": 2}, headers=writer).json()
    assert [one["field"] for one in told] == ["answer"]
    assert client.get(path, params={"old": 1, "new": 9}, headers=writer).status_code == 404


# ---- files -----------------------------------------------------------------------------------------------------------


def sent(client: TestClient, who: Headers, *rows: str, status: int = 200, **how: Any) -> Any:
    page = "\n".join(["编号,标准问题,答复,责任单位", *rows])
    answer = client.post(f"{PATH}/imports", params={"format": "csv", **how}, content=page.encode(), headers=who)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_preview_tells_what_a_file_would_change_and_changes_nothing(
    client: TestClient, ask: Ask, someone: As, live: str
) -> None:
    ask(someone(Role.HANDLER), f"entries/{live}/versions", 201, content=NEW, based_on=1)
    rows = (f"{live},失业金怎么领？,都可以。,{TASK}", "new,新问题？,新答复。,", "bad,,没有问题,")
    told = sent(client, someone(Role.DISPATCHER), *rows, preview=True, live=True)
    assert [(one["id"], one["outcome"], one["fields"], one["gives_up"]) for one in told["entries"]] == [
        (live, "changed", ["answer", "category"], 2),
        ("new", "new", [], None),
    ]
    assert [(one["line"], one["field"]) for one in told["refused"]] == [(4, "标准问题")]
    assert answer(client, live) == "到窗口办。"
    assert client.get(f"{PATH}/entries/new").status_code == 404


def test_a_file_of_a_dispatcher_answers_at_once_and_the_same_again_changes_nothing(
    client: TestClient, someone: As, live: str
) -> None:
    dispatcher, rows = someone(Role.DISPATCHER), (f"{live},失业金怎么领？,都可以。,{TASK}", "new,新问题？,新答复。,")
    first = sent(client, dispatcher, *rows, live=True)
    again = sent(client, dispatcher, *rows, live=True)
    assert (first["changed"], first["new"], again["unchanged"], again["entries"]) == (1, 1, 2, [])
    assert (answer(client, live), answer(client, "new")) == ("都可以。", "新答复。")


def test_a_file_of_a_unit_waits_to_be_looked_at_and_touches_its_own_entries_alone(
    client: TestClient, someone: As, live: str
) -> None:
    stranger = someone(Role.HANDLER, OTHER)
    sent(client, stranger, "p-1,问？,答。,公安局", live=True, status=403)
    told = sent(client, stranger, "p-1,问？,答。,公安局", f"{live},问？,答。,公安局", "p-2,问？,答。,民政局")
    assert [(one["line"], one["value"]) for one in told["refused"]] == [(3, "公安局"), (4, "民政局")]
    waiting = client.get(f"{PATH}/reviews", headers=stranger).json()
    assert [one["entry_id"] for one in waiting] == ["p-1"]
    assert answer(client, live) == "到窗口办。"


def test_an_unchanged_file_leaves_the_draft_of_a_colleague_alone(
    client: TestClient, ask: Ask, someone: As, live: str
) -> None:
    writer = someone(Role.HANDLER)
    ask(writer, f"entries/{live}/versions", 201, content=NEW, based_on=1)
    page = client.get(f"{PATH}/export", params={"format": "jsonl"}, headers=writer).content
    told = client.post(
        f"{PATH}/imports", params={"format": "jsonl", "live": True}, content=page, headers=someone(Role.SUPERVISOR)
    )
    assert told.json()["unchanged"] == 1
    ask(writer, f"entries/{live}/versions/2/submit", 200)


def test_what_is_no_table_is_refused_with_a_sentence(client: TestClient, someone: As) -> None:
    answer = client.post(
        f"{PATH}/imports", params={"format": "xlsx"}, content=b"\x00\xff", headers=someone(Role.DISPATCHER)
    )
    assert answer.status_code == 422


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("kind", ["csv", "xlsx", "md", "jsonl"])
def test_an_export_is_a_file_the_import_takes_back(client: TestClient, someone: As, kind: str) -> None:
    who = someone(Role.SUPERVISOR)
    page = client.get(f"{PATH}/export", params={"format": kind}, headers=who)
    assert f'filename="knowledge-20261124.{kind}"' in page.headers["Content-Disposition"]
    told = client.post(
        f"{PATH}/imports", params={"format": kind, "live": True}, content=page.content, headers=who
    ).json()
    assert (told["unchanged"], told["entries"], told["refused"]) == (3, [], [])
    some = client.get(f"{PATH}/export", params={"format": "jsonl", "unit": "公安局"}, headers=who)
    assert some.text.count("\n") == 1


# ---- reminders -------------------------------------------------------------------------------------------------------


@pytest.fixture
def remind(sqlite: Database, city: City, clock: SetClock) -> Callable[[], int]:
    """One round of the worker's reminding; returns of how many entries somebody was told."""
    texts = city.read("notices.yml")["system"]

    def round_() -> int:
        return sqlite.write_now(
            lambda c: knowledge_reminders.remind(c, Upkeep(remind_days=(30, 7)), city.units, texts, clock())
        )

    return round_


def told(database: Database, login: str) -> list[str]:
    return [one.text for one in database.read_now(lambda c: noticeboard.inbox_of(c, login)).notices]


def test_keepers_are_told_once_a_stage_before_an_entry_expires_and_when_it_has(
    sqlite: Database, someone: As, remind: Callable[[], int], clock: SetClock
) -> None:
    someone(Role.HANDLER), someone(Role.HANDLER, OTHER)
    last = date(2026, 12, 30)
    by = Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, [("dole", Content(**OLD, expires=last))], by, live=True))
    assert remind() == 0
    stages = []
    for day in range(1, 45):
        clock.forward(timedelta(days=1))
        if remind():
            stages.append(day)
        assert remind() == 0
    # 11-30, 12-23, and the day after the last one.
    assert stages == [6, 29, 37]
    assert told(sqlite, "handler.0") == [
        "知识库有1条内容已过有效期，不再答复市民：“失业金怎么领？”。请更新或停用。",
        "知识库有1条内容7天内到期：“失业金怎么领？”。请核对后更新或停用。",
        "知识库有1条内容30天内到期：“失业金怎么领？”。请核对后更新或停用。",
    ]
    assert told(sqlite, "handler.1") == []


def test_many_entries_of_a_unit_are_one_notice_that_fits(
    sqlite: Database, someone: As, remind: Callable[[], int], clock: SetClock
) -> None:
    someone(Role.UNIT_HEAD)
    content = Content(**OLD | {"question": "很长的问题" * 50}, expires=date(2026, 11, 26))
    by = Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, [(f"e-{n}", content) for n in range(20)], by, live=True))
    assert remind() == 20
    [text] = told(sqlite, "unit_head.0")
    assert "20条内容7天内到期" in text
    assert len(text) <= 300


def test_of_an_entry_of_nobody_the_dispatchers_are_told(
    sqlite: Database, someone: As, remind: Callable[[], int], clock: SetClock
) -> None:
    someone(Role.DISPATCHER)
    content = Content(**OLD | {"unit": ""}, expires=date(2026, 11, 20))
    by = Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, [("a", content)], by, live=True))
    remind()
    assert len(told(sqlite, "dispatcher.0")) == 1


def test_of_an_entry_whose_last_day_is_moved_people_are_told_anew(
    sqlite: Database, remind: Callable[[], int], clock: SetClock
) -> None:
    by = Actor("import", clock(), alone=True)
    for last in (date(2026, 11, 26), date(2026, 11, 27)):
        content = Content(**OLD, expires=last)
        sqlite.write_now(lambda c: entries.put(c, [("a", content)], by, live=True))  # noqa: B023 - called at once
        assert remind() == 1


def test_a_draft_and_what_was_taken_down_remind_nobody(
    sqlite: Database, remind: Callable[[], int], clock: SetClock
) -> None:
    content, by = Content(**OLD, expires=date(2026, 11, 26)), Actor("import", clock(), alone=True)
    sqlite.write_now(lambda c: entries.put(c, [("a", content), ("b", content)], by, live=True))
    sqlite.write_now(lambda c: entries.retire(c, "a", by, "x"))
    sqlite.write_now(lambda c: entries.retire(c, "b", by, "x"))
    sqlite.write_now(lambda c: entries.draft(c, "c", content, by))
    assert remind() == 0


def test_the_citys_rules_are_read(city: City) -> None:
    assert Upkeep.of_city(city).stages == [expiring.EXPIRED, 7, 30]
