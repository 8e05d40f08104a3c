"""Filing a work order as a dialogue: what is known, what to ask next, what an answer means.

Pure: no Rasa, no network, no clock. A `Draft` goes in with what was heard, a new one comes out with what to say.
The texts are responses of `domain.yml`; this module only names them.
"""

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple

from bot.actions.city import City
from bot.actions.controls import Controls, tidy
from bot.actions.reading import (
    find_area,
    find_company,
    find_credit_code,
    find_name,
    find_phone,
    find_place,
    find_time,
    masked_phone,
    plain,
)

ENTERPRISE = "enterprise"

# The steps, in the order they are asked. Their names are the form's requested slots.
DESCRIPTION, REFUSAL, MATTERS, CATEGORY, AREA, PLACE, NEARBY, OCCURRED = (
    "description",
    "refusal",
    "matters",
    "category",
    "area",
    "place",
    "nearby",
    "occurred",
)
COMPANY, CREDIT_CODE, CONTACT, CONFIRMATION, CORRECTION = (
    "company",
    "credit_code",
    "contact",
    "confirmation",
    "correction",
)

# How the dialogue ends.
FILE, CANCELLED, HUMAN, JOIN = "file", "cancelled", "human", "join"

QUESTION = "咨询"
"""The nature of a question."""
WITHOUT_A_TIME = ("咨询", "建议")
"""Natures of requests that tell of nothing that happened."""
SURE_CATEGORY = 0.55
CLEAR_LEAD = 0.25
OPTIONS = 3
# Small talk that may come in between, and the response to it.
ASIDES = {
    "ask_how_it_works": "utter_how_it_works",
    "thank": "utter_thank",
    "ask_progress": "utter_progress_afterwards",
    "expedite": "utter_progress_afterwards",
    "emergency": "utter_emergency",
}
SURE_ASIDE = 0.6
LONGEST_ASIDE = 15
SHORTEST_MATTER = 4
MOST_ATTEMPTS = 2
MOST_MATTERS = 3
LONGEST_PLACE = 200
LONGEST_TIME = 100
_ENDS = "。；;，, "


Ranking = Tuple[Tuple[str, float], ...]


@dataclass(frozen=True)
class Matter:
    """One of several matters in a message."""

    text: str
    ranking: Ranking
    nature: Optional[str] = None


@dataclass(frozen=True)
class Heard:
    """One message of the citizen with what the understanding made of it."""

    text: str
    intent: str = ""
    confidence: float = 0.0
    ranking: Ranking = ()
    nature: Optional[str] = None
    matters: Tuple[Matter, ...] = ()
    line: str = "citizen"
    caller: Optional[str] = None
    message_id: str = ""


@dataclass(frozen=True)
class Nearby:
    """An open order about the same matter, as the desk shows it to somebody else."""

    number: str
    people: int
    category_name: str
    place: str
    since: str


