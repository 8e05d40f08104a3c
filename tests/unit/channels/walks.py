"""Each channel as somebody who comes by it uses it: the same few things in each one's own wire format."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import ClassVar

from fastapi.testclient import TestClient
from PIL import Image

from channels.email.clerk import MailClerk
from channels.email.letter import read_letter
from channels.web.feed import read as read_feed
from core.access import Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.access import api_tokens
from desk.access.api_tokens import NewToken
from desk.life.handling import Handling
from desk.orders.listing import Filters, page
from desk.orders.model import Channel, WorkOrder
from desk.telling import deliveries
from desk.telling.outbox import Outbox
from intake.attachments.attaching import Attachments
from intake.attachments.keeping import Origin
from intake.emergency import EmergencyScreen
from tests.fakes import SetClock
from tests.mail import written
from tests.wechat import Account, Follower

SESSION = "0123456789abcdef0123456789abcdef"
WAYS = ["wechat", "email", "sms"]


def picture() -> bytes:
    """A small picture as a telephone sends it."""
    drawn = BytesIO()
    Image.new("RGB", (16, 16), "teal").save(drawn, "JPEG")
    return drawn.getvalue()


@dataclass(frozen=True, slots=True)
class Office:
    """The whole application with every channel set up, and what is behind it. The bot is down: words become orders."""

    client: TestClient
    database: Database
    city: City
    settings: Settings
    clock: SetClock

    def orders(self) -> list[WorkOrder]:
        """All orders, the oldest first."""
        return self.database.read_now(lambda c: page(c, Filters()))[::-1]

    def round(self) -> None:
        """The worker's round, as far as it is about telling people."""
        outbox = Outbox.of_city(self.city, Handling.of_city(self.city).clocks.calendar, WAYS)
        self.database.write_now(lambda c: outbox.hand_on(c, self.clock()))
        self.database.write_now(lambda c: outbox.tell_due(c, self.clock()))

    def sent(self, carrier: str) -> list[str]:
        """What leaves by a carrier now."""
        parcels = self.database.write_now(lambda c: deliveries.take(c, [carrier], self.clock()))
        return [parcel.text or "" for parcel in parcels]


class Walk(ABC):
    """Somebody who comes by a channel."""

    channel: ClassVar[Channel]

    def __init__(self, office: Office) -> None:
        self.office = office

    @abstractmethod
    def says(self, text: str, message_id: int = 1) -> str:
        """Tell of a matter; what is answered, at once or by what is sent."""

    @abstractmethod
    def forges(self) -> int:
        """Come in as somebody else, or without what is needed; the status of the answer."""

    @abstractmethod
    def sends_picture(self, message_id: int = 2) -> None:
        """Send a picture of the matter."""

    @abstractmethod
    def is_told(self) -> list[str]:
        """What has come back by this channel without being asked for, since this was asked last."""


