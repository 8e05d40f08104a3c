"""Supervision, joint handling, special reports and the enterprise line, as their doors show them to each role."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import event

from core.access import PEOPLE, UNIT_ROLES, Role
from core.city import City
from core.database import Database
from desk.access import people
from desk.access.people import NewUser
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.limits.deadlines import Light
from desk.limits.risk import lit
from desk.orders.model import NewWorkOrder, WorkOrder
from desk.orders.register import open_work_order
from desk.orders.words import words
from desk.oversight import special_reports, supervision
from desk.oversight.report_texts import Templates
from desk.oversight.running_numbers import next_number
from desk.personal_data.privacy import without_person
from tests.fakes import SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
SignedIn = Callable[..., Headers]
Ask = Callable[..., Any]
UNIT, OTHER = "咸安区生态环境局", "咸安区公安局"
DEMAND = {"level": "hotline_office", "reason": "久拖不决", "demand": "三日内办结并回复"}
MEETING = {"held_at": "2026-11-24T01:00:00Z", "participants": ["甲", "乙"], "agreed": "分头办"}


@pytest.fixture
def signed_in(sqlite: Database, clock: SetClock) -> SignedIn:
    """The headers of somebody with a role, whose login is the role's name."""

    def headers(role: Role, unit: str = UNIT, login: str | None = None) -> Headers:
        login = login or role
        of_unit = {"unit": unit} if role in UNIT_ROLES else {}
        new = NewUser(login=login, name="值班员", role=role, password="not used here", **of_unit)
        sqlite.write_now(lambda c: people.add_user(c, new, "", clock(), "test"))
        session = sqlite.write_now(lambda c: people.open_session(c, login, clock()))
        return {"Authorization": f"Bearer {session.token}"}

    return headers


@pytest.fixture
def ask(client: TestClient, as_operator: Headers) -> Ask:
    """Asks as an administrator, and expects to be let in."""

    def asked(method: str, path: str, body: Any = None, headers: Headers = as_operator) -> Any:
        answer = client.request(method, f"/api{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    return asked


@pytest.fixture
def new_order(ask: Ask, as_bot: Headers, noise_complaint: dict[str, Any]) -> Callable[..., str]:
    """Opens an enterprise order and sends it to its unit; returns its number."""

    def opened(unit: str | None = UNIT, **changes: Any) -> str:
        order = {**noise_complaint, "line": "enterprise", "company_name": "咸宁华腾新材料有限公司", **changes}
        number: str = ask("POST", "/work-orders", order, as_bot)["number"]
        if unit is not None:
            ask("POST", f"/work-orders/{number}/moves", {"move": "dispatch", "unit": unit})
        return number

    return opened


@pytest.fixture
def order(noise_complaint: dict[str, Any], sqlite: Database, clock: SetClock) -> WorkOrder:
    """The order of a citizen whose name is known."""
    new = NewWorkOrder.model_validate({**noise_complaint, "contact_name": "张先生"})
    return sqlite.write_now(lambda c: open_work_order(c, new, None, clock(), "bot")).order


@pytest.fixture
def change_lights(sqlite: Database, city: City, clock: SetClock) -> Callable[[timedelta], None]:
    """Lets time pass, and the worker change the lights."""
    handling = Handling.of_city(city)

    def passed(by: timedelta) -> None:
        clock.forward(by)
        sqlite.write_now(lambda c: handling.sweep(c, clock()))

    return passed


# ---- the documented pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "states", "page"),
    [
        ("督办", "supervision_states", (supervision.FROM, supervision.TO, supervision.WHO)),
        ("专报", "report_states", (special_reports.FROM, special_reports.TO, special_reports.WHO)),
    ],
)
def test_the_documented_page_of_what_goes_on_beside_an_order_is_the_page(
    of: str, states: str, page: tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]
) -> None:
    document = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text("utf-8")
    rows = re.findall(rf"^\| {of} \| `(\w+)` \| \S+ \| (\S+) \| (\S+) \| (.*) \|$", document, re.MULTILINE)
    shown = {move: (set(sources.split("、")), target, set(who.split("、"))) for move, sources, target, who in rows}
    names, roles = words()[states], words()["roles"]
    sources, target, who = page
    assert shown == {
        move: ({names[state] for state in sources[move]}, names[target[move]], {roles[role] for role in who[move]})
        for move in sources
    }


