"""What may be asked to be done with an order, as the API takes it: one model a move, told apart by `move`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from core.records import RequestBody
from desk.closing.aftercare import Missed
from desk.life.lifecycle import Move
from desk.limits.deadlines import Limit
from desk.orders.model import CategoryId, Nature, Outcome, Short, Text, Urgency

PersonId = Annotated[str, Field(pattern=r"^\d{8}-\d{6}(\+\d{1,9})?$")]
"""A person concerned by an order: the number of their own order, or of the one they joined and their place in it."""


def _a_limit(text: str) -> str:
    Limit.parse(text)
    return text


UnitName = Annotated[str, Field(min_length=2, max_length=50)]


class Accept(RequestBody):
    """受理: a person has read the order, and may put right what was understood."""

    move: Literal[Move.ACCEPT]
    category: CategoryId | None = None
    nature: Nature | None = None
    area_code: Annotated[str, Field(pattern=r"^\d{6}(\d{3}){0,2}$")] | None = None
    urgency: Urgency | None = None
    complex: bool | None = None


class Reject(RequestBody):
    """不予受理: why, and which way is open instead."""

    move: Literal[Move.REJECT]
    reason: Text


class Dispatch(RequestBody):
    """派单 to the one responsible unit."""

    move: Literal[Move.DISPATCH]
    unit: UnitName
    assist_units: list[UnitName] = Field(default_factory=list, max_length=10)
    urgency: Urgency | None = None
    complex: bool | None = None
    note: Short | None = None


class HandDown(RequestBody):
    """下派 to a unit below, which works the order; the responsible unit goes on answering for it."""

    move: Literal[Move.HAND_DOWN]
    unit: UnitName
    note: Short | None = None


class HandBack(RequestBody):
    """交回 to who handed it down, and why."""

    move: Literal[Move.HAND_BACK]
    reason: Text


class Refer(RequestBody):
    """跨市通办: to which city, and what was sent."""

    move: Literal[Move.REFER]
    city: Annotated[str, Field(min_length=2, max_length=20)]
    sent: Text


class HandOver(RequestBody):
    """移交 to another public line by its number, and what was told it (none: the text of `city/other_lines.yml`)."""

    move: Literal[Move.HAND_OVER]
    line: Annotated[str, Field(pattern=r"^\d{3,6}$")]
    sent: Text | None = None


class Receipt(RequestBody):
    """The other city's or line's number for the order."""

    move: Literal[Move.RECEIPT]
    receipt: Annotated[str, Field(min_length=1, max_length=100)]


class Sign(RequestBody):
    """签收."""

    move: Literal[Move.SIGN]


class Return(RequestBody):
    """退单: why it is not this unit's, and by which clause."""

    move: Literal[Move.RETURN]
    reason: Text
    clause: Short


class GrantReturn(RequestBody):
    """The dispatcher agrees: the order waits for another unit."""

    move: Literal[Move.GRANT_RETURN]
    note: Short | None = None


class RefuseReturn(RequestBody):
    """The dispatcher does not agree: the unit keeps the order."""

    move: Literal[Move.REFUSE_RETURN]
    reason: Text


class AskCitizen(RequestBody):
    """挂起: what the unit has to know of the citizen."""

    move: Literal[Move.ASK_CITIZEN]
    question: Text


class Resume(RequestBody):
    """The citizen's answer, or why the unit goes on without one."""

    move: Literal[Move.RESUME]
    answer: Text


class AskExtension(RequestBody):
    """延期申请: for how long (3wd, 24h), and why."""

    move: Literal[Move.ASK_EXTENSION]
    time: Annotated[str, AfterValidator(_a_limit)]
    reason: Text


class GrantExtension(RequestBody):
    """The hotline office agrees to the time that was asked for."""

    move: Literal[Move.GRANT_EXTENSION]


class RefuseExtension(RequestBody):
    """The hotline office does not agree."""

    move: Literal[Move.REFUSE_EXTENSION]
    reason: Text


