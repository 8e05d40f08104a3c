"""A search of the knowledge base, beside bm25s alone and SQLite's FTS5 over the same texts, among few entries and many.

The vector of a question is made once for each and told apart: every search by meaning has to make it.
`BENCH_ENTRIES=5000` measures other numbers of entries. The entries are put together from those of `city/knowledge/`, so
that words are as common as in life; the vectors of the larger base are those of the smaller with noise.
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import bm25s
import numpy as np
import psutil
import pysqlite3.dbapi2 as sqlite3
import rjieba
from rich.console import Console
from rich.table import Table

from core.city import City
from core.settings import get_settings
from knowledge.answering import today
from knowledge.content import Content, Entry
from knowledge.search.encoder import Vectors, get_encoder
from knowledge.search.index import Index, Wanted
from knowledge.search.judge import judge
from knowledge.search.words import Synonyms, Words
from knowledge.stock import stocked

ENTRIES = tuple(int(count) for count in os.environ.get("BENCH_ENTRIES", "5000,100000").split(","))
ENCODED = 10_000
QUESTIONS = 200
NOISE = 0.02
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


async def measure(console: Console) -> Table:
    """Make each base, ask it the questions, and return the table."""
    table = Table(title=f"{QUESTIONS} searches, ms p50 / p95 (times FTS5's p50)", title_justify="left")
    for column in ("search", *(f"{count:,} entries" for count in ENTRIES)):
        table.add_column(column)
    columns = [dict(_measured(console, count)) for count in ENTRIES]
    for name in columns[0]:
        table.add_row(name, *(column.get(name, "") for column in columns))
    return table


def _measured(console: Console, count: int) -> Iterator[tuple[str, str]]:
    city = City(get_settings().city_dir)
    words = Words(Synonyms.model_validate(city.read("synonyms.yml")))
    entries = list(_entries([content for _, content in stocked(city)], count))
    asked = [random.Random(1).choice(entries[i].content.phrases) for i in range(0, count, max(1, count // QUESTIONS))]
    asked = asked[:QUESTIONS]
    console.print(f"{count:,} entries: vectors …")
    began = time.perf_counter()
    vectors = _vectors([text for entry in entries for text in entry.content.meant])
    encoding = time.perf_counter() - began
    began, before = time.perf_counter(), psutil.Process().memory_info().rss
    index = Index.of(entries, words, vectors)
    indexing, grown = time.perf_counter() - began, psutil.Process().memory_info().rss - before
    encoder, wanted, rows = get_encoder(), Wanted(today(NOW)), get_encoder().encode(asked)
    known = dict(zip(asked, rows, strict=True))

    def ours(text: str) -> None:
        question = index.question(text, known[text])
        judge(question, index.search(question, wanted), index, words)

    fts, plain = _fts5(entries), _bm25s(entries)
    times = {
        "SQLite FTS5, words": _times(fts, asked),
        "bm25s alone, words": _times(plain, asked),
        "ours, without the question's vector": _times(ours, asked),
        "the question's vector": _times(lambda text: encoder.encode([text]), asked),
    }
    base = statistics.median(times["SQLite FTS5, words"])
    for name, took in times.items():
        p50, p95 = statistics.median(took), sorted(took)[int(len(took) * 0.95)]
        yield name, f"{p50 * 1000:.1f} / {p95 * 1000:.1f} ({p50 / base:.1f})"
    made = f"{encoding:.1f}" if len(vectors) <= ENCODED else f"{encoding:.1f} for {ENCODED:,}"
    yield "index: vectors of all texts, s", made
    yield "index: the rest, s", f"{indexing:.1f}"
    yield "index: memory, MB", f"{grown / 1e6:.0f}"


def _entries(contents: Sequence[Content], count: int) -> Iterator[Entry]:
    """So many entries, each the question of one with a word of another, and an answer of several sentences."""
    rng = random.Random(0)
    sentences = [line for content in contents for line in content.body.split("。") if len(line) > 8]
    for number in range(count):
        one, other = rng.choice(contents), rng.choice(contents)
        question = f"{rng.choice(one.phrases)}{rng.choice(rjieba.cut(other.question))}"
        yield Entry(f"e{number}", 1, Content(question=question, answer="。".join(rng.sample(sentences, 6))))


def _vectors(phrases: Sequence[str]) -> Vectors:
    made = get_encoder().encode(phrases[:ENCODED])
    if len(phrases) <= ENCODED:
        return made
    rng = np.random.default_rng(0)
    more = made[rng.integers(0, len(made), len(phrases) - len(made))]
    more = more + rng.normal(0, NOISE, more.shape).astype(np.float32)
    return np.concatenate([made, more / np.linalg.norm(more, axis=1, keepdims=True)])


def _fts5(entries: Sequence[Entry]) -> Callable[[str], object]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE entries USING fts5(text, tokenize='unicode61')")
    texts = ((" ".join(rjieba.cut(f"{e.content.question}\n{e.content.body}")),) for e in entries)
    connection.executemany("INSERT INTO entries VALUES (?)", texts)
    found = "SELECT rowid FROM entries WHERE entries MATCH ? ORDER BY bm25(entries) LIMIT 10"

    def search(text: str) -> object:
        asked = " OR ".join(f'"{word}"' for word in rjieba.cut(text) if word.strip() and '"' not in word)
        return connection.execute(found, (asked,)).fetchall()

    return search


def _bm25s(entries: Sequence[Entry]) -> Callable[[str], object]:
    index = bm25s.BM25()
    index.index([rjieba.cut(f"{e.content.question}\n{e.content.body}") for e in entries], show_progress=False)
    return lambda text: index.retrieve([rjieba.cut(text)], k=10, show_progress=False)


def _times(search: Callable[[str], object], asked: Sequence[str]) -> list[float]:
    took = []
    for text in asked:
        began = time.perf_counter()
        search(text)
        took.append(time.perf_counter() - began)
    return took