def test_everything_that_goes_on_beside_an_order_has_its_chinese_name() -> None:
    events = words()["events"]
    kinds = [f"supervision_{move}" for move in ("open", *supervision.SupervisionMove)]
    kinds += [f"special_report_{word}" for word in ("draft", *special_reports.ReportMove, "done", "dropped")]
    assert [kind for kind in kinds if kind not in events] == []
    assert set(words()["supervision_states"]) == set(supervision.SupervisionState)
    assert set(words()["report_states"]) == set(special_reports.ReportState)
    assert set(words()["levels"]) == set(supervision.Level)


# ---- 督办 -----------------------------------------------------------------------------------------------------------


def test_a_demand_is_opened_signed_answered_and_accepted(
    ask: Ask, new_order: Callable[..., str], signed_in: SignedIn
) -> None:
    number, handler, boss = new_order(), signed_in(Role.HANDLER), signed_in(Role.SUPERVISOR)
    opened = ask("POST", f"/work-orders/{number}/supervisions", DEMAND, boss)
    assert (opened["number"], opened["state"], opened["unit"]) == ("2026-0001", "opened", UNIT)
    assert (opened["opened_by"], opened["work_order"]) == ("supervisor", number)
    moves = f"/supervisions/{opened['number']}/moves"
    assert ask("POST", moves, {"move": "sign"}, handler)["person"] == "handler"
    assert ask("POST", moves, {"move": "reply", "text": "已整改"}, handler)["reply"] == "已整改"
    assert ask("POST", moves, {"move": "refuse", "reason": "没有佐证"}, boss)["refusals"] == 1
    ask("POST", moves, {"move": "reply", "text": "已整改，附检测报告"}, handler)
    done = ask("POST", moves, {"move": "accept"}, boss)
    assert (done["state"], done["refusals"], done["ended_at"] is None) == ("accepted", 1, False)
    running = [clock for clock in ask("GET", f"/work-orders/{number}/clocks") if clock["ended_at"] is None]
    assert {clock["step"] for clock in running} == {"sign", "return", "first_reply", "finish"}


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("level", list(supervision.Level))
def test_a_level_is_opened_only_by_those_it_is_for(
    client: TestClient, new_order: Callable[..., str], signed_in: SignedIn, role: Role, level: supervision.Level
) -> None:
    path = f"/api/work-orders/{new_order()}/supervisions"
    answer = client.post(path, json={**DEMAND, "level": level}, headers=signed_in(role))
    # No light is red yet, so a dispatcher may not.
    allowed = role is Role.ADMIN or (role in supervision.WHO_OPENS[level] and role is not Role.DISPATCHER)
    assert answer.status_code == (201 if allowed else 403), answer.text


def test_a_dispatcher_demands_something_once_a_light_is_red(
    client: TestClient,
    new_order: Callable[..., str],
    signed_in: SignedIn,
    change_lights: Callable[[timedelta], None],
) -> None:
    path, dispatcher = f"/api/work-orders/{new_order()}/supervisions", signed_in(Role.DISPATCHER)
    change_lights(timedelta(hours=3, minutes=59))
    assert "no red light" in client.post(path, json=DEMAND, headers=dispatcher).json()["detail"]
    change_lights(timedelta(minutes=1))
    assert client.post(path, json=DEMAND, headers=dispatcher).status_code == 201


@pytest.mark.parametrize("role", PEOPLE)
def test_a_role_may_make_the_moves_of_the_supervision_page_and_no_others(
    client: TestClient, ask: Ask, new_order: Callable[..., str], signed_in: SignedIn, role: Role
) -> None:
    number = ask("POST", f"/work-orders/{new_order()}/supervisions", DEMAND)["number"]
    headers = signed_in(role)
    said = {
        "sign": {},
        "reply": {"text": "已办"},
        "accept": {},
        "refuse": {"reason": "不实"},
        "end": {"reason": "已了"},
    }
    for move, more in said.items():
        answer = client.post(f"/api/supervisions/{number}/moves", json={"move": move, **more}, headers=headers)
        may = role is Role.ADMIN or role in supervision.WHO[supervision.SupervisionMove(move)]
        assert (answer.status_code == 403) != may, (move, answer.text)


