"""In the conversation with the bot: stories in pieces, choices, numbers, and what is said when a matter is filed."""

from dataclasses import replace

from intake.messages import Answer, Expects, Reply
from ivr.flow.events import Heard
from ivr.flow.instructions import Instruction
from ivr.flow.needs import Ask, ShareCard, Shared, TextNumber
from ivr.flow.speaking import (
    MOST_CHOICES,
    keyed_choice,
    leave,
    listening,
    plain,
    prompt,
    say,
    spoken_choice,
    understood,
)
from ivr.flow.state import CallState, Local, Step, Where, button_of, is_mobile
from ivr.prompts import Prompts

SHORTEST_STORY = 20
"""So many characters said in one breath are a story of which more may come."""


def begin(state: CallState, sentence: str, prompts: Prompts) -> Step:
    """Ask for the matter."""
    return prompt(replace(state, where=Where.TALK, buttons=(), expects=Expects.SPEECH), (sentence,), prompts)


def ask(state: CallState, text: str, before: tuple[Instruction, ...] = ()) -> Step:
    """Tell the conversation what was said or chosen."""
    if state.suggestion and state.messages == 0:
        text = SUGGESTS + text
    told = replace(understood(state), where=Where.TALK, messages=state.messages + 1, pieces=())
    return Step(told, before, need=Ask(text))


SUGGESTS = "我有一个建议："
"""What stands before the matter of who pressed the key for suggestions, so that its nature is told rightly."""


def heard(state: CallState, said: Heard, prompts: Prompts) -> Step:
    """Words: a choice, a piece of a story, or a matter."""
    words = plain(said.text)
    if (chosen := spoken_choice(state, words, prompts)) is not None:
        return choose(state, chosen.payload, prompts)
    if _is_story(state, words):
        begun = replace(understood(state), where=Where.STORY, pieces=(said.text.strip(),))
        return Step(begun, (*say(begun, prompts.more), listening(begun)))
    return ask(state, said.text.strip())


def keyed(state: CallState, keys: str, prompts: Prompts) -> Step | None:
    """Keys: a choice, or a number that was asked for; None: neither."""
    if (chosen := keyed_choice(state, keys)) is not None:
        return choose(state, chosen.payload, prompts)
    return ask(state, keys) if state.collects_number else None


def choose(state: CallState, payload: str, prompts: Prompts) -> Step:
    """Do what a choice stands for, or tell it to the conversation."""
    if payload == Local.FAMILY:
        asked = replace(understood(state), where=Where.FAMILY, buttons=(), closed=False)
        return prompt(asked, (prompts.family,), prompts)
    return ask(state, payload)


def another_piece(state: CallState, said: Heard, prompts: Prompts) -> Step:
    """One more piece of a story, or the words that end it."""
    if plain(said.text) in prompts.told_words:
        return story_told(state)
    longer = replace(understood(state), pieces=(*state.pieces, said.text.strip()))
    return Step(longer, (listening(longer),))


def story_told(state: CallState) -> Step:
    """The story is told: now it is answered."""
    return ask(state, "，".join(state.pieces))


def answered(step: Step, answer: Answer, prompts: Prompts) -> Step:
    """What is said now that the conversation has answered what `step` asked."""
    if step.leaving:
        return leave(step.state, (*truth_about(answer, prompts), prompts.goodbye), step.instructions)
    last = answer.replies[-1] if answer.replies else Reply(prompts.go_on)
    state = replace(
        step.state, where=Where.TALK, expects=last.expects, buttons=last.buttons[:MOST_CHOICES], closed=answer.ended
    )
    said = tuple(reply.text for reply in answer.replies) or (last.text,)
    if answer.ended and answer.work_order is None and last.expects is Expects.NOTHING:
        return leave(state, said, step.instructions)
    opened = answer.work_order if answer.work_order and answer.work_order.get("query_code") else None
    if opened is None:
        spoken = prompt(state, said, prompts)
        return replace(spoken, instructions=(*step.instructions, *spoken.instructions))
    number = opened["number"]
    texted = state.facts.texts and is_mobile(state.caller) and state.order != number
    effects = (TextNumber(number),) if texted else ()
    filed = replace(state, order=number)
    if answer.ended and state.facts.texts:
        filed = replace(filed, buttons=(*filed.buttons, button_of(Local.FAMILY, prompts))[:MOST_CHOICES])
    spoken = prompt(filed, (*said, *((prompts.texted,) if texted else ())), prompts)
    return replace(spoken, instructions=(*step.instructions, *spoken.instructions), effects=effects)


def truth_about(answer: Answer, prompts: Prompts) -> tuple[str, ...]:
    """What may be said to a caller who does not speak: no question, and no promise without a record."""
    if answer.work_order is not None or answer.degraded:
        return tuple(reply.text for reply in answer.replies)
    return (prompts.kept,) if answer.draft else ()


def family(state: CallState, keys: str) -> Step | None:
    """The telephone of a family member who gets the order's card; None: it is not a mobile number."""
    if state.order is None or not is_mobile(keys):
        return None
    shared = replace(understood(state), where=Where.TALK, closed=True, expects=Expects.SPEECH)
    return Step(shared, need=ShareCard(state.order, keys))


def shared(step: Step, told: Shared, prompts: Prompts) -> Step:
    """Whether the family member has the card."""
    return prompt(step.state, (prompts.shared if told.sent else prompts.not_shared,), prompts)


def _is_story(state: CallState, words: str) -> bool:
    awaits_matter = state.messages == 0 or state.closed or state.expects is Expects.SPEECH
    return awaits_matter and not state.buttons and len(words) >= SHORTEST_STORY
