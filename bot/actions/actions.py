"""The bot's actions as Rasa calls them: they carry values between the tracker, the pure dialogues and the desk."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import consulting, filing, follow_up
from bot.actions.advice import Adviser
from bot.actions.answers import NOTHING
from bot.actions.city import get_city
from bot.actions.consulting import Consultation, Consulting, Turn
from bot.actions.danger import is_danger
from bot.actions.desk import DeskRefused, DeskUnavailable, get_desk
from bot.actions.filing import Draft, Filing, Heard, Matter, Nearby
from bot.actions.follow_up import FollowUp, Inquiry
from bot.actions.large_model import get_large_model, get_writer

REQUESTED = "requested_slot"
PHONE = "phone"

SHOWN_MATTER = 40


def heard_in(tracker: Tracker) -> Heard:
    """The citizen's latest message."""
    message: Dict[str, Any] = tracker.latest_message
    metadata: Dict[str, Any] = message.get("metadata") or {}
    intent: Dict[str, Any] = message.get("intent") or {}
    return Heard(
        text=str(message.get("text") or ""),
        intent=str(intent.get("name") or ""),
        confidence=float(intent.get("confidence") or 0.0),
        ranking=_ranking(message.get("category_ranking") or ()),
        nature=message.get("nature"),
        matters=tuple(
            Matter(str(m["text"]), _ranking(m["category_ranking"]), m["nature"]) for m in message.get("matters") or ()
        ),
        line=str(metadata.get("line") or "citizen") if tracker.get_slot("line") is None else tracker.get_slot("line"),
        caller=metadata.get("caller"),
        message_id=str(metadata.get("message_id") or ""),
    )


def _ranking(told: Sequence[Any]) -> Tuple[Tuple[str, float], ...]:
    return tuple((str(category), float(p)) for category, p in told)


def channel_of(tracker: Tracker) -> str:
    """The channel the citizen writes or speaks on."""
    return str(tracker.get_latest_input_channel() or "web")


class ValidateFilingForm(Action):
    """Each turn of the filing dialogue."""

    def name(self) -> str:
        return "validate_filing_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        heard = heard_in(tracker)
        dialogue = Filing(get_city())
        asked = tracker.get_slot(REQUESTED)
        draft = Draft.from_slot(tracker.get_slot("draft"), f"{tracker.sender_id}:{heard.message_id}")
        topic = Consultation.from_slot(tracker.get_slot("consultation")) if asked in consulting.STEPS_HERE else None
        step, turn = await _adviser(tracker).lead(dialogue, draft, asked, topic, heard, danger=_is_in_danger(tracker))
        files = turn is None or turn.ask is None
        if files and step.ask == filing.CATEGORY and step.draft.category is None:
            step = await _with_second_opinion(dialogue, step)
        if files and dialogue.may_look_nearby(step):
            step = await _with_nearby(dialogue, step, tracker.sender_id)
        begins = asked is None or (topic is not None and turn is None)
        if begins and _is_danger(tracker):
            dispatcher.utter_message(response="utter_emergency")
        if turn is not None:
            for response in turn.say:
                _say_about(dispatcher, response, turn.consultation)
        for response in step.say:
            dispatcher.utter_message(response=response)
        if files and step.outcome is None:
            # Of a question that is being answered nothing is kept when the citizen leaves.
            dispatcher.utter_message(json_message={"draft": dialogue.order(step.draft)})
        return [
            SlotSet("draft", step.draft.to_slot()),
            SlotSet("consultation", _consultation_kept(tracker, step, turn)),
            SlotSet("outcome", step.outcome),
            SlotSet(REQUESTED, step.ask),
        ]


def _consultation_kept(tracker: Tracker, step: filing.Step, turn: Optional[Turn]) -> Optional[Dict[str, Any]]:
    """What the tracker keeps of a consultation: while the question is filed, that it was asked."""
    if turn is not None:
        return turn.consultation.to_slot()
    goes_on = tracker.get_slot(REQUESTED) not in consulting.STEPS_HERE and step.draft.text
    kept: Optional[Dict[str, Any]] = tracker.get_slot("consultation") if goes_on else None
    return kept


