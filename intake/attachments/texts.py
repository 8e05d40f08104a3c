"""The sentences of `texts.yml`."""

from core.wording import Wording

text = Wording(__file__)


def said(kind: str) -> str:
    """How a file of a kind stands in the conversation."""
    return text.of("said", kind)
