"""`hotline knowledge`: taking entries in, and searching them, by hand."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.city import City
from core.clock import utc_now
from core.database import Database
from core.secrets import open_database
from core.settings import PROJECT_ROOT, get_settings
from core.sheets import BadSheet
from hotline import schema
from hotline.evaluation import BadLabels
from hotline.knowledge_evaluation import read_questions, show_knowledge
from hotline.progress import told
from knowledge import entries, listing
from knowledge.answering import Knowledge, today
from knowledge.batches import batches
from knowledge.comparing import Foreseen, Outcome, foresee
from knowledge.entries import Actor
from knowledge.files import kinds
from knowledge.files.kinds import Kind
from knowledge.files.records import read_json_lines, read_yaml
from knowledge.files.taken import Taken
from knowledge.listing import Filters
from knowledge.search.encoder import get_encoder
from knowledge.search.index import Wanted
from knowledge.search.judge import Finding, judge

knowledge_app = typer.Typer(no_args_is_help=True, help="知识库: the entries, and searching them.")
console = Console(stderr=True)
ACTOR = "command line"
QUESTIONS = PROJECT_ROOT / "tests" / "understanding" / "knowledge.jsonl"


@knowledge_app.command(name="import")
def take_in(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, YAML, CSV, XLSX or Markdown.")],
    draft: Annotated[bool, typer.Option("--draft", help="Keep them as drafts: somebody looks at each.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Tell what would change, and change nothing.")] = False,
) -> None:
    """Take entries in, each once for its id; what has not changed stays as it is."""
    taken = _read(file)
    with _opened() as (database, city):
        if preview:
            foreseen = database.read_now(lambda c: foresee(c, taken.entries, live=not draft))
            changed = [one.id for one in foreseen if one.outcome is not Outcome.UNCHANGED]
            sys.stdout.writelines(_as_line(one) for one in foreseen if one.outcome is not Outcome.UNCHANGED)
        else:
            by = Actor(ACTOR, utc_now(), alone=True)
            changed = database.write_now(lambda c: entries.put(c, taken.entries, by, live=not draft))
            _ready(database, city)
    for fault in taken.refused:
        console.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)
    if taken.passed_over:
        console.print(f"fields passed over: {', '.join(sorted(taken.passed_over))}", highlight=False)
    same = len(taken.entries) - len(changed)
    console.print(f"{len(changed)} new or changed, {same} unchanged, {len(taken.refused)} refused", highlight=False)
    raise typer.Exit(1 if taken.refused else 0)


@knowledge_app.command()
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The kind is that of its ending: csv, xlsx, md, jsonl.")],
) -> None:
    """Write what answers now to a file that `import` takes."""
    if (kind := _kind(file)) is None:
        raise typer.BadParameter(f"{file}: the ending has to be one of {', '.join(Kind)}")
    with _opened() as (database, _), _told_bad_sheets():
        database.read_now(lambda c: kinds.write(file, kind, listing.live(c, Filters())))


@knowledge_app.command()
def search(
    question: Annotated[str | None, typer.Argument(help="The question, in any words.")] = None,
    json_lines: Annotated[
        bool, typer.Option("--jsonl", help='Questions {"id","query"} from standard input; a line of JSON out for each.')
    ] = False,
    most: Annotated[int, typer.Option(min=1, max=100, help="How many entries at most.")] = 10,
) -> None:
    """Find what answers a question; needs no running server."""
    if (question is None) != json_lines:
        raise typer.BadParameter("give either a question or --jsonl")
    asked = list(_questions()) if json_lines else [("", str(question))]
    with _opened() as (database, city):
        knowledge = _ready(database, city)
        for some in batches(asked):
            findings = _found(knowledge, [text for _, text in some], most)
            for (asked_id, _), finding in zip(some, findings, strict=True):
                sys.stdout.write(_as_json(asked_id, finding) if json_lines else _as_text(finding))


@knowledge_app.command()
def evaluate(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help='JSON lines {"query","gold":[ids]}; no id: not answerable.'),
    ] = QUESTIONS,
    missed: Annotated[bool, typer.Option("--missed", help="Show the questions that went wrong.")] = False,
) -> None:
    """Measure how well the entries that come with the project answer; each measure with its 95 % interval."""
    try:
        asked = read_questions(file)
    except BadLabels as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    show_knowledge(Console(), asked, City(get_settings().city_dir), today(utc_now()), missed=missed)


def _read(file: Path) -> Taken:
    if file.suffix in (".yml", ".yaml"):
        return read_yaml(file)
    if (kind := _kind(file)) not in (None, Kind.JSON_LINES):
        with _told_bad_sheets():
            return kinds.read(file.read_bytes(), kind)
    # Line by line: such a file may be larger than what is taken in by a door.
    try:
        with file.open(encoding="utf-8-sig") as lines:
            return read_json_lines(lines)
    except UnicodeDecodeError as error:
        console.print(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8", style="red", markup=False)
        raise typer.Exit(2) from None


def _kind(file: Path) -> Kind | None:
    ending = file.suffix.removeprefix(".").lower()
    return Kind(ending) if ending in list(Kind) else None


@contextmanager
def _told_bad_sheets() -> Iterator[None]:
    try:
        yield
    except BadSheet as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _as_line(foreseen: Foreseen) -> str:
    fields = f": {', '.join(foreseen.fields)}" if foreseen.fields else ""
    gives_up = f" (gives up version {foreseen.gives_up}, which somebody is at work on)" if foreseen.gives_up else ""
    return f"{foreseen.outcome} {foreseen.id}{fields}{gives_up}\n"


@contextmanager
def _opened() -> Iterator[tuple[Database, City]]:
    settings = get_settings()
    database = open_database(settings)
    try:
        schema.upgrade(database)
        yield database, City(settings.city_dir)
    finally:
        database.close()


def _ready(database: Database, city: City) -> Knowledge:
    """The knowledge base with its index; a bar shows how far it is."""
    knowledge = Knowledge(database, city, utc_now)
    with told(console, "vectors") as progress:
        knowledge.shelf.refresh_now(progress)
    return knowledge


def _questions() -> Iterator[tuple[Any, str]]:
    """The id and the text of each line of standard input; a line that is none is told and ends the command."""
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            yield asked["id"], str(asked["query"])
        except (ValueError, KeyError, TypeError):
            console.print(
                f'line {number}: no JSON object with "id" and "query": {line[:80]!r}', style="red", markup=False
            )
            raise typer.Exit(2) from None


def _found(knowledge: Knowledge, questions: list[str], most: int) -> Iterator[Finding]:
    index, wanted = knowledge.shelf.made, Wanted(today(utc_now()))
    for text, vector in zip(questions, get_encoder().encode(questions), strict=True):
        question = index.question(text, vector)
        yield judge(question, index.search(question, wanted, most), index, knowledge.words)


def _as_json(asked_id: Any, finding: Finding) -> str:
    pairs = zip(finding.candidates, finding.probabilities, strict=True)
    ranking = [[candidate.entry.id, round(probability, 4)] for candidate, probability in pairs]
    line = {"id": asked_id, "ids": [pair[0] for pair in ranking], "verdict": finding.verdict, "ranking": ranking}
    return json.dumps(line, ensure_ascii=False) + "\n"


def _as_text(finding: Finding) -> str:
    lines = [f"{finding.verdict}"]
    for candidate, probability in zip(finding.candidates, finding.probabilities, strict=True):
        lines.append(f"{probability:.2f}  {candidate.entry.id}  {candidate.entry.content.question}")
    return "\n".join(lines) + "\n"