def _adviser(tracker: Tracker) -> Adviser:
    channel = channel_of(tracker)
    return Adviser(get_city(), get_desk(), tracker.sender_id, channel, spoken=channel == PHONE, writer=get_writer())


def _say_about(dispatcher: CollectingDispatcher, response: str, consultation: Consultation) -> None:
    """A sentence that may name who answers for what was told."""
    unit = get_city().phrases["consulting"]["unit"]
    if consultation.entry is not None:
        unit = Consulting(get_city()).answers.unit(consultation.entry)
    dispatcher.utter_message(response=response, unit=unit)


async def _with_second_opinion(dialogue: Filing, step: filing.Step) -> filing.Step:
    """The step with the category a large model is sure of, where one is set up; otherwise the step as it is."""
    model = get_large_model()
    chosen = None if model is None else await model.choose(step.draft.text, step.draft.ranking, get_city())
    return step if chosen is None else dialogue.settle(step, chosen)


async def _with_nearby(dialogue: Filing, step: filing.Step, conversation_id: str) -> filing.Step:
    """The step with an order the citizen may join; as it is where there is none or the desk does not answer."""
    found = await get_desk().similar(dialogue.known(step.draft), conversation_id)
    nearby = None
    if found is not None:
        nearby = Nearby(
            found["number"], found["people"], found["category_name"] or "", found["place"], found["since"][:10]
        )
    return dialogue.offer(step, nearby)


def _is_danger(tracker: Tracker) -> bool:
    """Whether the message tells of danger now that nobody has been warned of yet."""
    message: Dict[str, Any] = tracker.latest_message
    told = (message.get("metadata") or {}).get("emergency_told")
    return not told and is_danger(float(message.get("danger") or 0.0))


def _is_in_danger(tracker: Tracker) -> bool:
    """Whether somebody was told whom to call just now, or has to be: then nothing else is answered."""
    message: Dict[str, Any] = tracker.latest_message
    return bool((message.get("metadata") or {}).get("emergency_told")) or _is_danger(tracker)


class AskConsultation(Action):
    """Tells what is known, and asks whether that did."""

    def name(self) -> str:
        return "action_ask_filing_form_consultation"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        dialogue, consultation = Consulting(get_city()), Consultation.from_slot(tracker.get_slot("consultation"))
        assert consultation is not None
        if told := dialogue.told(consultation):
            dispatcher.utter_message(text=told)
        asks = "utter_ask_hear_on" if dialogue.goes_on(consultation) else "utter_ask_solved"
        response = "utter_ask_file_question" if consultation.part == NOTHING else asks
        dispatcher.utter_message(response=response, buttons=_buttons(dialogue.buttons(consultation)))
        return []


class AskWhich(Action):
    """Names the questions that compete, and asks which was meant, or whether the only one was."""

    def name(self) -> str:
        return "action_ask_filing_form_which"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        consultation = Consultation.from_slot(tracker.get_slot("consultation"))
        assert consultation is not None
        choices = Consulting(get_city()).choices(consultation)
        asks = "utter_ask_which" if len(consultation.offered) > 1 else "utter_ask_whether"
        question = consultation.offered[0]["question"].rstrip("？?")
        dispatcher.utter_message(response=asks, question=question, buttons=_buttons(choices))
        return []


def _buttons(titles: Sequence[str]) -> List[Dict[str, str]]:
    return [{"title": title, "payload": title} for title in titles]


class AskArea(Action):
    """Asks where it happened, or for a question where it is asked about."""

    def name(self) -> str:
        return "action_ask_filing_form_area"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        draft = Draft.from_slot(tracker.get_slot("draft"), "")
        asks = "utter_ask_county" if Filing(get_city()).is_mere_question(draft) else "utter_ask_area"
        dispatcher.utter_message(response=asks)
        return []


