"""Scenarios: a call as a file that can be replayed as a test on every carrier. docs/simulator.md tells the format."""

import itertools
import re
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from intake.messages import Answer, Button, Expects, Reply
from ivr.calls import Outcome
from ivr.flow import Ended, Where
from ivr.record import reading
from ivr.record.reading import Moment
from ivr.record.veil import Invented

ACTIONS = ("say", "press", "silence", "noise", "record", "queue", "hang_up")
WITHHELD = "withheld"
_CONFIDENCE = re.compile(r"^(?P<words>.*?)\s*\((?P<confidence>none|[01](?:\.\d+)?)\)$", re.DOTALL)
DEFAULT_CONFIDENCE = 0.9


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Said(_Record):
    """What the recogniser made of what was said; `confidence` is None where it tells none."""

    words: str
    confidence: float | None = Field(DEFAULT_CONFIDENCE, ge=0, le=1)

    @classmethod
    def read(cls, written: Any) -> Any:
        """`楼下太吵 (0.9)`, `楼下太吵 (none)` or `楼下太吵`."""
        if not isinstance(written, str):
            return written
        found = _CONFIDENCE.match(written)
        if found is None:
            return cls(words=written)
        confidence = found["confidence"]
        return cls(words=found["words"], confidence=None if confidence == "none" else float(confidence))

    def written(self) -> str:
        """As it stands in a file."""
        if self.confidence == DEFAULT_CONFIDENCE:
            return self.words
        return f"{self.words} ({'none' if self.confidence is None else self.confidence})"


Keys = Annotated[str, BeforeValidator(lambda keys: str(keys)), Field(pattern=r"^[0-9*#]{1,32}$")]
Texts = Annotated[list[str], BeforeValidator(lambda texts: [texts] if isinstance(texts, str) else texts)]


class Step(_Record):
    """What has to be heard, in this order, and what the caller then does: one of `ACTIONS`."""

    hear: Texts = Field(default_factory=list)
    say: Annotated[Said, BeforeValidator(Said.read)] | None = None
    press: Keys | None = None
    silence: bool = False
    noise: bool = False
    record: int | None = Field(None, ge=0, le=3600, description="Seconds of a message; 0: nothing was said")
    queue: Ended | None = None
    hang_up: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        done = [name for name in ACTIONS if name in self.model_fields_set]
        if len(done) != 1:
            raise ValueError(f"a step does one of {', '.join(ACTIONS)} (this one: {', '.join(done) or 'none'})")
        return self


class BotAnswer(_Record):
    """What the bot answers in a run without the real one. `choices` are titles and what each tells the bot."""

    says: Texts
    choices: dict[str, str] = Field(default_factory=dict)
    expects: Expects = Expects.SPEECH
    order: str | None = Field(None, description="The number of the order that was just opened")
    draft: bool = Field(False, description="An order is begun and not filed")
    ended: bool = False

    def answer(self) -> Answer:
        """As the conversation gives it."""
        buttons = tuple(Button(title, payload) for title, payload in self.choices.items())
        expects = Expects.CHOICE if buttons and self.expects is Expects.SPEECH else self.expects
        *before, last = self.says
        return Answer(
            (*(Reply(text) for text in before), Reply(last, buttons, expects)),
            work_order={"number": self.order, "query_code": Invented.CODE} if self.order else None,
            ended=self.ended,
            draft={"text": "…"} if self.draft else None,
        )


class Seat(_Record):
    """What a caller who wants a person meets; nothing: nobody is there."""

    queue: str | None = None
    number: str | None = None
    position: int = Field(1, ge=1)
    minutes: int | None = None
    dialects: list[str] = Field(default_factory=list)
    opens: str | None = None


class OwnOrder(_Record):
    """An open order of the caller's, in words."""

    number: str
    age: str
    matter: str
    state: str
    due: str | None = None
    light: str | None = None


class House(_Record):
    """What the rest of the house knows in a run without it."""

    known: bool = False
    elder: bool = False
    leader: str | None = None
    texts: bool = False
    seat: Seat = Seat()
    proof: str | None = Field(None, description="The keys that prove who is calling; none fits where it is not set")
    orders: list[OwnOrder] = Field(default_factory=list)
    message: str | None = Field(None, description="The number of the order a recorded message becomes")


class End(_Record):
    """What there has to be at the end; what is not named does not matter."""

    hear: Texts = Field(default_factory=list)
    order: bool | None = Field(None, description="Whether the caller was told the number of an order")
    ended: Outcome | None = Field(None, description="How the call ended")
    where: Where | None = None
    task: str | None = Field(None, description="Why somebody has to be called back; none: nobody has to")


class Scenario(_Record):
    """One call."""

    name: str = Field(min_length=1)
    calls_from: str = Field("+8613900000000", alias="calls from")
    house: House = House()
    bot: list[BotAnswer] = Field(default_factory=list)
    steps: list[Step] = Field(min_length=1)
    end: End = End()

    @property
    def number(self) -> str:
        """What the carrier tells of the caller."""
        return "anonymous" if self.calls_from == WITHHELD else self.calls_from


