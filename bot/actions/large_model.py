"""A large language model: a second opinion on messages of unsure category, and answers in the citizen's own terms.

Off unless a URL is set; answers are another switch. Any OpenAI-compatible endpoint serves (DeepSeek, a model of one's
own). It sees the message without what identifies the citizen, has a budget of seconds, and its silence changes nothing:
the citizen is then asked to choose, or told the entry of the knowledge base as it stands.
"""

import asyncio
import json
import logging
import os
import re
import time
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import aiohttp

from bot.actions.city import City
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

ANSWERING = (
    "你是12345政务服务便民热线的接线员。只根据下面编号的知识条目回答群众的问题，不得添加条目以外的任何内容、数字、电话或网址；"
    '条目不能回答这个问题时输出{{"answer": null, "cited": []}}。用平实的话，不超过300字。'
    '只输出JSON，例如{{"answer": "……", "cited": ["条目编号"]}}，cited写你用到的条目编号。\n{entries}'
)
LONGEST_ANSWER = 400
_NUMBER = re.compile(
    r"[0-9]+(?:\.[0-9]+)?|[〇零一二三四五六七八九十百千万亿两半]+(?=[个年月日天周岁元倍次份人项条款%％小工])"
)
_ADDRESS = re.compile(r"https?://|www\.|[a-z0-9-]+\.(?:com|cn|net|org)", re.IGNORECASE)


class LargeModel:
    """Asks an OpenAI-compatible `url` (up to /v1)."""

    def __init__(self, url: str, key: str, model: str, budget_seconds: float) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._budget = budget_seconds
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._silences = 0
        self._rests_until = 0.0

    async def choose(self, text: str, ranking: Sequence[Tuple[str, float]], city: City) -> Optional[str]:
        """The id of one of the likeliest categories, or None when there is no clear answer in time."""
        if not ranking:
            return None
        options = [city.by_id[category] for category, _ in ranking[:OPTIONS]]
        listed = "\n".join(f"{option.id} {option.name}：{option.description}" for option in options)
        told = await self._told(PROMPT.format(options=listed), masked(text, city), most_tokens=30)
        chosen = None if told is None else told.get("category")
        return chosen if isinstance(chosen, str) and chosen in {option.id for option in options} else None

    async def answer(self, question: str, entries: Mapping[str, str], city: City) -> Optional["Written"]:
        """An answer out of the texts of entries, by id; None when there is none in time that they alone bear out.

        Every number in it has to stand in an entry it cites, and it names no address of the web that they do not.
        """
        listed = "\n".join(f"【{entry_id}】{text}" for entry_id, text in entries.items())
        told = await self._told(ANSWERING.format(entries=listed), masked(question, city), most_tokens=600)
        if told is None:
            return None
        text, cited = told.get("answer"), told.get("cited")
        if not isinstance(text, str) or not isinstance(cited, list) or not cited or not set(cited) <= set(entries):
            return None
        written = Written(text.strip(), tuple(map(str, cited)))
        return written if is_borne_out(written.text, [entries[entry_id] for entry_id in written.cited]) else None

    async def _told(self, instructions: str, text: str, most_tokens: int) -> Optional[Dict[str, Any]]:
        """The JSON object the model answers; None when it rests, is silent, or answers anything else."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            answer = await asyncio.wait_for(self._ask(instructions, text, most_tokens), self._budget)
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, IndexError, TypeError) as error:
            logger.warning("large model silent: %s", type(error).__name__)
            self._silences += 1
            if self._silences >= MOST_SILENCES:
                self._silences, self._rests_until = 0, time.monotonic() + REST_SECONDS
            return None
        self._silences = 0
        return answer

    async def _ask(self, instructions: str, text: str, most_tokens: int) -> Dict[str, Any]:
        body: Dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": most_tokens,
            "response_format": {"type": "json_object"},
        }
        async with (
            aiohttp.ClientSession(headers=self._headers) as session,
            session.post(self._url, json=body) as response,
        ):
            response.raise_for_status()
            told = (await response.json(content_type=None))["choices"][0]["message"]["content"]
        answer = json.loads(told)
        if not isinstance(answer, dict):
            raise ValueError("not a JSON object")
        return answer


@dataclass(frozen=True)
class Written:
    """An answer a large model wrote, and the ids of the entries it cites."""

    text: str
    cited: Tuple[str, ...]


def is_borne_out(text: str, sources: Sequence[str]) -> bool:
    """Whether an answer is of a fit length and names no number and no address that its sources do not name."""
    if not 0 < len(text) <= LONGEST_ANSWER:
        return False
    known = "\n".join(sources)
    numbers = set(_NUMBER.findall(known))
    return set(_NUMBER.findall(text)) <= numbers and all(found in known for found in _ADDRESS.findall(text))


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


def get_writer() -> Optional[LargeModel]:
    """The large model where it may write answers, too."""
    return get_large_model() if os.environ.get("HOTLINE_LLM_ANSWERS") == "1" else None