class WebWalk(Walk):
    """The chat page."""

    channel = Channel.WEB

    def says(self, text: str, message_id: int = 1) -> str:
        """A message over plain HTTP."""
        said = {"session_id": SESSION, "message_id": f"m{message_id}", "text": text}
        return self.office.client.post("/chat/messages", json=said).text

    def forges(self) -> int:
        """Another page's script, which a browser lets send its origin only."""
        elsewhere = {"Origin": "https://elsewhere.example", "Upgrade": "websocket", "Connection": "Upgrade"}
        asked = {"session_id": SESSION}
        headers = {**elsewhere, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
        try:
            with self.office.client.websocket_connect("/chat/ws", params=asked, headers=headers):
                return 101
        except Exception as denied:
            return int(getattr(denied, "status_code", 0))

    def sends_picture(self, message_id: int = 2) -> None:
        """An upload."""
        form = {"session_id": SESSION, "message_id": f"m{message_id}"}
        sent = self.office.client.post("/chat/attachments", data=form, files={"file": ("a.jpg", picture())})
        assert sent.status_code == 200, sent.text

    def is_told(self) -> list[str]:
        """What the page fetches."""
        feed = self.office.database.read_now(lambda c: read_feed(c, f"web:{SESSION}"))
        return [remark.text for remark in feed.remarks]


class WeChatWalk(Walk):
    """The official account in the safe mode."""

    channel = Channel.WECHAT
    account = Account()

    def _follower(self) -> Follower:
        def post(query: dict[str, str], body: bytes) -> tuple[int, str]:
            response = self.office.client.post("/wechat", params=query, content=body)
            return response.status_code, response.text

        return Follower(self.account, post, self.office.clock)

    def says(self, text: str, message_id: int = 1) -> str:
        """A text message."""
        return self._follower().say(text, message_id) or ""

    def forges(self) -> int:
        """A request signed with another token."""
        query = {"signature": "0" * 40, "timestamp": "1", "nonce": "1"}
        return self.office.client.post("/wechat", params=query, content=b"<xml/>").status_code

    def sends_picture(self, message_id: int = 2) -> None:
        """A picture, and the worker that fetches it."""
        follower = self._follower()
        follower.send("image", message_id, PicUrl="http://mmbiz.qpic.cn/1", MediaId="m")
        attachments = Attachments(self.office.database, self.office.settings.attachments_dir, self.office.clock)
        asyncio.run(attachments.keep_for(Origin(f"wechat:{follower.openid}", str(message_id)), picture()))

    def is_told(self) -> list[str]:
        """Customer-service messages."""
        return self.office.sent("wechat")


class Open311Walk(Walk):
    """An application with a key."""

    channel = Channel.OPEN311
    form: ClassVar[dict[str, str]] = {
        "service_code": "02",
        "address_string": "嘉鱼县鱼岳镇",
        "email": "citizen@example.com",
    }

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        new = NewToken(name="随手拍", role=Role.APPLICATION, expires_at=office.clock() + timedelta(days=200))
        made = office.database.write_now(lambda c: api_tokens.make(c, new, office.clock(), "test"))
        self._key = made.token
        self._said = ""

    def _post(self, **more: object) -> str:
        form = {**self.form, "api_key": self._key, "description": self._said}
        answer = self.office.client.post("/open311/v2/requests.json", data=form, **more)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.text

    def says(self, text: str, message_id: int = 1) -> str:
        """A request."""
        self._said = text
        return self._post()

    def forges(self) -> int:
        """A guessed key."""
        form = {**self.form, "api_key": "guess", "description": "路灯不亮"}
        return self.office.client.post("/open311/v2/requests.json", data=form).status_code

    def sends_picture(self, message_id: int = 2) -> None:
        """The picture comes with the request."""
        self._post(files={"media": ("a.jpg", picture(), "image/jpeg")})

    def is_told(self) -> list[str]:
        """Mail, where an address was given."""
        return self.office.sent("email")


class EmailWalk(Walk):
    """A mail program; what the worker reads from the mailbox."""

    channel = Channel.EMAIL

    def _take(self, message_id: int, text: str, *, with_picture: bool = False, number: str = "") -> None:
        clerk = MailClerk(EmergencyScreen(self.office.city.read("emergencies.yml")), "12345@example.gov.cn")
        mail = written(text, f"路灯 {number}", f"<{message_id}@example.com>")
        if with_picture:
            mail.add_attachment(picture(), maintype="image", subtype="jpeg", filename="a.jpg")
        letter = read_letter(mail)
        attachments = Attachments(self.office.database, self.office.settings.attachments_dir, self.office.clock)
        files = attachments.put_away(file.content for file in letter.attachments)
        self.office.database.write_now(lambda c: clerk.take(c, letter, files, self.office.clock()))

    def says(self, text: str, message_id: int = 1) -> str:
        """A letter, and its acknowledgement."""
        self._take(message_id, text)
        return "".join(self.office.sent("email")) or "acknowledged before"

    def forges(self) -> int:
        """A machine's letter: it opens nothing, and nobody answers it."""
        mail = written("路灯不亮", message_id="<9@example.com>", Auto_Submitted="auto-replied")
        clerk = MailClerk(EmergencyScreen(self.office.city.read("emergencies.yml")), "12345@example.gov.cn")
        letter = read_letter(mail)
        self.office.database.write_now(lambda c: clerk.take(c, letter, [], self.office.clock()))
        return 403 if not self.office.sent("email") else 200

    def sends_picture(self, message_id: int = 2) -> None:
        """A second letter with the number and a picture."""
        (order,) = self.office.orders()
        self._take(message_id, "见附件", with_picture=True, number=order.number)

    def is_told(self) -> list[str]:
        """Mail."""
        return self.office.sent("email")


WALKS: dict[Channel, type[Walk]] = {walk.channel: walk for walk in (WebWalk, WeChatWalk, Open311Walk, EmailWalk)}