@dataclass(frozen=True)
class Draft:
    """An order that is being filed. `skipped` are steps the citizen cannot or will not answer.

    `matters` are what a message of several was made of; `apart` whether each becomes an order (None: not asked yet).
    `nearby` is an order the citizen may join instead, once the desk was asked (`looked`); `joins` whether they do
    (None: not asked yet).
    """

    filing_id: str
    line: str = "citizen"
    purpose: str = "order"
    text: str = ""
    category: Optional[str] = None
    confidence: Optional[float] = None
    ranking: Ranking = ()
    nature: Optional[str] = None
    matters: Tuple[Matter, ...] = ()
    apart: Optional[bool] = None
    looked: bool = False
    nearby: Optional[Nearby] = None
    joins: Optional[bool] = None
    area_code: Optional[str] = None
    place: Optional[str] = None
    occurred: Optional[str] = None
    contact_phone: Optional[str] = None
    contact_name: Optional[str] = None
    confidential: bool = False
    company_name: Optional[str] = None
    credit_code: Optional[str] = None
    refused: Optional[str] = None
    insists: bool = False
    needs_person: bool = False
    skipped: Tuple[str, ...] = ()
    answered: Tuple[str, ...] = ()
    attempts: Dict[str, int] = field(default_factory=dict)

    def to_slot(self) -> Dict[str, Any]:
        """The draft as the tracker keeps it."""
        return asdict(self)

    @classmethod
    def from_slot(cls, stored: Optional[Dict[str, Any]], filing_id: str) -> "Draft":
        """The draft a tracker kept, or an empty one."""
        if not stored:
            return cls(filing_id)
        tuples = {name: tuple(map(_tuple, stored[name])) for name in ("ranking", "skipped", "answered")}
        matters = tuple(Matter(m["text"], tuple(map(_tuple, m["ranking"])), m["nature"]) for m in stored["matters"])
        nearby = Nearby(**stored["nearby"]) if stored["nearby"] else None
        return cls(**{**stored, **tuples, "matters": matters, "nearby": nearby})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Step:
    """The state after a message: the draft, responses to give first, and what to ask (None: the dialogue ends)."""

    draft: Draft
    say: Tuple[str, ...] = ()
    ask: Optional[str] = None
    outcome: Optional[str] = None


