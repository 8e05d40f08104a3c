"""Every setting is documented, and the documentation names no other."""

import re
from pathlib import Path

import pytest

from core.settings import Settings

pytestmark = pytest.mark.unit

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documented_settings_are_the_settings() -> None:
    documented = dict(re.findall(r"^\| `(HOTLINE_\w+)` \| (.*?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    described = {f"HOTLINE_{name.upper()}": field.description for name, field in Settings.model_fields.items()}
    assert documented == described
