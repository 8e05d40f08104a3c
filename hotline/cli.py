"""The command line `hotline`: everything an operator does by hand."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from core.access import Principal, Role
from core.city import City
from core.clock import CITY_TIME, utc_now
from core.database import Database
from core.problems import Problem
from core.sealing import CannotOpen
from core.secrets import open_database, source_secret, token, write_operator_token
from core.settings import Settings, get_settings
from core.sheets import BadSheet
from desk.access import people
from desk.access.people import NewUser, hashed_password
from desk.exchange.exports import Export
from desk.exchange.sources import Sources
from desk.life.handling import Handling
from desk.limits import recalculation
from desk.limits.deadlines import Light
from desk.orders.listing import Filters
from desk.orders.model import Line, State
from hotline import campaign, evaluation, exchange, place_codes, schema
from hotline.cross_validation import show_cross_validation
from hotline.evaluating import parser_of, parsing, show_evaluation
from hotline.history import BadHistory, keep_history, read_past_orders
from hotline.knowledge_commands import knowledge_app
from hotline.logs import configure
from hotline.phone_commands import phone_app
from hotline.processes import Process, base_environment, ports, processes
from hotline.progress import shown
from hotline.recalculating import show_moves
from hotline.resealing import reseal
from hotline.seed import SEED, Town, batches, new_password, plans, seed_staff
from hotline.supervisor import CannotStart, Supervisor, check_ports, lock_data_dir
from hotline.training import TrainingFailed, ensure_model
from hotline.wechat_commands import wechat_app
from hotline.worker import Worker
from intake.bot import RasaBot
from ivr.carriers.registry import recorders_of
from ivr.out import attempts
from ivr.out.lists import Kind
from ivr.out.rules import Campaign

Found = TypeVar("Found")

app = typer.Typer(no_args_is_help=True, help="连心桥: a 12345 hotline that a city runs itself.")
database_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(database_app, name="db")
app.add_typer(phone_app, name="phone")
app.add_typer(wechat_app, name="wechat")
app.add_typer(knowledge_app, name="knowledge")
user_app = typer.Typer(no_args_is_help=True, help="The staff.")
app.add_typer(user_app, name="user")
campaign_app = typer.Typer(no_args_is_help=True, help="自动回访: calling citizens back.")
app.add_typer(campaign_app, name="campaign")
lists_app = typer.Typer(no_args_is_help=True, help="Lists of telephone numbers: 免打扰, 老年人.")
app.add_typer(lists_app, name="phone-list")
sources_app = typer.Typer(no_args_is_help=True, help="The platforms that hand orders over.")
app.add_typer(sources_app, name="sources")
deadlines_app = typer.Typer(no_args_is_help=True, help="The time limits.")
app.add_typer(deadlines_app, name="deadlines")
console = Console(stderr=True)


def _settings() -> Settings:
    try:
        return get_settings()
    except ValidationError as error:
        for found in error.errors():
            name = "HOTLINE_" + "_".join(str(part) for part in found["loc"]).upper()
            console.print(f"[red]{name}[/]: {found['msg']} (got {found['input']!r})", highlight=False)
        raise typer.Exit(2) from None


@app.command()
def up() -> None:
    """Start and watch everything: Rasa, action server, web application, worker. Ctrl-C stops all of it."""
    settings = _settings()
    try:
        with lock_data_dir(settings.data_dir):
            check_ports(ports(settings))
            write_operator_token(settings)
            listed = processes(settings, _model(settings))
            asyncio.run(_supervise(settings, listed))
    except CannotStart as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(1) from None


async def _supervise(settings: Settings, listed: list[Process]) -> None:
    out = Console(highlight=False)
    supervisor = Supervisor(listed, base_environment(settings), settings.project_root, settings.data_dir, out)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)

    def tell_addresses() -> None:
        for what, where in _addresses(settings).items():
            supervisor.say(f"{what:<16} {where}")

    await supervisor.run(tell_addresses)


def _addresses(settings: Settings) -> dict[str, str]:
    base = settings.public_url or settings.web_url
    return {
        "chat": f"{base}/",
        "phone webhook": f"{base}/ivr/twilio/incoming",
        **({"WeChat": f"{base}/wechat"} if settings.wechat_token else {}),
        "API": f"{base}/docs",
        "operator token": str(settings.data_dir / "operator.token"),
        "data": str(settings.data_dir),
    }


def _model(settings: Settings, *, force: bool = False) -> Path:
    try:
        return ensure_model(settings, console, force=force)
    except TrainingFailed as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def train(
    force: Annotated[bool, typer.Option(help="Train even when nothing has changed.")] = False,
    history: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV of past orders (text, category) to learn from."),
    ] = None,
    forget_history: Annotated[bool, typer.Option(help="Learn from past orders no longer.")] = False,
) -> None:
    """Train the bot, unless a model of the same configuration and data is kept."""
    settings = _settings()
    if history is not None:
        kept = _or_exit(lambda: keep_history(read_past_orders(history), City(settings.city_dir), settings.history_file))
        console.print(f"{kept} different past orders kept in {settings.history_file}", highlight=False)
    elif forget_history:
        settings.history_file.unlink(missing_ok=True)
    console.print(f"model: {_model(settings, force=force)}")


@app.command()
def parse() -> None:
    """Classify JSON lines {"id","text"} from standard input; needs no running server."""
    settings = _settings()
    raise typer.Exit(subprocess.run(**parsing(settings, _model(settings)), check=False).returncode)


@app.command()
def evaluate(
    labelled: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="JSON lines: id, title, text, gold, …")
    ] = None,
    cross_validate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="CSV of past orders (text, category; any labels), five folds."),
    ] = None,
) -> None:
    """Measure the understanding on messages that readers labelled; prints each measure with its 95 % interval.

    With --cross-validate: how well your own past orders can be learned from themselves.
    """
    settings = _settings()
    if (labelled is None) == (cross_validate is None):
        raise typer.BadParameter("give either a file of labelled messages or --cross-validate FILE")
    if cross_validate is not None:
        _or_exit(lambda: show_cross_validation(Console(), read_past_orders(cross_validate), settings))
    elif labelled is not None:
        messages = _or_exit(lambda: evaluation.read_labelled(labelled))
        show_evaluation(Console(), messages, parser_of(settings, _model(settings)), City(settings.city_dir))


def _or_exit(read: Callable[[], Found]) -> Found:
    """What `read` gives; a file that cannot be used is named and ends the command."""
    try:
        return read()
    except (evaluation.BadLabels, BadHistory) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None


@app.command()
def worker() -> None:
    """Do the work that nobody waits for, until stopped; `hotline up` starts one."""
    settings = _settings()
    configure(settings.log_level)
    database = open_database(settings)
    schema.upgrade(database)
    asyncio.run(_work(settings, database))
    database.close()


async def _work(settings: Settings, database: Database) -> None:
    bot = RasaBot(settings.rasa_url, token(settings, "service"), settings.bot_budget_seconds)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Worker(settings, database, bot, City(settings.city_dir), utc_now, recorders_of(settings)).run(stop)
    await bot.close()


@app.command()
def seed(
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="How many orders.")] = 2000,
    password: Annotated[
        str | None, typer.Option(help="The password of all users it lets in; without it one is made and printed.")
    ] = None,
) -> None:
    """Fill the desk with a believable city: staff and the orders of 60 days. A second time adds nothing."""
    settings = _settings()
    with _database(settings) as database:
        city, now, secret = City(settings.city_dir), utc_now(), password or new_password()
        hashed = hashed_password(secret)
        added = database.write_now(lambda c: seed_staff(c, city, secret, hashed, now))
        opened = 0
        town = Town(city, Handling.of_city(city), now, SEED)
        for batch in shown(console, "orders", batches(plans(orders, now, SEED)), orders, len):
            opened += database.write_now(partial(town.play, planned=batch))
    console.print(f"{opened} orders opened, {orders - opened} were there before", highlight=False)
    console.print(
        f"{added} users let in" + (f"; their password: {secret}" if added and not password else ""), highlight=False
    )


@app.command(name="import")
def import_orders(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8 or GB 18030) or XLSX.")],
    source: Annotated[str, typer.Option(help="The platform it is from: an id of city/sources.yml.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would happen.")] = False,
    all_or_nothing: Annotated[bool, typer.Option("--all-or-nothing", help="Nothing unless every row is good.")] = False,
    classify: Annotated[bool, typer.Option("--classify", help="Let the bot find categories that are missing.")] = False,
) -> None:
    """Take in another platform's orders, each once for its number there; bad rows are told one by one."""
    settings = _settings()
    parse = parser_of(settings, _model(settings)) if classify else None
    with _database(settings) as database:
        city = City(settings.city_dir)
        platform = Sources.of_city(city).named(source)
        modes = {"preview": preview, "all_or_nothing": all_or_nothing}
        report = exchange.import_file(console, database, city, platform, file, utc_now, classify=parse, **modes)
    exchange.show_report(console, report)
    raise typer.Exit(1 if report.refused else 0)