def test_a_unit_sees_the_demands_on_itself_and_no_others(
    client: TestClient, ask: Ask, new_order: Callable[..., str], signed_in: SignedIn
) -> None:
    mine, other = new_order(), new_order(unit=OTHER)
    for number in (mine, other):
        ask("POST", f"/work-orders/{number}/supervisions", DEMAND)
    head, stranger = signed_in(Role.UNIT_HEAD), signed_in(Role.HANDLER, "嘉鱼县公安局")
    assert [one["work_order"] for one in ask("GET", "/supervisions", headers=head)] == [mine]
    assert [one["work_order"] for one in ask("GET", f"/supervisions?unit={OTHER}", headers=head)] == [mine]
    assert ask("GET", "/supervisions", headers=stranger) == []
    assert client.get("/api/supervisions/2026-0001", headers=stranger).status_code == 404
    signing = client.post("/api/supervisions/2026-0001/moves", json={"move": "sign"}, headers=stranger)
    assert signing.status_code == 404


def test_demands_can_be_narrowed_and_paged(ask: Ask, new_order: Callable[..., str]) -> None:
    numbers = [ask("POST", f"/work-orders/{new_order()}/supervisions", DEMAND)["number"] for _ in range(3)]
    ask("POST", f"/supervisions/{numbers[0]}/moves", {"move": "end", "reason": "已了"})

    def listed(query: str) -> list[str]:
        return [one["number"] for one in ask("GET", f"/supervisions?{query}")]

    assert numbers == ["2026-0001", "2026-0002", "2026-0003"]
    assert listed("state=opened") == numbers[:0:-1]
    assert listed("state=ended&level=hotline_office") == numbers[:1]
    assert listed("level=leader") == []
    assert listed(f"before={numbers[2]}&limit=1") == [numbers[1]]
    assert listed(f"unit={UNIT}&limit=1") == [numbers[2]]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"level": "king"}, 422, "level"),
        ({"reason": "  "}, 422, "reason"),
        ({"demand": None}, 422, "demand"),
        ({"until": "2026-11-25T10:00:00"}, 422, "until"),
        ({"until": "2026-11-24T01:00:00Z"}, 422, "after now"),
        ({"until": "2036-11-24T01:00:00Z"}, 422, "within"),
        ({"more": 1}, 422, "more"),
    ],
)
def test_a_demand_that_cannot_be_is_refused_with_the_field(
    client: TestClient,
    as_operator: Headers,
    new_order: Callable[..., str],
    change: dict[str, Any],
    status: int,
    told: str,
) -> None:
    path = f"/api/work-orders/{new_order()}/supervisions"
    answer = client.post(path, json={**DEMAND, **change}, headers=as_operator)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]


def test_what_is_not_there_is_a_clear_404(client: TestClient, as_operator: Headers) -> None:
    for path in ("supervisions/2026-0009", "special-reports/2026-0009", "enterprise/bundles/09/421202"):
        answer = client.get(f"/api/{path}", headers=as_operator)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
    assert client.get("/api/supervisions/1", headers=as_operator).status_code == 422
    demand = client.post("/api/work-orders/20261124-000017/supervisions", json=DEMAND, headers=as_operator)
    assert demand.status_code == 404


def test_a_number_that_was_taken_back_is_given_again_and_begins_anew_with_the_citys_year(sqlite: Database) -> None:
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    before = new_year - timedelta(seconds=1)

    def given(at: datetime, *, fails: bool = False) -> str:
        def give(connection: Any) -> str:
            number = next_number(connection, "supervision", at)
            if fails:
                raise LookupError(number)
            return number

        return sqlite.write_now(give)

    assert given(before) == "2026-0001"
    with pytest.raises(LookupError, match="2026-0002"):
        given(before, fails=True)
    assert [given(before), given(new_year), given(before)] == ["2026-0002", "2027-0001", "2026-0003"]


# ---- 专报 -----------------------------------------------------------------------------------------------------------


