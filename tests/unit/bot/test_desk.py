"""Asking the desk for similar orders never stops the filing."""

from typing import Any

import aiohttp
import pytest

from bot.actions.desk import Desk, DeskRefused

pytestmark = pytest.mark.unit

KNOWN = {"text": "太吵了", "category": "09", "area_code": "421202001", "place": "淦河大道88号"}


class DeskThat(Desk):
    """A desk that answers, or fails, as it is told."""

    def __init__(self, answers: Any) -> None:
        super().__init__("http://desk", "token")
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def _post_once(self, path: str, body: dict[str, Any], headers: Any) -> Any:
        self.asked.append((path, body))
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


async def test_the_most_alike_order_is_offered() -> None:
    desk = DeskThat([{"number": "20261124-000015"}, {"number": "20261124-000023"}])
    assert await desk.similar(KNOWN, "web:1") == {"number": "20261124-000015"}
    assert desk.asked == [("/api/work-orders/similar", {**KNOWN, "conversation_id": "web:1"})]


@pytest.mark.parametrize(
    "trouble", [TimeoutError(), aiohttp.ClientPayloadError("status 503"), DeskRefused(422, "area_code")], ids=repr
)
async def test_a_desk_that_is_slow_or_down_offers_nothing_and_is_asked_once(trouble: Exception) -> None:
    desk = DeskThat(trouble)
    assert await desk.similar(KNOWN, "web:1") is None
    assert len(desk.asked) == 1


async def test_joining_is_tried_again_because_a_conversation_joins_once() -> None:
    desk = DeskThat(TimeoutError())
    with pytest.raises(Exception, match="TimeoutError"):
        await desk.join("20261124-000015", {"conversation_id": "web:1"})
    assert len(desk.asked) == 3
