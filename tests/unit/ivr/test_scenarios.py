"""Scenarios of calls, on each carrier's own wire: what callers hear, do, and leave behind."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from core.database import Database
from ivr.calls import Calls, calls
from ivr.carriers.routes import Rooms
from ivr.line import PhoneLine
from ivr.prompts import Prompts
from ivr.record import reading
from ivr.record.reading import Timeline
from ivr.record.scenario import Scenario, read_scenarios, scenario_of, written
from tests.fakes import SetClock
from tests.scenarios import ScriptedBot, ScriptedHouse, all_scenarios, check_end, replay
from tests.telephones import CARRIERS, PUBLIC_URL, SECRET, telephone
from tests.unit.ivr.conftest import phone_app

pytestmark = pytest.mark.unit

SCENARIOS = all_scenarios()
ENTERPRISE = SCENARIOS[0]


class Stage:
    """The line with the bot and the house of one scenario."""

    def __init__(
        self, scenario: Scenario, database: Database, prompts: Prompts, clock: SetClock, carrier: str = "twilio"
    ) -> None:
        self.bot, self.house = ScriptedBot(scenario), ScriptedHouse(scenario)
        line = PhoneLine(self.bot, Calls(database, clock), self.house, prompts)
        rooms = Rooms(waiting=self.house.waiting, left=self.house.left)
        app = phone_app(line, rooms, twilio_auth_token=SECRET, jambonz_webhook_secret=SECRET, public_url=PUBLIC_URL)
        self.caller = telephone(carrier, app, number=scenario.number)
        self._database = database

    def record(self) -> Timeline:
        """What is kept of the call."""
        return self._database.read_now(lambda c: reading.timeline(c, self.caller.call_sid))


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_call_goes_as_its_scenario_says(
    scenario: Scenario, carrier: str, sqlite: Database, prompts: Prompts, clock: SetClock
) -> None:
    stage = Stage(scenario, sqlite, prompts, clock, carrier)
    await replay(scenario, stage.caller)
    check_end(scenario, stage.record(), stage.house)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_call_that_is_saved_as_a_scenario_goes_the_same_way_again(
    scenario: Scenario, sqlite: Database, prompts: Prompts, clock: SetClock, tmp_path: Path
) -> None:
    first = Stage(scenario, sqlite, prompts, clock)
    await replay(scenario, first.caller)
    # The bot of a scenario keeps nothing in the inbox: what it said is taken from the scenario itself.
    saved = sqlite.read_now(lambda c: scenario_of(c, first.caller.call_sid))
    file = tmp_path / "saved.yml"
    file.write_text(written(saved.model_copy(update={"bot": scenario.bot})), "utf-8")

    [again] = read_scenarios(file)
    again.house.message, again.end.order = scenario.house.message, scenario.end.order
    second = Stage(again, sqlite, prompts, clock)
    await replay(again, second.caller)
    check_end(again, second.record())


async def test_a_saved_scenario_tells_nobody_who_called(sqlite: Database, prompts: Prompts, clock: SetClock) -> None:
    scenario = ENTERPRISE.model_copy(update={"calls_from": "+8613871234567"})
    stage = Stage(scenario, sqlite, prompts, clock)
    await stage.caller.start()
    await stage.caller.say("我姓欧阳，电话13871234567，楼下烧烤店太吵了", 0.8)
    await stage.caller.hang_up()

    text = written(sqlite.read_now(lambda c: scenario_of(c, stage.caller.call_sid)))

    assert "13871234567" not in text
    assert "欧阳" not in text
    assert "'+8613900000000'" in text
    assert "13900000000，楼下烧烤店太吵了 (0.8)" in text
    assert sqlite.read_now(lambda c: c.execute(select(calls.c.caller)).scalar()) == "+8613871234567"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"hear": ["x"]}, "does one of"),
        ({"say": "x", "press": "1"}, "does one of"),
        ({"press": "12a"}, "press"),
        ({"queue": "gone"}, "talked"),
    ],
)
def test_a_step_that_cannot_be_is_refused_with_what_can(step: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Scenario.model_validate({"name": "x", "steps": [step]})


def test_speech_may_be_written_with_its_confidence_or_with_none() -> None:
    said = [
        Scenario.model_validate({"name": "x", "steps": [{"say": text}]}).steps[0].say
        for text in ("太吵了（真的） (0.42)", "太吵了 (none)", "太吵了", "太吵了(2)")
    ]
    assert [(each.words, each.confidence) for each in said if each] == [
        ("太吵了（真的）", 0.42),
        ("太吵了", None),
        ("太吵了", 0.9),
        ("太吵了(2)", 0.9),
    ]