class AskMatters(Action):
    """Names the matters of a message and offers to file them apart."""

    def name(self) -> str:
        return "action_ask_filing_form_matters"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        draft, city = Draft.from_slot(tracker.get_slot("draft"), ""), get_city()
        matters = [(matter.text[:SHOWN_MATTER], city.by_id[matter.ranking[0][0]].name) for matter in draft.matters]
        listed = [f"{number}. {text}（{name}）" for number, (text, name) in enumerate(matters, start=1)]
        shown = "；".join(name for _, name in matters) if channel_of(tracker) == PHONE else "\n".join(listed)
        dispatcher.utter_message(response="utter_ask_matters", count=str(len(matters)), matters=shown)
        return []


class AskCategory(Action):
    """Offers the likeliest categories."""

    def name(self) -> str:
        return "action_ask_filing_form_category"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        city = get_city()
        options = Filing(city).options(Draft.from_slot(tracker.get_slot("draft"), ""))
        names = [city.by_id[option].name for option in options]
        buttons = _buttons([*names, city.phrases["none_of_these"][0]])
        dispatcher.utter_message(response="utter_ask_category", buttons=buttons)
        return []


class AskNearby(Action):
    """Tells of an order about the same matter, and offers to join it."""

    def name(self) -> str:
        return "action_ask_filing_form_nearby"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        nearby = Draft.from_slot(tracker.get_slot("draft"), "").nearby
        assert nearby is not None
        dispatcher.utter_message(
            response="utter_ask_nearby",
            people=str(nearby.people),
            place=nearby.place,
            category=nearby.category_name,
            since=nearby.since,
        )
        return []


class AskRefusal(Action):
    """Names the legal way for a matter the hotline may not accept."""

    def name(self) -> str:
        return "action_ask_filing_form_refusal"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        draft = Draft.from_slot(tracker.get_slot("draft"), "")
        refusal = next(kind for kind in get_city().refusals if kind.name == draft.refused)
        dispatcher.utter_message(response="utter_ask_refusal", route=refusal.route.strip())
        return []


class AskConfirmation(Action):
    """Reads the whole order back."""

    def name(self) -> str:
        return "action_ask_filing_form_confirmation"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        draft = Draft.from_slot(tracker.get_slot("draft"), "")
        city = get_city()
        summary = Filing(city).summary(draft)
        names = city.phrases["field_names"]
        if channel_of(tracker) == PHONE:
            # Asterisks cannot be heard.
            heard = {field: value[:60].replace("****", city.phrases["phone_tail"]) for field, value in summary.items()}
            shown = "；".join(f"{names[field]}，{value}" for field, value in heard.items())
        else:
            shown = "\n".join(f"{names[field]}：{value}" for field, value in summary.items())
        dispatcher.utter_message(response="utter_ask_confirmation", summary=shown)
        return []