class Filing:
    """The rules of the filing dialogue for one city."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._controls = Controls(city)
        self._case = re.compile("|".join(city.phrases["consulting"]["case"]))

    def hear(self, draft: Draft, asked: Optional[str], heard: Heard) -> Step:
        """What a message means at the step that was asked (None: it is the first one of the dialogue)."""
        line = ENTERPRISE if ENTERPRISE in (heard.line, draft.line) else draft.line
        secret = draft.confidential or self._controls.asks_secrecy(heard.text)
        draft = replace(draft, line=line, confidential=secret)
        is_answer = asked is not None and self._is_answer(asked, heard.text)
        # What can be read as an answer steers nothing by a mere intent: 从上周一开始 is a time, and no new start.
        control = self._controls.control(heard.text, "" if is_answer else heard.intent, heard.confidence)
        if asked is None and heard.intent == "talk_to_human" and control is None:
            control = "human"
        if control == "human" and draft.purpose != "person":
            return self._want_person(draft, heard)
        if control in ("cancel", "start_over", "back", "repeat"):
            return self._steer(draft, asked, control)
        if asked is not None and not is_answer and (aside := self._aside(draft, asked, heard)):
            return aside
        if draft.purpose == "person" and asked is None:
            return self._want_person(draft, heard)
        answer = getattr(self, f"_hear_{asked or DESCRIPTION}")
        step: Step = answer(draft, heard)
        return step

    def next_step(self, draft: Draft) -> str:
        """The first thing that is still missing."""
        if draft.purpose == "person":
            return CONTACT if not (draft.contact_phone or CONTACT in draft.skipped) else CONFIRMATION
        if draft.joins:
            return CONTACT
        missing = [step for step, is_missing in self._missing(draft) if is_missing and step not in draft.skipped]
        return missing[0] if missing else CONFIRMATION

    def is_mere_question(self, draft: Draft) -> bool:
        """Whether it is asked how something is, and nothing is told that has happened at a spot."""
        return draft.nature == QUESTION and self._case.search(draft.text) is None

    def settle(self, step: Step, category: str) -> Step:
        """The step after somebody else has decided the category."""
        draft = replace(step.draft, category=category)
        return replace(step, draft=draft, ask=self.next_step(draft))

    def may_look_nearby(self, step: Step) -> bool:
        """Whether enough is known to ask the desk for orders about the same matter, and it was not asked yet."""
        draft = step.draft
        told = draft.place is not None or PLACE in draft.skipped
        one_matter = draft.purpose == "order" and not draft.apart and draft.line != ENTERPRISE
        decided = step.ask not in (DESCRIPTION, REFUSAL, MATTERS, CATEGORY, AREA, PLACE, CORRECTION)
        goes_on = step.outcome is None and decided
        return goes_on and one_matter and told and draft.category is not None and not draft.looked

    def known(self, draft: Draft) -> Dict[str, Any]:
        """What the desk is told when it is asked for orders about the same matter: nothing of the citizen."""
        return {name: getattr(draft, name) for name in ("text", "category", "area_code", "place")}

    def offer(self, step: Step, found: Optional[Nearby]) -> Step:
        """The step once the desk was asked; None: it knows no such order, or did not answer."""
        draft = replace(step.draft, looked=True, nearby=found)
        return replace(step, draft=draft, ask=self.next_step(draft) if found else step.ask)

    def options(self, draft: Draft) -> List[str]:
        """The ids of the likeliest categories, to choose from."""
        return [category for category, _ in draft.ranking[:OPTIONS]]

    def is_sure(self, ranking: Ranking) -> bool:
        """Whether the first category may stand without asking."""
        if not ranking:
            return False
        lead = ranking[0][1] - (ranking[1][1] if len(ranking) > 1 else 0.0)
        return ranking[0][1] >= SURE_CATEGORY or lead >= CLEAR_LEAD

    def summary(self, draft: Draft) -> Dict[str, str]:
        """The fields of the read-back that have a value, in order, by field name."""
        area = self._city.area_name(draft.area_code) if draft.area_code else ""
        place = draft.place or ""
        parts = self.parts(draft)
        names = [self._city.by_id[part.category].name for part in parts if part.category]
        numbered = "；".join(f"（{number}）{part.text.rstrip(_ENDS)}" for number, part in enumerate(parts, start=1))
        shown = {
            "description": numbered if draft.apart else draft.text,
            "category": "、".join(dict.fromkeys(names)),
            "place": place if area and place.startswith(area) else area + place,
            "time": draft.occurred or "",
            "company": draft.company_name or "",
            "credit_code": draft.credit_code or "",
            "name": draft.contact_name or "",
            "phone": self._contact(draft),
        }
        return {name: value for name, value in shown.items() if value}

    def _contact(self, draft: Draft) -> str:
        """The phone as it is read back, and that nobody but the hotline learns it where the citizen wants that."""
        if draft.contact_phone is None:
            return ""
        note = self._city.phrases["kept_secret"] if draft.confidential else ""
        return masked_phone(draft.contact_phone) + str(note)

    def parts(self, draft: Draft) -> List[Draft]:
        """The drafts the order is filed as: one, or one for each matter of a draft that is filed apart."""
        if not draft.apart:
            return [draft]
        return [
            replace(
                draft,
                filing_id=draft.filing_id if number == 1 else f"{draft.filing_id}:{number}",
                text=matter.text,
                ranking=matter.ranking,
                category=matter.ranking[0][0] if self.is_sure(matter.ranking) else None,
                confidence=round(matter.ranking[0][1], 4),
                nature=matter.nature,
                area_code=find_area(matter.text, self._city) or draft.area_code,
                place=find_place(matter.text, self._city) or draft.place,
                occurred=find_time(matter.text) or draft.occurred,
                needs_person=draft.needs_person or not self.is_sure(matter.ranking),
            )
            for number, matter in enumerate(draft.matters, start=1)
        ]

    def order(self, draft: Draft) -> Dict[str, Any]:
        """The draft as the desk's API takes it (without line, channel and conversation)."""
        return {
            "text": draft.text,
            "category": draft.category,
            "confidence": draft.confidence,
            "ranking": [list(entry) for entry in draft.ranking],
            "nature": draft.nature,
            "area_code": draft.area_code,
            "place": draft.place,
            "occurred": draft.occurred,
            "contact_phone": draft.contact_phone,
            "contact_name": draft.contact_name,
            "confidential": draft.confidential,
            "company_name": draft.company_name,
            "credit_code": draft.credit_code,
            "line": draft.line,
        }

    def _is_answer(self, asked: str, text: str) -> bool:
        """Whether a text holds just what was asked for."""
        if asked in (AREA, PLACE):
            return bool(find_area(text, self._city) or find_place(text, self._city))
        reads = {OCCURRED: find_time, COMPANY: find_company, CREDIT_CODE: find_credit_code, CONTACT: find_phone}
        return asked in reads and bool(reads[asked](text))

    # ---- what is missing -------------------------------------------------------------------------------------

    def _missing(self, draft: Draft) -> List[Tuple[str, bool]]:
        category = self._city.by_id.get(draft.category or "")
        company = draft.line == ENTERPRISE
        # Who answers a question needs no spot: the county is enough.
        asks_place = not self.is_mere_question(draft)
        asks_time = category is not None and category.asks_time and draft.nature not in WITHOUT_A_TIME
        return [
            (DESCRIPTION, not draft.text),
            (REFUSAL, draft.refused is not None and not draft.insists),
            (MATTERS, len(draft.matters) > 1 and draft.apart is None),
            (CATEGORY, draft.category is None and not draft.needs_person and not draft.apart),
            (AREA, draft.area_code is None and (asks_place or self._city.counties > 1)),
            (PLACE, draft.place is None and asks_place),
            (NEARBY, draft.nearby is not None and draft.joins is None),
            (OCCURRED, asks_time and draft.occurred is None),
            (COMPANY, company and draft.company_name is None),
            (CREDIT_CODE, company and draft.credit_code is None),
            (CONTACT, draft.contact_phone is None),
        ]

    # ---- controls --------------------------------------------------------------------------------------------

    def _steer(self, draft: Draft, asked: Optional[str], control: str) -> Step:
        if control == "cancel":
            return Step(draft, ("utter_cancelled",), outcome=CANCELLED)
        if control == "start_over":
            fresh = Draft(draft.filing_id, line=draft.line)
            return Step(fresh, ("utter_started_over",), ask=DESCRIPTION)
        if control == "back":
            return self._back(draft, asked)
        return Step(draft, ask=asked or self.next_step(draft))

    def _aside(self, draft: Draft, asked: str, heard: Heard) -> Optional[Step]:
        """A short question or courtesy in the middle of filing: it is answered, and the step is asked again."""
        if heard.confidence < SURE_ASIDE or len(tidy(heard.text)) > LONGEST_ASIDE:
            return None
        if heard.intent == "i_am_a_company":
            draft = replace(draft, line=ENTERPRISE)
            return Step(
                draft, ("utter_enterprise_line",), ask=DESCRIPTION if asked == DESCRIPTION else self.next_step(draft)
            )
        response = ASIDES.get(heard.intent)
        return Step(draft, (response,), ask=asked) if response else None

    def _back(self, draft: Draft, asked: Optional[str]) -> Step:
        if not draft.answered:
            return Step(draft, ("utter_nothing_before",), ask=asked or self.next_step(draft))
        step = draft.answered[-1]
        return Step(_forget(draft, step), ask=step)

    def _want_person(self, draft: Draft, heard: Heard) -> Step:
        draft = replace(draft, purpose="person", needs_person=True, contact_phone=draft.contact_phone or heard.caller)
        if not draft.text:
            draft = replace(draft, text=heard.text.strip(), nature=heard.nature)
        if draft.contact_phone:
            return Step(draft, outcome=HUMAN)
        return Step(draft, ("utter_person_will_call",), ask=CONTACT)

    # ---- answers ---------------------------------------------------------------------------------------------

    def _hear_description(self, draft: Draft, heard: Heard) -> Step:
        text = heard.text.strip()
        if (len(tidy(text)) < SHORTEST_MATTER and not self._knows(heard)) or self._controls.means(text, "openers"):
            return Step(draft, ask=DESCRIPTION)
        draft = self._understand(replace(draft, text=text), heard)
        refusal = None if draft.insists else self._city.refusal(text)
        if refusal is not None:
            draft = replace(draft, refused=refusal.name)
        return self._go_on(draft, DESCRIPTION)

    def _hear_refusal(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "insist", "affirm"):
            return self._go_on(replace(draft, insists=True, needs_person=True), REFUSAL)
        if self._controls.means(heard.text, "deny") or heard.intent in ("deny", "thank", "goodbye"):
            return Step(draft, ("utter_cancelled",), outcome=CANCELLED)
        return self._hear_description(Draft(draft.filing_id, line=draft.line), heard)

    def _hear_matters(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "apart", "affirm"):
            return self._go_on(replace(draft, apart=True), MATTERS)
        if self._controls.means(heard.text, "together", "deny", "skip") or self._failed_before(draft, MATTERS):
            return self._go_on(replace(draft, apart=False), MATTERS)
        return Step(_failed(draft, MATTERS), ("utter_not_understood",), ask=MATTERS)

    def _hear_category(self, draft: Draft, heard: Heard) -> Step:
        chosen = self._chosen_category(draft, plain(heard.text))
        if chosen is not None:
            return self._go_on(replace(draft, category=chosen, needs_person=False), CATEGORY)
        if self._controls.means(heard.text, "none_of_these", "deny", "skip") or self._failed_before(draft, CATEGORY):
            draft = replace(draft, needs_person=True, category=None)
            return self._go_on(draft, CATEGORY, "utter_person_decides")
        # Anything else is more of the story: it may settle the category.
        draft = self._understand(replace(draft, text=f"{draft.text}\n{heard.text.strip()}"), heard, again=True)
        return self._go_on(_failed(draft, CATEGORY), CATEGORY)

    def _hear_area(self, draft: Draft, heard: Heard) -> Step:
        area = find_area(heard.text, self._city)
        if area is not None:
            place = draft.place or find_place(heard.text, self._city)
            return self._go_on(replace(draft, area_code=area, place=place), AREA)
        place = find_place(heard.text, self._city)
        if place is not None and draft.place is None:
            draft = replace(draft, place=place)
        if place is not None and draft.area_code is not None:
            return self._go_on(draft, AREA)
        return self._unclear(draft, AREA, heard, "utter_area_unclear")

    def _hear_place(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "skip", "deny"):
            return self._skip(draft, PLACE)
        text = plain(heard.text)[:LONGEST_PLACE]
        area = find_area(text, self._city)
        if area and area.startswith(draft.area_code or ""):
            draft = replace(draft, area_code=area)
        if len(tidy(text)) < 2:
            return self._unclear(draft, PLACE, heard, "utter_place_unclear")
        return self._go_on(replace(draft, place=text), PLACE)

    def _hear_nearby(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "join", "affirm"):
            return self._go_on(replace(draft, joins=True), NEARBY)
        if self._controls.means(heard.text, "alone", "deny", "skip") or self._failed_before(draft, NEARBY):
            return self._go_on(replace(draft, joins=False), NEARBY)
        return Step(_failed(draft, NEARBY), ("utter_not_understood",), ask=NEARBY)

    def _hear_occurred(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "skip", "deny"):
            return self._skip(draft, OCCURRED)
        return self._go_on(replace(draft, occurred=plain(heard.text)[:LONGEST_TIME]), OCCURRED)

    def _hear_company(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "skip", "deny"):
            return self._skip(draft, COMPANY)
        name = find_company(heard.text) or plain(heard.text)[:100]
        code = draft.credit_code or find_credit_code(heard.text)
        if len(name) < 2 or name.isdigit():
            return self._unclear(draft, COMPANY, heard, "utter_company_unclear")
        return self._go_on(replace(draft, company_name=name, credit_code=code), COMPANY)

    def _hear_credit_code(self, draft: Draft, heard: Heard) -> Step:
        code = find_credit_code(heard.text)
        if code is not None:
            return self._go_on(replace(draft, credit_code=code), CREDIT_CODE)
        return self._unclear(draft, CREDIT_CODE, heard, "utter_credit_code_invalid")

    def _hear_contact(self, draft: Draft, heard: Heard) -> Step:
        phone = find_phone(heard.text)
        if phone is None and heard.caller and self._controls.means(heard.text, "same_phone", "affirm"):
            phone = heard.caller
        if phone is not None:
            draft = replace(draft, contact_phone=phone, contact_name=find_name(heard.text) or draft.contact_name)
            if draft.purpose == "person":
                return Step(draft, outcome=HUMAN)
            return self._go_on(draft, CONTACT)
        if self._controls.means(heard.text, "anonymous", "skip", "deny"):
            return self._skip(draft, CONTACT)
        return self._unclear(draft, CONTACT, heard, "utter_phone_invalid")

    def _hear_confirmation(self, draft: Draft, heard: Heard) -> Step:
        if self._controls.means(heard.text, "affirm") or (heard.intent == "affirm" and heard.confidence >= 0.5):
            return Step(draft, outcome=FILE)
        corrected = self._corrected(draft, heard)
        if corrected is not None:
            return corrected
        if self._controls.means(heard.text, "modify", "deny") or (heard.intent == "deny" and heard.confidence >= 0.5):
            return Step(draft, ask=CORRECTION)
        if len(tidy(heard.text)) >= SHORTEST_MATTER:
            return Step(replace(draft, text=f"{draft.text}\n{heard.text.strip()}"), ("utter_added",), ask=CONFIRMATION)
        return Step(draft, ("utter_not_understood",), ask=CONFIRMATION)

    def _hear_correction(self, draft: Draft, heard: Heard) -> Step:
        corrected = self._corrected(draft, heard)
        if corrected is not None:
            return corrected
        if self._controls.means(heard.text, "affirm", "deny", "skip"):
            return Step(draft, ask=CONFIRMATION)
        return Step(draft, ("utter_which_field",), ask=CORRECTION)

    # ---- pieces ----------------------------------------------------------------------------------------------

    def _understand(self, draft: Draft, heard: Heard, again: bool = False) -> Draft:
        """Take out of a message all that would otherwise be asked."""
        ranking = heard.ranking or draft.ranking
        if again and draft.ranking and heard.ranking:
            ranking = _merged(draft.ranking, heard.ranking)
        sure = self.is_sure(ranking)
        return replace(
            draft,
            ranking=ranking,
            category=ranking[0][0] if sure else None,
            confidence=round(ranking[0][1], 4) if ranking else None,
            nature=draft.nature or heard.nature,
            matters=draft.matters if again else heard.matters[:MOST_MATTERS],
            area_code=find_area(draft.text, self._city) or draft.area_code,
            place=find_place(draft.text, self._city) or draft.place,
            occurred=find_time(draft.text) or draft.occurred,
            contact_phone=find_phone(draft.text) or draft.contact_phone or heard.caller,
            contact_name=find_name(draft.text) or draft.contact_name,
            company_name=draft.company_name or (find_company(draft.text) if draft.line == ENTERPRISE else None),
            credit_code=draft.credit_code or find_credit_code(draft.text),
        )

    def _knows(self, heard: Heard) -> bool:
        return bool(heard.ranking) and heard.intent in self._city.by_slug and self.is_sure(heard.ranking)

    def _chosen_category(self, draft: Draft, text: str) -> Optional[str]:
        options = self.options(draft)
        for position, category in enumerate(options, start=1):
            ordinals = (
                str(position),
                f"第{'一二三'[position - 1]}个",
                f"第{'一二三'[position - 1]}",
                "一二三"[position - 1],
            )
            if tidy(text) in ordinals:
                return category
        named = [c.id for c in self._city.categories if c.name in text or text == c.id]
        return named[0] if len(named) == 1 else None

    def _corrected(self, draft: Draft, heard: Heard) -> Optional[Step]:
        field_name = self._controls.field_named(heard.text)
        step = _STEP_OF_FIELD.get(field_name or "")
        if step is None:
            return None
        fresh = _forget(draft, step)
        if step == AREA:
            # Who corrects the house number alone does not move to another town.
            fresh = replace(fresh, area_code=draft.area_code)
        value = _after_name(plain(heard.text))
        if value is None:
            return Step(fresh, ask=step)
        answer = getattr(self, f"_hear_{step}")
        corrected: Step = answer(fresh, replace(heard, text=value))
        if corrected.say or corrected.ask == step:
            return Step(fresh, ask=step)
        return corrected

    def _go_on(self, draft: Draft, step: str, *say: str) -> Step:
        answered = (*[done for done in draft.answered if done != step], step)
        draft = replace(draft, answered=answered, skipped=tuple(s for s in draft.skipped if s != step))
        if draft.joins and draft.contact_phone:
            return Step(draft, say, outcome=JOIN)
        return Step(draft, say, ask=self.next_step(draft))

    def _skip(self, draft: Draft, step: str, *say: str) -> Step:
        draft = replace(draft, answered=(*draft.answered, step), skipped=(*draft.skipped, step))
        if draft.purpose == "person":
            return Step(draft, say, outcome=HUMAN)
        if draft.joins:
            return Step(draft, say, outcome=JOIN)
        return Step(draft, say, ask=self.next_step(draft))

    def _unclear(self, draft: Draft, step: str, heard: Heard, response: str) -> Step:
        if self._controls.means(heard.text, "skip", "deny"):
            return self._skip(draft, step)
        if self._failed_before(draft, step):
            return self._skip(draft, step, "utter_goes_on_without")
        return Step(_failed(draft, step), (response,), ask=step)

    def _failed_before(self, draft: Draft, step: str) -> bool:
        return draft.attempts.get(step, 0) + 1 >= MOST_ATTEMPTS


