"""The worker: work that nobody waits for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from channels.email.carrier import MailCarrier
from channels.email.clerk import MailClerk
from channels.email.letter import Letter
from channels.email.mailbox import Mailbox
from channels.registry import CARRIES
from channels.wechat import turns
from channels.wechat.api import Api
from channels.wechat.carrier import WeChatCarrier
from channels.wechat.media import Fetcher
from channels.wechat.tokens import Tokens
from core.city import City
from core.clock import Clock
from core.database import Database
from core.secrets import source_secret, webhook_secret
from core.settings import Settings
from desk.closing import rechecks
from desk.exchange.sources import Sources
from desk.life.handling import MOST_CHANGES, Handling
from desk.limits import recalculation
from desk.telling import deliveries
from desk.telling.carriers import AnswerCarrier, Carrier, SmsCarrier, WebhookCarrier
from desk.telling.deliveries import Courier
from desk.telling.notices import Way
from desk.telling.outbox import Outbox
from hotline import heartbeat, knowledge_reminders
from hotline.campaign import runner_of
from hotline.retention import erasure_of, remove_campaign, remove_due, remove_told
from intake.attachments.attaching import Attachments
from intake.bot import Bot
from intake.conversation import Conversation
from intake.emergency import EmergencyScreen
from intake.handover.keeping import Handovers
from intake.handover.rules import Rules as HandoverRules
from intake.handover.unheard import file_unheard
from intake.sweep import sweep
from ivr.carriers.registry import recorder_of
from ivr.house import open_line
from ivr.messages.clerk import Recorder, RecordingClerk
from ivr.people import keeping
from ivr.people.rules import Rules
from knowledge.expiring import Upkeep

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
CALL_IS_LOST_AFTER = timedelta(hours=1)
REMOVE_EVERY = timedelta(days=1)
READ_MAIL_EVERY = timedelta(minutes=1)
REMIND_EVERY = timedelta(hours=1)
RECALCULATE_EVERY = timedelta(hours=1)
"""Not every round: while a new version is being put on several machines, two workers would undo each other's work."""