class Contact(RequestBody):
    """首次联系: what was said to the citizen."""

    move: Literal[Move.CONTACT]
    note: Text


class Visit(RequestBody):
    """现场核实: when, who of the unit was there, what they found, and the first opinion (初步意见)."""

    move: Literal[Move.VISIT]
    visited_at: AwareDatetime
    visitors: Short
    findings: Text
    opinion: Text


class WaiveVisit(RequestBody):
    """Why the matter can be judged without going there."""

    move: Literal[Move.WAIVE_VISIT]
    reason: Text


class ReplyText(RequestBody):
    """What the citizen reads of a reply, and how it ended."""

    text: Text
    outcome: Outcome


class Reply(ReplyText):
    """答复: what the citizen reads, how it ended, and what only the staff reads."""

    move: Literal[Move.REPLY]
    note: Text | None = None
    override: Text | None = Field(None, description="Why it goes to review although the check finds something missing")


class ApproveReply(RequestBody):
    """The reply may go to the citizen."""

    move: Literal[Move.APPROVE_REPLY]


class RefuseReply(RequestBody):
    """The reply has to be made again: why."""

    move: Literal[Move.REFUSE_REPLY]
    reason: Text


class Callback(RequestBody):
    """回访: whether somebody was reached, and then, asked apart, whether it is solved and how satisfied they are."""

    move: Literal["callback"]
    person: PersonId | None = Field(
        None, description="Who was called, as GET /api/callbacks names them; none: the first"
    )
    reached: bool
    missed: Missed | None = Field(None, description="Why they could not be asked; none: no answer")
    solved: bool | None = None
    satisfied: bool | None = Field(None, description="with the outcome")
    service_satisfied: bool | None = Field(None, description="with how the call was taken")
    enterprise_satisfied: bool | None = Field(
        None, description="with the service for companies; enterprise orders only"
    )
    note: Text | None = Field(None, description="What they said; why they are not satisfied")


class Rating(RequestBody):
    """评价: what a citizen answers without being called."""

    solved: bool
    satisfied: bool = Field(description="with the outcome")
    service_satisfied: bool | None = Field(None, description="with how the call was taken")
    enterprise_satisfied: bool | None = Field(
        None, description="with the service for companies; enterprise orders only"
    )
    note: Text | None = Field(None, description="In the citizen's words; why they are not satisfied")


class Looked(RequestBody):
    """What a re-check found: whether the matter is still solved, and, when it is not, what has come back."""

    holds: bool
    note: Text | None = None

    @model_validator(mode="after")
    def _says_what_came_back(self) -> Self:
        if not self.holds and not self.note:
            raise ValueError("note: missing; say what has come back")
        return self


class CloseUnreached(RequestBody):
    """办结 after call-backs that reached nobody: why it may close all the same."""

    move: Literal[Move.CLOSE_UNREACHED]
    reason: Text


class Reopen(RequestBody):
    """The matter has come back."""

    move: Literal[Move.REOPEN]
    reason: Text


class Merge(RequestBody):
    """并单 into another open order."""

    move: Literal[Move.MERGE]
    into: Annotated[str, Field(pattern=r"^\d{8}-\d{6}$")]


class Unmerge(RequestBody):
    """The orders are about different things after all."""

    move: Literal[Move.UNMERGE]
    reason: Text


MoveRequest = Annotated[
    Accept
    | Reject
    | Dispatch
    | HandDown
    | HandBack
    | Refer
    | HandOver
    | Receipt
    | Sign
    | Return
    | GrantReturn
    | RefuseReturn
    | AskCitizen
    | Resume
    | AskExtension
    | GrantExtension
    | RefuseExtension
    | Contact
    | Visit
    | WaiveVisit
    | Reply
    | ApproveReply
    | RefuseReply
    | Callback
    | CloseUnreached
    | Reopen
    | Merge
    | Unmerge,
    Field(discriminator="move"),
]
