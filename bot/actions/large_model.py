"""A large language model's second opinion on messages the understanding is unsure of; off unless a URL is set.

Any OpenAI-compatible endpoint serves (DeepSeek, a model of one's own). It sees the message without what identifies the
citizen, has a budget of seconds, and its silence changes nothing: the citizen is then asked to choose as ever.
"""

import asyncio
import json
import logging
import os
import re
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

import aiohttp

from bot.actions.city import Category, City
from bot.actions.entities import entities
from bot.actions.reading import find_name

logger = logging.getLogger(__name__)

OPTIONS = 5
LONGEST_TEXT = 1000
HIDDEN = {"phone": "[电话]", "id_number": "[身份证号]", "plate": "[车牌]", "credit_code": "[信用代码]"}
_LONG_DIGITS = re.compile("[0-9]{7,}")
# After so many silences in a row it is left alone for a while, so that nobody waits for a model that is down.
MOST_SILENCES = 3
REST_SECONDS = 60.0

PROMPT = (
    "你是12345政务服务便民热线的派单员。按“由哪个部门主办”判断下面这件群众诉求属于哪一类，"
    '只输出JSON，例如{{"category": "03"}}，编号只能从下面选，都不合适输出{{"category": null}}。\n{options}'
)


class LargeModel:
    """Asks an OpenAI-compatible `url` (up to /v1) which of some categories a message belongs to."""

    def __init__(self, url: str, key: str, model: str, budget_seconds: float) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._budget = budget_seconds
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._silences = 0
        self._rests_until = 0.0

    async def choose(self, text: str, ranking: Sequence[Tuple[str, float]], city: City) -> Optional[str]:
        """The id of one of the likeliest categories, or None when there is no clear answer in time."""
        if time.monotonic() < self._rests_until or not ranking:
            return None
        options = [city.by_id[category] for category, _ in ranking[:OPTIONS]]
        try:
            answer = await asyncio.wait_for(self._ask(masked(text, city), options), self._budget)
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, IndexError, TypeError) as error:
            logger.warning("large model silent: %s", type(error).__name__)
            self._silences += 1
            if self._silences >= MOST_SILENCES:
                self._silences, self._rests_until = 0, time.monotonic() + REST_SECONDS
            return None
        self._silences = 0
        return answer if answer in {option.id for option in options} else None

    async def _ask(self, text: str, options: List[Category]) -> Optional[str]:
        listed = "\n".join(f"{option.id} {option.name}：{option.description}" for option in options)
        body: Dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": PROMPT.format(options=listed)},
                {"role": "user", "content": text},
            ],
            "temperature": 0,
            "max_tokens": 30,
            "response_format": {"type": "json_object"},
        }
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.post(self._url, json=body) as response,
        ):
            response.raise_for_status()
            told = (await response.json(content_type=None))["choices"][0]["message"]["content"]
        chosen = json.loads(told)["category"]
        return None if chosen is None else str(chosen)


def masked(text: str, city: City) -> str:
    """The text without what identifies the citizen: numbers of all kinds and the name."""
    shown = text
    for entity in reversed(entities(shown, city)):
        if entity.type in HIDDEN:
            shown = shown[: entity.start] + HIDDEN[entity.type] + shown[entity.end :]
    name = find_name(shown)
    if name:
        shown = shown.replace(name, "[姓名]")
    return _LONG_DIGITS.sub("[号码]", shown)[:LONGEST_TEXT]


_model: Optional[LargeModel] = None


def get_large_model() -> Optional[LargeModel]:
    """The large model of this process, or None when none is set up."""
    global _model
    url = os.environ.get("HOTLINE_LLM_URL")
    if _model is None and url:
        environment = os.environ
        budget = float(environment.get("HOTLINE_LLM_BUDGET_SECONDS", "2.5"))
        _model = LargeModel(url, environment.get("HOTLINE_LLM_KEY", ""), environment["HOTLINE_LLM_MODEL"], budget)
    return _model
