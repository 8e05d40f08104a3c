"""Applications of others, by Open311 GeoReport v2: what they may ask, what they are told, and what nobody is told."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import BaseModel
from sqlalchemy import select, update

from channels import open311
from channels.open311.asked import Filed, ListAsked, OneAsked
from channels.open311.texts import allowed
from core.access import Principal, Role
from core.city import City
from core.clock import CITY_TIME
from core.database import Database
from core.settings import Settings
from desk.access import api_tokens
from desk.access.api_tokens import NewToken
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import Move
from desk.orders import register
from desk.orders.model import Urgency, WorkOrder
from desk.orders.tables import work_orders
from hotline.retention import erasure_of
from intake.attachments import keeping
from tests.fakes import SetClock
from tests.unit.channels.conftest import house_of

pytestmark = pytest.mark.unit

V2 = "/open311/v2"
UNIT = "咸安区生态环境局"
NOISE = {
    "service_code": "09",
    "lat": "29.84127",
    "long": "114.32251",
    "address_string": "咸安区温泉街道淦河大道88号3栋502室",
    "first_name": "某某",
    "last_name": "王",
    "email": "a.citizen@example.org",
    "phone": "13871234567",
    "device_id": "tt222111",
    "account_id": "u-17",
    "description": "我是王某某，楼下烧烤店每天营业到凌晨，音响声音很大，老人睡不着。",
    "attribute[OCCURRED]": "每晚11点以后",
    "attribute[NATURE]": "投诉",
}
PRIVATE = ("王", "某某", "a.citizen", "1387", "烧烤", "88号", "502", "29.84127", "114.32251", "tt222111", "query_code")
Fields = dict[str, Any]


@pytest.fixture
def handling(city: City) -> Handling:
    return Handling.of_city(city)


@pytest.fixture
def http(settings: Settings, sqlite: Database, city: City, handling: Handling, clock: SetClock) -> Iterator[TestClient]:
    """The doors of Open311 alone, over a real desk."""
    settings.public_url = "https://12345.example.gov.cn"
    app = FastAPI(max_body_size=256 * 1024)
    app.include_router(open311.create_router(house_of(settings, sqlite, city, handling, clock)))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def make_key(sqlite: Database, clock: SetClock) -> Callable[..., str]:
    def key(role: Role = Role.APPLICATION, name: str = "随手拍") -> str:
        new = NewToken(name=name, role=role, expires_at=clock() + timedelta(days=200))
        return sqlite.write_now(lambda c: api_tokens.make(c, new, clock(), "test")).token

    return key


@pytest.fixture
def file(http: TestClient, make_key: Callable[..., str]) -> Callable[..., Any]:
    """Files a request as the same application each time, and returns the answer."""
    key = make_key()

    def post(headers: dict[str, str] | None = None, **changes: Any) -> Any:
        form = {name: value for name, value in {**NOISE, "api_key": key, **changes}.items() if value is not None}
        return http.post(f"{V2}/requests.json", data=form, headers=headers)

    return post


@pytest.fixture
def number(file: Callable[..., Any]) -> str:
    """The number of a request that was filed."""
    return filed(file())


def filed(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    [made] = answer.json()
    return str(made["service_request_id"])


def order_of(sqlite: Database, number: str) -> WorkOrder:
    return sqlite.read_now(lambda c: register.find(c, number))


def listed(http: TestClient, **asked: Any) -> list[str]:
    answer = http.get(f"{V2}/requests.json", params=asked)
    assert answer.status_code == 200, answer.text
    return [request["service_request_id"] for request in answer.json()]


def refused(answer: Any, status: int) -> str:
    """All descriptions of an error in JSON, after a look at its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert all(set(fault) == {"code", "description"} for fault in answer.json())
    return "\n".join(fault["description"] for fault in answer.json())


# ---- finding out ----------------------------------------------------------------------------------------------------


def test_discovery_leads_to_the_interface_in_both_formats(http: TestClient) -> None:
    found = http.get(f"{V2}/discovery.json").json()
    [endpoint] = found["endpoints"]
    assert endpoint["url"] == "https://12345.example.gov.cn/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert "12345" in found["contact"]
    root = ElementTree.fromstring(http.get(f"{V2}/discovery.xml").content)
    assert [element.text for element in root.findall("endpoints/endpoint/formats/format")] == endpoint["formats"]


