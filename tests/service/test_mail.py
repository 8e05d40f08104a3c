"""A citizen writes a mail: it becomes an order, is acknowledged, is added to, and its answer comes back by mail."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import Message
from io import BytesIO
from typing import Any

import pytest
from imap_tools import MailBoxUnencrypted
from PIL import Image

from channels.email import mailbox
from channels.email.clerk import MOST_ACKNOWLEDGED
from channels.email.letter import Letter, read_letter
from core.access import Principal, Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from desk.life.moves import Accept, ApproveReply, Dispatch, MoveRequest, Reply, Sign
from desk.orders import register
from desk.orders.listing import Filters, page
from desk.orders.model import WorkOrder
from desk.telling import deliveries
from desk.telling.deliveries import DeliveryState
from hotline.worker import Worker
from intake.attachments import keeping
from tests.fakes import FakeBot, SetClock
from tests.mail import CITIZEN, HOTLINE, PASSWORD, Post, written

pytestmark = pytest.mark.service


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with Post() as started:
        yield started


class Office:
    """The hotline with its mailbox: one round of everything the worker does for mail."""

    def __init__(self, post: Post, database: Database, settings: Settings, city: City, clock: SetClock) -> None:
        mail = {"imap_url": post.imap_url, "imap_password": PASSWORD, "smtp_url": post.smtp_url, "mail_from": HOTLINE}
        self._settings = Settings.model_validate({**settings.model_dump(), **mail})
        self.database, self.clock, self._city = database, clock, city

    async def works(self) -> None:
        """Read the mail and send what is due; every time a worker that has just been started."""
        worker = Worker(self._settings, self.database, FakeBot(), self._city, self.clock)
        for part in (worker._read_mail, worker._hand_on, worker._tell, worker._deliver):
            await part()
        await worker._courier.close()

    def orders(self) -> list[WorkOrder]:
        return self.database.read_now(lambda c: page(c, Filters()))[::-1]

    def log(self, order: WorkOrder) -> list[tuple[str, dict[str, Any]]]:
        found = self.database.read_now(lambda c: register.events_of(c, order.number))
        return [(event.kind, event.data) for event in found]


@pytest.fixture
def office(post: Post, database: Database, settings: Settings, city: City, clock: SetClock) -> Office:
    return Office(post, database, settings, city, clock)


async def test_a_letter_becomes_an_order_and_its_answer_comes_back_by_mail(
    office: Office, post: Post, city: City, clock: SetClock
) -> None:
    await post.deliver(written("双鹤路的路灯三天不亮。", Authentication_Results="mx.gov.cn; spf=pass; dkim=pass"))
    await office.works()
    [order] = office.orders()
    assert (order.channel, order.state, order.contact_email) == ("email", "pending_acceptance", CITIZEN)
    assert (order.summary, order.text) == ("路灯不亮", "双鹤路的路灯三天不亮。")
    assert ("mailed", {"authentication": "spf=pass dkim=pass", "attachments": 0}) in office.log(order)
    [told] = post.sent
    assert (told["From"], told["To"], told["In-Reply-To"]) == (HOTLINE, CITIZEN, "<1@example.com>")
    assert (told["Auto-Submitted"], order.number in told["Subject"]) == ("auto-replied", True)
    for said in (order.number, order.query_code):
        assert said in told.get_content()

    answer = (
        '还是不亮，门牌是88号。\n\n在 2026-11-24 09:30:00，"12345" <12345@example.gov.cn> 写道：\n\n> 您的来信已登记\n'
    )
    await post.deliver(written(answer, "Re: 您的来信", "<2@example.com>", In_Reply_To=told["Message-ID"]))
    stranger = written("我来补充", f"Re: {order.number}", "<3@example.com>", "other@example.com")
    await post.deliver(stranger, written("谢谢", f"回复：{order.number}", "<4@example.com>"))
    await office.works()
    added = [data["text"] for kind, data in office.log(order) if kind == "supplemented"]
    assert added == ["还是不亮，门牌是88号。", "谢谢"]
    assert [each.contact_email for each in office.orders()] == [CITIZEN, "other@example.com"]
    assert [mail["To"] for mail in post.sent[1:]] == ["other@example.com"], "a supplement is not answered"

    handling = Handling.of_city(city)
    moves: list[MoveRequest] = [
        Accept(move="accept", category="02", area_code="421202001"),
        Dispatch(move="dispatch", unit="咸安区公安局"),
        Sign(move="sign"),
        Reply(move="reply", text="已修好，亮了。", outcome="solved", override="现场已确认"),
        ApproveReply(move="approve_reply"),
    ]
    for move in moves:
        await office.database.write(lambda c, move=move: handling.move(c, order.number, move, clock(), "clerk"))  # type: ignore[misc]
    await office.works()
    [answered] = [mail for mail in post.sent if "已答复" in mail.get_content()]
    assert (answered["To"], answered["Auto-Submitted"]) == (CITIZEN, "auto-generated")
    assert f"您的诉求（工单{order.number}）已答复" in answered.get_content()
    assert order.query_code not in answered.get_content()


async def test_a_mail_is_taken_once_also_when_it_was_not_marked(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post.deliver(written("停水三天"))
    with monkeypatch.context() as dying:
        dying.setattr(MailBoxUnencrypted, "flag", _dies)
        with pytest.raises(ConnectionError):
            await office.works()
    assert [len(office.orders()), await post.flags()] == [1, [()]]
    await post.deliver(written("停水三天"))
    await office.works()
    await office.works()
    assert [len(office.orders()), len(post.sent)] == [1, 1]
    assert await post.flags() == [("\\Seen",)] * 2


def _dies(*_: object) -> None:
    raise ConnectionError("killed between taking and marking")


async def test_nothing_a_machine_sends_is_answered_and_no_loop_comes_about(office: Office, post: Post) -> None:
    await post.deliver(
        written("我休假了", "自动回复：收到", "<1@m>"),
        written("x", message_id="<2@m>", Auto_Submitted="auto-generated"),
        written("退信", message_id="<3@m>", Return_Path="<>"),
        written("我们自己", message_id="<4@m>", sender=HOTLINE),
    )
    await office.works()
    assert (office.orders(), post.sent) == ([], [])
    for number in range(MOST_ACKNOWLEDGED + 2):
        await post.deliver(written("收到您的来信", "收到", f"<loop{number}@m>"))
    await office.works()
    assert [len(office.orders()), len(post.sent)] == [MOST_ACKNOWLEDGED + 2, MOST_ACKNOWLEDGED]


async def test_what_cannot_be_read_or_is_too_large_is_an_order_and_marked_for_a_person(
    office: Office, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(message: Message) -> Letter:
        if "X-Broken" in message:
            raise RecursionError
        return read_letter(message)

    monkeypatch.setattr(mailbox, "LARGEST", 5000)
    monkeypatch.setattr(mailbox, "read_letter", read)
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(40))
    await post.deliver(written("长" * 3000), b"From: a@example.com\r\nMessage-ID: <2@m>\r\n" + deep)
    with_file = written("见附件", message_id="<3@m>")
    with_file.add_attachment(b"x", maintype="image", subtype="png", filename="a.png")
    drawn = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(drawn, "PNG")
    with_file.add_attachment(drawn.getvalue(), maintype="image", subtype="png", filename="b.png")
    await post.deliver(with_file, written("三楼着火了，有人被困", message_id="<4@m>"))
    await post.deliver(written("停水", message_id="<5@m>", X_Broken="yes"))
    await office.works()
    large, empty, photo, fire, broken = office.orders()
    assert "邮件过大" in large.text
    assert "无法解析" in broken.text
    assert "正文为空" in empty.text
    assert "另有 1 个附件" in photo.text
    [kept] = office.database.read_now(lambda c: keeping.of_order(c, photo.number, Principal("clerk", Role.ADMIN)))
    assert kept.media_type == "image/png"
    assert (fire.urgency, photo.urgency) == ("danger", "ordinary")
    [warned] = [mail for mail in post.sent if fire.number in mail["Subject"]]
    assert "119" in warned.get_content().splitlines()[0]
    starred = ("\\Flagged", "\\Seen")
    assert await post.flags() == [starred, *[("\\Seen",)] * 3, starred]


async def test_a_letter_out_is_tried_again_and_given_up_when_nobody_is_there(
    office: Office, post: Post, clock: SetClock
) -> None:
    post.refuses = ["451 later", "550 no such user"]
    await post.deliver(written("停水"))
    for _ in range(3):
        await office.works()
        clock.forward(timedelta(minutes=5))
    [given_up] = office.database.read_now(lambda c: deliveries.list_deliveries(c))
    assert (given_up.state, given_up.attempts, given_up.last_error) == (DeliveryState.DEAD, 2, "SMTP 550")
    assert post.sent == []
