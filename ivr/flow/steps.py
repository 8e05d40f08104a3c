"""One step of a call: what happened, by where the call is."""

from dataclasses import replace

from intake.messages import Answer
from ivr.flow import greeting, own_orders, person, talk
from ivr.flow.events import Event, Heard, HungUp, Keyed, Recorded, Returned, Silence, Started
from ivr.flow.instructions import ComeBack, HangUp, Pace, Say
from ivr.flow.needs import CallBack, Effect, Kept, Met, Proved, SeatFound, Shared, Supplement, Why
from ivr.flow.speaking import is_clear, keyed_choice, leave, plain, repeat, reprompt, spoken_choice
from ivr.flow.state import CallState, Step, Where
from ivr.prompts import Prompts


def advance(state: CallState, event: Event, prompts: Prompts) -> Step:
    """What the flow does when `event` happens in `state`."""
    match event:
        case Started():
            return greeting.greet(state, event.facts, prompts)
        case Heard():
            return _heard(state, event, prompts)
        case Keyed():
            return _keyed(state, event.keys, prompts)
        case Silence():
            return _silent(state, prompts)
        case Recorded():
            return person.recorded(state, event, prompts)
        case Returned():
            return person.returned(state, event, prompts)
        case HungUp():
            return Step(replace(state, where=Where.OVER), effects=_left_undone(state))


def met(step: Step, told: Met, prompts: Prompts) -> Step:
    """What is said now that what `step` needed is met."""
    match told:
        case Answer():
            return talk.answered(step, told, prompts)
        case Proved():
            return own_orders.proved(step, told, prompts)
        case SeatFound():
            return person.found(step, told, prompts)
        case Kept():
            return person.kept(step, told, prompts)
        case Shared():
            return talk.shared(step, told, prompts)


def hold(state: CallState, times: int, prompts: Prompts) -> Step:
    """The answer takes long: say so, another sentence each time, and come back for it."""
    sentence = prompts.hold[min(times, len(prompts.hold) - 1)]
    return Step(state, (Say(sentence, state.pace, state.loud), ComeBack()))


def apologise(state: CallState, again: bool, prompts: Prompts) -> Step:
    """Something broke in this step: say so and listen, or, when it breaks `again`, say so and end."""
    if again:
        return Step(replace(state, where=Where.OVER), (Say(prompts.trouble_goodbye), HangUp()))
    return reprompt(state, prompts.trouble)


def _heard(state: CallState, said: Heard, prompts: Prompts) -> Step:
    if not is_clear(said):
        return _not_matched(state, prompts.no_match[min(state.no_matches, len(prompts.no_match) - 1)], prompts)
    words = plain(said.text)
    if person.is_wanted(words, prompts):
        return person.find(state)
    if state.prompt and (spoken := _spoken_otherwise(state, words, prompts)) is not None:
        return spoken
    match state.where:
        case Where.GREETING:
            return greeting.heard(state, words, prompts) or talk.heard(state, said, prompts)
        case Where.STORY:
            return talk.another_piece(state, said, prompts)
        case Where.SUPPLEMENT:
            return own_orders.another_piece(state, said, prompts)
        case Where.ORDERS:
            return own_orders.heard(state, said, prompts)
        case Where.TALK:
            return talk.heard(state, said, prompts)
        case Where.PROOF | Where.FAMILY if digits := "".join(c for c in words if c.isdecimal()):
            return _keyed(state, digits, prompts)
        case _:
            return _chosen_by_words(state, words, prompts)


def _chosen_by_words(state: CallState, words: str, prompts: Prompts) -> Step:
    chosen = spoken_choice(state, words, prompts)
    if chosen is None:
        return _not_matched(state, prompts.wrong_key, prompts)
    return _choose(state, chosen.payload, prompts)


def _choose(state: CallState, payload: str, prompts: Prompts) -> Step:
    if state.where is Where.DIALECT:
        return person.chose_dialect(state, payload)
    return person.choose(state, payload, prompts)


