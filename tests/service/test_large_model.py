"""The second opinion of a large model, from a strict stand-in for an OpenAI-compatible endpoint."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from aiohttp import web

from bot.actions.city import City
from bot.actions.large_model import LONGEST_ANSWER, MOST_SILENCES, LargeModel, Written, masked

pytestmark = pytest.mark.service

CITY = City()
RANKING = (("09", 0.4), ("01", 0.35), ("04", 0.1), ("02", 0.05), ("19", 0.04), ("22", 0.01))
TEXT = "我姓欧阳，楼下烧烤摊的烟往家里灌，电话138 7123 4567，身份证42122219760908302X"

T = TypeVar("T")


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
    """The category the model says, asked several times."""
    return asked_of(stand_in, lambda model: model.choose(TEXT, RANKING, CITY), times, key, budget)


def asked_of(
    stand_in: StandIn,
    ask: Callable[[LargeModel], Awaitable[T]],
    times: int = 1,
    key: str = "key",
    budget: float = 1.0,
) -> list[T]:
    """What the model says, asked several times."""

    async def run() -> list[T]:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", stand_in.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        model = LargeModel(f"http://127.0.0.1:{port}/v1", key, "any", budget)
        try:
            return [await ask(model) for _ in range(times)]
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


ENTRIES = {
    "probation": "劳动合同期限三年以上的，试用期不得超过6个月。依据《中华人民共和国劳动合同法》第十九条。",
    "overtime": "休息日加班又不能补休的，支付不低于工资百分之二百的报酬。",
}


def written(content: str, delay: float = 0.0) -> Written | None:
    """What is told of an answer the model wrote."""
    stand_in = StandIn(content, delay)
    question = "我姓欧阳，电话13871234567，试用期能签一年吗"
    [told] = asked_of(stand_in, lambda model: model.answer(question, ENTRIES, CITY), budget=0.5)
    for asked in stand_in.asked:
        assert "欧阳" not in asked["messages"][1]["content"]
        assert "13871234567" not in asked["messages"][1]["content"]
    return told


def test_an_answer_that_the_cited_entry_bears_out_is_told() -> None:
    told = written('{"answer": "不能签一年，合同三年以上的试用期最长6个月。", "cited": ["probation"]}')
    assert told is None  # 一年 stands in no entry.
    told = written('{"answer": "不能，合同三年以上的，试用期最长6个月。", "cited": ["probation"]}')
    assert told == Written("不能，合同三年以上的，试用期最长6个月。", ("probation",))


@pytest.mark.parametrize(
    "content",
    [
        '{"answer": null, "cited": []}',
        '{"answer": "试用期最长6个月。", "cited": []}',
        '{"answer": "试用期最长6个月。", "cited": ["labour-law"]}',
        '{"answer": "试用期最长3个月。", "cited": ["probation"]}',
        '{"answer": "试用期最长6个月。", "cited": ["overtime"]}',
        '{"answer": "试用期最长六个月，见www.example.com", "cited": ["probation"]}',
        '{"answer": "' + "长" * (LONGEST_ANSWER + 1) + '", "cited": ["probation"]}',
        '{"answer": ["6个月"], "cited": ["probation"]}',
        '["6个月"]',
        "最长6个月",
    ],
    ids=[
        "refused",
        "nothing cited",
        "an unknown entry",
        "a number of its own",
        "a number of another entry",
        "an address",
        "too long",
        "no text",
        "no object",
        "no JSON",
    ],
)
def test_any_other_written_answer_is_not_told(content: str) -> None:
    assert written(content) is None


def test_an_answer_that_comes_too_late_is_not_told() -> None:
    assert written('{"answer": "试用期最长6个月。", "cited": ["probation"]}', delay=5) is None
