"""Answering a question in the conversation: what is told, what is asked about it, and how it ends.

Pure: no Rasa, no network. What the knowledge base found goes in, a `Turn` comes out; what it `needs` the caller asks
the knowledge base for and hands in by `met`. It stands before the filing: a question that is not answered, or whose
answer did not do, is filed with the words it was asked in.
"""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, Optional, Tuple, Union

from bot.actions.answers import ALL, ANSWER, BASIS, NOTHING, STEPS, Answers, Entry
from bot.actions.city import City
from bot.actions.controls import LONGEST_CONTROL, SURE_INTENT, Controls, tidy
from bot.actions.filing import DESCRIPTION, QUESTION, SHORTEST_MATTER, Draft, Filing, Heard, Step
from bot.actions.reading import plain

ABOUT_A_CASE = ("投诉", "举报", "表扬", "建议")
"""Natures that are no question however they are put."""

# The steps; their names are the form's requested slots.
CONSULTATION, WHICH = "consultation", "which"
STEPS_HERE = (CONSULTATION, WHICH)

# How it ends: answered; let be; what was asked is filed; a person is wanted; this message begins something else.
SOLVED, LEFT, FILED, PERSON, ANOTHER, START_OVER = "solved", "left", "filed", "person", "another", "start_over"

ADVISED = "advised"
"""The outcome of a form in which a question was answered and nothing filed."""

# What the knowledge base made of a question.
SURE, CHOICE, UNSURE = "answer", "choice", "unsure"

MOST_CHOICES = 3
LONGEST_CASE = 40
"""A matter told in more characters is no mere question, whatever its words."""
LONGEST_FACET = 20
LONGEST_PART_OF_A_TOPIC = 12
"""A question that is so short and found nowhere was meant within the topic."""
SHORTEST_STORY = 6
MOST_ATTEMPTS = 2


@dataclass(frozen=True)
class AskWithin:
    """A question that leans on its topic: answered `alone` where that is sure, else asked `together` with the topic."""

    alone: str
    together: str


@dataclass(frozen=True)
class Choose:
    """The entry the citizen means."""

    entry: str


@dataclass(frozen=True)
class SendText:
    """The answer is wanted as a text message."""


Need = Union[AskWithin, Choose, SendText]


@dataclass(frozen=True)
class Consultation:
    """A question, and what was made of it.

    `question_id`: what the knowledge base noted it under. `entry` is told, `offered` compete. `matters` are those of a
    一件事, `position` which of them is told (-1: the whole). `part` is what is told of the entry, and on the telephone
    (`spoken`) `piece` how far; `quiet`: nothing is told again with the next question. `texts`: the answer can be sent
    as a text message. `added`: what the citizen said since.
    """

    question_id: Optional[int] = None
    entry: Optional[Entry] = None
    offered: Tuple[Entry, ...] = ()
    matters: Tuple[Dict[str, str], ...] = ()
    position: int = -1
    part: str = ANSWER
    piece: int = 0
    quiet: bool = False
    spoken: bool = False
    texts: bool = False
    area: Optional[str] = None
    added: Tuple[str, ...] = ()
    attempts: int = 0

    def to_slot(self) -> Dict[str, Any]:
        """The consultation as the tracker keeps it."""
        return asdict(self)

    @classmethod
    def from_slot(cls, stored: Optional[Dict[str, Any]]) -> Optional["Consultation"]:
        """The consultation a tracker kept."""
        if not stored:
            return None
        return cls(**{**stored, **{name: tuple(stored[name]) for name in ("offered", "matters", "added")}})


@dataclass(frozen=True)
class Turn:
    """The state after a message: responses to give first, and what to ask, what is needed first, or how it ends."""

    consultation: Consultation
    say: Tuple[str, ...] = ()
    ask: Optional[str] = None
    needs: Optional[Need] = None
    ends: Optional[str] = None


