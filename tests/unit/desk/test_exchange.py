"""Orders in and out, as the hotline office and the platforms see it."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import Workbook, load_workbook

from core import sheets
from core.city import City
from core.sheets import BadSheet, harmless, read_sheet
from desk.exchange import answers
from desk.exchange.answers import Answer
from desk.exchange.exchange_routes import XLSX
from desk.exchange.sources import Reader, Sources
from desk.orders.model import Outcome
from desk.orders.words import words

pytestmark = pytest.mark.unit

Headers = dict[str, str]
HEADINGS = ["工单编号", "诉求内容", "诉求类别", "诉求性质", "所属区域", "联系电话", "受理时间", "备注"]
LAMP = [
    "P-1",
    "双鹤路的路灯三天不亮",
    "市政设施",
    "投诉类",
    "咸安区温泉街道",
    "13871234567",
    "2026-11-23 20:15:00",
    "x",
]
WAGES = ["P-2", "工地欠薪两个月", "", "", "", "", "", ""]


def as_csv(*rows: list[str], encoding: str = "utf-8") -> bytes:
    return sheets.csv_page([HEADINGS, *rows]).encode(encoding)


def as_xlsx(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in (HEADINGS, *rows):
        book.active.append(row)  # type: ignore[union-attr]
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


Post = Callable[..., Any]


@pytest.fixture
def post(client: TestClient, as_operator: Headers) -> Post:
    """Hands a file of the province over."""

    def send(content: bytes, **query: Any) -> Any:
        params = {"source": "province", **query}
        return client.post("/api/imports", params=params, content=content, headers=as_operator)

    return send


@pytest.fixture
def listed(client: TestClient, as_operator: Headers) -> Callable[..., Any]:
    """The orders of a list, the oldest first."""

    def fetch(**query: Any) -> Any:
        return client.get("/api/work-orders", params=query, headers=as_operator).json()[::-1]

    return fetch


@pytest.mark.parametrize(
    "content",
    [
        as_csv(LAMP, WAGES),
        as_csv(LAMP, WAGES, encoding="utf-8-sig"),
        as_csv(LAMP, WAGES, encoding="gb18030"),
        as_xlsx([*LAMP[:5], 13871234567, datetime(2026, 11, 23, 20, 15), None], WAGES),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "GB 18030", "XLSX"],
)
def test_a_file_of_the_province_becomes_orders_in_our_words(
    post: Post, listed: Any, client: TestClient, as_operator: Headers, content: bytes
) -> None:
    report = post(content)
    assert report.status_code == 200, report.text
    assert {k: report.json()[k] for k in ("rows", "opened", "refused")} == {"rows": 2, "opened": 2, "refused": 0}
    lamp, wages = listed(source="province")
    assert (lamp["source_number"], lamp["category"], lamp["nature"]) == ("P-1", "02", "投诉")
    assert (lamp["area_code"], lamp["contact_phone"], lamp["state"]) == (
        "421202001",
        "+86138****4567",
        "pending_dispatch",
    )
    assert (wages["category"], wages["state"]) == (None, "pending_acceptance")
    events = client.get(f"/api/work-orders/{lamp['number']}/events", headers=as_operator).json()
    assert events[1]["kind"] == "imported"
    assert events[1]["data"]["received_at"] == "2026-11-23T20:15:00+08:00"


def test_a_file_may_come_as_a_form(client: TestClient, as_operator: Headers) -> None:
    url = "/api/imports?source=province"
    sent = client.post(url, files={"file": ("a.csv", as_csv(LAMP))}, headers=as_operator)
    missing = client.post(url, files={"other": ("a.csv", as_csv(LAMP))}, headers=as_operator)
    assert (sent.json()["opened"], missing.status_code) == (1, 422)


def test_the_same_file_again_changes_nothing(post: Post, listed: Any) -> None:
    post(as_csv(LAMP, WAGES))
    before = listed()
    again = post(as_csv(LAMP, WAGES)).json()
    assert (again["opened"], again["unchanged"]) == (0, 2)
    assert listed() == before


def test_other_content_under_a_known_number_is_added_once(
    post: Post, listed: Any, client: TestClient, as_operator: Headers
) -> None:
    post(as_csv(LAMP))
    more = [LAMP[0], "双鹤路的路灯又坏了两盏", *LAMP[2:5], "13871230000", *LAMP[6:]]
    assert [post(as_csv(more)).json()[k] for k in ("supplemented", "opened")] == [1, 0]
    assert post(as_csv(more)).json()["unchanged"] == 1
    [order] = listed()
    log = client.get(f"/api/work-orders/{order['number']}/events", headers=as_operator).json()
    assert [event["kind"] for event in log] == ["opened", "imported", "supplemented"]
    assert log[-1]["data"] == {"text": "双鹤路的路灯又坏了两盏", "source": "province"}
    assert order["contact_phone"] == "+86138****0000"
    client.post(
        f"/api/work-orders/{order['number']}/moves", json={"move": "reject", "reason": "x"}, headers=as_operator
    )
    late = post(as_csv(LAMP)).json()
    assert (late["refused"], late["faults"][0]["value"]) == (1, "P-1")


def test_bad_rows_are_told_one_by_one_and_the_good_ones_kept(post: Post, listed: Any) -> None:
    rows = [
        ["P-3", "", "", "", "", "", "", ""],
        ["P-4", "路灯不亮", "不存在的类", "骂人", "火星", "12", "昨天", ""],
        ["", "没有编号", "", "", "", "", "", ""],
    ]
    report = post(as_csv(LAMP, *rows)).json()
    assert (report["opened"], report["refused"], report["rows"]) == (1, 3, 4)
    told = {(fault["line"], fault["column"]): fault for fault in report["faults"]}
    assert set(told) == {
        (3, "诉求内容"),
        *((4, column) for column in ("诉求类别", "诉求性质", "所属区域", "联系电话", "受理时间")),
        (5, "工单编号"),
    }
    assert told[4, "诉求性质"]["value"] == "骂人"
    assert "投诉" in told[4, "诉求性质"]["allowed"]
    assert len(listed()) == 1


@pytest.mark.parametrize("query", [{"preview": True}, {"all_or_nothing": True}])
def test_a_preview_and_a_file_that_has_to_be_whole_write_nothing(
    post: Post, listed: Any, query: dict[str, bool]
) -> None:
    report = post(as_csv(LAMP, ["P-9"]), **query).json()
    assert (report["preview"], report["opened"], report["refused"]) == (True, 1, 1)
    assert listed() == []


def test_a_whole_file_is_taken_in_when_every_row_is_good(post: Post, listed: Any) -> None:
    assert post(as_csv(LAMP, WAGES), all_or_nothing=True).json()["opened"] == 2
    assert len(listed()) == 2


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\xff\xfe\xfd", "neither UTF-8 nor GB 18030"),
        (b"PK\x03\x04 no zip", "cannot be read"),
        (zipped("x.txt", b"no sheet"), "cannot be read"),
        (zipped("xl/worksheets/sheet1.xml", bytes(sheets.LARGEST_UNPACKED + 1)), "unpacks to"),
        ("编号,编号\n1,2\n".encode(), "twice"),
        ("工单编号,别的\n1,2\n".encode(), "text: no column"),
        ("工单编号,诉求内容\n1,".encode() + b"x" * 20_001, "at most 20,000"),
        (b"a," * 300, "columns"),
        ("工单编号,诉求内容\n1,灯\x00\n".encode(), "line 2, 诉求内容: holds the character NUL"),
        ("工单编号,诉求内容\n".encode() + "1,灯\n".encode() * 20_001, "more than 20,000 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    post: Post, listed: Any, content: bytes, told: str
) -> None:
    response = post(content)
    assert response.status_code == 422
    assert told in response.json()["detail"]
    assert listed() == []


def test_a_file_that_is_too_large_and_an_unknown_platform_are_refused(post: Post) -> None:
    assert post(b"x" * (sheets.LARGEST_FILE + 100_000)).status_code == 413
    unknown = post(as_csv(LAMP), source="mars")
    assert (unknown.status_code, "province" in unknown.json()["detail"]) == (404, True)


def test_a_formula_in_a_sheet_is_not_evaluated() -> None:
    [row] = read_sheet(as_xlsx(["P-1", '=HYPERLINK("http://x","灯")', *LAMP[2:]]))
    assert "诉求内容" not in row.cells
    with pytest.raises(BadSheet, match="first line"):
        read_sheet(b"\n\n")


def test_one_order_is_handed_over_by_json_once_for_its_number(
    client: TestClient, as_operator: Headers, listed: Any
) -> None:
    order = {"source_number": "Z-1", "text": "请问怎么办居住证", "nature": "咨询", "category": "08"}
    url = "/api/imports/petitions/orders"
    first = client.post(url, json=order, headers=as_operator)
    again = client.post(url, json=order, headers=as_operator)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {"number": first.json()["number"], "outcome": "unchanged"}
    bad = client.post(url, json={**order, "category": "99"}, headers=as_operator)
    assert (bad.status_code, len(listed())) == (422, 1)


def test_the_words_of_every_platform_lead_to_what_the_city_has(city: City) -> None:
    for source in Sources.of_city(city).values():
        headings = {field: names[0] for field, names in source.columns.items()}
        for field, values in source.values.items():
            for word in values:
                cells = {"source_number": "1", "text": "灯", field: word}
                content = sheets.csv_page([[headings[name] for name in cells], list(cells.values())])
                assert Reader(source, city).read(content.encode())[1] == [], (source.id, word)


# ---- answers -------------------------------------------------------------------------------------------------------


def moved(client: TestClient, headers: Headers, number: str, *moves: dict[str, Any]) -> None:
    for move in moves:
        done = client.post(f"/api/work-orders/{number}/moves", json=move, headers=headers)
        assert done.status_code == 200, done.text


TO_THE_END: tuple[dict[str, Any], ...] = (
    {"move": "dispatch", "unit": "咸安区住房和城市更新局", "note": "内部：按一览表"},
    {"move": "sign"},
    {"move": "contact", "note": "内部：已电话"},
    {"move": "reply", "text": "路灯已修好", "outcome": "solved", "note": "内部：线路老化", "override": "内部：已电话"},
    {"move": "approve_reply"},
    {"move": "callback", "reached": True, "solved": True, "satisfied": True, "note": "内部：很满意"},
)
ANSWERS = "/api/exchange/province/answers"
RECEIPTS = "/api/exchange/province/receipts"


def test_the_answer_goes_back_to_the_platform_without_what_is_internal(
    client: TestClient, as_operator: Headers, post: Post, listed: Any
) -> None:
    post(as_csv(LAMP))
    moved(client, as_operator, listed()[0]["number"], *TO_THE_END)
    told = client.get(ANSWERS, headers=as_operator)
    assert [(one["kind"], one["state"]) for one in told.json()] == [
        ("dispatch", "pending_sign"),
        ("sign", "in_progress"),
        ("approve_reply", "pending_callback"),
        ("close", "closed"),
    ]
    assert {one["source_number"] for one in told.json()} == {"P-1"}
    assert told.json()[2]["told"] == {"text": "路灯已修好", "outcome": "solved"}
    assert "内部" not in told.text
    assert client.get("/api/exchange/petitions/answers", headers=as_operator).json() == []


def test_an_answer_is_offered_until_there_is_a_receipt(
    client: TestClient, as_operator: Headers, post: Post, listed: Any
) -> None:
    post(as_csv(LAMP))
    number = listed()[0]["number"]
    moved(client, as_operator, number, *TO_THE_END[:2])
    dispatch, sign = (one["id"] for one in client.get(ANSWERS, headers=as_operator).json())

    def offered(**query: Any) -> list[int]:
        return [one["id"] for one in client.get(ANSWERS, params=query, headers=as_operator).json()]

    assert offered(limit=1) == [dispatch]
    assert offered(after=dispatch) == [sign]
    assert offered() == [dispatch, sign]
    receipts = [{"id": dispatch}, {"id": sign, "refused": "单位代码未知"}]
    for _ in range(2):
        assert client.post(RECEIPTS, json=receipts, headers=as_operator).status_code == 204
    assert offered() == []
    log = client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()
    refusals = [event["data"]["reason"] for event in log if event["kind"] == "answer_refused"]
    assert refusals == ["单位代码未知"]
    other = client.post("/api/exchange/petitions/receipts", json=[{"id": sign}], headers=as_operator)
    assert other.status_code == 404


def test_an_order_merged_into_another_gets_its_answer_too(
    client: TestClient, as_operator: Headers, as_bot: Headers, post: Post, listed: Any, noise_complaint: dict[str, Any]
) -> None:
    main = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"]
    post(as_csv(LAMP))
    [merged] = listed(source="province")
    moved(client, as_operator, merged["number"], {"move": "merge", "into": main})
    moved(client, as_operator, main, *TO_THE_END, {**TO_THE_END[-1], "person": merged["number"]})
    told = client.get(ANSWERS, headers=as_operator).json()
    assert [one["kind"] for one in told] == ["merge", "approve_reply", "close"]
    assert {(one["source_number"], one["number"]) for one in told} == {("P-1", merged["number"])}
    assert told[1]["told"]["text"] == "路灯已修好"


def test_only_the_hotline_office_hands_orders_over(client: TestClient, as_bot: Headers) -> None:
    for method, url in (("POST", "/api/imports?source=province"), ("GET", ANSWERS), ("POST", RECEIPTS)):
        assert client.request(method, url).status_code == 401
        assert client.request(method, url, headers=as_bot).status_code == 403


# ---- lists and exports ---------------------------------------------------------------------------------------------

EXPORT = "/api/work-orders/export"


def test_a_list_is_narrowed_by_unit_light_time_platform_and_words(
    client: TestClient, as_operator: Headers, post: Post, listed: Any
) -> None:
    post(as_csv(LAMP, WAGES))
    lamp, _ = listed()
    moved(client, as_operator, lamp["number"], TO_THE_END[0])

    def found(**query: Any) -> list[str]:
        return [order["source_number"] for order in listed(**query)]

    day = {"from": "2026-11-24T00:00:00+08:00", "to": "2026-11-25T00:00:00+08:00"}
    assert found(unit="咸安区住房和城市更新局") == ["P-1"]
    assert found(source="province", state="pending_acceptance") == ["P-2"]
    assert found(**day) == ["P-1", "P-2"]
    assert found(**{"from": day["to"]}) == []
    assert found(text="欠薪", **day) == ["P-2"]
    assert found(text="%%", **day) == []
    assert found(light="red") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"text": "路灯"}, "text"),
        ({"text": "路灯", "from": "2026-01-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "31 days"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "after from"),
        ({"from": "2026-11-02T00:00:00"}, "from"),
        ({"light": "blue"}, "light"),
        ({"colour": "blue"}, "colour"),
        ({"limit": 201}, "limit"),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(
    client: TestClient, as_operator: Headers, query: dict[str, Any], named: str
) -> None:
    response = client.get("/api/work-orders", params=query, headers=as_operator)
    assert response.status_code == 422
    assert named in response.json()["detail"]


def test_an_export_is_masked_in_chinese_and_harmless(client: TestClient, as_operator: Headers, post: Post) -> None:
    post(as_csv(["P-1", "=cmd|' /C calc'!A1", *LAMP[2:]]))
    as_text = client.get(EXPORT, headers=as_operator)
    assert as_text.content.startswith(b"\xef\xbb\xbf")
    [row] = read_sheet(as_text.content)
    assert (row.cells["来源编号"], row.cells["状态"], row.cells["类别"]) == ("P-1", "待派单", "02 市政设施")
    assert row.cells["登记时间"] == "2026-11-24 09:30:00"
    assert row.cells["诉求内容"].startswith("'=")
    assert "7123" not in row.cells["联系电话"]
    book = client.get(EXPORT, params={"format": "xlsx"}, headers=as_operator)
    assert book.headers["content-type"] == XLSX
    assert load_workbook(io.BytesIO(book.content)).active["A1"].value == "工单编号"  # type: ignore[index]


def test_whole_contacts_need_a_purpose_and_every_look_is_written_down(
    client: TestClient, as_operator: Headers, post: Post, listed: Any
) -> None:
    post(as_csv(LAMP))
    number = listed()[0]["number"]
    assert client.get(EXPORT, params={"whole": True}, headers=as_operator).status_code == 422
    whole: dict[str, Any] = {"whole": True, "purpose": "满意度调查", "source": "province"}
    [row] = read_sheet(client.get(EXPORT, params=whole, headers=as_operator).content)
    assert row.cells["联系电话"] == "'+8613871234567"
    log = client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()
    assert (log[-1]["kind"], log[-1]["data"]) == ("contact_viewed", {"purpose": "other"})
    [entry] = client.get("/api/exports", headers=as_operator).json()
    assert (entry["actor"], entry["rows"], entry["whole"], entry["filters"]) == (
        "operator",
        1,
        True,
        {"source": "province"},
    )


def test_a_handler_exports_the_own_units_orders_and_no_contacts(
    client: TestClient, as_operator: Headers, post: Post, listed: Any
) -> None:
    post(as_csv(LAMP, WAGES))
    moved(client, as_operator, listed()[0]["number"], TO_THE_END[0])
    new = {"login": "lamp", "name": "某", "role": "handler", "unit": "咸安区住房和城市更新局", "password": "x" * 12}
    client.post("/api/users", json=new, headers=as_operator)
    token = client.post("/api/sessions", json={"login": "lamp", "password": "x" * 12}).json()["token"]
    mine = {"Authorization": f"Bearer {token}"}
    assert list(read_sheet(client.get(EXPORT, params={"unit": "别的单位"}, headers=mine).content)) == []
    rows = read_sheet(client.get(EXPORT, headers=mine).content)
    assert [row.cells["来源编号"] for row in rows] == ["P-1"]
    assert client.get(EXPORT, params={"whole": True, "purpose": "回访"}, headers=mine).status_code == 403
    assert client.get("/api/exports", headers=mine).status_code == 403


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"])
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert harmless(cell) == "'" + cell


def test_a_cell_of_words_stays_as_it_is() -> None:
    assert harmless("路灯=坏\n两盏\x00") == "路灯=坏\n两盏"


def test_an_answer_is_a_row_in_chinese(client: TestClient, as_operator: Headers, post: Post, listed: Any) -> None:
    post(as_csv(LAMP))
    moved(client, as_operator, listed()[0]["number"], *TO_THE_END)
    told = [Answer.model_validate(one) for one in client.get(ANSWERS, headers=as_operator).json()]
    rows = [dict(zip(answers.headings(), answers.row(one), strict=True)) for one in told]
    assert [row["事项"] for row in rows] == ["已派单", "已签收", "答复通过审核", "已办结"]
    assert (rows[2]["答复内容"], rows[2]["办理结果"], rows[3]["市民满意"]) == ("路灯已修好", "已解决", "满意")
    assert rows[0]["时间"] == "2026-11-24 09:30:00"


def test_every_outcome_has_its_chinese_name() -> None:
    assert set(words()["outcomes"]) == set(Outcome)