def test_the_services_are_the_categories_the_same_in_both_formats(http: TestClient, city: City) -> None:
    services = http.get(f"{V2}/services.json").json()
    assert [service["service_code"] for service in services] == list(city.categories)
    assert services[8] == {
        "service_code": "09",
        "service_name": "生态环境",
        "description": city.categories["09"].description,
        "metadata": True,
        "type": "realtime",
        "keywords": ", ".join(city.categories["09"].keywords),
        "group": "城乡建设与环境",
    }
    assert all(service["group"] for service in services)
    answer = http.get(f"{V2}/services.xml")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.text.lower().startswith("<?xml version='1.0' encoding='utf-8'?>")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "services"
    of_xml = [{field.tag: field.text for field in service} for service in root.iter("service")]
    assert of_xml == [{**service, "metadata": "true"} for service in services]


def test_a_definition_names_what_may_be_asked_for_a_service(http: TestClient) -> None:
    definition = http.get(f"{V2}/services/09.json").json()
    asked = {attribute["code"]: attribute for attribute in definition["attributes"]}
    assert list(asked) == ["NATURE", "CONFIDENTIAL", "OCCURRED"]
    assert [attribute["order"] for attribute in asked.values()] == [1, 2, 3]
    assert asked["OCCURRED"]["datatype"] == "string"
    assert {"key": "投诉", "name": "投诉"} in asked["NATURE"]["values"]
    root = ElementTree.fromstring(http.get(f"{V2}/services/10.xml").content)
    assert (root.tag, root.findtext("service_code")) == ("service_definition", "10")
    assert "CREDIT_CODE" in [code.text for code in root.findall("attributes/attribute/code")]
    assert root.findtext("attributes/attribute/values/value/key") == "咨询"


# ---- filing ---------------------------------------------------------------------------------------------------------


def test_a_request_becomes_an_order_with_all_that_was_said(
    file: Callable[..., Any], sqlite: Database, clock: SetClock
) -> None:
    [made] = file(media_url="https://photos.example/1.jpg").json()
    order = order_of(sqlite, made["service_request_id"])
    assert made["account_id"] == "u-17"
    assert order.number in made["service_notice"]
    assert order.query_code in made["service_notice"]
    assert (order.channel, order.line, order.state) == ("open311", "citizen", "pending_dispatch")
    assert (order.category, order.nature, order.occurred) == ("09", "投诉", "每晚11点以后")
    assert (order.area_code, order.place) == ("421202001", NOISE["address_string"])
    assert (order.lat, order.long) == (29.84127, 114.32251)
    assert (order.contact_phone, order.contact_name) == ("13871234567", "王 某某")
    assert order.text == NOISE["description"]
    [opened, linked] = sqlite.read_now(lambda c: register.events_of(c, order.number))
    assert (opened.actor, linked.kind, linked.data) == (
        "api:随手拍",
        "media_linked",
        {"url": "https://photos.example/1.jpg"},
    )


def test_what_a_company_files_is_handled_on_its_line_and_not_published(
    file: Callable[..., Any], http: TestClient, sqlite: Database
) -> None:
    company = {"attribute[COMPANY]": "咸宁某某食品有限公司", "attribute[CREDIT_CODE]": "91421200MA000000AF"}
    made = filed(file(service_code="21", **{**company, "attribute[OCCURRED]": None}))
    assert order_of(sqlite, made).line == "enterprise"
    assert http.get(f"{V2}/requests/{made}.json").status_code == 404


@pytest.mark.parametrize("answer", [{"attribute[CONFIDENTIAL]": "true"}, {"attribute[NATURE]": "举报"}], ids=str)
def test_whoever_asks_for_it_or_accuses_somebody_is_kept_secret(
    file: Callable[..., Any], http: TestClient, sqlite: Database, answer: Fields
) -> None:
    assert order_of(sqlite, filed(file(**answer))).confidential
    assert listed(http) == []


def test_a_request_sent_again_gets_the_same_number(file: Callable[..., Any], clock: SetClock) -> None:
    first = filed(file())
    clock.forward(timedelta(minutes=9))
    assert filed(file()) == first
    assert filed(file(description="另一件事")) != first
    clock.forward(timedelta(minutes=2))
    assert filed(file()) != first


def test_the_applications_own_key_makes_a_request_the_same_for_ever_and_only_that_one(
    file: Callable[..., Any], clock: SetClock
) -> None:
    own = {"Idempotency-Key": "photo-17"}
    first = filed(file(own))
    clock.forward(timedelta(days=2))
    assert filed(file(own)) == first
    assert "photo-17" in refused(file(own, description="另一件事"), 400)


def test_two_applications_that_file_the_same_file_two_requests(
    file: Callable[..., Any], make_key: Callable[..., str]
) -> None:
    assert filed(file()) != filed(file(api_key=make_key(name="另一个应用")))


