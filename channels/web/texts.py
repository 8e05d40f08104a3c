"""The sentences of `texts.yml`."""

from core.wording import Wording

text = Wording(__file__)


def allowed(field: str) -> str:
    """What `field` may be."""
    return text.of("allowed", field)
