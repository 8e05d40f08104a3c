"""The training sentences as a whole: how various they are, and whether any says what another says already.

    python tools/corpus.py [LABELLED.jsonl]

Prints the variety of every folder of `bot/data/nlu/` and every pair that is too alike; exits with 1 when there is one.
With a labelled file, a sentence that shares 14 characters in a row with one of its messages counts too: what is
measured on must not be trained on.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

DATA = Path(__file__).resolve().parents[1] / "bot" / "data" / "nlu"
GRAM = 6
COMMON = 200
"""Sentences an n-gram may stand in before it is a mere turn of speech."""
SHORT = 60
ALIKE_SHORT, ALIKE_LONG = 0.55, 0.3
"""Shared n-grams as a part of the longer text's, from which two texts are too alike."""
COPIED = 14


@dataclass(frozen=True, slots=True)
class Sentence:
    """One example, the nature of the request where it has one, and the file it stands in."""

    text: str
    intent: str
    nature: str | None
    file: Path

    @property
    def plain(self) -> str:
        """The text without punctuation and space."""
        return re.sub(r"\W", "", self.text)


def sentences(folder: Path = DATA) -> list[Sentence]:
    """All examples, in the order of the files."""
    found = []
    for path in sorted(folder.rglob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            nature = (block.get("metadata") or {}).get("nature")
            lines = [line[2:].strip() for line in block["examples"].splitlines() if line.startswith("- ")]
            found += [Sentence(line, block["intent"], nature, path) for line in lines]
    return found


def grams(plain: str, size: int = GRAM) -> set[str]:
    """All pieces of `size` characters; a shorter text is its own only piece."""
    return {plain[i : i + size] for i in range(len(plain) - size + 1)} or {plain}


def too_alike(found: list[Sentence]) -> Iterator[tuple[Sentence, Sentence]]:
    """Pairs that share too many pieces."""
    pieces = [grams(sentence.plain) for sentence in found]
    owners: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(pieces):
        for piece in filter(None, own):
            owners[piece].append(number)
    for number, own in enumerate(pieces):
        shared = Counter(
            other for piece in own if len(owners[piece]) < COMMON for other in owners[piece] if other < number
        )
        limit = ALIKE_SHORT if len(found[number].text) < SHORT else ALIKE_LONG
        for other, count in shared.most_common(1):
            if count / max(len(own), len(pieces[other])) > limit:
                yield found[number], found[other]


def copied(found: list[Sentence], labelled: Path) -> Iterator[tuple[Sentence, str]]:
    """Sentences with a turn of a labelled message, and that message's id."""
    turns: dict[str, str] = {}
    for line in filter(str.strip, labelled.read_text("utf-8").splitlines()):
        message = json.loads(line)
        plain = re.sub(r"\W", "", message.get("title", "") + message["text"])
        turns |= dict.fromkeys(grams(plain, COPIED), str(message["id"]))
    for sentence in found:
        hit = next((turns[piece] for piece in grams(sentence.plain, COPIED) if piece in turns), None)
        if hit is not None:
            yield sentence, hit


def variety(found: list[Sentence]) -> str:
    """One line on sentences: how many, how long, and how much of their n-grams is new with each."""
    lengths = sorted(len(sentence.text) for sentence in found)
    all_pieces = [piece for sentence in found for piece in grams(sentence.plain)]
    tenth, half, ninth = (lengths[len(lengths) * part // 10] for part in (1, 5, 9))
    distinct = len(set(all_pieces)) / max(1, len(all_pieces))
    return (
        f"{len(found):6} sentences, {tenth}/{half}/{ninth} characters (10/50/90 %), {distinct:.0%} of n-grams distinct"
    )


def main() -> int:
    """Entry."""
    found = sentences()
    folders: dict[str, list[Sentence]] = defaultdict(list)
    for sentence in found:
        folders[sentence.file.parent.name].append(sentence)
    for name, own in folders.items():
        print(f"{name:12} {variety(own)}")
    print(f"{'all':12} {variety(found)}")
    bad = 0
    for one, other in too_alike(found):
        bad += 1
        print(f"too alike:\n  {one.text[:70]} ({one.file.name})\n  {other.text[:70]} ({other.file.name})")
    if len(sys.argv) > 1:
        for sentence, message in copied(found, Path(sys.argv[1])):
            bad += 1
            print(f"has a turn of labelled message {message}: {sentence.text[:70]} ({sentence.file.name})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