def test_danger_is_told_whom_to_call_and_waits_for_a_person_unpublished(
    file: Callable[..., Any], http: TestClient, sqlite: Database
) -> None:
    [made] = file(description="楼下着火了，好多烟").json()
    order = order_of(sqlite, made["service_request_id"])
    assert "119" in made["service_notice"]
    assert (order.urgency, order.state) == (Urgency.DANGER, "pending_acceptance")
    assert listed(http) == []


def test_text_that_nobody_percent_encoded_arrives_as_it_was_written(
    http: TestClient, sqlite: Database, make_key: Callable[..., str]
) -> None:
    body = f"api_key={make_key()}&service_code=02&address_string=嘉鱼县鱼岳镇&description=路灯不亮".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    order = order_of(sqlite, filed(http.post(f"{V2}/requests.json", content=body, headers=form)))
    assert (order.text, order.area_code) == ("路灯不亮", "421221103")


def test_a_picture_is_kept_with_the_order_once_and_what_is_none_files_nothing(
    http: TestClient, sqlite: Database, make_key: Callable[..., str]
) -> None:
    form = {**NOISE, "api_key": make_key(name="相机")}
    drawn = BytesIO()
    Image.effect_noise((900, 900), 90).save(drawn, "PNG")
    assert len(drawn.getvalue()) > 256 * 1024
    page = {"media": ("hole.jpg", b"<html></html>", "image/jpeg")}
    assert "JPEG" in refused(http.post(f"{V2}/requests.json", data=form, files=page), 400)
    assert listed(http) == []
    numbers = {
        filed(http.post(f"{V2}/requests.json", data=form, files={"media": ("hole.png", drawn.getvalue(), "image/png")}))
        for _ in range(2)
    }
    operator = Principal("operator", Role.ADMIN)
    kept = sqlite.read_now(lambda c: [(n, keeping.of_order(c, n, operator)) for n in numbers])
    assert [(len(files), files[0].kind) for _, files in kept] == [(1, "picture")]


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"api_key": None}, 403, ["api_key"]),
        ({"api_key": "guess"}, 403, ["api_key"]),
        ({"jurisdiction_id": "wuhan.gov.cn"}, 404, ["wuhan.gov.cn", "xianning.gov.cn"]),
        ({"service_code": "99"}, 404, ["service_code", "99"]),
        ({"service_code": None}, 400, ["service_code"]),
        ({"lat": None, "address_string": None}, 400, ["lat", "address_string"]),
        ({"lat": None}, 400, ["lat", "long"]),
        ({"lat": "91", "long": "a"}, 400, ["lat", "'91'", "long", "'a'"]),
        ({"lat": "nan"}, 400, ["lat"]),
        ({"phone": "555-5555"}, 400, ["phone", "555-5555"]),
        ({"description": "长" * 4001}, 400, ["description", "4000"]),
        ({"description": "a\0b"}, 400, ["description"]),
        ({"email": "a" * 50}, 400, ["email", "50"]),
        ({"media_url": "file:///etc/passwd"}, 400, ["media_url", "file:///etc/passwd"]),
        ({"attribute[NATURE]": "抱怨"}, 400, ["NATURE", "抱怨"]),
        ({"attribute[FOO]": "1"}, 400, ["FOO", "OCCURRED"]),
        ({"attribute[OCCURRED]": "久" * 201}, 400, ["OCCURRED", "200"]),
    ],
)
def test_what_is_wrong_with_a_request_is_told_and_opens_nothing(
    file: Callable[..., Any], sqlite: Database, changes: Fields, status: int, told: list[str]
) -> None:
    said = refused(file(**changes), status)
    assert [word for word in told if word not in said] == []
    assert sqlite.read_now(lambda c: c.execute(select(work_orders.c.id)).all()) == []


@pytest.mark.parametrize("model", [Filed, ListAsked, OneAsked])
def test_every_field_has_its_sentence_of_what_it_may_be(model: type[BaseModel]) -> None:
    assert all(allowed(field) for field in model.model_fields)


def test_an_empty_field_is_as_good_as_none(file: Callable[..., Any]) -> None:
    filed(file(jurisdiction_id="", phone=" ", media_url="", email="", **{"attribute[OCCURRED]": ""}))


