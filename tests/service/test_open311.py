"""Open311 by a client of others: `three` from PyPI, over HTTP, on both databases."""

import importlib
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from core.access import Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.access import api_tokens
from desk.access.api_tokens import NewToken
from desk.orders import register
from hotline.app import Parts, assemble
from tests.fakes import FakeBot, SetClock
from tests.system import eventually, free_ports

pytestmark = pytest.mark.service


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client. It was written for Python 2 and lacks one name of it here; the rest runs as it is."""
    monkeypatch.setattr(itertools, "ifilter", filter, raising=False)
    return importlib.import_module("three")


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application on a port of its own."""
    [port] = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, 20)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def test_three_lists_the_services_files_a_request_and_finds_it(
    three: Any, database: Database, settings: Settings, city: City, bot: FakeBot, clock: SetClock
) -> None:
    new = NewToken(name="three", role=Role.APPLICATION, expires_at=clock() + timedelta(days=1))
    key = database.write_now(lambda c: api_tokens.make(c, new, clock(), "test")).token
    with serving(assemble(Parts(settings, database, city, bot, clock))) as url:
        client = three.Three(f"{url}/open311/v2", api_key=key, jurisdiction="xianning.gov.cn")
        assert client.discovery()["endpoints"][0]["specification"] == "http://wiki.open311.org/GeoReport_v2"
        services = client.services()
        assert [service["service_code"] for service in services] == list(city.categories)
        assert client.services("02")["attributes"]
        [made] = client.post(
            "02", address="咸安区温泉街道淦河大道88号", name="芳 王", phone="13871234567", description="路灯不亮"
        )
        number = made["service_request_id"]
        order = database.read_now(lambda c: register.find(c, number))
        assert (order.category, order.area_code, order.text) == ("02", "421202001", "路灯不亮")
        [found] = client.request(number)
        assert (found["service_request_id"], found["status"]) == (number, "open")
        assert client.requests("02", start="11-01-2026", end="11-30-2026", count=10) == [found]
        assert client.requests(status="closed") == []
        [refused] = three.Three(f"{url}/open311/v2", api_key="guess").post("02", address="咸安区", description="路灯")
        assert refused["code"] == 403
        assert client.token("1")[0]["code"] == 404
