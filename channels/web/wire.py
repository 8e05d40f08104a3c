"""What travels between the page and us, as JSON, and its translation into the intake's shapes and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from channels.web.texts import allowed, text
from core.problems import Problem
from intake.attachments.keeping import Attachment
from intake.attachments.kinds import Kind
from intake.messages import Answer, Channel, InboundMessage, Line, Turn

LONGEST_SHOWN = 60
UNGUESSABLE_LENGTH = 22
"""Characters that 128 random bits need in base 64."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\-]{1,128}$")]


def _without_nul(value: str) -> str:
    # PostgreSQL cannot store it.
    if "\0" in value:
        raise ValueError("contains U+0000")
    return value


CitizenText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_without_nul)
]


class Said(BaseModel):
    """A message of the citizen within a known session."""

    message_id: Id
    text: CitizenText
    line: Literal["citizen", "enterprise"] = "citizen"

    def to_message(self, session_id: str) -> InboundMessage:
        """The message as the intake takes it."""
        return InboundMessage(
            channel=Channel.WEB,
            conversation_id=conversation_id(session_id),
            message_id=self.message_id,
            text=self.text,
            line=Line(self.line),
        )


class Posted(Said):
    """A message with the session it belongs to."""

    session_id: Id


FIELDS = {*Posted.model_fields, "file", "spoken"}
"""What may be wrong with a message, or with one that is a file."""


class ButtonOut(BaseModel):
    """A quick reply: `payload` is the text to send when it is chosen."""

    model_config = ConfigDict(from_attributes=True)

    title: str
    payload: str


class ReplyOut(BaseModel):
    """One thing answered."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    buttons: list[ButtonOut]


class AnswerOut(BaseModel):
    """All that is answered to one message, as the citizen may see it."""

    model_config = ConfigDict(from_attributes=True)

    replies: list[ReplyOut]
    work_order: dict[str, Any] | None
    degraded: bool

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The part of an answer that is for the citizen."""
        return cls.model_validate(answer)


class FileOut(BaseModel):
    """A file of the citizen; `GET /chat/attachments/{attachment_id}` gives it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Kind
    media_type: str


class TurnOut(BaseModel):
    """A message and its answer; `answer` is null while it is being worked on, `file` unless the message is one."""

    message_id: str
    text: str
    received_at: datetime
    answer: AnswerOut | None
    file: FileOut | None = None

    @classmethod
    def of(cls, turn: Turn, file: Attachment | None = None) -> Self:
        """A turn of the history."""
        return cls(
            message_id=turn.message_id,
            text=turn.text,
            received_at=turn.received_at,
            answer=None if turn.answer is None else AnswerOut.of(turn.answer),
            file=None if file is None else FileOut.model_validate(file),
        )


def conversation_id(session_id: str) -> str:
    """The conversation a web session is."""
    return f"web:{session_id}"


def refusal(errors: Sequence[Any]) -> Problem:
    """Pydantic's findings as one problem in Chinese that names each field, its value and what is allowed."""
    findings = [_finding(error) for error in errors]
    fields = [{key: finding[key] for key in ("field", "value", "allowed")} for finding in findings]
    return Problem(422, "Unprocessable Content", "；".join(f["sentence"] for f in findings), errors=fields)


def invalid(field: str, value: object) -> str:
    """The sentence for a bad value of `field`."""
    return text("invalid", field=field, value=_shown(value), allowed=allowed(field))


def _finding(error: Any) -> dict[str, str]:
    names = [str(part) for part in error["loc"] if part in FIELDS]
    field = names[0] if names else "body"
    if error["type"] == "missing" and names:
        sentence, value = text("missing", field=field, allowed=allowed(field)), ""
    else:
        sentence, value = invalid(field, error.get("input")), _shown(error.get("input"))
    return {"field": field, "value": value, "allowed": allowed(field), "sentence": sentence}


def _shown(value: object) -> str:
    shown = ascii(value) if _has_surrogate(value) else repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 1] + "…"


def _has_surrogate(value: object) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in repr(value))