class Consulting:
    """The rules of answering questions for one city."""

    def __init__(self, city: City) -> None:
        self.answers = Answers(city)
        self._categories = frozenset(city.by_slug)
        self._controls = Controls(city)
        words = city.phrases["consulting"]
        self._buttons: Dict[str, str] = words["buttons"]
        self._question = _any(words["question"])
        self._elliptical = _any(words["elliptical"])
        self._not_meant = _any(words["not_meant"])
        self._facets: Dict[str, "re.Pattern[str]"] = {
            facet: _any(patterns) for facet, patterns in words["facets"].items()
        }
        self._fillers = re.compile("|".join(sorted(words["fillers"], key=len, reverse=True)))

    # ---- the first message -----------------------------------------------------------------------------------

    def is_question(self, step: Step, heard: Heard) -> bool:
        """Whether what begins a filing is a question: by its nature, or by its words where it tells of no case."""
        draft = step.draft
        begins = step.outcome is None and draft.purpose == "order" and bool(draft.text)
        if not begins or step.ask == DESCRIPTION or draft.refused or len(draft.matters) > 1:
            return False
        return heard.nature == QUESTION or self._asks_in_words(draft, heard)

    def begin(
        self,
        told: Dict[str, Any],
        *,
        is_mere_question: bool,
        spoken: bool = False,
        caller: Optional[str] = None,
        area: Optional[str] = None,
    ) -> Turn:
        """What is made of what the knowledge base `told`.

        What may be a case all the same (not `is_mere_question`) is answered where that is sure, and filed otherwise.
        """
        texts = bool(spoken and told["sends_texts"] and (caller or "").startswith("+861"))
        begun = Consultation(told["id"], spoken=spoken, texts=texts, area=area)
        if told["verdict"] == SURE:
            return self._tell(begun, told["results"][0])
        if not is_mere_question:
            return Turn(begun, ends=FILED)
        if told["verdict"] == CHOICE:
            offered = tuple(told["results"][: min(told["likely"], MOST_CHOICES)])
            return Turn(replace(begun, offered=offered), ask=WHICH)
        return Turn(begun, ("utter_unsure",), ends=FILED)

    # ---- the messages after it -------------------------------------------------------------------------------

    def hear(self, consultation: Consultation, asked: str, heard: Heard) -> Turn:
        """What a message means at the step that was asked."""
        consultation = replace(consultation, quiet=False)
        offered = self._hear_offer(consultation, heard) if asked == CONSULTATION else None
        steered = offered or self._steer(consultation, asked, heard)
        if steered is not None:
            return steered
        return self._hear_which(consultation, heard) if asked == WHICH else self._hear_about(consultation, heard)

    def met(self, turn: Turn, given: Any) -> Turn:
        """The turn once what it needs is there; None: the knowledge base did not answer, or has it no more."""
        consultation, needs = turn.consultation, turn.needs
        if isinstance(needs, SendText):
            quiet = replace(consultation, quiet=True)
            return Turn(quiet, ("utter_texted" if given else "utter_not_texted",), ask=CONSULTATION)
        if isinstance(needs, Choose):
            if given is None:
                return Turn(consultation, ("utter_unsure",), ends=FILED)
            return self._tell(replace(consultation, offered=()), given)
        assert isinstance(needs, AskWithin)
        same = consultation.entry["id"] if consultation.entry else None
        if given is not None and given["verdict"] == SURE and given["results"][0]["id"] != same:
            return self._tell(replace(consultation, question_id=given["id"], matters=()), given["results"][0])
        return self.unsure_of_this(consultation)

    def unsure_of_this(self, consultation: Consultation, said: str = "") -> Turn:
        """Nothing is known of what was asked beside the answer: the truth, and the offer to file it."""
        added = (*consultation.added, *([said] if said else []))
        if consultation.entry is None:
            return Turn(replace(consultation, added=added), ("utter_unsure",), ends=FILED)
        asked = replace(consultation, part=NOTHING, piece=0, added=added)
        return Turn(asked, ("utter_unsure_of_this",), ask=CONSULTATION)

    def belongs_here(self, text: str) -> bool:
        """Whether a question nothing is found for was meant within the topic."""
        return len(tidy(text)) <= LONGEST_PART_OF_A_TOPIC

    # ---- what is said ----------------------------------------------------------------------------------------

    def told(self, consultation: Consultation) -> str:
        """What is told now of the entry."""
        if consultation.entry is None or consultation.quiet:
            return ""
        if not consultation.spoken:
            return self.answers.shown(consultation.entry, consultation.part, consultation.area)
        pieces = self._heard_in_pieces(consultation)
        return pieces[consultation.piece] if consultation.piece < len(pieces) else ""

    def goes_on(self, consultation: Consultation) -> bool:
        """Whether a caller has not heard all of what is being told."""
        return consultation.spoken and consultation.piece + 1 < len(self._heard_in_pieces(consultation))

    def buttons(self, consultation: Consultation) -> List[str]:
        """The quick replies under the question whether that did; each is what it sends. A telephone has few keys."""
        name, entry = self._buttons, consultation.entry
        if consultation.part == NOTHING:
            return [name["file"], name["human"], name["enough"]]
        titles = [matter["title"] for matter in consultation.matters]
        if titles and consultation.position < 0:
            return [*titles[:MOST_CHOICES], name["solved"]] if consultation.spoken else [*titles, name["solved"]]
        after = [name["next"]] if consultation.position + 1 < len(titles) else []
        asked = [*after, name["solved"], name["unsolved"]]
        if consultation.spoken:
            texts = [name["text_me"]] if consultation.texts else []
            if self.goes_on(consultation):
                return [name["more"], *asked[:2], *texts]
            return [*asked, *([] if consultation.part == ALL else [name["details"]]), *texts]
        assert entry is not None
        told = (consultation.part, *(self.answers.beside(entry) if consultation.part == ANSWER else ()))
        facets = [self.answers.asked(facet) for facet in self.answers.facets(entry) if facet not in told]
        return [*asked, *([] if consultation.part == ALL else facets), name["human"]]

    def choices(self, consultation: Consultation) -> List[str]:
        """The questions that compete, and none of them; of a single one whether it is meant."""
        if len(consultation.offered) == 1:
            return [self._buttons["yes"], self._buttons["no"]]
        return [*(entry["question"] for entry in consultation.offered), self._buttons["none"]]

    # ---- pieces ----------------------------------------------------------------------------------------------

    def _asks_in_words(self, draft: Draft, heard: Heard) -> bool:
        tells_of_a_case = draft.place or draft.occurred or len(draft.text) > LONGEST_CASE
        return not tells_of_a_case and heard.nature not in ABOUT_A_CASE and bool(self._question.search(draft.text))

    def _steer(self, consultation: Consultation, asked: str, heard: Heard) -> Optional[Turn]:
        """Words that mean the same whatever was told."""
        text = heard.text
        if self._controls.means(text, "human") or (heard.intent == "talk_to_human" and heard.confidence >= SURE_INTENT):
            return Turn(consultation, ends=PERSON)
        if self._controls.means(text, "start_over"):
            return Turn(consultation, ends=START_OVER)
        if self._controls.means(text, "repeat", "back"):
            return Turn(consultation, ask=asked)
        if self._controls.means(text, "enough", "cancel"):
            return Turn(consultation, ("utter_consultation_left",), ends=LEFT)
        return None

    def _hear_offer(self, consultation: Consultation, heard: Heard) -> Optional[Turn]:
        """A yes or a no where something else was asked than whether the answer did."""
        affirms = self._controls.means(heard.text, "affirm") or self._is_short(heard, "affirm")
        denies = self._controls.means(heard.text, "deny", "enough") or self._is_short(heard, "deny")
        if consultation.part == NOTHING:
            if affirms:
                return _filed(consultation)
            return Turn(consultation, ("utter_consultation_left",), ends=LEFT) if denies else None
        if not self.goes_on(consultation):
            return None
        if affirms or self._controls.means(heard.text, "details", "next_matter"):
            return Turn(replace(consultation, piece=consultation.piece + 1), ask=CONSULTATION)
        # Who has heard enough is asked whether that did.
        last = len(self._heard_in_pieces(consultation)) - 1
        return Turn(replace(consultation, piece=last, quiet=True), ask=CONSULTATION) if denies else None

    def _hear_which(self, consultation: Consultation, heard: Heard) -> Turn:
        chosen = _picked(plain(heard.text), [entry["question"] for entry in consultation.offered])
        if len(consultation.offered) == 1 and self._controls.means(heard.text, "affirm"):
            chosen = 0
        if chosen is not None:
            return Turn(consultation, needs=Choose(consultation.offered[chosen]["id"]))
        if self._controls.means(heard.text, "none_of_these", "deny", "unsolved", "skip"):
            return Turn(consultation, ("utter_unsure",), ends=FILED)
        if self._begins_something(heard) or self._asks(heard) or self._tells(heard):
            return Turn(consultation, ends=ANOTHER)
        return self._not_understood(consultation, WHICH, heard)

    def _hear_about(self, consultation: Consultation, heard: Heard) -> Turn:
        text, means = heard.text, self._controls.means
        if consultation.texts and means(text, "text_me"):
            return Turn(consultation, needs=SendText())
        if means(text, "details"):
            return self._part(consultation, ALL)
        if (matter := self._matter(consultation, text)) is not None:
            there = replace(consultation, position=matter)
            return Turn(there, needs=Choose(consultation.matters[matter]["entry"]))
        if means(text, "unsolved", "deny"):
            return _filed(consultation)
        if means(text, "solved", "affirm"):
            return _solved(consultation)
        if self._begins_something(heard):
            return Turn(consultation, ends=ANOTHER)
        if (facet := self._facet(text)) is not None:
            return self._hear_facet(consultation, facet, text)
        if self._not_meant.search(text):
            return _filed(_adding(consultation, text))
        if consultation.entry is not None and self._elliptical.search(tidy(text)):
            together = f"{consultation.entry['question']}{text.strip()}"
            return Turn(_adding(consultation, text), needs=AskWithin(text.strip(), together))
        if self._asks(heard):
            return Turn(consultation, ends=ANOTHER)
        return self._by_intent(consultation, heard)

    def _by_intent(self, consultation: Consultation, heard: Heard) -> Turn:
        """What no list of phrases has."""
        if self._is_short(heard, "affirm", "thank", "goodbye"):
            return _solved(consultation)
        if self._is_short(heard, "withdraw"):
            return Turn(consultation, ("utter_consultation_left",), ends=LEFT)
        if self._is_short(heard, "repeat"):
            return Turn(consultation, ask=CONSULTATION)
        if self._is_short(heard, "deny"):
            return _filed(consultation)
        if self._tells(heard):
            # More of the same matter shows that the answer did not do; another one begins anew.
            same = consultation.entry is not None and consultation.entry["category"] == heard.ranking[0][0]
            return _filed(_adding(consultation, heard.text)) if same else Turn(consultation, ends=ANOTHER)
        return self._not_understood(consultation, CONSULTATION, heard)

    def _not_understood(self, consultation: Consultation, asked: str, heard: Heard) -> Turn:
        """Asked once more; who is not understood again may have said what the answer lacks, and it is filed."""
        if consultation.attempts + 1 >= MOST_ATTEMPTS:
            return _filed(_adding(consultation, heard.text))
        again = replace(consultation, attempts=consultation.attempts + 1, quiet=True)
        return Turn(again, ("utter_not_understood",), ask=asked)

    def _hear_facet(self, consultation: Consultation, facet: str, text: str) -> Turn:
        assert consultation.entry is not None
        if facet == BASIS or consultation.entry[facet]:
            return self._part(consultation, facet)
        if facet == STEPS:
            # Where no steps are listed, the answer itself says how.
            return self._part(consultation, ALL if consultation.spoken else ANSWER)
        asked = replace(_adding(consultation, text), part=NOTHING, piece=0)
        return Turn(asked, ("utter_facet_unknown",), ask=CONSULTATION)

    def _facet(self, text: str) -> Optional[str]:
        """The part of the answer a message asks for and nothing else; None where it names another matter."""
        said = tidy(text)
        if len(said) > LONGEST_FACET:
            return None
        for facet, pattern in self._facets.items():
            rest = pattern.sub("", said)
            if rest != said and not self._fillers.sub("", rest):
                return facet
        return None

    def _matter(self, consultation: Consultation, text: str) -> Optional[int]:
        """Which matter of a 一件事 is meant: the next one, or by its name or number."""
        titles = [matter["title"] for matter in consultation.matters]
        if titles and self._controls.means(text, "next_matter"):
            return consultation.position + 1 if consultation.position + 1 < len(titles) else None
        return _picked(plain(text), titles)

    def _asks(self, heard: Heard) -> bool:
        by_nature = heard.nature == QUESTION and heard.intent in self._categories
        return len(tidy(heard.text)) >= SHORTEST_MATTER and (by_nature or bool(self._question.search(heard.text)))

    def _is_short(self, heard: Heard, *intents: str) -> bool:
        """Whether a few words surely mean one of these."""
        is_sure = heard.confidence >= SURE_INTENT and len(tidy(heard.text)) <= LONGEST_CONTROL
        return is_sure and heard.intent in intents

    def _begins_something(self, heard: Heard) -> bool:
        """Danger, or what the hotline may not accept: the filing knows what is said then."""
        return heard.intent in ("emergency", "not_accepted") and heard.confidence >= SURE_INTENT

    def _tells(self, heard: Heard) -> bool:
        return len(tidy(heard.text)) >= SHORTEST_STORY and heard.intent in self._categories and bool(heard.ranking)

    def _part(self, consultation: Consultation, part: str) -> Turn:
        return Turn(replace(consultation, part=part, piece=0, attempts=0), ask=CONSULTATION)

    def _tell(self, consultation: Consultation, entry: Entry) -> Turn:
        matters = tuple(entry["matters"]) or consultation.matters
        position = -1 if entry["matters"] else consultation.position
        told = replace(consultation, entry=entry, matters=matters, position=position)
        return self._part(told, ANSWER)

    def _heard_in_pieces(self, consultation: Consultation) -> List[str]:
        assert consultation.entry is not None
        return self.answers.spoken(consultation.entry, consultation.part, consultation.area)