def test_a_report_goes_from_the_desk_to_the_leader_and_the_order_to_the_unit_that_is_named(
    client: TestClient, ask: Ask, new_order: Callable[..., str], signed_in: SignedIn
) -> None:
    number, boss, leader = new_order(), signed_in(Role.SUPERVISOR), signed_in(Role.LEADER)
    held = {"participants": [UNIT, OTHER], "agreed": False, "note": "均称无职责"}
    first = ask("POST", f"/work-orders/{number}/coordinations", held, boss)
    assert first == {"failed": 1, "special_report": None}
    second = ask("POST", f"/work-orders/{number}/coordinations", held, boss)
    assert second == {"failed": 2, "special_report": "2026-0001"}
    [draft] = ask("GET", "/special-reports?state=draft", headers=leader)
    moves = f"/special-reports/{draft['number']}/moves"
    decision = {"move": "decide", "text": "公安牵头", "unit": OTHER, "until": "2026-11-30T09:30:00Z"}
    assert client.post(f"/api{moves}", json=decision, headers=boss).status_code == 403
    assert client.post(f"/api{moves}", json={"move": "submit"}, headers=leader).status_code == 403
    ask("POST", moves, {"move": "edit", "text": draft["text"] + "\n附：会议纪要"}, boss)
    assert ask("POST", moves, {"move": "submit"}, boss)["text"].endswith("附：会议纪要")
    decided = ask("POST", moves, decision, leader)
    assert (decided["state"], decided["unit"], decided["decided_by"]) == ("decided", OTHER, "leader")
    order = ask("GET", f"/work-orders/{number}")
    assert (order["state"], order["unit"], order["dispatches"]) == ("pending_sign", OTHER, 2)
    [tracked] = ask("GET", "/supervisions?level=leader")
    assert (tracked["unit"], tracked["demand"], tracked["due"]) == (OTHER, "公安牵头", decided["due"])
    due = {c["step"]: c["due"] for c in ask("GET", f"/work-orders/{number}/clocks") if c["ended_at"] is None}
    assert set(due) == {"sign", "first_reply", "finish", "supervision_sign", "supervision_reply"}
    assert due["finish"] == decided["due"]