class FinishFiling(Action):
    """Ends the filing dialogue: opens the order, or lets go of it."""

    def name(self) -> str:
        return "action_finish_filing"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        draft = Draft.from_slot(tracker.get_slot("draft"), "")
        events = [SlotSet("draft", None), SlotSet("consultation", None), SlotSet("outcome", None)]
        if tracker.get_slot("outcome") in (filing.CANCELLED, consulting.ADVISED):
            dispatcher.utter_message(json_message={"ended": True, "draft": None})
            return events
        if tracker.get_slot("outcome") == filing.JOIN:
            joined = await self._join(tracker, draft)
            if joined is not None:
                await self._settle(tracker, joined["number"])
                _say_joined(dispatcher, joined)
                return [*events, SlotSet("last_order", _proof_of(joined))]
        # Who could not join (the other order is over, the desk was slow) has told enough for an order of their own.
        orders = [self._order(tracker, draft, part) for part in Filing(get_city()).parts(draft)]
        known = None
        for key, order in orders:
            opened = await self._open(order, key)
            if opened is None:
                dispatcher.utter_message(response="utter_not_filed_yet")
                dispatcher.utter_message(json_message={"unfiled": True, "draft": Filing(get_city()).order(draft)})
                return events
            _say_filed(dispatcher, draft.purpose, order, opened)
            if known is None:
                await self._settle(tracker, opened["number"])
            known = _proof_of(opened)
        return [*events, SlotSet("last_order", known)]

    def _order(self, tracker: Tracker, draft: Draft, part: Draft) -> Tuple[str, Dict[str, Any]]:
        """The key under which a part is opened once, and the order as the desk takes it."""
        return part.filing_id, {
            **Filing(get_city()).order(part),
            "channel": channel_of(tracker),
            "conversation_id": tracker.sender_id,
            "message_id": heard_in(tracker).message_id,
            "needs_person": part.needs_person,
            "reason": "citizen asked for a person" if draft.purpose == "person" else None,
        }

    async def _settle(self, tracker: Tracker, number: str) -> None:
        """Note that an order was opened because the answer to a question did not do."""
        if (consultation := Consultation.from_slot(tracker.get_slot("consultation"))) is not None:
            await _adviser(tracker).settle(consultation, "unsolved", number)

    async def _join(self, tracker: Tracker, draft: Draft) -> Optional[Dict[str, Any]]:
        assert draft.nearby is not None
        joining = {
            "conversation_id": tracker.sender_id,
            "contact_phone": draft.contact_phone,
            "text": draft.text,
        }
        try:
            return await get_desk().join(draft.nearby.number, joining)
        except (DeskUnavailable, DeskRefused):
            return None

    async def _open(self, order: Dict[str, Any], key: str) -> Optional[Dict[str, Any]]:
        try:
            return await get_desk().open_order(order, key)
        except (DeskUnavailable, DeskRefused):
            return None


def _proof_of(order: Dict[str, Any]) -> Dict[str, str]:
    """What the conversation remembers of an order: enough to ask for it again."""
    return {"number": order["number"], "query_code": order["query_code"]}


def _say_filed(dispatcher: CollectingDispatcher, purpose: str, order: Dict[str, Any], opened: Dict[str, Any]) -> None:
    category = get_city().by_id.get(opened["category"] or "")
    response = {"person": "utter_person_called"}.get(purpose, "utter_filed")
    if purpose == "order" and order["needs_person"]:
        response = "utter_filed_for_person"
    dispatcher.utter_message(
        response=response,
        number=opened["number"],
        query_code=opened["query_code"],
        category=category.name if category else "",
    )
    card = {
        "number": opened["number"],
        "query_code": opened["query_code"],
        "category": opened["category"],
        "category_name": category.name if category else None,
        "line": opened["line"],
        "state": opened["state"],
        "state_name": get_city().phrases["states"].get(opened["state"], opened["state"]),
    }
    dispatcher.utter_message(json_message={"work_order": card, "ended": True, "draft": None})


def _say_joined(dispatcher: CollectingDispatcher, joined: Dict[str, Any]) -> None:
    dispatcher.utter_message(
        response="utter_joined",
        number=joined["number"],
        query_code=joined["query_code"],
        people=str(joined["people"]),
        state=joined["state_name"],
    )
    dispatcher.utter_message(json_message={"work_order": joined, "ended": True, "draft": None})


