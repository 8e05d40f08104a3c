"""What becomes of a picture, a video or a voice note that a citizen sends."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from core.access import Role
from core.city import City
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from desk.orders.register import events_of
from desk.personal_data.erasure import Erasure
from hotline.retention import erasure_of
from intake.attachments import attaching, keeping, kinds
from intake.attachments.attaching import Attachments
from intake.attachments.kinds import Kind, look_at
from intake.conversation import Conversation
from intake.messages import Answer, Button, Channel, InboundMessage, Reply
from tests.fakes import FakeBot, SetClock
from tests.unit.desk.conftest import sign_in

__all__ = ["sign_in"]

pytestmark = pytest.mark.unit

SESSION = "0123456789abcdef0123456789abcdef"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(200)
WEBM = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + bytes(200)
HERE = {0x8825: {1: "N", 2: (29.0, 50.0, 0.0), 3: "E", 4: (114.0, 19.0, 0.0)}}
"""EXIF: the GPS part, as a telephone writes it."""


def picture(size: tuple[int, int] = (64, 48), kind: str = "JPEG", turned: int = 1) -> bytes:
    drawn, exif = BytesIO(), Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825).update(HERE[0x8825])
    Image.new("RGB", size, "teal").save(drawn, kind, exif=exif)
    return drawn.getvalue()


@pytest.fixture
def attachments(sqlite: Database, settings: Settings, clock: SetClock) -> Attachments:
    return Attachments(sqlite, settings.attachments_dir, clock)


@pytest.fixture
def conversation(sqlite: Database, bot: FakeBot, city: City, clock: SetClock) -> Conversation:
    return Conversation(sqlite, bot, city, clock)


@pytest.fixture
def erasure(city: City, settings: Settings) -> Erasure:
    return erasure_of(city, settings)


def said(text: str = "", message_id: str = "m1") -> InboundMessage:
    return InboundMessage(Channel.WEB, f"web:{SESSION}", message_id, text)


def texts(answer: Answer) -> list[str]:
    return [reply.text for reply in answer.replies]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_without_the_place_and_the_camera_it_was_taken_with(kind: str) -> None:
    assert Image.open(BytesIO(picture(kind=kind))).getexif().get_ifd(0x8825)
    kept = Image.open(BytesIO(look_at(picture(kind=kind)).content))
    assert not dict(kept.getexif())
    assert "exif" not in kept.info


def test_a_picture_stands_upright_and_is_no_larger_than_is_needed() -> None:
    kept = Image.open(BytesIO(look_at(picture((4000, 1000), turned=6)).content))
    assert kept.size == (640, kinds.LARGEST_SIDE)


@pytest.mark.parametrize(
    ("content", "spoken", "kind", "media_type"),
    [
        (picture(), False, Kind.PICTURE, "image/jpeg"),
        (picture(kind="PNG"), False, Kind.PICTURE, "image/png"),
        (MP4, False, Kind.VIDEO, "video/mp4"),
        (WEBM, False, Kind.VIDEO, "video/webm"),
        (WEBM, True, Kind.VOICE, "audio/webm"),
        (b"#!AMR\n" + bytes(50), True, Kind.VOICE, "audio/amr"),
    ],
)
def test_a_file_is_what_its_bytes_are(content: bytes, spoken: bool, kind: Kind, media_type: str) -> None:
    looked = look_at(content, spoken=spoken)
    assert (looked.kind, looked.media_type) == (kind, media_type)


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"", 422, "file 是空的"),
        (b"<html><script>alert(1)</script></html>", 415, "JPEG、PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "JPEG、PNG"),
        (b"MZ\x90\x00" + bytes(500), 415, "JPEG、PNG"),
        (picture()[:400], 422, "没有传完"),
        (b"\xff\xd8" + bytes(21 * kinds.MEGABYTE), 413, "最大 20 MB"),
        (MP4 + bytes(51 * kinds.MEGABYTE), 413, "最大 50 MB"),
    ],
    ids=["empty", "html", "svg", "program", "half a picture", "large picture", "large video"],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(content: bytes, status: int, told: str) -> None:
    with pytest.raises(Problem, match=told) as refused:
        look_at(content)
    assert refused.value.status == status


def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MOST_PIXELS", 64 * 47)
    with pytest.raises(Problem, match="64×48 像素"):
        look_at(picture())


async def test_the_first_thing_sent_is_kept_and_the_citizen_asked_what_it_is_about(attachments: Attachments) -> None:
    assert texts(await attachments.attach(said(), picture())) == ["已收到。请说一说是什么事、在哪里，我为您登记。"]


async def test_a_picture_in_the_middle_of_a_matter_leaves_the_question_and_what_was_understood(
    attachments: Attachments, conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    question = Reply("在哪里？", (Button("不清楚", "不清楚"),))
    bot.will_answer("路灯坏了", Answer((Reply("好的。"), question), draft={"text": "路灯坏了"}))
    await conversation.handle(said("路灯坏了"))

    answer = await attachments.attach(said(message_id="m2"), picture())

    assert texts(answer) == ["已收到，会附在您的诉求里。", "在哪里？"]
    assert answer.replies[1].buttons == question.buttons
    bot.down = True
    kept = await conversation.handle(said("银泉大道", "m3"))
    assert kept.work_order is not None
    number = kept.work_order["number"]
    (event,) = [e for e in await sqlite.read(lambda c: events_of(c, number)) if e.kind == "attached"]
    assert event.data == {"files": 1}


async def test_a_picture_after_the_order_was_opened_goes_to_it(
    attachments: Attachments, conversation: Conversation, bot: FakeBot
) -> None:
    bot.down = True
    opened = await conversation.handle(said("路灯坏了"))
    assert opened.work_order is not None
    number = opened.work_order["number"]
    assert texts(await attachments.attach(said(message_id="m2"), picture())) == [
        f"已收到，附在工单 {number} 上，承办单位会看到。"
    ]


async def test_asking_for_another_order_does_not_give_it_the_picture(
    attachments: Attachments, conversation: Conversation, bot: FakeBot, sqlite: Database
) -> None:
    bot.down = True
    other = await conversation.handle(replace(said("停水了"), conversation_id="web:other"))
    bot.down = False
    await attachments.attach(said(), picture())
    bot.will_answer("查进度", Answer((Reply("办理中。"),), work_order=other.work_order))
    await conversation.handle(said("查进度", "m2"))
    assert other.work_order is not None
    number = other.work_order["number"]
    assert "attached" not in [e.kind for e in await sqlite.read(lambda c: events_of(c, number))]


async def test_a_repeat_gets_the_same_answer_and_is_kept_once(attachments: Attachments, sqlite: Database) -> None:
    first = await attachments.attach(said(), picture())
    assert await attachments.attach(said(), picture()) == first
    assert len(await sqlite.read(keeping.known_files)) == 1


async def test_more_files_than_anybody_needs_in_a_day_are_refused_and_say_so(
    attachments: Attachments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "MOST_A_DAY", 1)
    await attachments.attach(said(), picture())
    with pytest.raises(Problem, match="一天内已收到 1 个文件") as refused:
        await attachments.attach(said(message_id="m2"), picture())
    assert refused.value.status == 429


async def test_nothing_readable_lies_on_the_disk_and_an_erased_conversation_leaves_no_file(
    attachments: Attachments, settings: Settings, sqlite: Database, erasure: Erasure, clock: SetClock
) -> None:
    content = look_at(picture()).content
    await attachments.attach(said(), picture())
    (file,) = settings.attachments_dir.iterdir()
    assert content not in file.read_bytes()

    await sqlite.write(lambda c: erasure.forget(c, [f"web:{SESSION}"]))
    assert await sqlite.read(keeping.known_files) == []
    clock.now = clock.now.replace(year=clock.now.year + 1)
    assert await attachments.remove_unknown() == 1
    assert not list(settings.attachments_dir.iterdir())


@pytest.fixture
def sent(client: TestClient, bot: FakeBot) -> dict[str, Any]:
    """A citizen's picture on an order, through the doors: the order's number, and the picture's id."""
    bot.down = True
    form = {"session_id": SESSION, "message_id": "p1"}
    answer = client.post("/chat/attachments", data=form, files={"file": ("IMG_1.jpg", picture(), "image/jpeg")})
    assert answer.status_code == 200, answer.text
    told = client.post("/chat/messages", json={"session_id": SESSION, "message_id": "m1", "text": "银泉大道路灯坏了"})
    (turn, _) = client.get("/chat/history", params={"session_id": SESSION}).json()
    return {"number": told.json()["work_order"]["number"], **turn["file"]}