def test_an_error_in_xml_names_code_and_description(http: TestClient, make_key: Callable[..., str]) -> None:
    wrong = {"api_key": make_key(), "service_code": "<09>\x0b"}
    answer = http.post(f"{V2}/requests.xml", data=wrong)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/xml; charset=utf-8")
    root = ElementTree.fromstring(answer.content)
    assert (root.tag, root.findtext("error/code")) == ("errors", "404")
    assert "<09>" in str(root.findtext("error/description"))


@pytest.mark.parametrize("role", [Role.SEAT, Role.ADMIN])
def test_a_token_of_the_staff_is_no_key_of_an_application(
    file: Callable[..., Any], make_key: Callable[..., str], role: Role
) -> None:
    refused(file(api_key=make_key(role, "政务网")), 403)


def test_a_key_that_ran_out_opens_nothing(file: Callable[..., Any], clock: SetClock) -> None:
    filed(file())
    clock.forward(timedelta(days=201))
    refused(file(), 403)


# ---- reading --------------------------------------------------------------------------------------------------------


def test_a_request_is_told_with_its_deadline_and_without_a_word_of_the_citizens(
    http: TestClient, number: str, sqlite: Database, handling: Handling, clock: SetClock
) -> None:
    dispatch = moves.Dispatch(move=Move.DISPATCH, unit=UNIT)
    sqlite.write_now(lambda c: handling.move(c, number, dispatch, clock(), "test"))
    [told] = http.get(f"{V2}/requests/{number}.json").json()
    due = told.pop("expected_datetime")
    assert told == {
        "service_request_id": number,
        "status": "open",
        "status_notes": "待签收",
        "service_name": "生态环境",
        "service_code": "09",
        "description": "生态环境（咸安区温泉街道）",
        "agency_responsible": UNIT,
        "service_notice": None,
        "requested_datetime": "2026-11-24T09:30:00+08:00",
        "updated_datetime": "2026-11-24T09:30:00+08:00",
        "address": "咸安区温泉街道",
        "address_id": None,
        "zipcode": None,
        "lat": 29.841,
        "long": 114.323,
        "media_url": None,
    }
    [clock_told] = [
        one for one in sqlite.read_now(lambda c: handling.clocks.of(c, _id(c, number))) if one.step == "finish"
    ]
    assert due == clock_told.due.astimezone(CITY_TIME).isoformat()
    for path in ("requests", f"requests/{number}", "servicerequestupdates"):
        for form in ("json", "xml"):
            answer = http.get(f"{V2}/{path}.{form}", params={"extensions": "true"})
            assert number in answer.text
            assert [word for word in PRIVATE if word in answer.text] == []


def test_a_request_in_xml_says_the_same(http: TestClient, number: str) -> None:
    [told] = http.get(f"{V2}/requests/{number}.json").json()
    root = ElementTree.fromstring(http.get(f"{V2}/requests/{number}.xml").content)
    assert root.tag == "service_requests"
    [request] = root
    assert request.tag == "request"
    assert {field.tag: field.text for field in request} == {
        name: None if value is None else str(value) for name, value in told.items()
    }


@pytest.mark.parametrize(
    "hidden",
    [
        {"confidential": True},
        {"nature": "举报", "confidential": False},
        {"line": "deputy"},
        {"line": "leader"},
        {"line": "enterprise"},
        {"urgency": "danger"},
        {"source": "simulator"},
        {"state": "pending_acceptance"},
        {"state": "withdrawn"},
        {"category": None},
    ],
    ids=str,
)
def test_an_order_that_is_not_for_everybody_is_nowhere(
    http: TestClient, number: str, sqlite: Database, hidden: Fields
) -> None:
    assert listed(http) == [number]
    sqlite.write_now(lambda c: c.execute(update(work_orders).values(**hidden)))
    assert listed(http) == listed(http, service_request_id=number) == []
    assert http.get(f"{V2}/servicerequestupdates.json").json() == []
    refused(http.get(f"{V2}/requests/{number}.json"), 404)


def test_an_erased_order_is_nowhere_and_its_point_is_gone(
    http: TestClient, number: str, sqlite: Database, city: City, settings: Settings, clock: SetClock
) -> None:
    erasure = erasure_of(city, settings)
    sqlite.write_now(lambda c: c.execute(update(work_orders).values(state="closed")))
    assert listed(http, status="closed") == [number]
    erased = sqlite.write_now(lambda c: erasure.erase(c, number, "asked for", clock(), "test"))
    assert (erased.lat, erased.long) == (None, None)
    assert listed(http) == []


