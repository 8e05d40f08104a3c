"""Every door has a lock, and the list of doors is true."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from core.access import Audience, audience_of

pytestmark = pytest.mark.unit

DOCUMENT = Path(__file__).parents[2] / "docs" / "doors.md"
# The framework's own pages: what the API looks like is no secret.
OWN_PAGES = {"/openapi.json", "/docs", "/docs/oauth2-redirect"}


def doors(client: TestClient) -> dict[tuple[str, str], str]:
    """Each door of the application with the audience it declares."""
    found: dict[tuple[str, str], str] = {}
    for route in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]
        if route.path in OWN_PAGES:
            continue
        declared = [audience_of(d.call) for d in route.dependant.dependencies if d.call]
        audiences = {audience for audience in declared if audience}
        for method in route.methods or ["WS"]:
            found[method, str(route.path)] = " ".join(sorted(audiences))
    return found


def test_every_route_names_exactly_one_audience(client: TestClient) -> None:
    for door, audience in doors(client).items():
        assert audience.partition(":")[0] in set(Audience), f"{door}: declares {audience!r}"


def test_the_documented_doors_are_the_doors_of_the_app(client: TestClient) -> None:
    rows = re.findall(r"^\| (\w+) \| (/\S*) \| ([\w:, -]+?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    documented = {(method, path): who for method, path, who in rows}
    assert documented == doors(client)
