"""How entries are kept, where the two databases may differ: lists, files, two keepers at once, reminders by workers."""

import asyncio
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from core.access import Role
from core.city import City
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from desk.telling import noticeboard
from hotline.worker import Worker
from knowledge import comparing, entries, listing
from knowledge.content import Content
from knowledge.entries import Actor
from knowledge.files import kinds
from knowledge.files.kinds import Kind
from knowledge.listing import Filters, Query
from knowledge.tables import reminders
from tests.fakes import FakeBot, SetClock
from tests.unit.knowledge.staff import OWN, signed_in

pytestmark = pytest.mark.service

TASK = "人力资源和社会保障局"


@pytest.fixture
def by(clock: SetClock) -> Actor:
    """An import."""
    return Actor("import", clock(), alone=True)


def some(count: int, answer: str = "答") -> list[tuple[str, Content]]:
    return [(f"e-{n:04}", Content(question=f"问{n}？", answer=answer, unit=TASK)) for n in range(count)]


def test_many_entries_are_taken_in_changed_and_given_out_again(database: Database, by: Actor, tmp_path: Path) -> None:
    new, other = some(1200), some(700, "另答") + some(1200)[700:]
    assert len(database.write_now(lambda c: entries.put(c, new, by, live=True))) == 1200
    foreseen = database.read_now(lambda c: comparing.foresee(c, other, live=True))
    assert [one.outcome for one in foreseen].count(comparing.Outcome.CHANGED) == 700
    assert len(database.write_now(lambda c: entries.put(c, other, by, live=True))) == 700
    path = tmp_path / "all.jsonl"
    database.read_now(lambda c: kinds.write(path, Kind.JSON_LINES, listing.live(c, Filters())))
    assert kinds.read(path.read_bytes(), Kind.JSON_LINES).entries == other
    states = [one.state for one in database.read_now(lambda c: entries.history(c, "e-0000"))]
    assert states == ["live", "past"]


def test_a_list_finds_letters_of_either_size_and_no_placeholders(database: Database, by: Actor) -> None:
    contents = [
        ("A-1", Content(question="QQ怎么用_？", answer="答", confirm=("地址",))),
        ("b-1", Content(question="问", answer="答")),
    ]
    database.write_now(lambda c: entries.put(c, contents, by, live=True))

    def found(**wanted: object) -> list[str]:
        return [one.id for one in database.read_now(lambda c: listing.page(c, Query.model_validate(wanted)))]

    assert (found(q="a-1"), found(q="qq"), found(q="_"), found(q="%")) == (["A-1"], ["A-1"], ["A-1"], [])
    assert (found(to_confirm=True), found(to_confirm=False), found(state="live")) == (["A-1"], ["b-1"], ["A-1", "b-1"])


async def test_of_two_keepers_who_write_at_once_the_second_is_told(database: Database, by: Actor) -> None:
    await database.write(lambda c: entries.put(c, some(1), by, live=True))
    contents = [Content(question="问", answer=answer) for answer in ("甲", "乙")]
    written = [
        database.write(partial(entries.draft, entry_id="e-0000", content=content, by=by, based_on=1))
        for content in contents
    ]
    first, second = sorted(await asyncio.gather(*written, return_exceptions=True), key=lambda one: type(one).__name__)
    assert isinstance(first, Problem)
    assert (first.status, getattr(second, "version", None)) == (409, 2)


async def test_workers_side_by_side_remind_the_keepers_once(
    database: Database, settings: Settings, city: City, clock: SetClock, by: Actor
) -> None:
    await asyncio.to_thread(signed_in, database, clock(), Role.HANDLER, OWN)
    content = Content(question="失业金怎么领？", answer="答", unit=TASK, expires=date(2026, 11, 26))
    await database.write(lambda c: entries.put(c, [("dole", content)], by, live=True))
    stop = asyncio.Event()
    workers = [Worker(settings, database, FakeBot(), city, clock) for _ in range(2)]
    running = [asyncio.create_task(worker.run(stop)) for worker in workers]
    async with asyncio.timeout(60):
        while not await database.read(lambda c: c.execute(select(reminders)).all()):
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*running)
    inbox = await database.read(lambda c: noticeboard.inbox_of(c, "handler.0"))
    assert [one.text for one in inbox.notices] == ["知识库有1条内容7天内到期：“失业金怎么领？”。请核对后更新或停用。"]
