"""An entry as it is shown to those who ask."""

from datetime import date

from pydantic import BaseModel

from knowledge.content import Audience, Content, Entry, Matter, Place


class Shown(BaseModel):
    """What an entry answers. `source`: the texts it rests on with their dates; `short`: for the telephone."""

    id: str
    version: int
    question: str
    short: str
    answer: str
    steps: tuple[str, ...]
    documents: tuple[str, ...]
    fee: str
    time: str
    places: tuple[Place, ...]
    source: str
    basis: tuple[str, ...]
    matters: tuple[Matter, ...]
    audience: Audience
    area: str
    category: str
    unit: str
    effective: date | None
    expires: date | None

    @classmethod
    def of(cls, entry: Entry) -> "Shown":
        """The entry, without what only its keepers need."""
        return cls(id=entry.id, version=entry.version, **_told(entry.content))


def _told(content: Content) -> dict[str, object]:
    same = ("question", "short", "answer", "steps", "documents", "fee", "time", "places", "matters", "audience")
    told: dict[str, object] = {name: getattr(content, name) for name in same}
    told |= {name: getattr(content, name) for name in ("area", "category", "unit", "effective", "expires")}
    return told | {"source": content.source, "basis": tuple(basis.cited for basis in content.basis)}
