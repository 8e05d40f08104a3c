"""The city that `hotline seed` makes is one that could have been lived in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Connection, func, select

from core.access import PEOPLE, Role
from core.city import City
from core.clock import to_city_time
from core.database import Database
from desk.access import people
from desk.life.handling import Handling
from desk.life.lifecycle import FROM, TO, Move
from desk.limits.deadlines import Light
from desk.orders import register
from desk.orders.listing import Filters, lights_of, page
from desk.orders.model import Event, State, WorkOrder
from desk.orders.numbers import parse_order_number
from desk.orders.tables import clocks, work_orders
from hotline import schema
from hotline.seed import Town, batches, plans, seed_staff, units
from tests.conftest import VAULT
from tests.fakes import SetClock

pytestmark = pytest.mark.unit

ORDERS, SEED = 260, 7
DATA = yaml.safe_load((Path(__file__).parents[2] / "hotline" / "seed.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A city that has been seeded on a Tuesday morning."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('seed') / 'hotline.db'}", VAULT)
    schema.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def seeded(lived: Database, city: City, clock: SetClock) -> int:
    """Seeds the city; the second time on it has nothing to do. Returns how many orders were new."""
    town = Town(city, Handling.of_city(city), clock(), SEED)
    return sum(lived.write_now(lambda c, b=batch: town.play(c, b)) for batch in batches(plans(ORDERS, clock(), SEED)))  # type: ignore[misc]


def all_orders(connection: Connection) -> list[WorkOrder]:
    return page(connection, Filters(), limit=10_000)


def test_orders_stand_in_every_state_and_show_every_light(seeded: int, lived: Database) -> None:
    assert seeded == ORDERS
    orders = lived.read_now(all_orders)
    assert {order.state for order in orders} == set(State)
    lights = lived.read_now(lambda c: lights_of(c, [order.number for order in orders]))
    assert set(lights.values()) == set(Light)
    for light in Light:
        shown = lived.read_now(lambda c, one=light: page(c, Filters(light=one), limit=1000))  # type: ignore[misc]
        assert {order.number for order in shown} == {number for number, one in lights.items() if one is light}
    assert {order.channel for order in orders} == set(DATA["channels"])
    assert {order.category for order in orders} >= set(DATA["matters"])
    assert {order.line for order in orders} == {"citizen", "enterprise"}


def test_a_second_time_adds_nothing_not_even_later(seeded: int, lived: Database, city: City, clock: SetClock) -> None:
    before = lived.read_now(all_orders)
    town = Town(city, Handling.of_city(city), clock() + timedelta(days=1), SEED)
    again = plans(ORDERS, clock() + timedelta(days=1), SEED)
    assert (seeded, lived.write_now(lambda c: town.play(c, again))) == (0, 0)
    assert lived.read_now(all_orders) == before


def test_every_log_leads_to_its_orders_state_in_the_order_of_time(seeded: int, lived: Database) -> None:
    def check(connection: Connection) -> None:
        for order in all_orders(connection):
            events = register.events_of(connection, order.number)
            assert replayed(events) is order.state
            assert all(one.at <= other.at for one, other in pairwise(events)), order.number
            assert parse_order_number(order.number) == order.number
            assert order.number.startswith(f"{to_city_time(order.created_at):%Y%m%d}")

    lived.read_now(check)


def replayed(events: list[Event]) -> State:
    state = State(events[0].data["state"])
    for event in events:
        if event.kind in set(Move):
            move = Move(event.kind)
            assert state in FROM[move], f"{move} from {state}"
            state = TO[move] or state
    return state


def test_no_light_is_overdue_and_each_changed_at_its_moment_or_when_its_clock_went_on(
    seeded: int, lived: Database, clock: SetClock
) -> None:
    def check(connection: Connection) -> None:
        overlooked = select(func.count()).select_from(clocks).where(clocks.c.next_change <= clock())
        assert connection.execute(overlooked).scalar_one() == 0
        for order in all_orders(connection):
            events = register.events_of(connection, order.number)
            for before, event in pairwise(events):
                if event.kind == "light" and event.data["due"] != event.at.isoformat():
                    # A clock that had ended and goes on may be past a light: it is told together with that move.
                    assert datetime.fromisoformat(event.data["due"]) < event.at == before.at, order.number

    lived.read_now(check)


def test_companies_are_seen_to_by_the_bureaus_head_and_platforms_numbers_are_kept(seeded: int, lived: Database) -> None:
    def told(connection: Connection) -> tuple[set[Any], int]:
        logs = [register.events_of(connection, order.number) for order in all_orders(connection)]
        raised = {event.data["to"] for log in logs for event in log if event.kind == "escalated"}
        handed_over = select(func.count()).select_from(work_orders).where(work_orders.c.source == DATA["platform"])
        return raised, connection.execute(handed_over).scalar_one()

    raised, handed_over = lived.read_now(told)
    assert "bureau_head" in raised
    assert handed_over > 0


def test_every_category_has_eight_matters_that_can_be_told() -> None:
    for category, natures in DATA["matters"].items():
        matters = [matter for listed in natures.values() for matter in listed]
        assert len(set(matters)) >= 8, category


def test_there_is_somebody_of_every_role_and_for_every_unit(sqlite: Database, city: City, clock: SetClock) -> None:
    def seed(connection: Connection) -> int:
        return seed_staff(connection, city, "a long password", "hash", clock())

    added = sqlite.write_now(seed)
    users = sqlite.read_now(people.list_users)
    assert (len(users), sqlite.write_now(seed)) == (added, 0)
    assert {user.role for user in users} == set(PEOPLE)
    for _, unit in units(city):
        assert {user.role for user in users if user.unit == unit} == {Role.HANDLER, Role.UNIT_HEAD}
