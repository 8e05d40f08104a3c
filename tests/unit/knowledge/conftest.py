"""A few entries, and the knowledge base made of them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml

from core.city import City
from core.database import Database
from knowledge.answering import Knowledge
from knowledge.content import Content
from knowledge.entries import Actor, put
from knowledge.search.words import Synonyms, Words
from tests.fakes import SetClock

TODAY = date(2026, 11, 24)
LAW = {"law": "中华人民共和国社会保险法", "article": "第五十八条", "date": "2018-12-29"}
ENTRIES: dict[str, dict[str, Any]] = yaml.safe_load(
    """
    card-lost:
      question: 社会保障卡丢了怎么补办
      asked: [社保卡不见了咋补, 卡掉了要先挂失不]
      short: 先打12333挂失，再带身份证到服务网点补办。
      answer: 社会保障卡丢失后请先挂失，再带身份证到服务网点补办。
      documents: [本人身份证]
    licence-lost:
      question: 驾驶证丢了怎么补
      asked: [驾照遗失了去哪里补领]
      answer: 驾驶证遗失的，向车辆管理所申请补发，交回原证。
      fee: 补发驾驶证收工本费，以当地公布为准
    probation:
      question: 试用期最长多久
      asked: [试用期能签半年吗]
      answer: 三年以上固定期限和无固定期限的劳动合同，试用期不得超过6个月。
    """
)


@pytest.fixture(scope="session")
def words(city: City) -> Words:
    """The tokens of the city's synonyms."""
    return Words(Synonyms.model_validate(city.read("synonyms.yml")))


@pytest.fixture
def content() -> Callable[..., Content]:
    """Makes the content of an entry of `ENTRIES`, with changes."""

    def make(name: str, **changed: Any) -> Content:
        return Content.model_validate({"basis": [LAW], **ENTRIES[name], **changed})

    return make


@pytest.fixture
def editor(clock: SetClock) -> Actor:
    """Somebody who may let an entry answer alone."""
    return Actor("editor", clock(), alone=True)


@pytest.fixture
def shelved(sqlite: Database, content: Callable[..., Content], editor: Actor) -> Database:
    """A database with all of them live."""
    listed = [(name, content(name)) for name in ENTRIES]
    sqlite.write_now(lambda c: put(c, listed, editor, live=True))
    return sqlite


@pytest.fixture
def knowledge(shelved: Database, city: City, clock: SetClock) -> Knowledge:
    """The knowledge base over them, with the real encoder."""
    return Knowledge(shelved, city, clock)
