"""A message left on a call, through to the voice and the words on the order: over HTTP, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import Connection, select

from core.city import City
from core.database import Database
from core.sealed_files import SealedFiles
from core.sealing import Vault
from core.settings import Settings
from desk.orders import register
from desk.orders.tables import work_orders
from hotline.resealing import reseal
from hotline.worker import Worker
from intake.conversation import Conversation
from ivr.flow import CallState, KeepMessage, Keyed, Record, Recorded, Say
from ivr.house import open_line
from ivr.line import Caller
from ivr.messages import keep, recording_told
from ivr.messages.clerk import RecordingClerk
from ivr.messages.tables import recordings
from ivr.messages.transcribing import NotTranscribed, OpenAiTranscriber, transcriber_of
from tests.conftest import VAULT
from tests.fakes import FakeBot, SetClock
from tests.recordings import SpeechServer, speech

pytestmark = pytest.mark.service

SID = "RE1"
CALLER = Caller("twilio", "CA1", "+8613871234567")


class HttpRecorder:
    """A carrier's REST."""

    def __init__(self, server: SpeechServer) -> None:
        self._server = server

    async def fetch_recording(self, url: str) -> bytes:
        """The file at an address."""
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            response.raise_for_status()
            return await response.read()

    async def delete_recording(self, sid: str) -> None:
        """Remove it; what is gone is no error."""
        async with (
            aiohttp.ClientSession() as session,
            session.delete(self._server.url(f"/recordings/{sid}")) as response,
        ):
            if response.status != 404:
                response.raise_for_status()


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    async with SpeechServer() as started:
        yield started


@pytest.fixture
def with_asr(settings: Settings, server: SpeechServer) -> Settings:
    """Settings that know the recogniser."""
    changes = {"asr_url": server.url("/v1"), "asr_key": server.KEY, "asr_model": server.MODEL}
    return Settings.model_validate({**settings.model_dump(), **changes})


def row_of(database: Database, sid: str = SID) -> dict[str, Any]:
    query = select(recordings).where(recordings.c.sid == sid)
    return dict(database.read_now(lambda c: c.execute(query).mappings().one()))


async def test_a_caller_leaves_a_message_and_a_person_finds_voice_and_words_on_the_order(
    database: Database, city: City, clock: SetClock, with_asr: Settings, server: SpeechServer, bot: FakeBot
) -> None:
    line = open_line(Conversation(database, bot, city, clock), database, with_asr, city, clock)
    script = await line.take(CALLER)
    for keys in ("0", "1"):
        script = await line.step(CALLER, script.next_step, Keyed(keys))
    assert any(isinstance(each, Record) for each in script.instructions)
    notice = "".join(each.text for each in script.instructions if isinstance(each, Say))
    assert "录音" in notice, "the caller is told before the beep"

    url = server.url(f"/recordings/{SID}")
    script = await line.step(CALLER, script.next_step, Recorded(SID, url, 12))
    said = "".join(each.text for each in script.instructions if isinstance(each, Say))
    [number] = database.read_now(lambda c: c.execute(select(work_orders.c.number)).scalars().all())
    assert number in said

    recorders = {"twilio": HttpRecorder(server)}
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(with_asr, database, bot, city, clock, recorders).run(stop))
    server.has[SID] = speech(12)
    await database.write(lambda c: recording_told(c, "twilio", SID, "completed", url, 12, clock(), call_sid="CA1"))
    async with asyncio.timeout(60):
        while (await database.read(lambda c: register.events_of(c, number)))[-1].kind != "recording_transcribed":
            await asyncio.sleep(0.05)
        while SID in server.has:
            await asyncio.sleep(0.05)
    stop.set()
    await working

    order = database.read_now(lambda c: register.find(c, number))
    assert order.text == f"电话留言12秒\n转写(机器)：{server.text}"
    assert (order.state, order.contact_phone) == ("pending_acceptance", CALLER.number)
    row, [file] = row_of(database), list(with_asr.recordings_dir.iterdir())
    assert SealedFiles(with_asr.recordings_dir).get(row["path"], row["key"]) == speech(12)
    assert b"RIFF" not in file.read_bytes()
    [form] = server.forms
    assert form == {
        "model": server.MODEL,
        "language": "zh",
        "response_format": "json",
        "name": "recording.wav",
        "type": "audio/wav",
        "bytes": len(speech(12)),
    }


async def test_step_and_callbacks_at_the_same_moment_come_to_one_order(
    database: Database, city: City, clock: SetClock
) -> None:
    others = [Database(database.url, VAULT) for _ in range(3)]

    def step(connection: Connection) -> None:
        keep(connection, city, KeepMessage(SID, "https://carrier.example/RE1", 12), CallState("CA1"), clock())

    def callback(connection: Connection) -> None:
        recording_told(connection, "twilio", SID, "completed", "https://carrier.example/RE1", 12, clock())

    try:
        await asyncio.gather(*[each.write(work) for each in (database, *others) for work in (step, callback) * 3])
    finally:
        for each in others:
            each.close()
    orders = database.read_now(lambda c: c.execute(select(work_orders.c.id)).scalars().all())
    assert orders == [row_of(database)["work_order_id"]]


