"""A knowledge base of more entries than stay in memory: PostgreSQL finds the nearest vectors."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from pgvector import HalfVector
from sqlalchemy import create_engine, make_url, text

from core.city import City
from core.database import Database
from knowledge.answering import Knowledge
from knowledge.content import Content
from knowledge.entries import Actor, put, retire
from knowledge.search import pgvector, shelf
from knowledge.search.encoder import Encoder, Vectors
from knowledge.search.index import Candidate, Wanted
from tests.conftest import VAULT
from tests.fakes import SetClock

pytestmark = pytest.mark.service

MATTERS = {
    "card": ("社会保障卡丢了怎么补办", "先打12333挂失，再带身份证到服务网点补办。"),
    "licence": ("驾驶证丢了怎么补", "向车辆管理所申请补发，交回原证。"),
    "probation": ("试用期最长多久", "三年以上固定期限的劳动合同，试用期不得超过6个月。"),
    "fund": ("公积金怎么提取", "购房、租房、退休时可以申请提取住房公积金。"),
    "school": ("孩子上小学要什么条件", "年满六周岁的儿童，按户籍和住址在学区内入学。"),
    "marriage": ("结婚登记要带什么", "双方带户口簿、身份证到婚姻登记机关办理。"),
    "noise": ("夜间施工噪音谁管", "夜间施工须有证明，扰民的由生态环境部门处理。"),
    "passport": ("护照怎么办理", "本人到出入境接待大厅申请，七个工作日内签发。"),
    "wages": ("老板拖欠工资怎么办", "可以向劳动保障监察机构投诉，或者申请劳动仲裁。"),
    "water": ("家里停水了找谁", "拨打供水公司的服务热线，查询停水通知。"),
    "hukou": ("新生儿怎么上户口", "带出生医学证明、父母户口簿到派出所申报。"),
    "refund": ("网上买的东西可以退吗", "收到商品之日起七日内可以无理由退货。"),
}
QUESTIONS = {
    "社保卡不见了咋补": "card",
    "驾照掉了去哪补": "licence",
    "试用期能签半年不": "probation",
    "想把公积金取出来": "fund",
    "娃儿读一年级要好大": "school",
    "领结婚证需要哪些材料": "marriage",
    "半夜工地还在打桩": "noise",
    "出国的护照哪里办": "passport",
    "干了活不给钱": "wages",
    "水龙头没水了": "water",
    "宝宝出生后落户": "hukou",
    "网购的衣服不想要了": "refund",
}
FEW = 5
SAME = 0.95
"""The same text encoded beside others comes out a little different."""


class Other(Encoder):
    """An encoder whose vectors mean nothing beside those of the usual one."""

    mark = "another"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The numbers of each vector the other way round."""
        return super().encode(texts)[:, ::-1]


@pytest.fixture
def editor(clock: SetClock) -> Actor:
    """Somebody who may let an entry answer alone."""
    return Actor("editor", clock(), alone=True)


@pytest.fixture
def postgresql(postgresql_copy: Callable[[], str], editor: Actor) -> Iterator[Database]:
    """A real PostgreSQL with an entry for each matter; it uses its indexes however few rows there are."""
    made = Database(f"{postgresql_copy()}&options=-c%20enable_seqscan%3Doff", VAULT)
    shelve(made, editor, MATTERS)
    yield made
    made.close()


@pytest.fixture
def beyond(postgresql: Database, city: City, clock: SetClock) -> Knowledge:
    """A knowledge base that keeps `FEW` entries in memory."""
    return Knowledge(postgresql, city, clock, most_in_memory=FEW)


def shelve(database: Database, editor: Actor, matters: dict[str, tuple[str, str]]) -> None:
    """Let entries answer."""
    listed = [(name, Content(question=asked, answer=answer)) for name, (asked, answer) in matters.items()]
    database.write_now(lambda c: put(c, listed, editor, live=True))


def rows(database: Database) -> list[tuple[str, bool]]:
    """The entry of each row of the table, and whether the row is its gist."""
    listed = text("SELECT entry_id, is_gist FROM knowledge_nearest ORDER BY 1, 2")
    return [(row.entry_id, row.is_gist) for row in database.read_now(lambda c: c.execute(listed).all())]


def two_each(names: Iterable[str]) -> list[tuple[str, bool]]:
    """A way of asking and a gist for each entry."""
    return [(name, is_gist) for name in sorted(names) for is_gist in (False, True)]


async def found(knowledge: Knowledge, said: str) -> dict[str, Candidate]:
    """The candidates by their entries."""
    return {each.entry.id: each for each in (await knowledge.find(said, most=50)).candidates}


async def test_a_question_finds_first_what_it_finds_in_memory(
    beyond: Knowledge, postgresql: Database, city: City, clock: SetClock
) -> None:
    in_memory = Knowledge(postgresql, city, clock)
    for said, meant in QUESTIONS.items():
        one, other = await found(beyond, said), await found(in_memory, said)
        assert next(iter(one)) == next(iter(other)) == meant, said
        assert (one[meant].meaning, one[meant].gist) == pytest.approx(
            (other[meant].meaning, other[meant].gist), abs=0.005
        )
    assert rows(postgresql) == two_each(MATTERS)


