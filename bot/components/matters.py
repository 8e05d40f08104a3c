"""More than one matter in a message: where a citizen begins anew, and whether it is something else."""

import re
from typing import Callable, List, Sequence, Tuple

Ranking = Sequence[Tuple[str, float]]
"""Categories with their probabilities, the likeliest first."""

SURE = 0.5
"""Probability from which a piece is clearly of a category."""
LIKELY = 0.4
"""Probability that is enough for what was said before."""
RULED_OUT = 0.12
"""Probability below which the other matter's category is out of the question for a piece."""
SHORTEST_PIECE = 6
MOST_PIECES = 8
"""Each piece is classified; the last one holds whatever follows."""

_ANEW = (
    r"另外|此外|除此之外|与此同时|还有一?[件个]|还有(?!人|的人|多久|几|没有|什么|一[些点家段])|再有|再就是|再一[个件]|再(?:问|投诉|反映|咨询|说|请问|麻烦)"
    r"|顺便|顺带|对了|第[二三四][个件点，,、]?|其次|最后(?:一[个件]|我|，)|[二三四]是|另一[个件]|还想|也想|同时(?:我|也想|还想|请|想)"
    r"|首先|然后(?:再|我)|以及|[2-5２-５][、.．）)]"
)
_BEGINS = re.compile(rf"(?:(?<=[。！？!?；;，,\n ])|(?<=\s))(?={_ANEW})")
_CLAUSE_ENDS = re.compile(r"(?<=[。！？!?；;\n，,])")
_SEVERAL = re.compile(r"[两二三几]个?(?:事|件事|问题|情况|方面|样事|桩事)|[两三几]件")


def pieces(text: str) -> List[str]:
    """The parts of a message, split where the citizen begins anew; one part when nothing says so."""
    cut = [part for part in _BEGINS.split(text) if part]
    if len(cut) == 1 and _SEVERAL.search(text):
        cut = [part for part in _CLAUSE_ENDS.split(text) if part]
    joined: List[str] = []
    for part in cut:
        if joined and (len(joined[-1].strip()) < SHORTEST_PIECE or len(joined) == MOST_PIECES):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def matters(text: str, rankings: Callable[[Sequence[str]], Sequence[Ranking]]) -> List[str]:
    """The text of each matter in a message; a single one when its parts may well belong together."""
    parts = pieces(text)
    if len(parts) == 1:
        return [text]
    found: List[Tuple[str, Ranking]] = []
    for part, ranking in zip(parts, rankings([part.strip() for part in parts])):
        if found and not _is_another(ranking, found[-1][1]):
            found[-1] = (found[-1][0] + part, found[-1][1])
        else:
            found.append((part, ranking))
    return [part.strip() for part, _ in found]


def _is_another(one: Ranking, other: Ranking) -> bool:
    ruled_out = dict(one)[other[0][0]] < RULED_OUT and dict(other)[one[0][0]] < RULED_OUT
    return ruled_out and one[0][1] >= SURE and other[0][1] >= LIKELY
