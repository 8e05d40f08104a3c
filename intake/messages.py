"""The one shape in which every channel hands over what a citizen said, and gets the answer back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from desk.orders.model import Channel, Line

__all__ = ["Answer", "Button", "Channel", "Expects", "InboundMessage", "Line", "Reply", "Turn"]


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One thing a citizen said.

    `message_id` is the channel's own id (CallSid + step, WeChat MsgId, web message id); together with
    `conversation_id` it identifies the message, and a repeat of it gets the stored answer.
    `conversation_id` is already prefixed by the channel (`web:…`, `phone:CA…`).
    `caller` is the calling number in E.164, where the channel knows it.
    """

    channel: Channel
    conversation_id: str
    message_id: str
    text: str
    line: Line = Line.CITIZEN
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply: `title` is shown or read out, `payload` is the text sent when it is chosen."""

    title: str
    payload: str


class Expects(StrEnum):
    """What the next message is likely to be, so that a phone can listen for it."""

    SPEECH = "speech"
    PHONE = "phone"
    DIGITS = "digits"
    CHOICE = "choice"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing the hotline answers: plain text, with quick replies to choose from."""

    text: str
    buttons: tuple[Button, ...] = ()
    expects: Expects = Expects.SPEECH


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is said back to one message.

    `work_order` is what the citizen may know of the order the message opened or asked for
    (`number`, `category`, `category_name`, `line`, `state`, `state_name`, and `query_code` when it was just opened),
    else None.
    `ended`: the matter is finished (a phone may say goodbye and hang up).
    `degraded`: the bot could not be reached in time; the message was kept for a person instead.
    `draft`: what the bot has of an order that is not filed yet, so that it is not lost when the citizen leaves.
    """

    replies: tuple[Reply, ...]
    work_order: dict[str, Any] | None = None
    ended: bool = False
    degraded: bool = False
    draft: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer as the inbox stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Answer":
        """The answer a stored document was made from."""
        replies = tuple(
            Reply(reply["text"], tuple(Button(**button) for button in reply["buttons"]), Expects(reply["expects"]))
            for reply in stored["replies"]
        )
        return cls(**{**stored, "replies": replies})


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and what was answered; `answer` is None while it is being worked on."""

    message_id: str
    text: str
    received_at: datetime
    answer: Answer | None
