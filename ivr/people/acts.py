"""What a carrier is asked to do for a talk, once the transaction that decided it is kept."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring a telephone; `token` opens what it hears."""

    token: str
    telephone: str


@dataclass(frozen=True, slots=True)
class Bring:
    """Bring a waiting call out of the queue."""

    token: str
    call_sid: str


@dataclass(frozen=True, slots=True)
class Drop:
    """End a call."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class Acts:
    """What a carrier is asked to do for a talk."""

    carrier: str = ""
    talk: int = 0
    acts: tuple[Ring | Bring | Drop, ...] = ()


NOTHING = Acts()
