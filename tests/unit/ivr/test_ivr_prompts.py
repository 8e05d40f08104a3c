"""The file of sentences is checked at start."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from ivr.flow.speaking import MOST_CHOICES
from ivr.prompts import Prompts, load_prompts

pytestmark = pytest.mark.unit


def test_the_greeting_carries_the_name_of_the_city() -> None:
    assert load_prompts("株洲").greeting.startswith("您好，株洲12345，")


def test_the_greeting_takes_no_longer_than_eight_seconds(prompts: Prompts) -> None:
    syllables = sum(1 for character in prompts.greeting if character.isalnum())
    assert syllables / 4.5 <= 8, "a voice for the telephone speaks some 4.5 syllables a second"


def test_reprompts_get_shorter(prompts: Prompts) -> None:
    for ladder in (prompts.silence, prompts.no_match):
        assert len(ladder) == len(set(ladder)) == 3
        assert list(ladder) == sorted(ladder, key=len, reverse=True)


def test_every_choice_can_be_said_as_an_ordinal(prompts: Prompts) -> None:
    assert len(prompts.ordinals) == MOST_CHOICES


def test_no_word_means_two_things(prompts: Prompts) -> None:
    words = [
        *prompts.person_words,
        *prompts.enterprise_words,
        *prompts.progress_words,
        *prompts.repeat_words,
        *prompts.slower_words,
        *prompts.louder_words,
        *prompts.told_words,
    ]
    ordinals = [word for each in prompts.ordinals for word in each]

    assert len(ordinals) == len(set(ordinals))
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"greeting": "您好。"}, "greeting"),
        ({"goodbye": "再见{name}。"}, "goodbye"),
        ({"silence": []}, "silence"),
        ({"trouble": " "}, "trouble"),
        ({"unknown": "？"}, "unknown"),
        ({"choice": "{title}"}, "choice"),
    ],
)
def test_a_bad_entry_stops_the_start_and_is_named(
    change: dict[str, object], complaint: str, tmp_path: Path, prompts: Prompts
) -> None:
    shipped = yaml.safe_load((Path(load_prompts.__code__.co_filename).with_name("prompts.yml")).read_text("utf-8"))
    file = tmp_path / "prompts.yml"
    file.write_text(yaml.safe_dump(shipped | change, allow_unicode=True), "utf-8")

    with pytest.raises(ValidationError, match=complaint):
        load_prompts("咸宁", file)
