"""The sentences of `texts.yml`."""

from core.wording import Wording

LONGEST_SHOWN = 60

text = Wording(__file__)


def allowed(field: str) -> str:
    """What `field` may be."""
    return text.of("allowed", field)


def shown(value: object) -> str:
    """A value somebody sent, as an error repeats it."""
    quoted = repr(value)
    return quoted if len(quoted) <= LONGEST_SHOWN else quoted[: LONGEST_SHOWN - 1] + "…"