def read_scenarios(path: Path) -> list[Scenario]:
    """All scenarios of a file: YAML documents of one or several. Raises pydantic's ValidationError."""
    documents = yaml.safe_load_all(path.read_text("utf-8"))
    listed = [
        one for document in documents if document for one in (document if isinstance(document, list) else [document])
    ]
    return [Scenario.model_validate(one) for one in listed]


def scenario_of(connection: Connection, call_sid: str) -> Scenario:
    """A call as a scenario, with invented numbers and names in place of the real ones.

    What the bot said is what it said then. What else the house told is taken from what the flow remembers: a place in
    a queue is not, so that what is said on the way into one is not compared. Raises Problem 404.
    """
    veil = reading.invented(connection, call_sid)
    told = reading.timeline(connection, call_sid, veil)
    state = reading.row_of(connection, call_sid)["state"]
    moments = told.moments
    steps = [_step(before, after) for before, after in itertools.pairwise(moments)]
    over = bool(moments) and moments[-1].where is Where.OVER
    last = moments[-1] if moments else None
    if last is not None and not over:
        steps.append(Step(hear=_heard(last), hang_up=True))
    if not steps:
        steps = [Step(hear=_heard(last) if last else [], hang_up=True)]
    bot = [_bot_answer(turn.answer, veil) for turn in reading.turns_of(connection, call_sid) if turn.answer]
    end = End(
        hear=_heard(last) if last is not None and over else [],
        order=any(answer.order for answer in bot),
        ended=told.outcome,
    )
    return Scenario(
        name=f"{told.started_at:%Y-%m-%d} 的来电：{_matter(steps)}",
        calls_from=told.caller or WITHHELD,
        house=_house(state, moments, veil),
        bot=bot,
        steps=steps,
        end=end,
    )


def written(scenario: Scenario) -> str:
    """The scenario as YAML, without what is as it is anyway."""
    document = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document.setdefault("calls from", scenario.calls_from)
    ordered = {
        name: document[name] for name in ("name", "calls from", "house", "bot", "steps", "end") if name in document
    }
    for step, made in zip(ordered["steps"], scenario.steps, strict=True):
        if made.say is not None:
            step["say"] = made.say.written()
        if made.record is not None:
            step["record"] = made.record
    return yaml.dump(ordered, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Indents lists below their name, as the project's own files do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def _step(before: Moment, after: Moment) -> Step:
    event = after.event
    heard = [] if after.event["kind"] == "returned" else _heard(before)
    match event["kind"]:
        case "heard":
            return Step(hear=heard, say=Said(words=event["text"], confidence=event["confidence"]))
        case "keyed":
            return Step(hear=heard, press=event["keys"])
        case "recorded":
            return Step(hear=heard, record=event["seconds"])
        case "returned":
            return Step(hear=heard, queue=event["how"])
        case "hungup":
            return Step(hear=heard, hang_up=True)
        case _:
            return Step(hear=heard, silence=True)


def _heard(moment: Moment) -> list[str]:
    return [text for text in moment.said if text]


def _matter(steps: list[Step]) -> str:
    said = [step.say.words for step in steps if step.say is not None and step.say.words]
    return said[0][:30] if said else "没有说话"


def _house(state: dict[str, Any], moments: list[Moment], veil: Invented) -> House:
    facts = state.get("facts") or {}
    asked = [instruction for moment in moments for instruction in moment.asked]
    queues = [each["queue"] for each in asked if each["kind"] == "enqueue"]
    numbers = [each["number"] for each in asked if each["kind"] == "connect"]
    proofs = [m.event["keys"] for b, m in itertools.pairwise(moments) if b.where is Where.PROOF and "keys" in m.event]
    orders = [OwnOrder(**{**order, "matter": veil.text(order["matter"])}) for order in state.get("orders") or ()]
    return House(
        known=bool(facts.get("known")),
        elder=bool(facts.get("elder")),
        leader=facts.get("leader"),
        texts=bool(facts.get("texts")),
        seat=Seat(
            queue=queues[0] if queues else None,
            number=numbers[0] if numbers else None,
            opens=state.get("opens"),
            dialects=[state["dialect"]] if state.get("dialect") else [],
        ),
        proof=proofs[-1].strip("#").replace("*", "X") if proofs and orders else None,
        orders=orders,
    )


def _bot_answer(answer: Answer, veil: Invented) -> BotAnswer:
    last = answer.replies[-1] if answer.replies else Reply("…")
    order = answer.work_order or {}
    code = order.get("query_code")

    def hidden(text: str) -> str:
        return veil.text(text.replace(code, veil.CODE) if code else text)

    return BotAnswer(
        says=[hidden(reply.text) for reply in answer.replies] or ["…"],
        choices={hidden(button.title): hidden(button.payload) for button in last.buttons},
        expects=last.expects if not (last.buttons and last.expects is Expects.CHOICE) else Expects.SPEECH,
        order=order.get("number") if code else None,
        draft=answer.draft is not None,
        ended=answer.ended,
    )