class Worker:
    """One round after the other; a part of a round that fails is logged and tried again in the next."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bot: Bot,
        city: City,
        clock: Clock,
        recorders: Mapping[str, Recorder] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._city = city
        self._handovers = Handovers(HandoverRules.of_city(city), CARRIES)
        self._conversation = Conversation(database, bot, city, clock, self._handovers)
        self._attachments = Attachments(database, settings.attachments_dir, clock)
        self._phone = open_line(self._conversation, database, settings, city, clock)
        self._recorder = recorder_of(settings)
        self._handling = Handling.of_city(city)
        self._people = Rules.of_city(city, self._handling.clocks.calendar)
        self._dispatches = settings.automatic_dispatch
        self._seen = 0
        self._stop = asyncio.Event()
        self._erasure = erasure_of(city, settings)
        self._removed_at: datetime | None = None
        self._recalculated_at: datetime | None = None
        self._upkeep = Upkeep.of_city(city)
        self._reminded_at: datetime | None = None
        self._triage_after = timedelta(seconds=settings.triage_after_seconds)
        self._recordings = RecordingClerk.of(settings, database, city, clock, recorders or {})
        self._campaign = runner_of(settings, database, city, self._handling, clock)
        wechat = wechat_api(settings, database, clock)
        self._by_wechat = wechat is not None
        self._wechat_files = Fetcher(database, wechat, self._attachments, clock) if wechat else None
        self._mailbox = Mailbox.of(settings)
        self._mail_clerk = MailClerk(
            EmergencyScreen(city.read("emergencies.yml")), settings.mail_from.lower() if settings.smtp_url else None
        )
        self._mail_read_at: datetime | None = None
        self._answer_urls = Sources.of_city(city).answer_urls(settings.answer_urls)
        ways = carriers(settings, self._answer_urls)
        ways |= {"wechat": WeChatCarrier(database, wechat, city)} if wechat else {}
        self._outbox = Outbox.of_city(city, self._handling.clocks.calendar, [way for way in Way if way in ways])
        self._courier = Courier(database, ways, clock, self._outbox.rules.system["webhook_disabled"])

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. What may take long has rounds of its own and holds up nothing else."""
        self._stop = stop
        desk = (
            self._beat,
            self._sweep_inbox,
            self._close_lost_calls,
            self._tend_handovers,
            self._tidy_queues,
            self._dispatch,
            self._change_lights,
            self._show_rechecks,
            self._remove_old,
            self._hand_on,
            self._hand_answers_on,
            self._tell,
            self._remind_keepers,
        )
        files = (self._keep_recordings, self._transcribe, self._fetch_wechat_files, self._read_mail)
        slow = [asyncio.create_task(self._rounds(stop, (part,))) for part in files]
        try:
            await asyncio.gather(
                *(
                    self._rounds(stop, parts)
                    for parts in (
                        desk,
                        (self._answer_in_wechat, self._deliver),
                        (self._recalculate,),
                        (self._call_back,),
                    )
                )
            )
        finally:
            # What is under way is begun again by the next worker.
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            await self._recordings.close()
            await self._courier.close()

    async def _rounds(self, stop: asyncio.Event, parts: tuple[Callable[[], Awaitable[None]], ...]) -> None:
        while not stop.is_set():
            for part in parts:
                try:
                    await part()
                except Exception:
                    log.exception("a round of the worker failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def _beat(self) -> None:
        now = self._clock()
        await self._database.write(lambda c: heartbeat.beat(c, "worker", now))

    async def _sweep_inbox(self) -> None:
        if kept := await sweep(self._database, self._conversation, self._clock, self._triage_after):
            log.warning("unanswered messages kept for a person", extra={"count": kept})

    async def _dispatch(self) -> None:
        if not self._dispatches:
            return
        now, sent = self._clock(), 0
        while True:
            seen, more = await self._database.write(lambda c: self._handling.dispatch_certain(c, self._seen, now))
            sent += more
            if seen == self._seen:
                break
            self._seen = seen
        if sent:
            log.info("orders dispatched", extra={"count": sent})

    async def _change_lights(self) -> None:
        now = self._clock()
        if not self._handling.clocks.calendar.knows(now.astimezone(self._handling.clocks.calendar.zone).year):
            log.warning("holidays of this year are not known; weekends alone are days off", extra={"year": now.year})
        while changed := await self._database.write(lambda c: self._handling.sweep(c, now)):
            log.info("lights changed", extra={"count": changed})

    async def _recalculate(self) -> None:
        """Clocks that run by other rules than those this worker was started with are reckoned anew."""
        now, clocks, done = self._clock(), self._handling.clocks, 0
        if self._recalculated_at is not None and now - self._recalculated_at < RECALCULATE_EVERY:
            return
        if stale := await self._database.read(lambda c: recalculation.count_stale(c, clocks)):
            log.warning("clocks run by other rules than those of now; they are recalculated", extra={"clocks": stale})
        while not self._stop.is_set():
            batch = await self._database.write(lambda c: recalculation.recalculate(c, clocks, now))
            if not batch.orders:
                break
            done += batch.orders
            log.info("clocks recalculated", extra={"orders": done, "moved": batch.moved})
        if not await self._database.read(lambda c: recalculation.count_stale(c, clocks)):
            self._recalculated_at = now

    async def _show_rechecks(self) -> None:
        now = self._clock()
        while shown := await self._database.write(lambda c: rechecks.make_due(c, now, MOST_CHANGES)):
            log.info("re-checks are due", extra={"count": shown})

    async def _hand_on(self) -> None:
        now = self._clock()
        while handed_on := await self._database.write(lambda c: self._outbox.hand_on(c, now)):
            log.info("events handed on", extra={"count": handed_on})

    async def _hand_answers_on(self) -> None:
        now = self._clock()
        while handed_on := await self._database.write(lambda c: deliveries.add_answers(c, self._answer_urls, now)):
            log.info("answers to platforms handed on", extra={"count": handed_on})

    async def _tell(self) -> None:
        now = self._clock()
        while told := await self._database.write(lambda c: self._outbox.tell_due(c, now)):
            log.info("notices told or dropped", extra={"count": told})

    async def _remind_keepers(self) -> None:
        """People are told of entries that expire, or have expired."""
        now, texts = self._clock(), self._outbox.rules.system
        if self._reminded_at is not None and now - self._reminded_at < REMIND_EVERY:
            return
        remind = partial(knowledge_reminders.remind, upkeep=self._upkeep, units=self._city.units, texts=texts, now=now)
        while told := await self._database.write(remind):
            log.info("keepers reminded of entries", extra={"count": told})
        self._reminded_at = now

    async def _answer_in_wechat(self) -> None:
        now = self._clock()
        while self._by_wechat and (handed_on := await self._database.write(lambda c: turns.hand_on(c, now))):
            log.info("late WeChat answers handed on", extra={"count": handed_on})

    async def _fetch_wechat_files(self) -> None:
        files = self._wechat_files
        while files is not None and not self._stop.is_set() and (fetched := await files.round()):
            log.info("WeChat files fetched", extra={"count": fetched})

    async def _deliver(self) -> None:
        while not self._stop.is_set() and (sent := await self._courier.round()):
            log.info("deliveries tried", extra={"count": sent})

    async def _call_back(self) -> None:
        if called := await self._campaign.round():
            log.info("call-backs placed", extra={"count": called})

    async def _keep_recordings(self) -> None:
        while not self._stop.is_set() and (done := await self._recordings.round()):
            log.info("recordings worked on", extra={"count": done})

    async def _transcribe(self) -> None:
        while not self._stop.is_set() and (heard := await self._recordings.transcribe()):
            log.info("recordings given to the recogniser", extra={"count": heard})

    async def _tend_handovers(self) -> None:
        now = self._clock()
        if ended := await self._database.write(lambda c: self._handovers.end_silent(c, now)):
            log.info("silent conversations ended", extra={"count": ended})
        if back := await self._database.write(lambda c: self._handovers.put_back(c, now)):
            log.warning("conversations whose seat is gone wait again", extra={"count": back})
        if filed := await self._database.write(lambda c: file_unheard(c, self._handovers, now)):
            log.warning("conversations no seat took were filed", extra={"count": filed})

    async def _read_mail(self) -> None:
        now = self._clock()
        if self._mailbox is None or (self._mail_read_at is not None and now - self._mail_read_at < READ_MAIL_EVERY):
            return
        self._mail_read_at = now

        def take(letter: Letter) -> None:
            files = self._attachments.put_away(file.content for file in letter.attachments)
            self._database.write_now(lambda c: self._mail_clerk.take(c, letter, files, self._clock()))

        if taken := await asyncio.to_thread(self._mailbox.read, take):
            log.info("letters taken in", extra={"count": taken})

    async def _close_lost_calls(self) -> None:
        if lost := await self._phone.close_lost_calls(self._clock() - CALL_IS_LOST_AFTER):
            log.warning("calls closed whose end nobody told", extra={"count": lost})

    async def _tidy_queues(self) -> None:
        now = self._clock()
        if tidied := await self._database.write(lambda c: keeping.tidy(c, self._people, now)):
            facts = {"seats": tidied.seats, "talks": tidied.talks, "waits": tidied.waits}
            log.info("seats and queues tidied", extra=facts)

    async def _remove_old(self) -> None:
        now = self._clock()
        if self._removed_at is not None and now - self._removed_at < REMOVE_EVERY:
            return
        if left := await asyncio.to_thread(self._recorder.forget, now):
            log.warning("messages removed that nobody fetched", extra={"count": left})
        orders, conversations = await remove_due(self._database, self._erasure, self._clock)
        conversations += await remove_campaign(self._database, self._city, self._clock)
        if loose := await self._attachments.remove_unknown():
            log.info("files removed that nothing opens", extra={"count": loose})
        if told := await remove_told(self._database, self._erasure.rules, self._clock):
            log.info("deliveries and notices removed", extra={"count": told})
        self._removed_at = now
        if orders or conversations:
            log.info("personal data removed", extra={"orders": orders, "conversations": conversations})


def carriers(settings: Settings, answer_urls: Mapping[str, str]) -> dict[str, Carrier]:
    """The ways out that are set up, by name; `answer_urls` are where platforms take answers."""
    found: dict[str, Carrier] = {
        "webhook": WebhookCarrier(
            partial(webhook_secret, settings), private_addresses=settings.webhook_private_addresses
        ),
        "answer": AnswerCarrier(answer_urls, partial(source_secret, settings)),
    }
    if settings.sms_url:
        found["sms"] = SmsCarrier(settings.sms_url, settings.sms_key.get_secret_value())
    if settings.smtp_url:
        found["email"] = MailCarrier(settings.smtp_url, settings.smtp_password.get_secret_value(), settings.mail_from)
    return found


def wechat_api(settings: Settings, database: Database, clock: Clock) -> Api | None:
    """The interface of the WeChat official account, where one is set up."""
    if not (secret := settings.wechat_app_secret.get_secret_value()):
        return None
    return Api(settings.wechat_url.rstrip("/"), Tokens(database, settings.wechat_app_id, secret, clock))
