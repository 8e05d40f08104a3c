"""A caller's own open orders: nothing of them is spoken before the proof of who is calling."""

from dataclasses import replace

from intake.messages import Expects
from ivr.flow import talk
from ivr.flow.events import Heard
from ivr.flow.needs import Effect, Expedite, OpenOrder, Prove, Proved, Supplement
from ivr.flow.speaking import keyed_choice, listening, plain, prompt, reprompt, spoken_choice, understood
from ivr.flow.state import CallState, Local, Step, Where, button_of
from ivr.prompts import Prompts

SHORTEST_PROOF = 4
"""The last signs of an ID number; a query code has six."""


def ask_for_proof(state: CallState, prompts: Prompts) -> Step:
    """Ask a known number who is calling; others ask the conversation, which wants the order's number as well."""
    if not state.facts.known:
        return talk.ask(state, prompts.progress)
    return prompt(replace(state, where=Where.PROOF, buttons=()), (prompts.proof,), prompts)


def prove(state: CallState, keys: str) -> Step:
    """Have the keys checked; * stands for the X that ends some ID numbers."""
    return Step(replace(understood(state), proofs=state.proofs + 1), need=Prove(keys.replace("*", "X")))


def proved(step: Step, found: Proved, prompts: Prompts) -> Step:
    """Tell the newest open order, or ask for the proof again."""
    if found.barred:
        return talk.begin(step.state, prompts.barred, prompts)
    if found.orders is None:
        return reprompt(step.state, prompts.proof_wrong)
    if not found.orders:
        return talk.begin(step.state, prompts.nothing_open, prompts)
    return tell(replace(step.state, orders=found.orders), found.orders[0], prompts)


def tell(state: CallState, order: OpenOrder, prompts: Prompts) -> Step:
    """One order in a breath, and what can be done with it."""
    told = "，".join(filter(None, (order.state, order.due, order.light)))
    template = prompts.open_order if order.matter else prompts.secret_order
    sentence = template.format(age=order.age, matter=order.matter, number=" ".join(order.number[-6:]), state=told)
    return _offer(replace(state, order=order.number), (sentence,), prompts)


def choose(state: CallState, payload: str, prompts: Prompts) -> Step:
    """Add to the order, urge it, hear the next one, or speak of something else."""
    match payload:
        case Local.SUPPLEMENT:
            asked = replace(understood(state), where=Where.SUPPLEMENT, buttons=(), pieces=())
            return prompt(asked, (prompts.supplement,), prompts)
        case Local.EXPEDITE if state.order is not None:
            return _done(understood(state), Expedite(state.order), prompts.expedited, prompts)
        case Local.NEXT:
            following = [order.number for order in state.orders].index(state.order or "") + 1
            return tell(understood(state), state.orders[following % len(state.orders)], prompts)
        case _:
            return talk.begin(replace(understood(state), expects=Expects.SPEECH), prompts.go_on, prompts)


def keyed(state: CallState, keys: str, prompts: Prompts) -> Step | None:
    """A key of the choices; None: it is none of them."""
    chosen = keyed_choice(state, keys)
    return None if chosen is None else choose(state, chosen.payload, prompts)


def heard(state: CallState, said: Heard, prompts: Prompts) -> Step:
    """A choice by its words; anything else is a new matter."""
    chosen = spoken_choice(state, plain(said.text), prompts)
    return (
        talk.heard(replace(state, buttons=()), said, prompts)
        if chosen is None
        else choose(state, chosen.payload, prompts)
    )


def another_piece(state: CallState, said: Heard, prompts: Prompts) -> Step:
    """One more piece of what is added to the order, or the words that end it."""
    if state.pieces and plain(said.text) in prompts.told_words:
        return supplemented(state, prompts)
    longer = replace(understood(state), pieces=(*state.pieces, said.text.strip()))
    return Step(longer, (listening(longer),))


def supplemented(state: CallState, prompts: Prompts) -> Step:
    """All is said: it goes to the order."""
    text = "，".join(state.pieces)
    return _done(
        replace(understood(state), pieces=()), Supplement(state.order or "", text), prompts.supplemented, prompts
    )


def _done(state: CallState, effect: Effect, sentence: str, prompts: Prompts) -> Step:
    return replace(_offer(state, (sentence,), prompts), effects=(effect,))


def _offer(state: CallState, said: tuple[str, ...], prompts: Prompts) -> Step:
    choices = [Local.SUPPLEMENT, Local.EXPEDITE, *([Local.NEXT] if len(state.orders) > 1 else []), Local.OTHER]
    buttons = tuple(button_of(choice, prompts) for choice in choices)
    return prompt(replace(state, where=Where.ORDERS, buttons=buttons), said, prompts)