def _spoken_otherwise(state: CallState, words: str, prompts: Prompts) -> Step | None:
    """The last prompt again: as it was, slower, or louder."""
    if words in prompts.repeat_words:
        return repeat(state)
    if words in prompts.slower_words:
        return repeat(replace(state, pace=Pace.SLOW))
    if words in prompts.louder_words:
        return repeat(replace(state, loud=True))
    return None


def _keyed(state: CallState, keys: str, prompts: Prompts) -> Step:
    if state.where in (Where.STORY, Where.SUPPLEMENT) and state.pieces:
        return _told(state, prompts) if "0" not in keys else person.find(state)
    if keys == "#":
        return _back(state, prompts)
    if not (state.where is Where.PROOF and keys.rstrip("#").endswith("*") and len(keys) > 1):
        keys = keys.rpartition("*")[2]  # * also starts a mistyped number anew
    keys = keys.strip("#")
    if not keys:
        return repeat(state)
    if keys == "0":
        return person.find(state)
    if keys == "9":
        return repeat(replace(state, pace=Pace.SLOW))
    return _keyed_here(state, keys, prompts) or _not_matched(state, prompts.wrong_key, prompts)


def _keyed_here(state: CallState, keys: str, prompts: Prompts) -> Step | None:
    match state.where:
        case Where.GREETING:
            return greeting.keyed(state, keys, prompts)
        case Where.TALK:
            return talk.keyed(state, keys, prompts)
        case Where.PROOF:
            return own_orders.prove(state, keys) if len(keys) >= own_orders.SHORTEST_PROOF else None
        case Where.ORDERS:
            return own_orders.keyed(state, keys, prompts)
        case Where.FAMILY:
            return talk.family(state, keys)
        case _:
            chosen = keyed_choice(state, keys)
            return None if chosen is None else _choose(state, chosen.payload, prompts)


def _told(state: CallState, prompts: Prompts) -> Step:
    """The pieces of a story, or of what is added to an order, are complete."""
    return own_orders.supplemented(state, prompts) if state.where is Where.SUPPLEMENT else talk.story_told(state)


def _back(state: CallState, prompts: Prompts) -> Step:
    """One step back: the bot knows its own, the flow's own steps lead to the greeting."""
    if state.where is Where.TALK and state.messages:
        return talk.ask(state, prompts.back)
    return greeting.menu(replace(state, closed=False), prompts)


def _silent(state: CallState, prompts: Prompts) -> Step:
    if state.pieces:
        return _told(state, prompts)
    if state.closed:
        return leave(state, (prompts.goodbye,))
    count = state.silences + 1
    if count <= len(prompts.silence):
        return _again(replace(state, silences=count), count, prompts.silence[count - 1])
    return person.fell_silent(state, prompts)


def _not_matched(state: CallState, sentence: str, prompts: Prompts) -> Step:
    """Ask again, each time slower and shorter; then a person or a recorded message."""
    count = state.no_matches + 1
    if count <= len(prompts.no_match):
        return _again(replace(state, no_matches=count), count, sentence)
    return person.give_up(state, prompts.still_unclear)


def _again(state: CallState, count: int, sentence: str) -> Step:
    return reprompt(state, sentence, Pace.SLOW if count > 1 else None)


def _left_undone(state: CallState) -> tuple[Effect, ...]:
    """What is owed to a caller who hung up: what was being added to an order, or a call back when nobody helped.

    What was told to the conversation is not lost either; the line leaves that to it.
    """
    if state.where is Where.SUPPLEMENT and state.pieces and state.order:
        return (Supplement(state.order, "，".join(state.pieces)),)
    if state.caller is None or state.ended:
        return ()
    if state.where is Where.WAITING:
        return (CallBack(Why.LEFT_WAITING),)
    unheard = state.messages == 0 and not state.pieces and not state.orders
    if unheard or state.where in (Where.NOBODY, Where.MESSAGE, Where.DIALECT):
        return (CallBack(Why.OUT_OF_HOURS if state.opens else Why.MISSED),)
    return ()
