"""The command line `hotline`: everything an operator does by hand."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from core.access import Role
from core.city import City
from core.clock import utc_now
from core.database import Database
from core.problems import Problem
from core.sealing import CannotOpen
from core.secrets import open_database, token, write_operator_token
from core.settings import Settings, get_settings
from desk import people
from desk.people import NewUser, hashed_password
from hotline import evaluation, schema
from hotline.cross_validation import show_cross_validation
from hotline.evaluating import parser_of, parsing, show_evaluation
from hotline.history import BadHistory, keep_history, read_past_orders
from hotline.logs import configure
from hotline.processes import Process, base_environment, ports, processes
from hotline.resealing import reseal
from hotline.seed import seed_orders
from hotline.supervisor import CannotStart, Supervisor, check_ports, lock_data_dir
from hotline.training import TrainingFailed, ensure_model
from hotline.worker import Worker
from intake.bot import RasaBot

Found = TypeVar("Found")

app = typer.Typer(no_args_is_help=True, help="连心桥: a 12345 hotline that a city runs itself.")
database_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(database_app, name="db")
user_app = typer.Typer(no_args_is_help=True, help="The staff.")
app.add_typer(user_app, name="user")
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
    await Worker(settings, database, bot, City(settings.city_dir), utc_now).run(stop)
    await bot.close()


@app.command()
def seed(orders: Annotated[int, typer.Option(min=1, max=100_000, help="How many orders.")] = 200) -> None:
    """Fill the desk with believable orders to try it with; a second time adds nothing."""
    settings = _settings()
    database = open_database(settings)
    schema.upgrade(database)
    city, now = City(settings.city_dir), utc_now()
    opened = database.write_now(lambda c: seed_orders(c, city, orders, now))
    console.print(f"{opened} orders opened, {orders - opened} were there before")
    database.close()


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
) -> None:
    """Let somebody of the staff in."""
    settings = _settings()
    database = open_database(settings)
    schema.upgrade(database)
    try:
        new = NewUser(login=login, name=name, role=role, unit=unit, password=password)
        hashed, now = hashed_password(new.password), utc_now()
        added = database.write_now(lambda c: people.add_user(c, new, hashed, now, "command line"))
    except ValidationError as error:
        for found in error.errors(include_input=False):
            console.print(f"[red]{'.'.join(map(str, found['loc']))}[/] {found['msg']}", highlight=False)
        raise typer.Exit(2) from None
    except Problem as problem:
        console.print(problem.detail, style="red", markup=False)
        raise typer.Exit(2) from None
    finally:
        database.close()
    console.print(f"{added.login}: {added.role}{f' of {added.unit}' if added.unit else ''}", highlight=False)


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


def main() -> None:
    """Entry of `python -m hotline`."""
    app()
