"""An operator's past orders as training data: a CSV file in, Rasa training data kept in the data folder out.

The kept file holds what citizens wrote, with the numbers that identify them masked; it stays on this machine.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.city import City
from core.sheets import BadSheet, decoded

COLUMNS = ("text", "category")
LONGEST = 5000
SHOWN_UNKNOWN = 5
_IDENTIFYING = re.compile(r"[0-9A-Za-z]{7,}")


class BadHistory(ValueError):
    """A file that is no history; the text names the line, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class PastOrder:
    """What a citizen wrote, and the label it was given."""

    text: str
    category: str


def read_past_orders(path: Path) -> list[PastOrder]:
    """The rows of a CSV file with the columns text and category; other columns are ignored. Raises BadHistory."""
    rows = list(_rows(path))
    if not rows:
        raise BadHistory(f"{path}: no rows below the header")
    return rows


def _rows(path: Path) -> Iterator[PastOrder]:
    reader = csv.DictReader(io.StringIO(_text_of(path).replace("\r\n", "\n"), newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise BadHistory(f"{path}: no column {' and no column '.join(missing)} in the first line; it has {found}")
    for row in reader:
        text, category = ((row[column] or "").strip() for column in COLUMNS)
        if not text or not category:
            empty = "text" if not text else "category"
            raise BadHistory(f"{path}, line {reader.line_num}: {empty} is empty; every row needs a text and a category")
        yield PastOrder(text[:LONGEST], category)


def _text_of(path: Path) -> str:
    try:
        return decoded(path.read_bytes())
    except BadSheet as error:
        raise BadHistory(f"{path}: {error}") from error


def keep_history(orders: list[PastOrder], city: City, kept: Path) -> int:
    """Write the orders to `kept` as training data; returns how many. A category is its id, its name or its slug.

    Raises BadHistory for categories the city does not have.
    """
    slugs = {key: c.slug for c in city.categories.values() for key in (c.id, c.name, c.slug)}
    unknown = sorted({order.category for order in orders} - set(slugs))
    if unknown:
        shown = ", ".join(unknown[:SHOWN_UNKNOWN]) + (", …" if len(unknown) > SHOWN_UNKNOWN else "")
        raise BadHistory(f"category {shown}: not known; allowed are the ids, names or slugs of city/categories.yml")
    texts: dict[str, dict[str, None]] = defaultdict(dict)
    for order in orders:
        texts[slugs[order.category]][_harmless(order.text)] = None
    blocks = [
        {"intent": slug, "metadata": {"history": True}, "examples": [{"text": text} for text in written]}
        for slug, written in sorted(texts.items())
    ]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, width=10_000), "utf-8")
    kept.chmod(0o600)
    return sum(map(len, texts.values()))


def _harmless(text: str) -> str:
    """One line without brackets, which mark entities in Rasa's files, and without what identifies a citizen."""
    one_line = " ".join(text.split()).translate(str.maketrans("[]{}", "（）（）"))
    return _IDENTIFYING.sub("*", one_line).lstrip("/")