def test_requests_are_listed_by_time_service_status_and_page(
    file: Callable[..., Any], http: TestClient, sqlite: Database, clock: SetClock
) -> None:
    first = filed(file(description="一"))
    clock.forward(timedelta(days=80))
    second = filed(file(description="二", service_code="02", **{"attribute[OCCURRED]": None}))
    sqlite.write_now(
        lambda c: c.execute(update(work_orders).where(work_orders.c.number == first).values(state="closed"))
    )
    assert listed(http) == [second, first]
    assert listed(http, service_code="02, 03") == [second]
    assert listed(http, status="closed") == [first]
    assert listed(http, status="open,closed") == listed(http, status=["open", "closed"]) == [second, first]
    assert listed(http, page_size=1, page=2) == [first]
    assert listed(http, page_size=1, page=3) == []
    assert listed(http, service_request_id=f"{first},{second},20261124-999999", status="open") == [second, first]
    clock.forward(timedelta(days=20))
    assert listed(http) == [second]
    assert listed(http, start_date="2026-11-24T01:30:00Z", end_date="2026-11-24T01:30:00Z") == [first]
    assert listed(http, start_date="2026-11-24T09:30:00+08:00") == [second, first]
    unencoded = http.get(f"{V2}/requests.json?start_date=2026-11-24T09:30:00+08:00&end_date=2026-11-25T00:00:00+08:00")
    assert [request["service_request_id"] for request in unencoded.json()] == [first]


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}, 400, "90"),
        ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, 400, "90"),
        ({"start_date": "2026-01-01T00:00:00"}, 400, "start_date"),
        ({"end_date": "0001-01-01T00:00:00+08:00"}, 400, "end_date"),
        ({"end_date": "yesterday"}, 400, "yesterday"),
        ({"status": "open,fixed"}, 400, "status"),
        ({"page": "0"}, 400, "page"),
        ({"page_size": "1001"}, 400, "page_size"),
        ({"service_code": "09,99"}, 404, "99"),
        ({"jurisdiction_id": "wuhan.gov.cn"}, 404, "wuhan.gov.cn"),
    ],
)
def test_what_is_wrong_with_a_question_is_told(http: TestClient, asked: Fields, status: int, told: str) -> None:
    assert told in refused(http.get(f"{V2}/requests.json", params=asked), status)


@pytest.mark.parametrize(
    "path", ["services/99.json", "requests/20261124-000017.json", "requests/%00.json", "tokens/1.json"]
)
def test_what_does_not_exist_is_not_found(http: TestClient, path: str) -> None:
    refused(http.get(f"{V2}/{path}"), 404)


def test_a_format_nobody_has_is_not_found_and_told_in_xml(http: TestClient) -> None:
    answer = http.get(f"{V2}/services.csv")
    assert answer.status_code == 404
    assert ElementTree.fromstring(answer.content).findtext("error/code") == "404"


def test_what_has_become_of_requests_is_told_change_by_change(
    http: TestClient, number: str, sqlite: Database, handling: Handling, clock: SetClock
) -> None:
    for move in (moves.Dispatch(move=Move.DISPATCH, unit=UNIT), moves.Sign(move=Move.SIGN)):
        clock.forward(timedelta(hours=1))
        sqlite.write_now(lambda c, move=move: handling.move(c, number, move, clock(), "test"))  # type: ignore[misc]
    sqlite.write_now(
        lambda c: register.add_event(c, _id(c, number), "contact_viewed", {"purpose": "visit"}, clock(), "x")
    )
    updates = http.get(f"{V2}/servicerequestupdates.json").json()
    assert [(one["description"], one["status"]) for one in updates] == [
        ("已登记", "open"),
        ("已派单", "open"),
        ("承办单位已签收", "open"),
    ]
    assert updates[1] == {
        "update_id": f"{number}-2",
        "service_request_id": number,
        "status": "open",
        "updated_datetime": "2026-11-24T10:30:00+08:00",
        "description": "已派单",
        "media_url": None,
    }
    later = {"start_date": "2026-11-24T02:30:01Z"}
    assert len(http.get(f"{V2}/servicerequestupdates.json", params=later).json()) == 1
    root = ElementTree.fromstring(http.get(f"{V2}/servicerequestupdates.xml").content)
    assert (root.tag, root[0].tag) == ("service_request_updates", "request_update")
    [extended] = http.get(f"{V2}/requests/{number}.json", params={"extensions": "true"}).json()
    assert extended["extended_attributes"] == {
        "state": "in_progress",
        "state_name": "办理中",
        "area_code": "421202001",
    }
    assert [note["type"] for note in extended["notes"]] == ["opened", "dispatch", "sign"]


def _id(connection: Any, number: str) -> int:
    return int(register.row_of(connection, number)["id"])