@app.command(name="export")
def export_orders(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to; ends in .csv or .xlsx.")],
    state: Annotated[State | None, typer.Option(help="Only orders in this state.")] = None,
    category: Annotated[str | None, typer.Option(help="Only orders of this category, 01…22.")] = None,
    line: Annotated[Line | None, typer.Option(help="Only orders of this line.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only orders of this unit.")] = None,
    light: Annotated[Light | None, typer.Option(help="Only orders that show this light.")] = None,
    source: Annotated[str | None, typer.Option(help="Only orders of this platform.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", help="Opened then or later, in the city's time.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="Opened before, in the city's time.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="With the citizens' contacts; needs --purpose.")] = False,
    purpose: Annotated[str | None, typer.Option(help="What the contacts are for.")] = None,
) -> None:
    """Write a list of orders to a file, contacts masked; each export is written down."""
    settings = _settings()
    with _database(settings) as database:
        start, end = (moment and moment.replace(tzinfo=CITY_TIME) for moment in (since, until))
        narrowed = {"state": state, "category": category, "line": line, "unit": unit, "light": light, "source": source}
        wanted = Filters.model_validate({**narrowed, "from": start, "to": end})
        export = Export(wanted, Principal(exchange.ACTOR, Role.ADMIN), utc_now(), whole, purpose)
        written = exchange.export_list(console, database, City(settings.city_dir), export, file)
    console.print(f"{written} orders in {file}", highlight=False, soft_wrap=True)


@app.command()
def export_answers(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to; ends in .csv or .xlsx.")],
    source: Annotated[str, typer.Option(help="The platform: an id of city/sources.yml.")],
    settle: Annotated[
        bool, typer.Option("--settle", help="Count them as received: they are not offered again.")
    ] = False,
) -> None:
    """Write what a platform has to be told of its orders to a file."""
    settings = _settings()
    with _database(settings) as database:
        platform = Sources.of_city(City(settings.city_dir)).named(source)
        written = exchange.export_answers(console, database, platform, file, utc_now, settle)
    console.print(f"{written} answers in {file}", highlight=False, soft_wrap=True)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    """The database at this version's schema. What cannot be done is told in red and ends the command."""
    database = open_database(settings)
    try:
        schema.upgrade(database)
        yield database
    except ValidationError as error:
        for found in error.errors(include_input=False):
            console.print(f"[red]{'.'.join(map(str, found['loc']))}[/] {found['msg']}", highlight=False)
        raise typer.Exit(2) from None
    except (BadSheet, Problem) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    finally:
        database.close()


@app.command()
def qr(
    place: Annotated[str | None, typer.Option(help="Where the code will hang, e.g. 香城花园小区南门.")] = None,
    area: Annotated[str | None, typer.Option(help="The area it lies in: a code of city/areas.csv.")] = None,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Where to; ends in .svg or .png.")] = None,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Many places: CSV or XLSX of place, area, file.")
    ] = None,
    out_dir: Annotated[Path, typer.Option(file_okay=False, help="Where the codes of --file go.")] = Path("qr"),
) -> None:
    """急难愁盼扫码办: make QR codes that open the chat with a place filled in."""
    settings = _settings()
    city = City(settings.city_dir)
    if (place is None) == (file is None):
        raise typer.BadParameter("give either --place or --file")
    try:
        if file is not None:
            codes = place_codes.codes_of(file.read_bytes(), settings.public_url, city)
            written = place_codes.write_all(codes, out_dir)
            for _ in shown(console, "codes", written, len(codes), lambda _: 1):
                pass
            console.print(f"{len(codes)} codes in {out_dir}", highlight=False, soft_wrap=True)
        elif place is not None:
            code = place_codes.place_code(settings.public_url, place, area, city)
            if out is None:
                code.show()
            else:
                code.write(out)
            print(code.url)
    except (BadSheet, place_codes.BadPlace) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None


