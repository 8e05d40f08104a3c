"""Asking after an order that exists: progress, expedite, supplement, withdraw. Pure, like `filing`."""

import re
import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Optional, Tuple

from stdnum.iso7064 import mod_11_10

from bot.actions.city import City
from bot.actions.controls import Controls, tidy
from bot.actions.filing import Heard

PROGRESS, EXPEDITE, SUPPLEMENT, WITHDRAW = "progress", "expedite", "supplement", "withdraw"
PURPOSE_OF_INTENT = {
    "ask_progress": PROGRESS,
    "expedite": EXPEDITE,
    "supplement": SUPPLEMENT,
    "withdraw": WITHDRAW,
}

# The steps; their names are the form's requested slots.
NUMBER, PROOF, ADDITION, SURE = "number", "proof", "addition", "sure"

ASK_DESK, CANCELLED, HUMAN = "ask_desk", "cancelled", "human"

NUMBER_DIGITS = 14
MOST_ATTEMPTS = 3
_SPOKEN = str.maketrans("零〇一二三四五六七八九幺", "001234567891")


@dataclass(frozen=True)
class Inquiry:
    """What is to be done with which order, and the proof that it is the citizen's."""

    purpose: str
    number: Optional[str] = None
    proof: Optional[str] = None
    text: Optional[str] = None
    sure: bool = False
    attempts: int = 0

    def to_slot(self) -> Dict[str, Any]:
        """The inquiry as the tracker keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Step:
    """The state after a message: responses to give first, what to ask, or how it ends."""

    inquiry: Inquiry
    say: Tuple[str, ...] = ()
    ask: Optional[str] = None
    outcome: Optional[str] = None


class FollowUp:
    """The rules of the dialogue about an existing order."""

    def __init__(self, city: City) -> None:
        self._controls = Controls(city)

    def begin(self, heard: Heard, last_order: Optional[Dict[str, str]]) -> Step:
        """The first message. The order filed in this very conversation is meant unless another number is said."""
        number, proof = find_number(heard.text), None
        if number is None and last_order:
            number, proof = last_order["number"], last_order["query_code"]
        inquiry = Inquiry(PURPOSE_OF_INTENT.get(heard.intent, PROGRESS), number, proof)
        if inquiry.proof is None and number is not None:
            inquiry = replace(inquiry, proof=find_proof(_without(heard.text, number)))
        return self._go_on(inquiry)

    def hear(self, inquiry: Inquiry, asked: str, heard: Heard) -> Step:
        """What a message means at the step that was asked."""
        control = self._controls.control(heard.text, heard.intent, heard.confidence)
        if control == "human":
            return Step(inquiry, outcome=HUMAN)
        if control == "cancel" and asked != SURE:
            return Step(inquiry, ("utter_cancelled",), outcome=CANCELLED)
        if control == "start_over":
            return Step(Inquiry(inquiry.purpose), ask=NUMBER)
        if control == "back":
            return self._back(inquiry, asked)
        if control == "repeat":
            return Step(inquiry, ask=asked)
        step: Step = getattr(self, f"_hear_{asked}")(inquiry, heard)
        return step

    def refused(self, inquiry: Inquiry) -> Step:
        """The desk knows no order with this number and proof: ask again, at most `MOST_ATTEMPTS` times."""
        if inquiry.attempts + 1 >= MOST_ATTEMPTS:
            return Step(inquiry, ("utter_order_not_found_finally",), outcome=CANCELLED)
        again = Inquiry(inquiry.purpose, text=inquiry.text, attempts=inquiry.attempts + 1)
        return Step(again, ("utter_order_not_found",), ask=NUMBER)

    def _hear_number(self, inquiry: Inquiry, heard: Heard) -> Step:
        number = find_number(heard.text)
        if number is None:
            if inquiry.attempts + 1 >= MOST_ATTEMPTS:
                return Step(inquiry, ("utter_order_not_found_finally",), outcome=CANCELLED)
            return Step(replace(inquiry, attempts=inquiry.attempts + 1), ("utter_number_invalid",), ask=NUMBER)
        proof = find_proof(_without(heard.text, number)) or inquiry.proof
        return self._go_on(replace(inquiry, number=number, proof=proof))

    def _hear_proof(self, inquiry: Inquiry, heard: Heard) -> Step:
        proof = find_proof(heard.text)
        if proof is None:
            if inquiry.attempts + 1 >= MOST_ATTEMPTS:
                return Step(inquiry, ("utter_order_not_found_finally",), outcome=CANCELLED)
            return Step(replace(inquiry, attempts=inquiry.attempts + 1), ("utter_proof_invalid",), ask=PROOF)
        return self._go_on(replace(inquiry, proof=proof))

    def _hear_addition(self, inquiry: Inquiry, heard: Heard) -> Step:
        if len(tidy(heard.text)) < 2:
            return Step(inquiry, ask=ADDITION)
        return self._go_on(replace(inquiry, text=heard.text.strip()))

    def _hear_sure(self, inquiry: Inquiry, heard: Heard) -> Step:
        # 不撤了 sounds like 撤了 to the classifier; what begins with a no withdraws nothing.
        refuses = self._controls.means(heard.text, "deny") or tidy(heard.text).startswith(("不", "别", "先不"))
        means_it = self._controls.means(heard.text, "affirm", "cancel") or heard.intent in ("affirm", "withdraw")
        if refuses or not means_it:
            return Step(inquiry, ("utter_not_withdrawn",), outcome=CANCELLED)
        return self._go_on(replace(inquiry, sure=True))

    def _go_on(self, inquiry: Inquiry) -> Step:
        if inquiry.number is None:
            return Step(inquiry, ask=NUMBER)
        if inquiry.proof is None:
            return Step(inquiry, ask=PROOF)
        if inquiry.purpose == SUPPLEMENT and not inquiry.text:
            return Step(inquiry, ask=ADDITION)
        if inquiry.purpose == WITHDRAW and not inquiry.sure:
            return Step(inquiry, ask=SURE)
        return Step(inquiry, outcome=ASK_DESK)

    def _back(self, inquiry: Inquiry, asked: str) -> Step:
        if asked == NUMBER:
            return Step(inquiry, ("utter_cancelled",), outcome=CANCELLED)
        if asked == PROOF:
            return Step(replace(inquiry, number=None, proof=None), ask=NUMBER)
        return Step(replace(inquiry, proof=None), ask=PROOF)


def find_number(text: str) -> Optional[str]:
    """The order number in what a person typed, keyed or said, or None; its check digit has to fit."""
    plain = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    for run in re.findall(r"[0-9](?:[\s\-]*[0-9])*", plain):
        digits = re.sub(r"[^0-9]", "", run)[:NUMBER_DIGITS]
        if len(digits) == NUMBER_DIGITS and mod_11_10.is_valid(digits):
            return f"{digits[:8]}-{digits[8:]}"
    return None


def find_proof(text: str) -> Optional[str]:
    """Four (phone tail) or six (query code) digits, or the tail of a whole phone number; None otherwise."""
    plain = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    runs = [re.sub(r"[^0-9]", "", run) for run in re.findall(r"[0-9](?:[\s\-]*[0-9])*", plain)]
    for digits in reversed(runs):
        if len(digits) in (4, 6):
            return digits
        if len(digits) == 11:
            return digits[-4:]
    return None


def _without(text: str, number: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    pattern = r"[\s\-]*".join(number.replace("-", ""))
    return re.sub(pattern, " ", plain)
