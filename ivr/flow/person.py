"""Getting to a person: the seat that is found, waiting, and what is left when nobody is there."""

from dataclasses import replace

from intake.messages import Button, Expects
from ivr.flow import talk
from ivr.flow.events import Ended, Recorded, Returned
from ivr.flow.instructions import Connect, Enqueue, Instruction, Record
from ivr.flow.needs import Ask, CallBack, FindSeat, KeepMessage, Kept, SeatFound, Why
from ivr.flow.speaking import MOST_CHOICES, leave, prompt, say, understood
from ivr.flow.state import CallState, Local, Step, Where, button_of
from ivr.prompts import Prompts

LONGEST_WISH = 20
"""A longer sentence that speaks of a person is a matter."""


def is_wanted(words: str, prompts: Prompts) -> bool:
    """Whether plain words ask for a person."""
    if words in prompts.person_words:
        return True
    return len(words) <= LONGEST_WISH and any(pattern.search(words) for pattern in prompts.person_patterns)


def find(state: CallState, before: str = "") -> Step:
    """Look for somebody to talk to on the call's line."""
    said = say(state, before) if before else ()
    kept = state if state.where is not Where.STORY else replace(state, where=Where.TALK)
    return Step(understood(kept), said, need=FindSeat(state.line, state.dialect))


def found(step: Step, seat: SeatFound, prompts: Prompts) -> Step:
    """Put the caller through, offer a dialect first, or say that nobody is there."""
    state, before = step.state, step.instructions
    if seat.dialects and state.dialect is None:
        buttons = tuple(Button(name, name) for name in (prompts.mandarin, *seat.dialects))[:MOST_CHOICES]
        asked = prompt(replace(state, where=Where.DIALECT, buttons=buttons), (prompts.dialect,), prompts)
        return replace(asked, instructions=(*before, *asked.instructions))
    waiting = replace(state, where=Where.WAITING, buttons=())
    if seat.number is not None:
        said = (seat.notice, prompts.connecting) if seat.notice else (prompts.connecting,)
        return Step(waiting, (*before, *say(state, *said), Connect(seat.number, recorded=seat.notice is not None)))
    if seat.queue is not None:
        return Step(waiting, (*before, *say(state, *_place(seat, prompts)), Enqueue(seat.queue)))
    if step.leaving:
        return message(state, prompts, before)
    return _nobody(state, before, seat.opens, prompts)


def chose_dialect(state: CallState, name: str) -> Step:
    """The caller said which speech a seat should understand."""
    return find(replace(state, dialect=name, buttons=()))


def returned(state: CallState, event: Returned, prompts: Prompts) -> Step:
    """The call comes back from a person or from waiting."""
    match event.how:
        case Ended.TALKED:
            return leave(state, (prompts.goodbye,))
        case Ended.CALL_BACK if state.caller is not None:
            return replace(leave(state, (prompts.keeps_place, prompts.goodbye)), effects=(CallBack(Why.KEEPS_PLACE),))
        case Ended.LEFT:
            return talk.begin(state, prompts.go_on, prompts)
        case _:
            return _nobody(state, (), None, prompts)


def choose(state: CallState, payload: str, prompts: Prompts) -> Step:
    """Nobody is there: a message, being called back, or going on with the bot."""
    match payload:
        case Local.MESSAGE:
            return message(state, prompts)
        case Local.CALL_BACK:
            return _call_back(state, prompts)
        case _:
            return talk.begin(replace(state, expects=Expects.SPEECH), prompts.go_on, prompts)


def message(state: CallState, prompts: Prompts, before: tuple[Instruction, ...] = ()) -> Step:
    """Say that what follows is recorded and what becomes of it, and record."""
    recording = replace(understood(state), where=Where.MESSAGE, buttons=())
    return Step(recording, (*before, *say(state, prompts.message), Record()))


def recorded(state: CallState, event: Recorded, prompts: Prompts) -> Step:
    """A message was spoken: it is kept for a person. Without one, who can be called back is."""
    if event.sid is not None and event.seconds > 0:
        return Step(state, need=KeepMessage(event.sid, event.url, event.seconds))
    if state.caller is None:
        return leave(state, (prompts.unreachable, prompts.goodbye))
    return _call_back(state, prompts)


def kept(step: Step, told: Kept, prompts: Prompts) -> Step:
    """The message is kept: its number, and good-bye."""
    sentence = prompts.message_kept.format(number=told.number) if told.number else prompts.kept
    return leave(step.state, (sentence, prompts.goodbye), step.instructions)


def give_up(state: CallState, sentence: str) -> Step:
    """Nothing is understood: a person, and where there is none a recorded message."""
    return replace(find(state, before=sentence), leaving=True)


def fell_silent(state: CallState, prompts: Prompts) -> Step:
    """Nobody speaks any more: what was said is kept for a person; without a word, a message may be left."""
    if state.messages == 0 and not state.pieces:
        return message(state, prompts, before=say(state, prompts.still_silent))
    pieces = "，".join(state.pieces)
    told = replace(understood(state), where=Where.TALK, messages=state.messages + 1, pieces=())
    return Step(told, say(state, prompts.still_silent), need=Ask(pieces or prompts.person), leaving=True)


def _call_back(state: CallState, prompts: Prompts) -> Step:
    why = Why.OUT_OF_HOURS if state.opens else Why.MISSED
    return replace(leave(state, (prompts.will_call_back, prompts.goodbye)), effects=(CallBack(why),))


def _nobody(state: CallState, before: tuple[Instruction, ...], opens: str | None, prompts: Prompts) -> Step:
    sentence = prompts.nobody_until.format(opens=opens) if opens else prompts.nobody
    choices = [Local.MESSAGE, *([Local.CALL_BACK] if state.caller else []), Local.OTHER]
    buttons = tuple(button_of(choice, prompts) for choice in choices)
    alone = replace(understood(state), where=Where.NOBODY, buttons=buttons, opens=opens)
    asked = prompt(alone, (sentence,), prompts)
    return replace(asked, instructions=(*before, *asked.instructions))


def _place(seat: SeatFound, prompts: Prompts) -> tuple[str, ...]:
    ahead = seat.position - 1
    if ahead == 0:
        return (prompts.queue_next,)
    if seat.minutes is None:
        return (prompts.queue_place.format(ahead=ahead),)
    return (prompts.queue_wait.format(ahead=ahead, minutes=seat.minutes),)
