"""Orders in and out on the command line: a platform's file in, answers and lists out, with a bar that shows how far."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from sqlalchemy import Connection

from core.city import City
from core.clock import Clock
from core.database import Database
from core.sheets import WRITERS, BadSheet
from desk.exchange import answers, exports, imports
from desk.exchange.answers import Answer, Receipt
from desk.exchange.exports import Export
from desk.exchange.imports import ImportReport
from desk.exchange.sources import Reader, Source, SourceOrder
from hotline.evaluating import Parser
from hotline.progress import shown

ACTOR = "command line"


def import_file(
    console: Console,
    database: Database,
    city: City,
    source: Source,
    path: Path,
    clock: Clock,
    *,
    preview: bool,
    all_or_nothing: bool,
    classify: Parser | None,
) -> ImportReport:
    """Take in a platform's file as `POST /api/imports` does. Raises BadSheet."""
    orders, faults = Reader(source, city).read(path.read_bytes())
    if classify is not None:
        orders = classified(orders, classify)
    if preview or all_or_nothing:
        report = ImportReport.of_reading(source, len(orders), faults, preview=True)
        for batch in shown(console, "looking", imports.batches(orders), len(orders), len):
            report.add(database.read_now(lambda c, b=batch: imports.preview_batch(c, source, b)))  # type: ignore[misc]
        if preview or report.refused:
            return report
    report = ImportReport.of_reading(source, len(orders), faults, preview=False)
    for batch in shown(console, "taking in", imports.batches(orders), len(orders), len):
        now = clock()
        report.add(database.write_now(lambda c, b=batch, n=now: imports.take_batch(c, source, b, n, ACTOR)))  # type: ignore[misc]
    return report


def classified(orders: Sequence[tuple[int, SourceOrder]], classify: Parser) -> list[tuple[int, SourceOrder]]:
    """The orders, those without a category with the one the bot's classifier finds."""
    unsorted = [{"id": str(line), "text": order.text} for line, order in orders if order.category is None]
    found = {parsed["id"]: parsed for parsed in classify(unsorted) if parsed["ranking"]} if unsorted else {}
    return [(line, _with(order, found.get(str(line)))) for line, order in orders]


def _with(order: SourceOrder, parsed: dict[str, object] | None) -> SourceOrder:
    if parsed is None:
        return order
    ranking = parsed["ranking"]
    guessed = {"category": parsed["category"], "ranking": ranking, "confidence": ranking[0][1]}  # type: ignore[index]
    return SourceOrder.model_validate({**order.model_dump(), **guessed})


def show_report(console: Console, report: ImportReport) -> None:
    """Print what became of the rows, and each one that was refused."""
    for fault in report.faults:
        place = f"line {fault.line}, {fault.column}: {fault.value!r}"
        console.print(f"{place}: {fault.allowed}", style="red", markup=False, highlight=False, soft_wrap=True)
    counted = f"{report.opened} new, {report.supplemented} with further content, {report.unchanged} known already"
    nothing = " (nothing was written)" if report.preview else ""
    console.print(f"{report.rows} rows: {counted}, {report.refused} refused{nothing}", highlight=False, soft_wrap=True)


def export_list(console: Console, database: Database, city: City, export: Export, path: Path) -> int:
    """Write the orders of a list to a file; returns how many. Raises BadSheet, and Problem as `Export.begin` does."""
    write = writer_of(path)
    found = database.write_now(export.begin)
    write(path, exports.headings(), shown(console, "orders", export.rows(database, city), found, lambda _: 1))
    return found


def export_answers(console: Console, database: Database, source: Source, path: Path, clock: Clock, settle: bool) -> int:
    """Write what a platform has to be told to a file; returns how many answers. Settled ones are not offered again."""
    write, told = writer_of(path), database.read_now(lambda c: list(_unsettled(c, source)))
    rows = map(answers.row, told)
    write(path, answers.headings(), shown(console, "answers", rows, len(told), lambda _: 1))
    if settle:
        receipts, now = [Receipt(id=answer.id) for answer in told], clock()
        database.write_now(lambda c: answers.settle(c, source.id, receipts, now))
    return len(told)


def _unsettled(connection: Connection, source: Source) -> Iterator[Answer]:
    after = 0
    while found := answers.unsettled(connection, source.id, after, answers.MOST):
        yield from found
        after = found[-1].id


def writer_of(path: Path) -> Callable[[Path, Sequence[str], Iterable[Sequence[str]]], None]:
    """How a file is written, by the ending of its name. Raises BadSheet."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in WRITERS:
        raise BadSheet(f"{path}: has to end in .{' or .'.join(WRITERS)}")
    return WRITERS[kind]