def test_a_citizen_sees_the_own_picture_again_and_nobody_elses(client: TestClient, sent: dict[str, Any]) -> None:
    path = f"/chat/attachments/{sent['id']}"
    own = client.get(path, params={"session_id": SESSION})
    assert (own.status_code, own.headers["content-type"]) == (200, "image/jpeg")
    assert own.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert client.get(path, params={"session_id": SESSION[::-1]}).status_code == 404


def test_the_unit_looks_at_the_picture_and_the_citizen_may_know(
    client: TestClient,
    sent: dict[str, Any],
    sign_in: Callable[..., dict[str, str]],
    as_operator: dict[str, str],
) -> None:
    (listed,) = client.get(f"/api/work-orders/{sent['number']}/attachments", headers=as_operator).json()
    assert (listed["id"], listed["kind"]) == (sent["id"], "picture")
    assert client.get(f"/api/attachments/{sent['id']}", headers=as_operator).status_code == 200
    looks = client.get("/api/looks", params={"number": sent["number"]}, headers=as_operator).json()
    assert [look["purpose"] for look in looks] == ["handle"]
    stranger = sign_in(Role.HANDLER, unit="咸安区水利和湖泊局")
    assert client.get(f"/api/attachments/{sent['id']}", headers=stranger).status_code == 404


def test_a_seat_sees_the_picture_of_who_asks_for_a_person_before_there_is_an_order(
    client: TestClient, sign_in: Callable[..., dict[str, str]]
) -> None:
    seat = sign_in(Role.SEAT)
    client.post("/chat/attachments", data={"session_id": SESSION, "message_id": "p1"}, files={"file": picture()})
    (turn,) = client.get("/chat/history", params={"session_id": SESSION}).json()
    path = f"/api/attachments/{turn['file']['id']}"
    assert client.get(path, headers=seat).status_code == 404
    client.get("/api/chats", headers=seat)
    client.post("/chat/messages", json={"session_id": SESSION, "message_id": "m1", "text": "人工"})
    assert client.get(path, headers=seat).headers["content-type"] == "image/jpeg"
    assert client.get(path, headers=sign_in(Role.SUPERVISOR)).status_code == 404


def test_what_is_missing_from_an_upload_is_named_in_chinese(client: TestClient) -> None:
    refused = client.post("/chat/attachments", data={"session_id": SESSION, "message_id": "p1"})
    assert refused.status_code == 422
    assert "缺少 file" in refused.json()["detail"]
