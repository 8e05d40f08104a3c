"""What a work order is, and what may be said about one."""

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from stdnum.cn import ric, uscc


class State(StrEnum):
    """状态 of a work order; `desk/lifecycle.py` says which follows which."""

    PENDING_ACCEPTANCE = "pending_acceptance"
    """待受理: a person has to read it first, because the bot could not understand or finish it."""
    PENDING_DISPATCH = "pending_dispatch"
    """待派单: complete, and waiting for its unit."""
    PENDING_SIGN = "pending_sign"
    """待签收: sent to its unit."""
    IN_PROGRESS = "in_progress"
    """办理中: the unit has taken it."""
    RETURNING = "returning"
    """退单中: the unit says it is not its own; the dispatcher decides."""
    WAITING_FOR_CITIZEN = "waiting_for_citizen"
    """挂起: the unit needs something of the citizen; the clock stands still."""
    EXTENSION_ASKED = "extension_asked"
    """延期申请: the unit asks for more time."""
    PENDING_REVIEW = "pending_review"
    """待审核: answered, and to be looked at before the citizen gets it."""
    PENDING_CALLBACK = "pending_callback"
    """待回访: the citizen is to be asked whether it is solved."""
    REDO = "redo"
    """重办: the citizen was not satisfied."""
    CLOSED = "closed"
    """已办结."""
    REJECTED = "rejected"
    """不予受理."""
    MERGED = "merged"
    """已并单: handled with another order."""
    WITHDRAWN = "withdrawn"
    """已撤回 by the citizen."""


FINAL_STATES = frozenset({State.CLOSED, State.REJECTED, State.MERGED, State.WITHDRAWN})
OPEN_STATES = frozenset(State) - FINAL_STATES


class Line(StrEnum):
    """线路 an order came in on."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"


class Urgency(StrEnum):
    """紧急程度 of an order."""

    ORDINARY = "ordinary"
    UTILITIES = "utilities"
    """停水停电停气停暖 and severe weather."""
    DANGER = "danger"


class Channel(StrEnum):
    """渠道 an order came in by; the answer goes back the same way."""

    WEB = "web"
    PHONE = "phone"
    WECHAT = "wechat"
    API = "api"


class Nature(StrEnum):
    """诉求性质."""

    CONSULTATION = "咨询"
    HELP = "求助"
    COMPLAINT = "投诉"
    REPORT = "举报"
    SUGGESTION = "建议"
    PRAISE = "表扬"


def e164(written: str) -> str | None:
    """A telephone number in any way of writing it as +8613871234567, or None when it is none."""
    try:
        number = parse(unicodedata.normalize("NFKC", written), "CN")
    except NumberParseException:
        return None
    return format_number(number, PhoneNumberFormat.E164) if is_valid_number(number) else None


def _valid_phone(value: str) -> str:
    if e164(value) is None:
        raise ValueError("must be a valid telephone number, e.g. +8613871234567")
    return value


def _valid_id_number(value: str) -> str:
    if not ric.is_valid(value):
        raise ValueError("must be a resident identity number: 18 characters with a right check character (GB 11643)")
    return str(ric.compact(value))


def _valid_credit_code(value: str) -> str:
    if not uscc.is_valid(value):
        raise ValueError("must be 18 characters with a right check character (GB 32100-2015)")
    return uscc.compact(value)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Phone = Annotated[str, StringConstraints(max_length=20), AfterValidator(_valid_phone)]
CreditCode = Annotated[str, AfterValidator(_valid_credit_code)]
IdNumber = Annotated[str, StringConstraints(max_length=30), AfterValidator(_valid_id_number)]
CategoryId = Annotated[str, StringConstraints(pattern=r"^\d{2}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


class Matter(BaseModel):
    """What a work order says: the citizen's words and what was understood of them."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    summary: Short | None = None
    category: CategoryId | None = Field(None, description="Id from city/categories.yml; none: a person decides")
    confidence: Probability | None = None
    ranking: list[tuple[CategoryId, Probability]] = Field(default_factory=list, max_length=22)
    nature: Nature | None = None
    area_code: Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")] | None = None
    place: Short | None = None
    occurred: Short | None = Field(None, description="When it happened, in the citizen's words")
    contact_phone: Phone | None = Field(None, description="E.164; none: anonymous")
    contact_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] | None = None
    id_number: IdNumber | None = Field(None, description="公民身份号码, where a matter needs it")
    company_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None = None
    credit_code: CreditCode | None = None
    confidential: bool = Field(False, description="保密: only the hotline knows who the citizen is; 举报 always is")


class NewWorkOrder(Matter):
    """A request to open a work order."""

    line: Line = Line.CITIZEN
    channel: Channel = Channel.API
    conversation_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    message_id: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="The channel's id of the message that opened it"
    )
    needs_person: bool = Field(False, description="A person has to read it before it is dispatched")
    reason: Short | None = Field(None, description="Why a person has to read it")


class WorkOrder(Matter):
    """A work order as the desk keeps it. `unit` is the one responsible unit, `dispatches` how often it was sent."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    number: str
    query_code: str
    line: Line
    channel: Channel
    conversation_id: str | None
    message_id: str | None
    state: State
    automatic: bool = Field(description="Opened because the bot failed, and read by nobody yet")
    urgency: Urgency
    complex: bool
    unit: str | None
    assist_units: list[str]
    dispatches: int
    extended: bool
    redone: int
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None = Field(None, description="When what identified the citizen was removed")


class Event(BaseModel):
    """One entry of an order's append-only log."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    at: datetime
    actor: str
    kind: str
    data: dict[str, Any]
