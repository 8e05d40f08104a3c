"""What a work order is, and what may be said about one."""

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Self

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_valid_number, parse
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)
from stdnum.cn import ric, uscc


class State(StrEnum):
    """状态 of a work order; `desk/life/lifecycle.py` says which follows which."""

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
    REFERRED = "referred"
    """已转办: another city or another public line handles it; the hotline office answers for it."""
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
    DEPUTY = "deputy"
    """人大代表通道: opened by a deputy for constituents."""
    FINANCE = "finance"
    """金融服务接诉即办."""
    SUGGESTION = "suggestion"
    """人民建议征集."""
    LEADER = "leader"
    """领导接听: handed over on the spot in a leader's session."""


PUBLIC_LINES = frozenset({Line.CITIZEN, Line.ENTERPRISE, Line.LEADER})
"""The lines of the chat and the telephone; the staff open orders on the others.

On the line leader only the telephone files, and only around a session; outside one its orders are the citizens' line's.
"""


SIMULATOR = "simulator"
"""The source of an order that came of a simulated call. It is a rehearsal: nobody is told of it, it is sent to no unit
by itself, and it is no repeat of a real order nor a real one of it."""
SIMULATED_CONVERSATIONS = "phone:SIM"
"""How the ids of the conversations of simulated calls begin."""


def is_simulated(conversation_id: str | None) -> bool:
    """Whether a conversation is one of a simulated call."""
    return conversation_id is not None and conversation_id.startswith(SIMULATED_CONVERSATIONS)


class SuggestionClass(StrEnum):
    """The three classes of 人民建议征集."""

    PUBLIC_INTEREST = "public_interest"
    """公益类"""
    SOCIAL_GOVERNANCE = "social_governance"
    """社会治理类"""
    STATE_ORGANS = "state_organs"
    """国家机关类"""


class ProxyAct(StrEnum):
    """What somebody may do for the person they filed an order for (帮办代办), or whose family they are (家人同办)."""

    PROGRESS = "progress"
    SUPPLEMENT = "supplement"
    EXPEDITE = "expedite"
    WITHDRAW = "withdraw"
    RATE = "rate"


class Urgency(StrEnum):
    """紧急程度 of an order."""

    ORDINARY = "ordinary"
    UTILITIES = "utilities"
    """停水停电停气停暖 and severe weather."""
    DANGER = "danger"


class Outcome(StrEnum):
    """How a matter ended, honestly told (办理结果)."""

    SOLVED = "solved"
    """已解决"""
    PARTLY_SOLVED = "partly_solved"
    """部分解决"""
    EXPLAINED = "explained"
    """解释说明"""
    UNFOUNDED = "unfounded"
    """不属实"""
    BEYOND_DUTY = "beyond_duty"
    """超职责"""
    PLANNED = "planned"
    """计划中"""


class Channel(StrEnum):
    """渠道 an order came in by; the answer goes back the same way."""

    WEB = "web"
    PHONE = "phone"
    WECHAT = "wechat"
    EMAIL = "email"
    OPEN311 = "open311"
    """Applications that speak Open311 GeoReport v2."""
    API = "api"


class Nature(StrEnum):
    """诉求性质."""

    CONSULTATION = "咨询"
    HELP = "求助"
    COMPLAINT = "投诉"
    REPORT = "举报"
    SUGGESTION = "建议"
    PRAISE = "表扬"


# Validating an order, keeping it and counting its sender each ask for the same few numbers.
@lru_cache(maxsize=256)
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


_EMAIL = re.compile(r"[!-~]{1,64}@[A-Za-z0-9.-]{1,189}")


def is_email(written: str) -> bool:
    """Whether a text can be an e-mail address (RFC 5321, 4.1.2) that any mail server takes."""
    return _EMAIL.fullmatch(written) is not None and not set(written) & set('()<>,;:"[]\\')


def _valid_email(value: str) -> str:
    if not is_email(value):
        raise ValueError("must be an e-mail address, e.g. name@example.com")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Email = Annotated[str, AfterValidator(_valid_email)]
Phone = Annotated[str, StringConstraints(max_length=20), AfterValidator(_valid_phone)]
CreditCode = Annotated[str, AfterValidator(_valid_credit_code)]
IdNumber = Annotated[str, StringConstraints(max_length=30), AfterValidator(_valid_id_number)]
CategoryId = Annotated[str, StringConstraints(pattern=r"^\d{2}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")]
Probability = Annotated[float, Field(ge=0, le=1)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="WGS-84, degrees")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="WGS-84, degrees")]


