"""The second opinion of a large model, from a strict stand-in for an OpenAI-compatible endpoint."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from bot.actions.city import City
from bot.actions.large_model import MOST_SILENCES, LargeModel, masked

pytestmark = pytest.mark.service

CITY = City()
RANKING = (("09", 0.4), ("01", 0.35), ("04", 0.1), ("02", 0.05), ("19", 0.04), ("22", 0.01))
TEXT = "我姓欧阳，楼下烧烤摊的烟往家里灌，电话138 7123 4567，身份证42122219760908302X"

Ask = Callable[[LargeModel], Awaitable[str | None]]


class StandIn:
    """Accepts what the OpenAI chat API accepts, and answers `content` after `delay` seconds."""

    def __init__(self, content: str, delay: float = 0.0) -> None:
        self.content = content
        self.delay = delay
        self.asked: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer key":
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        body = await request.json()
        assert set(body) == {"model", "messages", "temperature", "max_tokens", "response_format"}
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        self.asked.append(body)
        await asyncio.sleep(self.delay)
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": self.content}}]})


def answer(stand_in: StandIn, times: int = 1, key: str = "key", budget: float = 1.0) -> list[str | None]:
    """What the model says, asked several times."""

    async def run() -> list[str | None]:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", stand_in.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        model = LargeModel(f"http://127.0.0.1:{port}/v1", key, "any", budget)
        try:
            return [await model.choose(TEXT, RANKING, CITY) for _ in range(times)]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_a_category_among_the_likeliest_is_taken() -> None:
    stand_in = StandIn('{"category": "01"}')
    assert answer(stand_in) == ["01"]
    [asked] = stand_in.asked
    assert "01 城市管理" in asked["messages"][0]["content"]
    assert "22 作风法治" not in asked["messages"][0]["content"]


def test_what_identifies_the_citizen_never_leaves() -> None:
    stand_in = StandIn('{"category": "01"}')
    answer(stand_in)
    sent = json.dumps(stand_in.asked, ensure_ascii=False)
    assert "烧烤摊" in sent
    for secret in ("欧阳", "4567", "7123", "0908302"):
        assert secret not in sent


@pytest.mark.parametrize(
    "content", ['{"category": "22"}', '{"category": null}', "09", "{}", "不知道", '{"category": ["09"]}']
)
def test_any_other_answer_counts_as_none(content: str) -> None:
    assert answer(StandIn(content)) == [None]


def test_a_wrong_key_counts_as_silence() -> None:
    assert answer(StandIn('{"category": "01"}'), key="other") == [None]


def test_a_model_that_is_too_slow_is_left_alone_after_a_few_times() -> None:
    stand_in = StandIn('{"category": "01"}', delay=5)
    assert answer(stand_in, times=MOST_SILENCES + 2, budget=0.05) == [None] * (MOST_SILENCES + 2)
    assert len(stand_in.asked) == MOST_SILENCES


def test_the_masked_text_still_tells_the_matter() -> None:
    assert masked(TEXT, CITY) == "我姓[姓名]，楼下烧烤摊的烟往家里灌，电话[电话]，身份证[身份证号]"