@sources_app.command(name="secret")
def show_source_secret(source: Annotated[str, typer.Argument(help="The platform: an id of city/sources.yml.")]) -> None:
    """Print the secret a platform and we sign with to each other (POST /api/inbound/…, answer_url)."""
    settings = _settings()
    try:
        print(source_secret(settings, Sources.of_city(City(settings.city_dir)).named(source).id))
    except Problem as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None


@app.command(name="token")
def show_token() -> None:
    """Print the operator's token for the API: Authorization: Bearer …"""
    print(write_operator_token(_settings()).read_text("ascii"))


@user_app.command(name="add")
def add_user(
    login: Annotated[str, typer.Argument(help="What they sign in with.")],
    name: Annotated[str, typer.Option(help="What others read.")],
    role: Annotated[Role, typer.Option(help="What they do.")],
    password: Annotated[str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True)],
    unit: Annotated[str | None, typer.Option(help="The unit, for a handler or unit_head.")] = None,
    phone: Annotated[str | None, typer.Option(help="Where urgent text messages go, e.g. +8613871234567.")] = None,
) -> None:
    """Let somebody of the staff in."""
    settings = _settings()
    with _database(settings) as database:
        new = NewUser(login=login, name=name, role=role, unit=unit, phone=phone, password=password)
        if new.unit is not None:
            City(settings.city_dir).units.require(new.unit, "unit")
        hashed, now = hashed_password(new.password), utc_now()
        added = database.write_now(lambda c: people.add_user(c, new, hashed, now, "command line"))
    console.print(f"{added.login}: {added.role}{f' of {added.unit}' if added.unit else ''}", highlight=False)


