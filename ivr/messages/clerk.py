"""The worker's part: fetches recordings, clears them at the carrier, has them transcribed, removes what was erased."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, func, select

from core.city import City
from core.clock import Clock, to_city_time
from core.database import Database
from core.sealed_files import SealedFiles
from core.sealing import CannotOpen
from core.settings import Settings
from desk.telling.deliveries import backoff
from intake.emergency import EmergencyScreen
from ivr.carriers.base import NotDone
from ivr.messages import keeping, removal, tasks
from ivr.messages.audio import Unusable, checked
from ivr.messages.rules import Rules
from ivr.messages.tables import Task, Why, recordings
from ivr.messages.tasks import Job
from ivr.messages.transcribing import NotTranscribed, Transcriber, transcriber_of

log = logging.getLogger(__name__)

FETCH_SECONDS = 60.0
LEASE = timedelta(seconds=FETCH_SECONDS + 30)
SPARE = timedelta(seconds=60)
"""Beyond a recogniser's budget, before another worker takes a transcription over."""
UNLINKED_WAIT = timedelta(minutes=10)
"""Between two looks whether a recording has its order."""
SWEEP_EVERY = timedelta(days=1)
TRANSCRIPTION_TRIES = 8


class Recorder(Protocol):
    """What a carrier does with recordings; every error but a permanent `NotDone` is taken as passing."""

    async def fetch_recording(self, url: str) -> bytes:
        """The recording as a file."""

    async def delete_recording(self, sid: str) -> None:
        """Remove it there; one that is gone already is no error."""


