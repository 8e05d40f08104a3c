"""A believable stock of orders to try the system with; the same seed makes the same orders."""

import random
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.city import Category, City
from desk import outbox
from desk.model import Channel, Line, Nature, NewWorkOrder
from desk.register import open_work_order

DAYS = 30
ENTERPRISE_SHARE = 0.15
TOWN_CODE_LENGTH = 9


def seed_orders(connection: Connection, city: City, count: int, now: datetime, seed: int = 12345) -> int:
    """Open `count` orders spread over the last `DAYS` days; return how many were new.

    Every order has an idempotency key of its own, so that seeding twice adds nothing.
    """
    chance = random.Random(seed)
    moments = sorted(now - timedelta(minutes=chance.randrange(DAYS * 24 * 60)) for _ in range(count))
    towns = [code for code in city.areas if len(code) == TOWN_CODE_LENGTH]
    opened = 0
    for position, moment in enumerate(moments):
        order = _order(chance, city, chance.choice(towns))
        opened += open_work_order(connection, order, f"seed:{seed}:{position}", moment, "seed").created
    outbox.forget(connection, "seed")
    return opened


def _order(chance: random.Random, city: City, town: str) -> NewWorkOrder:
    category = chance.choice(list(city.categories.values()))
    nature = chance.choice(list(Nature))
    confidence = round(chance.uniform(0.55, 0.99), 2)
    place = city.area_path(town)
    return NewWorkOrder(
        text=f"{place}，{_matter(chance, category)}，{nature.value}。",
        category=category.id,
        confidence=confidence,
        ranking=[(category.id, confidence)],
        nature=nature,
        area_code=town,
        place=place,
        contact_phone=f"+86138{chance.randrange(10**8):08d}",
        line=Line.ENTERPRISE if chance.random() < ENTERPRISE_SHARE else Line.CITIZEN,
        channel=chance.choice([Channel.WEB, Channel.PHONE]),
    )


def _matter(chance: random.Random, category: Category) -> str:
    return f"{category.name}方面的问题：{chance.choice(category.keywords or (category.name,))}"
