"""The first sentence of a call, and the keys that say what it is about."""

from dataclasses import replace

from intake.messages import Line
from ivr.flow import own_orders, person, talk
from ivr.flow.events import Facts
from ivr.flow.instructions import Pace
from ivr.flow.speaking import prompt, understood
from ivr.flow.state import CallState, Step, Where
from ivr.prompts import Prompts


def greet(state: CallState, facts: Facts, prompts: Prompts) -> Step:
    """The greeting; an elder is put through to a person at once."""
    state = replace(state, facts=facts)
    if facts.elder:
        return person.find(replace(state, pace=Pace.SLOW), before=prompts.elder)
    return menu(state, prompts)


def menu(state: CallState, prompts: Prompts) -> Step:
    """Speak at once, or press a key."""
    leader = (prompts.leader.format(leader=state.facts.leader),) if state.facts.leader else ()
    return prompt(replace(state, where=Where.GREETING, buttons=()), (prompts.greeting, *leader), prompts)


def keyed(state: CallState, keys: str, prompts: Prompts) -> Step | None:
    """What a key of the greeting does; None: it is none of them."""
    state = understood(state)
    match keys:
        case "1":
            return talk.begin(state, prompts.citizen, prompts)
        case "2":
            return enterprise(state, prompts)
        case "3":
            return own_orders.ask_for_proof(state, prompts)
        case "4":
            return talk.begin(replace(state, suggestion=True), prompts.suggestion, prompts)
        case "8" if state.facts.leader:
            return person.find(replace(state, line=Line.LEADER))
        case _:
            return None


def heard(state: CallState, words: str, prompts: Prompts) -> Step | None:
    """What short words at the greeting do; None: they are a matter."""
    if words in prompts.enterprise_words:
        return enterprise(understood(state), prompts)
    if words in prompts.progress_words:
        return own_orders.ask_for_proof(understood(state), prompts)
    return None


def enterprise(state: CallState, prompts: Prompts) -> Step:
    """The enterprise line."""
    return talk.begin(replace(state, line=Line.ENTERPRISE), prompts.enterprise, prompts)