@deadlines_app.command(name="recalculate")
def recalculate_deadlines(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would move.")] = False,
) -> None:
    """Put the running clocks under the city's rules and calendar as they are now; the worker does it when it starts.

    An end that a person has set (a leader's, an extension's) stays.
    """
    settings = _settings()
    with _database(settings) as database:
        clocks, now = Handling.of_city(City(settings.city_dir)).clocks, utc_now()
        stale = show_moves(console, database, clocks, now)
        if dry_run or not stale:
            return
        done = moved = 0
        with console.status("recalculating …") as status:
            while (batch := database.write_now(lambda c: recalculation.recalculate(c, clocks, now))).orders:
                done, moved = done + batch.orders, moved + batch.moved
                status.update(f"recalculating … {done} orders")
        left = database.read_now(lambda c: recalculation.count_stale(c, clocks))
    console.print(f"{done} orders recalculated, {moved} clocks moved", highlight=False)
    if left:
        console.print(f"{left} clocks are of orders that somebody holds now; run it again", style="yellow")


@database_app.command(name="upgrade")
def upgrade_database() -> None:
    """Bring the database to the schema of this version."""
    settings = _settings()
    database = open_database(settings)
    schema.upgrade(database)
    console.print(f"schema: {database.read_now(schema.current)}")
    database.close()


