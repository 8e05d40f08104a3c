"""What the page learns when a citizen wants to say where something is."""

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from core.settings import Settings

pytestmark = pytest.mark.unit


def test_without_tiles_the_page_is_told_that_there_is_no_map(chat: TestClient) -> None:
    centre = {"latitude": 29.8413, "longitude": 114.3225}
    assert chat.get("/chat/map").json() == {"tiles": None, "attribution": "", "centre": centre}


def test_an_area_has_its_name_from_the_county_down(chat: TestClient) -> None:
    assert chat.get("/chat/areas/421202001").json() == {"code": "421202001", "name": "咸安区温泉街道"}


@pytest.mark.parametrize("code", ["999999", "4212", "x"])
def test_an_unknown_area_is_refused_in_chinese(chat: TestClient, code: str) -> None:
    refused = chat.get(f"/chat/areas/{code}")
    assert (refused.status_code, refused.json()["detail"]) == (404, f"没有代码为 {code} 的区域。")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("map_tiles", "https://{s}.tiles.example/{z}/{x}/{y}.png"),
        ("map_tiles", "https://tiles.example/{z}/{x}.png"),
        ("map_tiles", "https://tiles.example; script-src */{z}/{x}/{y}"),
        ("map_centre", "114.3,29.8"),
        ("map_centre", "咸宁"),
        ("widget_origins", "https://www.example.gov.cn/news"),
        ("widget_origins", "https://a.example; script-src *"),
        ("widget_origins", "*"),
    ],
)
def test_a_setting_that_would_open_more_than_one_host_or_lead_nowhere_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: value})


def test_sites_and_tiles_are_taken_as_they_are_written() -> None:
    told = Settings.model_validate(
        {
            "widget_origins": "https://www.example.gov.cn, http://127.0.0.1:8090",
            "map_tiles": "https://t0.tianditu.gov.cn/vec_w/wmts?x={x}&y={y}&z={z}&tk=key",
        }
    )
    assert told.framing_origins == ["https://www.example.gov.cn", "http://127.0.0.1:8090"]
    assert told.map_origin == "https://t0.tianditu.gov.cn"
