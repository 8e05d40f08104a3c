"""Whether what was fetched is a recording that can be kept."""

from core.audio import media_type
from ivr.messages.tables import Why


class Unusable(Exception):
    """What was fetched is no recording that can be kept. `permanent`: another try would bring the same."""

    def __init__(self, why: Why, *, permanent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.permanent = permanent


def checked(audio: bytes, most_bytes: int) -> str:
    """The media type of a recording. Raises Unusable."""
    if len(audio) > most_bytes:
        raise Unusable(Why.TOO_LARGE, permanent=True)
    if (found := media_type(audio)) is None:
        # A carrier's sorry page looks like this too, and is gone later.
        raise Unusable(Why.NOT_AUDIO, permanent=False)
    return found