class RecordingClerk:
    """Works off what is due; a crash at any point leaves no plain audio on the disk, and the work is done again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        store: SealedFiles,
        rules: Rules,
        recorders: Mapping[str, Recorder],
        transcriber: Transcriber | None = None,
        budget: timedelta = timedelta(minutes=2),
        screen: EmergencyScreen | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._rules = rules
        self._recorders = recorders
        self._transcriber = transcriber
        self._budget = budget
        self._screen = screen
        self._jitter = jitter
        self._swept_at: datetime | None = None

    @classmethod
    def of(
        cls, settings: Settings, database: Database, city: City, clock: Clock, recorders: Mapping[str, Recorder]
    ) -> "RecordingClerk":
        """The clerk as settings and city want it."""
        return cls(
            database,
            clock,
            SealedFiles(settings.recordings_dir),
            Rules.of_city(city),
            recorders,
            transcriber_of(settings),
            timedelta(seconds=settings.asr_budget_seconds),
            EmergencyScreen(city.read("emergencies.yml")),
        )

    async def round(self) -> int:
        """Link, fetch, clear at the carrier and remove what is due; returns how many recordings it was."""
        now = self._clock()
        if linked := await self._database.write(lambda c: keeping.link_waiting(c, self._rules, now)):
            log.info("recordings linked", extra={"count": linked})
        if silent := await self._database.write(lambda c: keeping.give_up_silent(c, now)):
            log.warning("recordings given up that nothing was heard of", extra={"count": silent})
        await self._sweep(now)
        names, wanted = list(self._recorders), (Task.FETCH, Task.DELETE, Task.REMOVE)
        jobs = await self._database.write(lambda c: tasks.take(c, wanted, names, LEASE, now))
        await asyncio.gather(*[self._do(job) for job in jobs])
        return len(jobs)

    async def transcribe(self) -> int:
        """Have what is due transcribed, one after the other; returns how many recordings were looked at."""
        if self._transcriber is None:
            return 0
        now, lease = self._clock(), (self._budget + SPARE) * tasks.AT_ONCE
        jobs = await self._database.write(lambda c: tasks.take(c, (Task.TRANSCRIBE,), (), lease, now))
        for job in jobs:
            await self._transcribe(job, self._transcriber)
        return len(jobs)

    async def close(self) -> None:
        """Let go of connections."""
        if self._transcriber is not None:
            await self._transcriber.close()

    async def _do(self, job: Job) -> None:
        match job.task:
            case Task.FETCH:
                await self._fetch(job)
            case Task.DELETE:
                await self._delete(job)
            case Task.REMOVE:
                if job.path is not None:
                    await asyncio.to_thread(self._store.remove, job.path)
                await self._database.write(lambda c: removal.removed(c, job.sid))

    async def _fetch(self, job: Job) -> None:
        try:
            audio = await self._audio_of(job)
            media_type = checked(audio, self._rules.most_bytes)
        except Unusable as error:
            await self._failed(job, error)
            return
        file = await asyncio.to_thread(self._store.put, audio)
        now, asr = self._clock(), self._transcriber is not None
        try:
            wanted = await self._database.write(lambda c: keeping.stored(c, job, file, media_type, now, asr=asr))
        except Exception:
            await asyncio.to_thread(self._store.remove, file.path)
            raise
        if not wanted:
            await asyncio.to_thread(self._store.remove, file.path)

    async def _audio_of(self, job: Job) -> bytes:
        assert job.carrier is not None
        if job.url is None:
            raise Unusable(Why.UNREACHABLE, permanent=True)
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                return await self._recorders[job.carrier].fetch_recording(job.url)
        except Exception as error:
            # Neither the message nor the address is logged: whoever has the address may have the voice.
            log.warning("recording not fetched", extra={"attempts": job.attempts, "error": type(error).__name__})
            permanent = isinstance(error, NotDone) and error.permanent
            raise Unusable(Why.UNREACHABLE, permanent=permanent) from None

    async def _failed(self, job: Job, error: Unusable) -> None:
        now, wait = self._clock(), backoff(job.attempts, self._jitter())
        if error.permanent or job.attempts >= self._rules.tries:
            log.error("recording given up", extra={"attempts": job.attempts, "why": error.why})
            await self._database.write(lambda c: keeping.not_fetched(c, job, error.why, now))
        else:
            await self._database.write(lambda c: tasks.postpone(c, job, now + wait))

    async def _delete(self, job: Job) -> None:
        assert job.carrier is not None
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await self._recorders[job.carrier].delete_recording(job.sid)
        except Exception as error:
            # It is never given up: a voice that has been erased here must not stay there.
            level = logging.ERROR if job.attempts >= self._rules.tries else logging.WARNING
            facts = {"carrier": job.carrier, "attempts": job.attempts, "error": type(error).__name__}
            log.log(level, "recording still at the carrier", extra=facts)
            due = self._clock() + backoff(job.attempts, self._jitter())
            await self._database.write(lambda c: tasks.postpone(c, job, due))
            return
        await self._database.write(lambda c: tasks.drop(c, job.sid, Task.DELETE))

    async def _transcribe(self, job: Job, transcriber: Transcriber) -> None:
        now = self._clock()
        if job.work_order_id is None:
            await self._database.write(lambda c: tasks.postpone(c, job, now + UNLINKED_WAIT, counted=False))
            return
        if (tomorrow := await self._database.read(lambda c: _budget_back_at(c, self._rules, now))) is not None:
            await self._database.write(lambda c: tasks.postpone(c, job, tomorrow, counted=False))
            return
        try:
            text = await self._heard(job, transcriber)
        except NotTranscribed as error:
            log.warning("recording not transcribed", extra={"attempts": job.attempts, "error": str(error)})
            await self._not_heard(job, error)
            return
        now = self._clock()
        danger = self._screen is not None and self._screen.warning(text) is not None
        await self._database.write(lambda c: keeping.transcribed(c, job, text, now, danger=danger))

    async def _heard(self, job: Job, transcriber: Transcriber) -> str:
        if job.path is None or job.key is None or job.media_type is None:
            raise NotTranscribed("erased", permanent=True)
        try:
            audio = await asyncio.to_thread(self._store.get, job.path, job.key)
        except CannotOpen:
            raise NotTranscribed("the file does not open", permanent=True) from None
        try:
            async with asyncio.timeout(self._budget.total_seconds()):
                return await transcriber.transcribe(audio, job.media_type)
        except TimeoutError:
            raise NotTranscribed("no answer within the budget") from None

    async def _not_heard(self, job: Job, error: NotTranscribed) -> None:
        if error.permanent or job.attempts >= TRANSCRIPTION_TRIES:
            await self._database.write(lambda c: tasks.drop(c, job.sid, Task.TRANSCRIBE))
        else:
            due = self._clock() + backoff(job.attempts, self._jitter())
            await self._database.write(lambda c: tasks.postpone(c, job, due))

    async def _sweep(self, now: datetime) -> None:
        """Once a day, remove files no recording speaks of."""
        if self._swept_at is not None and now - self._swept_at < SWEEP_EVERY:
            return
        # The files first: what is stored meanwhile is not among them.
        old = await asyncio.to_thread(self._store.files_before, (now - SWEEP_EVERY).timestamp())
        known = await self._database.read(removal.known_files)
        self._swept_at = now
        if gone := await asyncio.to_thread(self._store.remove_unknown, old, known):
            log.info("files of no recording removed", extra={"count": gone})


def _budget_back_at(connection: Connection, rules: Rules, now: datetime) -> datetime | None:
    """None while there is something left of the day's minutes; otherwise when the next day begins."""
    today = to_city_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    query = select(func.sum(recordings.c.seconds)).where(recordings.c.transcribed_at >= today)
    used = connection.execute(query).scalar() or 0
    return None if used < rules.minutes_a_day * 60 else today + timedelta(days=1)