def test_units_neither_co_ordinate_nor_read_what_goes_to_the_leader(
    client: TestClient, new_order: Callable[..., str], signed_in: SignedIn
) -> None:
    number, head = new_order(), signed_in(Role.UNIT_HEAD)
    held = {"participants": ["甲", "乙"], "agreed": True, "note": "同意"}
    assert client.post(f"/api/work-orders/{number}/coordinations", json=held, headers=head).status_code == 403
    assert client.get("/api/special-reports", headers=head).status_code == 403
    assert client.get("/api/enterprise/bundles", headers=head).status_code == 403


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("联系张先生13871234567", "联系〔略〕〔略〕"),
        ("电话138 7123 4567或+86 138-7123-4567", "电话〔略〕或〔略〕"),
        ("办公电话0715-8255123，0715 8255124", "办公电话〔略〕，〔略〕"),
        ("身份证42232219850101123X", "身份证〔略〕"),
        ("住淦河大道88号3栋", "住〔略〕3栋"),
        (
            "工单20261124-000017，第2次派单，罚款15000元，标准GB12348-2008",
            "工单20261124-000017，第2次派单，罚款15000元，标准GB12348-2008",
        ),
    ],
)
def test_a_report_does_not_say_who_the_citizen_is(order: WorkOrder, said: str, shown: str) -> None:
    assert without_person(said, order, "〔略〕") == shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden": None}, "hidden"),
        ({"special_report": {"text": "{number", "story": {}, "opinions": {}}}, "special_report.text"),
        ({"special_report": {"text": "{0}", "story": {}, "opinions": {}}}, "is no field"),
        ({"special_report": {"text": "{order.text}", "story": {}, "opinions": {}}}, "is no field"),
    ],
)
def test_a_template_that_cannot_be_used_stops_the_start(city: City, change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Templates.model_validate({**city.read("reports.yml"), **change})


def test_a_report_tells_of_what_the_log_has_words_for(city: City) -> None:
    story = city.read("reports.yml")["special_report"]["story"]
    assert set(story) <= set(words()["events"])
    assert {Move.DISPATCH, Move.RETURN, Move.REPLY, "callback", "coordinate"} <= set(story)


# ---- 部门联办 -------------------------------------------------------------------------------------------------------


def test_assisting_units_see_the_order_and_do_their_tasks(
    client: TestClient, ask: Ask, new_order: Callable[..., str], signed_in: SignedIn
) -> None:
    number, other = new_order(), signed_in(Role.HANDLER, OTHER)
    path = f"/work-orders/{number}/joint-handlings"
    assert client.get(f"/api{path}", headers=other).status_code == 404
    opened = ask("POST", path, {"assist_units": [OTHER], "reason": "夜间联合执法"}, signed_in(Role.DISPATCHER))
    assert (opened["lead"], opened["assist_units"], opened["tasks"]) == (UNIT, [OTHER], [])
    tasks = [{"unit": OTHER, "task": "夜间巡查"}, {"unit": UNIT, "task": "监测噪声"}]
    met = ask("POST", f"{path}/meetings", {**MEETING, "tasks": tasks})
    theirs, ours = (task["id"] for task in met["tasks"])
    assert [task["due"] for task in met["tasks"]] == [opened["due"]] * 2
    for task, status in ((ours, 403), (theirs, 200), (theirs, 409), (99, 404)):
        answer = client.post(f"/api{path}/tasks/{task}/done", json={"note": "已巡查"}, headers=other)
        assert answer.status_code == status, answer.text
    [shown] = ask("GET", path, headers=other)
    assert [task["done_by"] for task in shown["tasks"]] == ["handler", None]
    assert client.post(f"/api{path}", json={"assist_units": [OTHER], "reason": "再"}, headers=other).status_code == 403
    stranger = signed_in(Role.HANDLER, "嘉鱼县公安局", "stranger")
    assert client.get(f"/api{path}", headers=stranger).status_code == 404


# ---- lists ----------------------------------------------------------------------------------------------------------


def test_what_is_red_now_is_listed_by_unit_the_oldest_first(
    ask: Ask, new_order: Callable[..., str], signed_in: SignedIn, change_lights: Callable[[timedelta], None]
) -> None:
    first = new_order()
    change_lights(timedelta(hours=1))
    second, third = new_order(unit=OTHER), new_order()
    assert ask("GET", "/lights") == []
    change_lights(timedelta(hours=4))
    assert [(one["number"], one["step"]) for one in ask("GET", "/lights")] == [
        (number, "sign") for number in (first, second, third)
    ]
    assert [one["number"] for one in ask("GET", "/lights?offset=1&limit=1")] == [second]
    assert [one["number"] for one in ask("GET", "/lights", headers=signed_in(Role.HANDLER, OTHER))] == [second]
    ask("POST", f"/work-orders/{first}/moves", {"move": "sign"})
    assert first not in [one["number"] for one in ask("GET", "/lights?light=red")]


def test_the_enterprise_queue_puts_the_worst_light_first_and_then_the_least_time(
    ask: Ask,
    new_order: Callable[..., str],
    signed_in: SignedIn,
    change_lights: Callable[[timedelta], None],
) -> None:
    late = new_order()
    change_lights(timedelta(hours=2))
    waiting = new_order(unit=None)
    calm, soon = new_order(unit=OTHER), new_order()
    ask("POST", f"/work-orders/{calm}/moves", {"move": "sign"})
    new_order(line="citizen")
    change_lights(timedelta(hours=2))
    queue = ask("GET", "/enterprise/queue")
    assert [(one["number"], one["step"], one["light"]) for one in queue] == [
        (late, "sign", "red"),
        (soon, "sign", "yellow"),
        (waiting, None, None),
        (calm, "first_reply", None),
    ]
    assert [one["number"] for one in ask("GET", "/enterprise/queue?offset=1&limit=1")] == [soon]
    assert [one["number"] for one in ask("GET", "/enterprise/queue", headers=signed_in(Role.HANDLER, OTHER))] == [calm]


def test_lists_have_a_limit(client: TestClient, as_operator: Headers) -> None:
    for path in ("supervisions", "special-reports", "lights", "enterprise/queue"):
        for query in ("limit=0", "limit=201"):
            assert client.get(f"/api/{path}?{query}", headers=as_operator).status_code == 422, path


def test_the_red_list_is_read_from_an_index(sqlite: Database) -> None:
    asked: list[str] = []

    def explain(connection: Any) -> str:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append(call[2]))
        lit(connection, Light.RED, unit=None, offset=0, limit=50)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}", ("red", 50, 0))
        return "\n".join(row[3] for row in plan)

    assert "ix_clocks_running_light" in sqlite.read_now(explain)