async def test_the_entries_and_no_more_than_their_changes_are_sent(
    beyond: Knowledge, postgresql: Database, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await beyond.shelf.refresh()
    sent: list[HalfVector] = []

    def noted(row: Vectors) -> HalfVector:
        sent.append(HalfVector(row))
        return sent[-1]

    monkeypatch.setattr(pgvector, "HalfVector", noted)
    shelve(postgresql, editor, {"water": ("煤气停了找谁", "拨打燃气公司的服务热线。")})
    postgresql.write_now(lambda c: retire(c, "refund", editor, "修法"))
    await beyond.shelf.refresh()

    assert (rows(postgresql), len(sent)) == (two_each(MATTERS.keys() - {"refund"}), 2)
    candidates = await found(beyond, "煤气停了找谁")
    assert candidates["water"].meaning > SAME
    assert "refund" not in await found(beyond, "收到的东西不想要了")


async def test_a_change_that_touches_no_text_sends_nothing(
    beyond: Knowledge, postgresql: Database, editor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await beyond.shelf.refresh()
    question, answer = MATTERS["card"]
    dearer = Content(question=question, answer=answer, fee="工本费20元")
    postgresql.write_now(lambda c: put(c, [("card", dearer)], editor, live=True))
    monkeypatch.setattr(pgvector, "HalfVector", None)
    await beyond.shelf.refresh()
    assert (await found(beyond, question))["card"].entry.content.fee == "工本费20元"


async def test_another_encoder_takes_the_place_of_the_one_before(
    beyond: Knowledge, postgresql: Database, city: City, clock: SetClock
) -> None:
    await beyond.shelf.refresh()
    changed = Knowledge(postgresql, city, clock, Other, most_in_memory=FEW)
    question, _ = MATTERS["card"]
    assert (await found(changed, question))["card"].meaning > SAME
    assert rows(postgresql) == two_each(MATTERS)
    assert (await found(beyond, question))["card"].meaning == 0, "who has the old encoder is told nothing by the new"


async def test_what_another_process_has_changed_meanwhile_is_not_told(
    beyond: Knowledge, postgresql: Database, city: City, clock: SetClock, editor: Actor
) -> None:
    await beyond.shelf.refresh()
    old = beyond.shelf.made
    question, _ = MATTERS["card"]
    shelve(postgresql, editor, {"card": ("身份证丢了怎么办", "到派出所申请补领。"), "new": (question, "带身份证。")})
    await Knowledge(postgresql, city, clock, most_in_memory=FEW).shelf.refresh()

    asked = old.question(question, await beyond.shelf.vector(question))
    candidates = {each.entry.id: each for each in old.search(asked, Wanted(clock().date()))}
    assert (candidates["card"].meaning, candidates["card"].gist) == (0, 0)


async def test_entries_that_are_few_again_go_back_into_memory(
    beyond: Knowledge, postgresql: Database, editor: Actor
) -> None:
    await beyond.shelf.refresh()
    for name in list(MATTERS)[FEW:]:
        postgresql.write_now(lambda c, name=name: retire(c, name, editor, "修法"))  # type: ignore[misc]
    await beyond.shelf.refresh()
    postgresql.write_now(lambda c: c.execute(text("DROP TABLE knowledge_nearest")))
    question, _ = MATTERS["card"]
    assert (await found(beyond, question))["card"].meaning > SAME


async def test_the_likeness_of_entries_is_told_of_more_than_memory_holds(beyond: Knowledge) -> None:
    await beyond.shelf.refresh()
    listed, vectors = await beyond.shelf.standard_questions()
    assert [entry.id for entry in listed] == sorted(MATTERS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=0.005)


async def test_without_the_table_a_question_is_answered_by_words(
    beyond: Knowledge, postgresql: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await beyond.shelf.refresh()
    postgresql.write_now(lambda c: c.execute(text("DROP TABLE knowledge_nearest")))
    candidates = await found(beyond, "驾驶证丢了")
    assert next(iter(candidates)) == "licence"
    assert candidates["licence"].meaning == 0
    assert [record.message for record in caplog.records] == ["knowledge: searched without vectors"]
    assert "驾驶证" not in str(vars(caplog.records[0]))


async def test_without_the_database_a_question_is_answered_by_words(
    beyond: Knowledge, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await beyond.shelf.refresh()
    monkeypatch.setattr(shelf, "LOOK_EVERY_SECONDS", 0.0)
    with shut(postgresql):
        assert next(iter(await found(beyond, "驾驶证丢了"))) == "licence"
    assert (await found(beyond, MATTERS["card"][0]))["card"].meaning > 0.9


async def test_who_may_not_make_the_extension_keeps_all_in_memory_and_is_told_once(
    postgresql: Database, city: City, clock: SetClock, editor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    for statement in (
        "CREATE ROLE plain LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain",
    ):
        postgresql.write_now(lambda c, statement=statement: c.execute(text(statement)))  # type: ignore[misc]
    restricted = Database(make_url(postgresql.url).set(username="plain").render_as_string(False), VAULT)
    knowledge = Knowledge(restricted, city, clock, most_in_memory=FEW)
    await knowledge.shelf.refresh()
    shelve(postgresql, editor, {"water": ("煤气停了找谁", "拨打燃气公司的服务热线。")})
    await knowledge.shelf.refresh()

    assert (await found(knowledge, "煤气停了找谁"))["water"].meaning > SAME
    told = [vars(record)["missing"] for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ['permission denied to create extension "vector"']
    restricted.close()


@contextmanager
def shut(database: Database) -> Iterator[None]:
    """A time in which nobody can reach the database."""
    url = make_url(database.url)
    outside = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with outside.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
        ended = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")
        connection.execute(ended, {"name": url.database})
        yield
        connection.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
    outside.dispose()
