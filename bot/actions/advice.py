"""A consultation as the form leads it: the pure dialogue, and what it asks of the knowledge base meanwhile."""

from typing import Any, Dict, Optional, Tuple

from bot.actions.answers import ALL
from bot.actions.city import City
from bot.actions.consulting import (
    ANOTHER,
    CHOICE,
    FILED,
    PERSON,
    SOLVED,
    SURE,
    AskWithin,
    Choose,
    Consultation,
    Consulting,
    SendText,
    Turn,
    step_after,
)
from bot.actions.desk import Desk
from bot.actions.filing import DESCRIPTION, Draft, Filing, Heard, Step
from bot.actions.large_model import LargeModel

LONGEST_QUESTION = 4000
MAY_BE_CITED = 0.2
"""How likely an entry has to be for a writer to read it beside the one that is sure."""
MOST_CITED = 3


class Adviser:
    """Answers the questions of one conversation."""

    def __init__(
        self,
        city: City,
        desk: Desk,
        conversation_id: str,
        channel: str,
        *,
        spoken: bool,
        writer: Optional[LargeModel] = None,
    ) -> None:
        """`writer` puts answers into the terms of the question, where a city has one."""
        self.consulting = Consulting(city)
        self._city = city
        self._writer = writer
        self._desk = desk
        self._conversation_id = conversation_id
        self._channel = channel
        self._spoken = spoken

    async def lead(
        self,
        filing: Filing,
        draft: Draft,
        asked: Optional[str],
        topic: Optional[Consultation],
        heard: Heard,
        *,
        danger: bool,
    ) -> Tuple[Step, Optional[Turn]]:
        """The next step of the form, and the turn of a consultation it comes from, where there is one.

        `topic`: the consultation in which `asked` was asked. In `danger` nothing is answered but the danger.
        """
        if topic is not None and asked is not None:
            turn = await self._go_on(topic, asked, heard)
            if turn.ends != ANOTHER:
                return step_after(turn, filing, draft, heard), turn
            step = filing.hear(Draft(f"{self._conversation_id}:{heard.message_id}", line=draft.line), None, heard)
        else:
            step = filing.hear(draft, asked, heard)
            if draft.text or asked not in (None, DESCRIPTION):
                return step, None
        begun = None if danger else await self._begin(filing, step, heard, topic)
        if begun is None:
            return step, None
        is_within = topic is not None and begun.consultation.question_id == topic.question_id
        return step_after(begun, filing, draft if is_within else step.draft, heard), begun

    async def _begin(self, filing: Filing, step: Step, heard: Heard, topic: Optional[Consultation]) -> Optional[Turn]:
        """What becomes of a message that begins something; None: it is no question, or the knowledge base is silent.

        `topic`: what was talked of before. A few words nothing is found for were meant within it.
        """
        if not self.consulting.is_question(step, heard):
            return None
        is_mere, area = filing.is_mere_question(step.draft), step.draft.area_code
        told = await self._ask(heard, heard.text, area, is_question=is_mere)
        if told is None:
            return None
        told = await self._in_its_terms(told, heard)
        is_found = told["verdict"] == SURE or (is_mere and told["verdict"] == CHOICE)
        if topic and not is_found and self.consulting.belongs_here(heard.text):
            return self.consulting.unsure_of_this(topic, heard.text)
        return self.consulting.begin(
            told, is_mere_question=is_mere, spoken=self._spoken, caller=heard.caller, area=area
        )

    async def _in_its_terms(self, told: Dict[str, Any], heard: Heard) -> Dict[str, Any]:
        """What was found, with an answer in the terms of the question where a writer has one that entries bear out.

        The telephone is told the entry's own short words: its caller waits meanwhile.
        """
        if self._writer is None or self._spoken or told["verdict"] != SURE:
            return told
        likely = [each for each in told["results"] if each["probability"] >= MAY_BE_CITED]
        shown = {each["id"]: self.consulting.answers.shown(each, ALL) for each in likely[:MOST_CITED]}
        written = await self._writer.answer(heard.text, shown, self._city)
        first = told["results"][0]
        if written is None or first["id"] not in written.cited:
            return told
        sources = [each["source"] for each in likely if each["id"] in written.cited and each["source"]]
        in_its_terms = {**first, "answer": written.text, "source": "、".join(dict.fromkeys(sources))}
        return {**told, "results": [in_its_terms, *told["results"][1:]]}

    async def _go_on(self, consultation: Consultation, asked: str, heard: Heard) -> Turn:
        """What becomes of a message in a consultation."""
        turn = self.consulting.hear(consultation, asked, heard)
        while turn.needs is not None:
            turn = self.consulting.met(turn, await self._meet(turn, heard))
        if turn.ends == SOLVED:
            await self.settle(turn.consultation, "solved")
        elif turn.ends in (FILED, PERSON):
            await self.settle(turn.consultation, "unsolved")
        return turn

    async def settle(self, consultation: Consultation, outcome: str, order_number: Optional[str] = None) -> None:
        """Note what became of the question, and which order was opened because its answer did not do."""
        if consultation.question_id is not None:
            await self._desk.settle(consultation.question_id, outcome, order_number)

    async def _meet(self, turn: Turn, heard: Heard) -> Any:
        question_id, needs = turn.consultation.question_id, turn.needs
        if isinstance(needs, AskWithin):
            return await self._ask_within(turn.consultation, needs, heard)
        if question_id is None:
            return None
        if isinstance(needs, Choose):
            return await self._desk.choose(question_id, needs.entry)
        assert isinstance(needs, SendText)
        return bool(heard.caller) and await self._desk.send_text(question_id, str(heard.caller))

    async def _ask_within(self, topic: Consultation, needs: AskWithin, heard: Heard) -> Optional[Dict[str, Any]]:
        told = await self._ask(heard, needs.alone, topic.area, is_question=False)
        if told is None or told["verdict"] == SURE:
            return told
        return await self._ask(heard, needs.together, topic.area, is_question=True)

    async def _ask(
        self, heard: Heard, text: str, area: Optional[str], *, is_question: bool
    ) -> Optional[Dict[str, Any]]:
        return await self._desk.ask(
            {
                "text": text[:LONGEST_QUESTION],
                "channel": self._channel,
                "line": heard.line,
                "conversation_id": self._conversation_id,
                "message_id": heard.message_id,
                "area": area,
                "is_question": is_question,
            }
        )