# Another matter or another place: the desk is asked anew.
_ELSEWHERE: Dict[str, Any] = {"looked": False, "nearby": None, "joins": None}

_FIELDS_OF_STEP: Dict[str, Dict[str, Any]] = {
    DESCRIPTION: {"text": "", "matters": (), "apart": None, **_ELSEWHERE},
    REFUSAL: {"insists": False},
    MATTERS: {"apart": None},
    CATEGORY: {"category": None, "needs_person": False, **_ELSEWHERE},
    AREA: {"area_code": None, "place": None, **_ELSEWHERE},
    PLACE: {"place": None, **_ELSEWHERE},
    NEARBY: {"joins": None},
    OCCURRED: {"occurred": None},
    COMPANY: {"company_name": None},
    CREDIT_CODE: {"credit_code": None},
    CONTACT: {"contact_phone": None},
}

_STEP_OF_FIELD = {
    "description": DESCRIPTION,
    "category": CATEGORY,
    "area": AREA,
    "place": AREA,
    "time": OCCURRED,
    "phone": CONTACT,
    "name": CONTACT,
    "company": COMPANY,
    "credit_code": CREDIT_CODE,
}


def _forget(draft: Draft, step: str) -> Draft:
    return replace(
        draft,
        **_FIELDS_OF_STEP.get(step, {}),
        answered=tuple(s for s in draft.answered if s != step),
        skipped=tuple(s for s in draft.skipped if s != step),
        attempts={s: n for s, n in draft.attempts.items() if s != step},
    )


def _failed(draft: Draft, step: str) -> Draft:
    return replace(draft, attempts={**draft.attempts, step: draft.attempts.get(step, 0) + 1})


def _merged(first: Ranking, second: Ranking) -> Ranking:
    """The mean of two rankings, highest first."""
    one, two = dict(first), dict(second)
    mean = {c: (one.get(c, 0.0) + two.get(c, 0.0)) / 2 for c in {**one, **two}}
    return tuple(sorted(mean.items(), key=lambda entry: -entry[1]))


def _after_name(text: str) -> Optional[str]:
    """The new value in 地址改成温泉街道 or 电话不对，是13871234567; None when only the field is named."""
    for mark in ("改成", "改为", "应该是", "应为", "换成", "是", "：", ":"):
        before, found, value = text.rpartition(mark)
        if found and before and len(value.strip()) >= 2 and "不是" not in before[-2:] + mark:
            return value.strip("，。,. ")
    return None
