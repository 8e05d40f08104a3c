"""The phone as the application is assembled with it."""

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from core.access import Audience, audience_of
from core.city import City
from core.clock import utc_now
from core.database import Database
from core.settings import Settings
from ivr.carriers.registry import create_router
from ivr.hints import hints_of
from ivr.prompts import Prompts
from tests.telephones import LOCAL, posting_to
from tests.twiml import TwimlCaller
from tests.unit.ivr.conftest import ScriptedConversation

pytestmark = pytest.mark.unit


async def test_a_call_is_greeted_with_the_citys_name_and_its_places_are_hints(
    conversation: ScriptedConversation, sqlite: Database, city: City, settings: Settings
) -> None:
    app = FastAPI()
    app.include_router(create_router(conversation, sqlite, settings, city, utc_now))
    caller = TwimlCaller(posting_to(app), LOCAL)

    assert f"{city.short_name}12345" in await caller.start()
    assert "温泉街道" in caller.documents[0]


def test_every_carrier_has_the_same_doors_and_its_own_lock(
    conversation: ScriptedConversation, sqlite: Database, city: City, settings: Settings
) -> None:
    router = create_router(conversation, sqlite, settings, city, utc_now)
    doors = {
        str(route.path): {audience_of(each.call) for each in route.dependant.dependencies if each.call}
        for route in iter_route_contexts(router.routes)
    }

    same = ("incoming", "step/{step}", "wait/{step}", "seat/{token}", "join/{token}", "whisper", "recording", "status")
    for carrier in (Audience.TWILIO, Audience.JAMBONZ):
        for door in same:
            assert carrier in doors.pop(f"/ivr/{carrier}/{door}")
    assert doors == {
        "/ivr/jambonz/recording/{step}": {Audience.JAMBONZ},
        "/ivr/jambonz/talk": {Audience.JAMBONZ},
        "/ivr/sounds/{name}": {Audience.ANYONE},
    }


def test_the_recogniser_expects_commands_first_and_small_places_last(city: City, prompts: Prompts) -> None:
    hints = hints_of(city, prompts)

    assert hints[0] == "人工"
    assert hints.index("咸安区") < hints.index("温泉街道") < hints.index("万年路社区")
    assert len(hints) == len(set(hints))