class FiledBy(BaseModel):
    """帮办代办: who filed the order for the contact, how the contact agreed, and what the proxy may do until when."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    phone: Phone
    relation: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
    consent: Short = Field(description="How the person concerned agreed, e.g. 电话中当面同意")
    scope: list[ProxyAct] = Field(default=[ProxyAct.PROGRESS], min_length=1, max_length=len(ProxyAct))
    until: date = Field(description="The last day of the proxy, in the city's time")

    @field_serializer("until")
    def _as_text(self, until: date) -> str:
        return until.isoformat()

    def may(self, act: ProxyAct, today: date) -> bool:
        """Whether the proxy covers an act today."""
        return act in self.scope and today <= self.until


class Matter(BaseModel):
    """What a work order says: the citizen's words and what was understood of them."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    summary: Short | None = None
    category: CategoryId | None = Field(None, description="Id from city/categories.yml; none: a person decides")
    confidence: Probability | None = None
    ranking: list[tuple[CategoryId, Probability]] = Field(default_factory=list, max_length=22)
    nature: Nature | None = None
    area_code: AreaCode | None = None
    place: Short | None = None
    occurred: Short | None = Field(None, description="When it happened, in the citizen's words")
    contact_phone: Phone | None = Field(None, description="E.164; none: anonymous")
    contact_email: Email | None = None
    contact_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] | None = None
    id_number: IdNumber | None = Field(None, description="公民身份号码, where a matter needs it")
    company_name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None = None
    credit_code: CreditCode | None = None
    filed_by: FiledBy | None = Field(None, description="帮办代办: who filed it for the contact")
    confidential: bool = Field(False, description="保密: only the hotline knows who the citizen is; 举报 always is")


class NewMatter(Matter):
    """What is asked to be put into a work order."""

    @model_validator(mode="after")
    def _proxy_has_a_contact(self) -> Self:
        if self.filed_by is not None and self.contact_phone is None:
            raise ValueError("contact_phone: needed when somebody files for somebody else; it is the latter's phone")
        return self


class NewWorkOrder(NewMatter):
    """A request to open a work order."""

    line: Line = Line.CITIZEN
    channel: Channel = Channel.API
    conversation_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    message_id: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="The channel's id of the message that opened it"
    )
    needs_person: bool = Field(False, description="A person has to read it before it is dispatched")
    reason: Short | None = Field(None, description="Why a person has to read it")
    suggestion_class: SuggestionClass | None = Field(None, description="Of an order on the line of suggestions")
    urgency: Urgency = Urgency.ORDINARY
    lat: Latitude | None = None
    long: Longitude | None = None

    @model_validator(mode="after")
    def _whole_point(self) -> Self:
        if (self.lat is None) != (self.long is None):
            raise ValueError("lat, long: give both or neither")
        return self

    @model_validator(mode="after")
    def _class_fits_line(self) -> Self:
        if (self.line is Line.SUGGESTION) != (self.suggestion_class is not None):
            allowed = ", ".join(SuggestionClass)
            raise ValueError(f"suggestion_class: needed on the line suggestion, and only there; one of {allowed}")
        return self


class WorkOrder(Matter):
    """A work order as the desk keeps it. `unit` is the one responsible unit, `dispatches` how often it was sent.

    `working_unit` is the sub-unit it was handed down to, `referred_to` the city or the number of the line that handles
    it, `receipt` their number for it; `stand_in` is told in lists while the head of the unit is away.
    """

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    number: str
    query_code: str
    line: Line
    channel: Channel
    conversation_id: str | None
    message_id: str | None
    source: str | None = Field(None, description="The platform that handed it over (city/sources.yml)")
    source_number: str | None = Field(None, description="Its number there")
    state: State
    automatic: bool = Field(description="Opened because the bot failed, and read by nobody yet")
    urgency: Urgency
    complex: bool
    unit: str | None
    assist_units: list[str]
    working_unit: str | None = None
    dispatches: int
    returns: int = 0
    referred_to: str | None = None
    receipt: str | None = None
    suggestion_class: SuggestionClass | None = None
    session_id: int | None = None
    deputy: str | None = None
    stand_in: str | None = None
    extended: bool
    redone: int
    level: int = Field(0, description="How often it has come back after it was closed")
    people: int = Field(1, description="Citizens concerned: who opened it, who joined, and those of orders merged here")
    reply: str | None = Field(None, description="The last approved reply, as the citizen reads it")
    outcome: Outcome | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    lat: float | None = Field(None, description="WGS-84, degrees")
    long: float | None = Field(None, description="WGS-84, degrees")
    erased_at: datetime | None = Field(None, description="When what identified the citizen was removed")


class Event(BaseModel):
    """One entry of an order's append-only log."""

    model_config = ConfigDict(from_attributes=True)

    sequence: int
    at: datetime
    actor: str
    kind: str
    data: dict[str, Any]