@database_app.command(name="reseal")
def reseal_database() -> None:
    """Seal all personal data anew with the current key, after the key was changed; safe to run while all is up."""
    settings = _settings()
    database = open_database(settings)
    schema.upgrade(database)
    sealed = 0
    try:
        with console.status("sealing …") as status:
            for done in reseal(database):
                sealed += done
                status.update(f"sealing … {sealed} rows")
    except CannotOpen as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    finally:
        database.close()
    console.print(f"{sealed} rows sealed with the current key", highlight=False)


@campaign_app.command(name="preview")
def preview_campaign(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many people at most.")] = 50,
) -> None:
    """Show whom the campaign would call when, and whom it leaves to people and why. Calls nobody."""
    settings = _settings()
    with _database(settings) as database:
        city, now = City(settings.city_dir), utc_now()
        rules = Campaign(city)
        found = campaign.planned(database, city, Handling.of_city(city), now, limit)
        campaign.show_plan(Console(), found, rules, now)
        _tell_switch(database, settings)


@campaign_app.command(name="run")
def run_campaign(
    once: Annotated[bool, typer.Option("--once", help="One round; the worker runs them all the time.")] = False,
) -> None:
    """Call whom it is time to call. A dry run unless HOTLINE_CAMPAIGN_PLACES_CALLS is set: then it shows whom."""
    if not once:
        raise typer.BadParameter("the worker of `hotline up` runs the campaign all the time; here only --once")
    settings = _settings()
    with _database(settings) as database:
        city = City(settings.city_dir)
        handling, now = Handling.of_city(city), utc_now()
        runner = campaign.runner_of(settings, database, city, handling, utc_now)
        called = asyncio.run(runner.round())
        if not settings.campaign_places_calls:
            due = [each for each in campaign.planned(database, city, handling, now, 10_000) if each.is_due(now)]
            campaign.show_plan(Console(), due, Campaign(city), now)
        console.print(f"{called} calls placed", highlight=False)
        campaign.show_hours(console, Campaign(city), now)
        _tell_switch(database, settings)


@campaign_app.command(name="pause")
def pause_campaign(reason: Annotated[str, typer.Option(help="Why.", prompt=True)]) -> None:
    """Place no more calls; those under way go on."""
    settings = _settings()
    with _database(settings) as database:
        database.write_now(lambda c: attempts.pause(c, reason.strip()[:200], utc_now(), exchange.ACTOR))
        _tell_switch(database, settings)


@campaign_app.command(name="resume")
def resume_campaign() -> None:
    """Place calls again."""
    settings = _settings()
    with _database(settings) as database:
        database.write_now(lambda c: attempts.resume(c, utc_now(), exchange.ACTOR))
        _tell_switch(database, settings)


def _tell_switch(database: Database, settings: Settings) -> None:
    switch = database.read_now(attempts.switch)
    paused = f"paused by {switch.changed_by}: {switch.reason}" if switch.paused else "running"
    dry = "" if settings.campaign_places_calls else "; a dry run: HOTLINE_CAMPAIGN_PLACES_CALLS is off"
    console.print(f"campaign: {paused}{dry}", markup=False, highlight=False, soft_wrap=True)


@lists_app.command(name="import")
def import_phone_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX with the heading 电话.")],
    kind: Annotated[Kind, typer.Option(help="Which list.")],
    reason: Annotated[str, typer.Option(help="Why, for rows that give no 原因.")] = "批量导入",
) -> None:
    """Put the numbers of a file on a list; each that is none is told by its line. A second time adds nothing."""
    settings = _settings()
    with _database(settings) as database:
        report = campaign.import_numbers(database, file, kind, reason, utc_now)
    for refused in report.refused:
        console.print(refused, style="red", markup=False, highlight=False, soft_wrap=True)
    counted = f"{report.added} new, {report.known} there already, {len(report.refused)} refused"
    console.print(f"{report.rows} rows: {counted}", highlight=False)
    raise typer.Exit(1 if report.refused else 0)


def main() -> None:
    """Entry of `python -m hotline`."""
    app()
