"""The sentences of `texts.yml`."""

from core.wording import Wording

text = Wording(__file__)


def words(key: str) -> frozenset[str]:
    """The ways of saying `key`."""
    return frozenset(text.all["words"][key])
