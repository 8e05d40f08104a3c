"""Who may hear a recording, what for, and who is told of it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from core.access import Role
from core.city import City
from core.database import Database
from core.sealed_files import SealedFiles
from core.settings import Settings
from desk.orders.tables import work_orders
from ivr.flow import CallState, KeepMessage
from ivr.messages import keep, recording_told
from ivr.messages.clerk import RecordingClerk
from ivr.messages.rules import Rules
from tests.fakes import SetClock
from tests.recordings import FakeRecorder, speech
from tests.unit.desk.conftest import UNIT, SignIn

pytestmark = pytest.mark.unit

Headers = dict[str, str]
SID = "RE0123456789abcdef0123456789abcdef"
OTHER_UNIT = "嘉鱼县公安局"


class Message:
    """A message on the line, and what the worker does with it."""

    def __init__(self, database: Database, city: City, clock: SetClock, store: SealedFiles) -> None:
        self.carrier = FakeRecorder()
        self.database = database
        need = KeepMessage(SID, self.carrier.records(SID), 12)
        state = CallState("CA1", "+8613871234567")
        number = database.write_now(lambda c: keep(c, city, need, state, clock())).number
        assert number is not None
        self.number = number
        self._clerk = RecordingClerk(database, clock, store, Rules.of_city(city), {"twilio": self.carrier})
        self._clock = clock

    async def arrives(self, status: str = "completed") -> None:
        """The carrier tells of it, and the worker fetches it."""
        url = self.carrier.records(SID)
        self.database.write_now(lambda c: recording_told(c, "twilio", SID, status, url, 12, self._clock()))
        await self._clerk.round()

    def change(self, **values: Any) -> None:
        """The order is changed by other hands."""
        this = update(work_orders).where(work_orders.c.number == self.number).values(**values)
        self.database.write_now(lambda c: c.execute(this))


@pytest.fixture
def store(settings: Settings) -> SealedFiles:
    return SealedFiles(settings.recordings_dir)


@pytest.fixture
def message(client: TestClient, sqlite: Database, city: City, clock: SetClock, store: SealedFiles) -> Message:
    return Message(sqlite, city, clock, store)


@pytest.fixture
def listen(client: TestClient) -> Callable[..., Any]:
    """Asks to hear the recording."""

    def ask(headers: Headers, sid: str = SID, **asked: str) -> Any:
        return client.get(f"/api/recordings/{sid}", params={"purpose": "handle", **asked}, headers=headers)

    return ask


async def test_a_seat_hears_the_message_and_the_citizen_and_the_log_are_told(
    client: TestClient, sign_in: SignIn, message: Message, listen: Callable[..., Any]
) -> None:
    await message.arrives()
    seat = sign_in(Role.SEAT)
    [listed] = client.get(f"/api/work-orders/{message.number}/recordings", headers=seat).json()
    assert (listed["sid"], listed["state"], listed["seconds"], listed["kind"]) == (SID, "fetched", 12, "message")
    assert not {"url", "key", "path", "call_sid"} & set(listed)
    heard = listen(seat, purpose="verify", note="受理前先听")
    assert (heard.status_code, heard.content, heard.headers["content-type"]) == (200, speech(), "audio/wav")
    assert (heard.headers["cache-control"], heard.headers["accept-ranges"]) == ("no-store", "none")
    told = client.post("/api/progress/looks", json={"number": message.number, "proof": "4567"}).json()
    assert [(look["by"], look["purpose"]) for look in told] == [("话务员", "核实情况")]
    events = client.get(f"/api/work-orders/{message.number}/events", headers=seat).json()
    assert (events[-1]["kind"], events[-1]["data"]) == ("recording_heard", {"purpose": "verify", "recording": SID})


@pytest.mark.parametrize(
    ("asked", "named"),
    [({"purpose": ""}, "purpose"), ({"purpose": "curiosity"}, "purpose"), ({"purpose": "other"}, "note")],
)
async def test_without_a_purpose_nobody_hears_it(
    client: TestClient,
    as_operator: Headers,
    message: Message,
    listen: Callable[..., Any],
    asked: dict[str, str],
    named: str,
) -> None:
    await message.arrives()
    answer = listen(as_operator, **asked)
    assert (answer.status_code, named in answer.json()["detail"]) == (422, True)
    assert client.get("/api/looks", headers=as_operator).json() == []


async def test_a_unit_hears_the_recordings_of_its_own_orders_only(
    client: TestClient, sign_in: SignIn, message: Message, listen: Callable[..., Any]
) -> None:
    await message.arrives()
    message.change(unit=UNIT, state="in_progress")
    own, foreign = sign_in(Role.HANDLER), sign_in(Role.HANDLER, OTHER_UNIT)
    assert listen(own).status_code == 200
    refused, unknown = listen(foreign), listen(foreign, sid="RE-nobody")
    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert refused.json()["detail"] == unknown.json()["detail"].replace("RE-nobody", SID)
    assert client.get(f"/api/work-orders/{message.number}/recordings", headers=foreign).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.SEAT, 200), (Role.DISPATCHER, 200), (Role.ADMIN, 200), (Role.HANDLER, 403), (Role.AUDITOR, 403)],
)
async def test_of_a_confidential_order_the_hotline_alone_hears_the_voice(
    sign_in: SignIn, message: Message, listen: Callable[..., Any], role: Role, status: int
) -> None:
    await message.arrives()
    message.change(confidential=True, unit=UNIT)
    assert listen(sign_in(role)).status_code == status


async def test_what_is_not_here_is_not_played_and_no_look_is_counted(
    client: TestClient, as_operator: Headers, message: Message, listen: Callable[..., Any]
) -> None:
    waiting = listen(as_operator)
    assert (waiting.status_code, "not been fetched yet" in waiting.json()["detail"]) == (409, True)
    await message.arrives("absent")
    gone = listen(as_operator)
    assert (gone.status_code, gone.json()["why"]) == (410, "absent")
    assert client.get("/api/looks", headers=as_operator).json() == []


async def test_a_file_that_was_changed_or_lost_is_not_played(
    as_operator: Headers, message: Message, listen: Callable[..., Any], settings: Settings
) -> None:
    await message.arrives()
    [file] = settings.recordings_dir.iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    changed = listen(as_operator)
    assert (changed.status_code, "missing or was changed" in changed.json()["detail"]) == (410, True)
    file.unlink()
    assert listen(as_operator).status_code == 410
