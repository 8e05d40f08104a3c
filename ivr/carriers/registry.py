"""Every carrier the hotline knows, and the one that places calls. A new one is added here (docs/phone.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from core.city import City
from core.clock import Clock
from core.database import Database
from core.sealing import Vault
from core.secrets import vault
from core.settings import Settings
from ivr.carriers.base import Carrier, Dialler
from ivr.carriers.dry import DryDialler
from ivr.carriers.http import Http, RealHttp
from ivr.carriers.jambonz import audio
from ivr.carriers.jambonz.audio import Recorder
from ivr.carriers.jambonz.carrier import Jambonz
from ivr.carriers.jambonz.rest import JambonzDialler
from ivr.carriers.routes import NO_ROOMS, Line, Rooms, carrier_router, sounds_router
from ivr.carriers.twilio.carrier import Twilio
from ivr.carriers.twilio.rest import TwilioDialler
from ivr.hints import hints_of
from ivr.house import open_line
from ivr.line import Conversation

FOLDER = "messages-in"
"""In the data folder: messages that came in from jambonz and were not fetched yet."""


@dataclass(frozen=True, slots=True)
class Carriers:
    """The carriers as they are set up."""

    by_name: Mapping[str, Carrier]
    recorder: Recorder


def carriers_of(settings: Settings, clock: Clock, sealing: Vault | None = None) -> Carriers:
    """The carriers with the secrets of the settings; `sealing` seals the messages (by default the settings' own)."""
    recorder = recorder_of(settings, sealing)
    token, secret = settings.twilio_auth_token, settings.jambonz_webhook_secret
    known: tuple[Carrier, ...] = (
        Twilio(None if token is None else token.get_secret_value()),
        Jambonz(
            None if secret is None else secret.get_secret_value(), recorder, clock, ssml=settings.jambonz_voice_ssml
        ),
    )
    return Carriers({carrier.name: carrier for carrier in known}, recorder)


def recorder_of(settings: Settings, sealing: Vault | None = None) -> Recorder:
    """Where messages from jambonz come in; the web takes them in, the worker fetches them."""
    secret = settings.jambonz_webhook_secret
    return Recorder(
        settings.data_dir / FOLDER, sealing or vault(settings), None if secret is None else secret.get_secret_value()
    )


def dialler_of(settings: Settings, http: Http | None = None, sealing: Vault | None = None) -> Dialler:
    """The dialler that is chosen to place calls; without a choice, one that rings nobody."""
    web = http or RealHttp()
    match settings.phone_dialler:
        case "twilio":
            return twilio_dialler(settings, web)
        case "jambonz":
            return jambonz_dialler(settings, web, sealing)
        case _:
            return DryDialler()


def dialler_for(carrier: str, settings: Settings, http: Http | None = None, sealing: Vault | None = None) -> Dialler:
    """What a call that came in through a carrier is steered with, and its recordings fetched; dry without a key."""
    web = http or RealHttp()
    if carrier == Twilio.name and settings.twilio_account_sid and settings.twilio_auth_token:
        return twilio_dialler(settings, web)
    if carrier == Jambonz.name:
        return jambonz_dialler(settings, web, sealing)
    return DryDialler()


def recorders_of(settings: Settings, http: Http | None = None, sealing: Vault | None = None) -> Mapping[str, Dialler]:
    """Where recordings are fetched and deleted, by carrier. A carrier we have no key of keeps its own until we have."""
    found = {name: dialler_for(name, settings, http, sealing) for name in (Twilio.name, Jambonz.name)}
    return {name: dialler for name, dialler in found.items() if not isinstance(dialler, DryDialler)}


def twilio_dialler(settings: Settings, http: Http) -> Dialler:
    """Twilio's, with the settings' account."""
    token = settings.twilio_auth_token
    return TwilioDialler(
        http,
        settings.twilio_account_sid,
        "" if token is None else token.get_secret_value(),
        settings.phone_number,
        f"{settings.public_url or settings.web_url}/ivr/twilio/status",
    )


def jambonz_dialler(settings: Settings, http: Http, sealing: Vault | None = None) -> Dialler:
    """jambonz's, with the settings' account."""
    return JambonzDialler(
        http,
        settings.jambonz_url,
        settings.jambonz_account_sid,
        settings.jambonz_key.get_secret_value(),
        settings.jambonz_application_sid,
        settings.phone_number,
        recorder_of(settings, sealing),
    )


def create_router(
    conversation: Conversation,
    database: Database,
    settings: Settings,
    city: City,
    clock: Clock,
    rooms: Rooms = NO_ROOMS,
) -> APIRouter:
    """All doors of the phone, over one conversation, database and city."""
    phone = open_line(conversation, database, settings, city, clock)
    return phone_router(phone, carriers_of(settings, clock), settings, hints_of(city, phone.prompts), rooms)


def phone_router(
    line: Line, carriers: Carriers, settings: Settings, hints: Sequence[str] = (), rooms: Rooms = NO_ROOMS
) -> APIRouter:
    """The doors of all carriers, over one line."""
    router = APIRouter()
    for carrier in carriers.by_name.values():
        router.include_router(carrier_router(carrier, line, settings, hints, rooms))
    router.include_router(audio.create_router(carriers.recorder, rooms.recorded))
    router.include_router(sounds_router())
    return router
