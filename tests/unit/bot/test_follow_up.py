"""Asking after an order: whether somebody really wants to withdraw it, and what the page's own sentences mean."""

import json
from pathlib import Path

import pytest

from bot.actions.city import City
from bot.actions.filing import Heard
from bot.actions.follow_up import ASK_DESK, CANCELLED, SURE, WITHDRAW, FollowUp, Inquiry

pytestmark = pytest.mark.unit

SPOKEN = Path(__file__).parents[3] / "console" / "src" / "chat" / "texts" / "spoken.json"
NUMBER, CODE = "20261124-000179", "314159"
DIALOGUE = FollowUp(City())


@pytest.mark.parametrize("said", ["不撤回", "不撤了", "先不撤", "别撤", "不要撤回", "再想想"])
def test_an_order_stays_when_its_citizen_thinks_better_of_it(said: str) -> None:
    # The classifier hears 撤 in all of them.
    heard = Heard(said, intent="withdraw" if "撤" in said else "", confidence=0.99)
    assert DIALOGUE.hear(Inquiry(WITHDRAW, NUMBER, CODE), SURE, heard).outcome == CANCELLED


@pytest.mark.parametrize("said", ["确定", "撤回吧", "是的"])
def test_an_order_is_withdrawn_on_a_clear_word(said: str) -> None:
    heard = Heard(said, intent="withdraw" if "撤" in said else "affirm", confidence=0.99)
    assert DIALOGUE.hear(Inquiry(WITHDRAW, NUMBER, CODE), SURE, heard).outcome == ASK_DESK


@pytest.mark.parametrize("proof", ["4567", CODE])
@pytest.mark.parametrize("action", ["expedite", "supplement", "withdraw"])
def test_what_the_page_says_for_a_citizen_names_the_order_and_its_proof(action: str, proof: str) -> None:
    texts = json.loads(SPOKEN.read_text("utf-8"))
    said = texts[action].format(number=NUMBER, proof=texts["tail" if len(proof) == 4 else "code"].format(proof=proof))
    inquiry = DIALOGUE.begin(Heard(said, intent=action), None).inquiry
    assert (inquiry.number, inquiry.proof) == (NUMBER, proof)