async def test_a_new_secret_key_touches_no_file_and_opens_every_recording(
    database: Database, city: City, clock: SetClock, settings: Settings, server: SpeechServer
) -> None:
    server.has[SID] = speech()
    url = server.url(f"/recordings/{SID}")
    database.write_now(lambda c: keep(c, city, KeepMessage(SID, url, 1), CallState("CA1"), clock()))
    database.write_now(lambda c: recording_told(c, "twilio", SID, "completed", url, 1, clock()))
    await RecordingClerk.of(settings, database, city, clock, {"twilio": HttpRecorder(server)}).round()
    [file] = list(settings.recordings_dir.iterdir())
    before = file.read_bytes()
    database.engine.dialect.vault = Vault(b"new", b"a secret of the tests")  # type: ignore[attr-defined]
    assert sum(reseal(database)) > 0
    database.engine.dialect.vault = Vault(b"new")  # type: ignore[attr-defined]
    row = row_of(database)
    assert SealedFiles(settings.recordings_dir).get(row["path"], row["key"]) == speech()
    assert file.read_bytes() == before


async def test_workers_side_by_side_fetch_each_recording_once(
    database: Database, city: City, clock: SetClock, settings: Settings, server: SpeechServer
) -> None:
    for number in range(8):
        server.has[f"RE{number}"] = speech()
        url = server.url(f"/recordings/RE{number}")
        told = ("twilio", f"RE{number}", "completed", url, 1, clock())
        database.write_now(lambda c, told=told: recording_told(c, *told))  # type: ignore[misc]
    others = [database, Database(database.url, VAULT)]
    clerks = [RecordingClerk.of(settings, each, city, clock, {"twilio": HttpRecorder(server)}) for each in others]
    while sum(await asyncio.gather(*[clerk.round() for clerk in clerks])):
        pass
    others[1].close()
    assert server.has == {}
    known = database.read_now(lambda c: c.execute(select(recordings.c.path)).scalars().all())
    assert sorted(known) == sorted(file.name for file in settings.recordings_dir.iterdir())


# ---- the recogniser's server ----------------------------------------------------------------------------------------


def recogniser(server: SpeechServer, **changes: Any) -> OpenAiTranscriber:
    settings = {"url": server.url("/v1/"), "key": server.KEY, "model": server.MODEL, "budget_seconds": 5.0, **changes}
    return OpenAiTranscriber(**settings)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"text": " <|zh|><|SAD|><|Speech|>电梯坏了 "}, "电梯坏了"),
        ({"text": "电梯\u0000坏了\n三天", "segments": []}, "电梯坏了\n三天"),
        ({"text": ""}, ""),
        ({"text": "长" * 9_000}, "长" * 5_000),
    ],
    ids=["tags", "a control character", "nothing", "long"],
)
async def test_what_it_heard_is_plain_text_of_bounded_length(server: SpeechServer, answer: Any, text: str) -> None:
    server.answers = [web.json_response(answer)]
    assert await recogniser(server).transcribe(speech(), "audio/wav") == text


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (lambda: web.Response(status=500), False),
        (lambda: web.Response(status=429), False),
        (lambda: web.Response(status=413), True),
        (lambda: web.Response(status=307, headers={"Location": "/v1/audio/transcriptions"}), True),
        (lambda: web.Response(text="电梯坏了"), True),
        (lambda: web.json_response(["电梯坏了"]), True),
        (lambda: web.json_response({"text": None}), True),
        (lambda: web.json_response({"text": "长" * 1_000_000}), True),
    ],
    ids=["500", "429", "413", "redirect", "no JSON", "no object", "no text", "too long"],
)
async def test_a_bad_answer_is_tried_again_only_where_that_may_help(
    server: SpeechServer, answer: Callable[[], web.Response], permanent: bool
) -> None:
    server.answers = [answer()]
    with pytest.raises(NotTranscribed) as failed:
        await recogniser(server).transcribe(speech(), "audio/wav")
    assert failed.value.permanent is permanent
    assert "电梯" not in str(failed.value)


async def test_a_wrong_key_or_model_is_not_tried_again_and_a_silent_server_is(server: SpeechServer) -> None:
    for changes in ({"key": "another"}, {"key": ""}, {"model": "another"}):
        with pytest.raises(NotTranscribed) as refused:
            await recogniser(server, **changes).transcribe(speech(), "audio/wav")
        assert refused.value.permanent
    unreachable: list[dict[str, Any]] = [{"budget_seconds": 0.0001}, {"url": "http://127.0.0.1:1/v1"}]
    for change in unreachable:
        with pytest.raises(NotTranscribed) as silent:
            await recogniser(server, **change).transcribe(speech(), "audio/wav")
        assert not silent.value.permanent


def test_no_recogniser_is_asked_unless_one_is_configured(settings: Settings, with_asr: Settings) -> None:
    assert transcriber_of(settings) is None
    assert transcriber_of(with_asr) is not None


def test_an_address_of_a_recogniser_that_is_none_stops_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match="asr_url"):
        Settings.model_validate({**settings.model_dump(), "asr_url": "ftp://asr"})