def test_tries_to_call_a_company_back_are_counted(ask: Ask, new_order: Callable[..., str]) -> None:
    number = new_order()
    moves = f"/work-orders/{number}/moves"
    for said in (
        {"move": "sign"},
        {"move": "waive_visit", "reason": "书面材料足够"},
        {"move": "reply", "text": "已说明", "outcome": "explained", "override": "已电话说明"},
        {"move": "approve_reply"},
        {"move": "callback", "reached": False, "note": "无人接听"},
        {"move": "callback", "reached": False},
    ):
        ask("POST", moves, said)
    counted = ask("GET", f"/work-orders/{number}/callbacks")
    assert (counted["unreached"], counted["needed"]) == (2, 3)
    assert [(one["reached"], one["note"]) for one in counted["tries"]] == [(False, "无人接听"), (False, None)]


@pytest.mark.parametrize("role", [Role.SEAT, Role.DISPATCHER, Role.LEADER, Role.UNIT_HEAD])
def test_only_a_supervisor_closes_what_nobody_was_reached_for(
    client: TestClient, new_order: Callable[..., str], signed_in: SignedIn, role: Role
) -> None:
    path = f"/api/work-orders/{new_order()}/moves"
    said = {"move": "close_unreached", "reason": "停机"}
    assert client.post(path, json=said, headers=signed_in(role)).status_code == 403
    assert client.post(path, json=said, headers=signed_in(Role.SUPERVISOR)).status_code == 409


# ---- 同类诉求 -------------------------------------------------------------------------------------------------------


def test_enterprise_orders_of_one_kind_and_county_make_a_bundle_with_its_report(
    client: TestClient,
    ask: Ask,
    as_operator: Headers,
    clock: SetClock,
    new_order: Callable[..., str],
    change_lights: Callable[[timedelta], None],
) -> None:
    too_old = new_order()
    clock.forward(timedelta(days=20))
    summary = "厂区夜间断电，联系人13871234567"
    same = [new_order(summary=summary), new_order(unit=None), new_order(area_code="421202")]
    new_order(area_code="421221")
    new_order(category="01")
    new_order(line="citizen")
    for said in (
        {"move": "sign"},
        {"move": "waive_visit", "reason": "书面材料足够"},
        {"move": "reply", "text": "已恢复", "outcome": "solved", "override": "已电话说明"},
        {"move": "approve_reply"},
        {"move": "callback", "reached": True, "solved": True, "satisfied": True},
    ):
        ask("POST", f"/work-orders/{same[0]}/moves", said)
    change_lights(timedelta(hours=5))
    [bundle] = ask("GET", "/enterprise/bundles?days=10&least=2")
    assert bundle["numbers"] == same
    assert (bundle["category"], bundle["county"], bundle["county_name"]) == ("09", "421202", "咸安区")
    assert (bundle["count"], bundle["open"], bundle["late"]) == (3, 2, 1)
    assert (bundle["asked"], bundle["satisfied"], bundle["satisfied_share"]) == (1, 1, 1.0)
    assert len(ask("GET", "/enterprise/bundles?days=10&least=1")) == 3
    assert too_old in ask("GET", "/enterprise/bundles?days=30&least=2")[0]["numbers"]
    report = ask("GET", "/enterprise/bundles/09/421202?days=10")
    assert report["bundle"]["numbers"] == same
    assert "受理咸安区" in report["text"]
    assert "3件，其中未办结2件（67%）" in report["text"]
    assert "厂区夜间断电" in report["text"]
    assert "13871234567" not in report["text"]
    file = client.get("/api/enterprise/bundles/09/421202/report?days=10", headers=as_operator)
    assert file.headers["content-type"] == "text/markdown; charset=utf-8"
    assert file.headers["content-disposition"].endswith('filename="bundle-09-421202-20261214.md"')
    assert file.text == report["text"]


def test_an_enterprise_order_without_a_place_belongs_to_the_city(ask: Ask, new_order: Callable[..., str]) -> None:
    number = new_order(area_code=None)
    [bundle] = ask("GET", "/enterprise/bundles?least=1")
    assert (bundle["county"], bundle["county_name"], bundle["numbers"]) == ("421200", "咸宁市", [number])
    assert bundle["satisfied_share"] is None
