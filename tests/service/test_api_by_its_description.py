"""The API does what its own description says, whatever is sent and whoever sends it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.city import City
from core.database import Database
from desk.life.handling import Handling
from desk.telling.outbox import Outbox
from tests.fakes import SetClock

pytestmark = pytest.mark.service

Headers = dict[str, str]
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
TELLS_WHAT_IS_DOWN = "/readyz"
EXAMPLES = 4
"""So many requests of each kind, right ones and wrong ones, to each door with each key."""
bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Stage:
    """The application for schemathesis, whose client would start and end it with every request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        for part in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{part}.complete"})


@pytest.fixture
def known(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    noise_complaint: dict[str, Any],
    sqlite: Database,
    city: City,
    clock: SetClock,
) -> dict[str, Any]:
    """Path parameters that lead somewhere."""
    order = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
    outbox = Outbox.of_city(city, Handling.of_city(city).clocks.calendar, ())
    sqlite.write_now(lambda c: outbox.hand_on(c, clock()))
    sqlite.write_now(lambda c: outbox.tell_due(c, clock() + timedelta(hours=1)))
    [notice] = client.get("/api/notices", headers=as_operator).json()["notices"]
    hook = client.post("/api/webhooks", json={"url": "https://receiver.example"}, headers=as_operator).json()
    test = client.post(f"/api/webhooks/{hook['id']}/test", headers=as_operator).json()
    leading = {"notice_id": notice["id"], "webhook_id": hook["id"], "delivery_id": test["id"]}
    return {"number": order["number"], "source": "province", **leading}


@pytest.mark.parametrize("key", ["nobody", "bot", "operator"])
def test_every_answer_is_one_that_is_described(
    client: TestClient, as_bot: Headers, as_operator: Headers, known: dict[str, Any], key: str
) -> None:
    headers = {"nobody": {}, "bot": as_bot, "operator": as_operator}[key]
    schema = schemathesis.openapi.from_asgi("/openapi.json", Stage(client.app))
    wrong: list[str] = []
    for operation in operations(schema):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                send(operation, mode, headers, known)
            except Unsatisfiable:
                # Nothing wrong can be sent to a door that asks for nothing.
                assert mode is GenerationMode.NEGATIVE
            except FailureGroup as failure:
                wrong.append(f"{operation.label} ({mode.value}): {failure}"[:2000])
    assert not wrong, "\n\n".join(wrong)


def operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        yield result.ok()


def send(operation: Any, mode: GenerationMode, headers: Headers, known: dict[str, Any]) -> None:
    """Send requests of one kind to one door, and hold each answer to the description."""

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode))
    def hold(case: Any) -> None:
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
        up = [] if operation.path == TELLS_WHAT_IS_DOWN else [not_a_server_error]
        case.call_and_validate(headers=headers, checks=[*CHECKS, *up])

    hold()
