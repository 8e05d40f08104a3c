"""What was asked and not answered, those that ask for the same together: what the next entries should be about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, or_, select

from knowledge.search.encoder import Vectors
from knowledge.tables import Outcome, Verdict, questions

ALIKE = 0.78
"""The cosine from which two questions ask for the same; measured in docs/knowledge.md."""
MOST_QUESTIONS = 1000
SHOWN = 3
_NUMBERS = re.compile(r"\d[\d\- ]{5,}\d")


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question nobody was told an answer to, or whose answer did not do."""

    id: int
    text: str
    asked_at: datetime
    entry_id: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask for the same; `examples` in the citizens' words, long numbers masked."""

    count: int
    first_at: datetime
    last_at: datetime
    examples: tuple[str, ...]
    # The entry whose answer did not do, where there was one.
    entries: tuple[str, ...]


def unanswered(connection: Connection, since: datetime) -> list[Unanswered]:
    """The newest such questions, at most `MOST_QUESTIONS`."""
    missed = or_(
        questions.c.verdict == Verdict.UNSURE,
        questions.c.outcome == Outcome.UNSOLVED,
    )
    wanted = (
        select(questions.c.id, questions.c.text, questions.c.asked_at, questions.c.entry_id)
        .where(missed, questions.c.asked_at >= since, questions.c.text.is_not(None))
        .order_by(questions.c.id.desc())
        .limit(MOST_QUESTIONS)
    )
    return [Unanswered(row.id, row.text, row.asked_at, row.entry_id) for row in connection.execute(wanted)]


def clustered(found: Sequence[Unanswered], vectors: Vectors) -> list[Gap]:
    """The questions together with those like them, the largest group first; a row of `vectors` for each.

    Each question joins the first group whose first question it is like, else begins one.
    """
    groups: list[list[int]] = []
    firsts = np.empty((0, vectors.shape[1]), dtype=np.float32)
    for i in range(len(found)):
        near = firsts @ vectors[i]
        if len(near) and near.max() >= ALIKE:
            groups[int(near.argmax())].append(i)
        else:
            groups.append([i])
            firsts = np.concatenate([firsts, vectors[i : i + 1]])
    gaps = [_gap([found[i] for i in group]) for group in groups]
    return sorted(gaps, key=lambda gap: (-gap.count, -gap.last_at.timestamp()))


def masked(text: str) -> str:
    """A question without the numbers by which somebody is known."""
    return _NUMBERS.sub("****", text)


def _gap(together: Sequence[Unanswered]) -> Gap:
    moments = [each.asked_at for each in together]
    examples = dict.fromkeys(masked(each.text) for each in together)
    told = dict.fromkeys(each.entry_id for each in together if each.entry_id)
    return Gap(len(together), min(moments), max(moments), tuple(examples)[:SHOWN], tuple(told))
