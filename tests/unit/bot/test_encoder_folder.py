"""The encoder that comes with the project fits the bot."""

import json
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


def test_the_encoder_knows_every_intent_and_nature() -> None:
    labels = json.loads((ROOT / "bot" / "encoder" / "labels.json").read_text("utf-8"))
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    assert set(labels["intents"]) == set(domain["intents"])
    assert set(labels["natures"]) == {"咨询", "求助", "投诉", "举报", "建议", "表扬"}