def step_after(turn: Turn, filing: Filing, draft: Draft, heard: Heard) -> Step:
    """The step of the form after a turn; `draft` is the order the question would be filed as."""
    if turn.ask is not None:
        return Step(draft, ask=turn.ask)
    if turn.ends in (SOLVED, LEFT):
        return Step(draft, outcome=ADVISED)
    if turn.ends == FILED:
        whole = replace(draft, text="\n".join([draft.text, *turn.consultation.added]))
        return Step(whole, ask=filing.next_step(whole))
    return filing.hear(draft, None, heard)


def _solved(consultation: Consultation) -> Turn:
    return Turn(consultation, ("utter_consultation_solved",), ends=SOLVED)


def _filed(consultation: Consultation) -> Turn:
    return Turn(consultation, ("utter_consultation_filed",), ends=FILED)


def _adding(consultation: Consultation, text: str) -> Consultation:
    return replace(consultation, added=(*consultation.added, text.strip()))


def _picked(said: str, titles: List[str]) -> Optional[int]:
    """The position of the title that was said, by its words or its number."""
    words = tidy(said)
    for position, title in enumerate(titles):
        number = "一二三四五六七八九十"[position] if position < 10 else ""
        if words and words in (tidy(title), str(position + 1), number, f"第{number}个", f"第{number}", f"第{number}件"):
            return position
    return None


def _any(patterns: List[str]) -> "re.Pattern[str]":
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
