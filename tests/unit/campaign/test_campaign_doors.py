"""The campaign and the lists of numbers as the staff see them, and what an operator does by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from core.access import Role
from core.city import City
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from core.sheets import BadSheet
from desk.life.handling import Handling
from hotline import campaign
from ivr.out.lists import Kind
from ivr.out.rules import Campaign
from tests.fakes import SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
SignIn = Callable[..., Headers]


@pytest.fixture
def waiting(
    client: TestClient,
    as_bot: Headers,
    answered: Callable[..., None],
    noise_complaint: dict[str, Any],
) -> str:
    """The number of an order that waits for its call-back."""
    number = str(client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"])
    answered(number)
    return number


def test_a_supervisor_sees_how_the_campaign_stands_and_pauses_it(client: TestClient, sign_in: SignIn) -> None:
    supervisor = sign_in(Role.SUPERVISOR)
    state = client.get("/api/campaign", headers=supervisor).json()
    assert state == {
        "paused": False,
        "changed_by": None,
        "changed_at": None,
        "reason": None,
        "places_calls": False,
        "open": True,
        "opens_at": "2026-11-24T01:30:00Z",
        "under_way": 0,
        "today": {"placed": 0, "reached": 0, "solved": 0, "satisfied": 0, "refused": 0},
    }
    paused = client.post("/api/campaign/pause", json={"reason": "线路检修"}, headers=supervisor).json()
    assert (paused["paused"], paused["reason"]) == (True, "线路检修")
    assert paused["changed_by"].startswith("supervisor")
    assert client.post("/api/campaign/pause", json={"reason": "再停"}, headers=supervisor).json() == paused
    assert client.post("/api/campaign/resume", headers=supervisor).json()["paused"] is False
    audit = client.get("/api/audit?subject=campaign", headers=sign_in(Role.AUDITOR)).json()
    assert [entry["kind"] for entry in audit] == ["campaign_resumed", "campaign_paused"]


def test_a_pause_needs_its_reason(client: TestClient, sign_in: SignIn) -> None:
    refused = client.post("/api/campaign/pause", json={"reason": " "}, headers=sign_in(Role.SUPERVISOR))
    assert refused.status_code == 422
    assert "reason" in refused.json()["detail"]


def test_the_preview_masks_telephones(client: TestClient, sign_in: SignIn, waiting: str) -> None:
    answer = client.get("/api/campaign/preview", headers=sign_in(Role.DISPATCHER))
    assert answer.json() == [
        {
            "number": waiting,
            "person": waiting,
            "phone": "+86138****4567",
            "unit": "咸安区生态环境局",
            "tries": 0,
            "last": None,
            "at": "2026-11-24T01:30:00Z",
            "hindrance": None,
        }
    ]
    assert "13871234567" not in answer.text


def test_attempts_of_an_order_that_is_not_there_are_404(client: TestClient, sign_in: SignIn) -> None:
    seat = sign_in(Role.SEAT)
    assert client.get("/api/campaign/attempts", headers=seat).json() == []
    assert client.get("/api/campaign/attempts?number=20260101-000001", headers=seat).status_code == 404


def test_a_seat_puts_a_number_on_a_list_and_takes_it_off_again(client: TestClient, sign_in: SignIn) -> None:
    seat = sign_in(Role.SEAT)
    new = {"kind": "do_not_call", "phone": "138 7123 4567", "reason": "来电要求"}
    added = client.post("/api/phone-lists", json=new, headers=seat)
    again = client.post("/api/phone-lists", json={**new, "phone": "+8613871234567"}, headers=seat)
    assert (added.status_code, again.status_code) == (201, 200)
    assert added.json() == again.json()
    assert added.json()["phone"] == "+86138****4567"
    found = client.post("/api/phone-lists/search", json={"phone": "013871234567"}, headers=seat).json()
    assert [entry["id"] for entry in found] == [added.json()["id"]]
    assert client.get("/api/phone-lists?kind=elder", headers=seat).json() == []
    path = f"/api/phone-lists/{added.json()['id']}/removal"
    assert client.post(path, json={"reason": "本人撤回"}, headers=seat).json()["removal"] == "本人撤回"
    assert client.get("/api/phone-lists", headers=seat).json() == []
    audit = client.get("/api/audit", headers=sign_in(Role.AUDITOR)).json()
    kinds = {entry["kind"]: entry["subject"] for entry in audit}
    assert kinds["phone_listed"] == kinds["phone_unlisted"] == "+86138****4567"
    assert "13871234567" not in str(audit)


BAD = [
    ({"phone": "12345"}, "phone"),
    ({"kind": "vip"}, "kind"),
    ({"reason": ""}, "reason"),
    ({"until": "2026-11-23T00:00:00Z"}, "until"),
    ({"until": "2026-11-25T00:00:00"}, "until"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[str(change) for change, _ in BAD])
def test_what_cannot_stand_on_a_list_is_refused_by_name(
    client: TestClient,
    sign_in: SignIn,
    change: dict[str, str],
    field: str,
) -> None:
    new = {"kind": "elder", "phone": "13871234567", "reason": "老人", **change}
    refused = client.post("/api/phone-lists", json=new, headers=sign_in(Role.SEAT))
    assert refused.status_code == 422
    assert field in refused.json()["detail"]


def test_a_file_of_numbers_goes_in_once_and_bad_rows_are_told_by_their_line(
    sqlite: Database, clock: SetClock, tmp_path: Path
) -> None:
    file = tmp_path / "老人.csv"
    file.write_text("姓名,电话,原因\n甲,13871234567,独居\n乙,12,\n丙,0715-8235678,\n", "gb18030")
    first, again = (campaign.import_numbers(sqlite, file, Kind.ELDER, "名册", clock) for _ in range(2))
    assert (first.rows, first.added, first.known) == (3, 2, 0)
    assert first.refused == ["line 3: **** is no telephone number"]
    assert (again.added, again.known) == (0, 2)


def test_a_file_without_a_column_of_numbers_is_refused(sqlite: Database, clock: SetClock, tmp_path: Path) -> None:
    file = tmp_path / "名单.csv"
    file.write_text("姓名\n甲\n", "utf-8")
    with pytest.raises(BadSheet, match="no heading for the number; one of 电话"):
        campaign.import_numbers(sqlite, file, Kind.ELDER, "名册", clock)


def test_the_preview_on_the_command_line_tells_when_and_why_not(
    client: TestClient,
    sign_in: SignIn,
    waiting: str,
    sqlite: Database,
    city: City,
    clock: SetClock,
) -> None:
    rules, handling, console = Campaign(city), Handling.of_city(city), Console(width=160, record=True)
    campaign.show_plan(console, campaign.planned(sqlite, city, handling, clock(), 10), rules, clock())
    new = {"kind": "elder", "phone": "13871234567", "reason": "老人"}
    client.post("/api/phone-lists", json=new, headers=sign_in(Role.SEAT))
    campaign.show_plan(console, campaign.planned(sqlite, city, handling, clock(), 10), rules, clock())
    shown = console.export_text()
    assert waiting in shown
    assert "+86138****4567" in shown
    assert "现在" in shown
    assert "在老年人名单上，由人工回访" in shown


def test_calls_that_are_wanted_without_a_carrier_are_refused_by_the_settings_name(settings: Settings) -> None:
    assert campaign.dialler_of(settings) is None
    with pytest.raises(Problem, match="HOTLINE_CAMPAIGN_PLACES_CALLS"):
        campaign.dialler_of(settings.model_copy(update={"campaign_places_calls": True}))