class ValidateFollowUpForm(Action):
    """Each turn of the dialogue about an existing order."""

    def name(self) -> str:
        return "validate_follow_up_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        heard = heard_in(tracker)
        dialogue = FollowUp(get_city())
        asked, kept = tracker.get_slot(REQUESTED), tracker.get_slot("inquiry")
        if asked and kept:
            step = dialogue.hear(Inquiry(**kept), asked, heard)
        else:
            step = dialogue.begin(heard, tracker.get_slot("last_order"))
        if step.outcome == follow_up.ASK_DESK:
            step = await self._ask_desk(dispatcher, dialogue, step.inquiry)
        for response in step.say:
            dispatcher.utter_message(response=response)
        return [
            SlotSet("inquiry", step.inquiry.to_slot() if step.ask else None),
            SlotSet("outcome", step.outcome),
            SlotSet(REQUESTED, step.ask),
        ]

    async def _ask_desk(self, dispatcher: CollectingDispatcher, dialogue: FollowUp, inquiry: Inquiry) -> follow_up.Step:
        try:
            progress = await self._do(inquiry)
        except DeskUnavailable:
            return follow_up.Step(inquiry, ("utter_desk_unavailable",), outcome=follow_up.CANCELLED)
        except DeskRefused as refusal:
            if refusal.status == 404:
                return dialogue.refused(inquiry)
            response = {409: "utter_too_late", 429: "utter_too_many_tries"}.get(
                refusal.status, "utter_desk_unavailable"
            )
            return follow_up.Step(inquiry, (response,), outcome=follow_up.CANCELLED)
        dispatcher.utter_message(
            response="utter_expedited_just_now"
            if progress.get("counted") is False
            else f"utter_{inquiry.purpose}_done",
            number=progress["number"],
            state=progress["state_name"],
            category=progress["category_name"] or get_city().phrases["undecided"],
            unit=progress["unit"] or get_city().phrases["undecided"],
            since=progress["created_at"][:10],
        )
        if inquiry.purpose == follow_up.PROGRESS and progress.get("reply"):
            dispatcher.utter_message(
                response="utter_reply",
                reply=progress["reply"],
                outcome=progress["outcome_name"],
                at=progress["replied_at"][:10],
            )
        dispatcher.utter_message(json_message={"work_order": progress, "ended": True})
        return follow_up.Step(inquiry, outcome=follow_up.ASK_DESK)

    async def _do(self, inquiry: Inquiry) -> Dict[str, Any]:
        number, proof = str(inquiry.number), str(inquiry.proof)
        if inquiry.purpose == follow_up.PROGRESS:
            return await get_desk().progress(number, proof)
        path = {
            follow_up.EXPEDITE: "expeditings",
            follow_up.SUPPLEMENT: "supplements",
            follow_up.WITHDRAW: "withdrawal",
        }[inquiry.purpose]
        return await get_desk().follow_up(number, path, proof, inquiry.text)


class FinishFollowUp(Action):
    """Ends the dialogue about an existing order; a citizen who wants a person goes on to be called back."""

    def name(self) -> str:
        return "action_finish_follow_up"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        forget = [SlotSet("inquiry", None), SlotSet("outcome", None)]
        if tracker.get_slot("outcome") == follow_up.HUMAN:
            return [*forget, FollowupAction("filing_form")]
        return forget


class Emergency(Action):
    """Tells to call 119/110/120/122, unless that has been told already."""

    def name(self) -> str:
        return "action_emergency"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        metadata = tracker.latest_message.get("metadata") or {}
        if not metadata.get("emergency_told"):
            dispatcher.utter_message(response="utter_emergency")
        dispatcher.utter_message(response="utter_after_emergency")
        return []


class TakeEnterpriseLine(Action):
    """From now on the citizen speaks for a company."""

    def name(self) -> str:
        return "action_take_enterprise_line"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        dispatcher.utter_message(response="utter_enterprise_line")
        dispatcher.utter_message(response="utter_ask_filing_form_description")
        return [SlotSet("line", filing.ENTERPRISE)]


class Repeat(Action):
    """Says again what was said last."""

    def name(self) -> str:
        return "action_repeat"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        said = _last_said(tracker.events)
        if not said:
            dispatcher.utter_message(response="utter_greet")
        for text in said:
            dispatcher.utter_message(text=text)
        return []


def _last_said(events: List[Dict[str, Any]]) -> List[str]:
    """The bot's texts in the last turn before this one."""
    said: List[str] = []
    for event in reversed(events[: _index_of_last_user(events)]):
        if event["event"] == "user" and said:
            break
        if event["event"] == "bot" and event.get("text"):
            said.insert(0, event["text"])
    return said


def _index_of_last_user(events: List[Dict[str, Any]]) -> int:
    return next((i for i in range(len(events) - 1, -1, -1) if events[i]["event"] == "user"), 0)
