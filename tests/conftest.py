"""The cast and the stage of all tests."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from core.city import City
from core.clock import utc_now
from core.database import Database
from core.sealing import Vault
from core.secrets import token
from core.settings import Settings
from hotline import schema
from tests.fakes import FakeBot, SetClock
from tests.system import System, running
from tests.wechat import Account, WeChatServers

CATEGORIES = ("unit", "service", "browser")
VAULT = Vault(b"a secret of the tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test belongs to exactly one category."""
    for item in items:
        mine = [name for name in CATEGORIES if item.get_closest_marker(name)]
        if len(mine) != 1:
            raise pytest.UsageError(
                f"{item.nodeid}: needs exactly one of the markers {', '.join(CATEGORIES)}, has {mine}"
            )


@pytest.fixture(scope="session")
def city() -> City:
    """The city that comes with the project."""
    return City(Path(__file__).parent.parent / "city")


@pytest.fixture
def clock() -> SetClock:
    """A Tuesday morning in the city: 2026-11-24 09:30."""
    return SetClock(datetime(2026, 11, 24, 1, 30, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that touch nothing outside the test's folder."""
    return Settings(_env_file=None, data_dir=tmp_path, database_url="", secret_key=SecretStr("a secret of the tests"))


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Makes a new empty database on a real PostgreSQL, or a copy of one, and returns its URL."""
    from tests.postgresql import running

    with running(tmp_path_factory.mktemp("postgresql")) as new_database:
        yield new_database


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema, to be copied: the migrations take a second."""
    path = tmp_path_factory.mktemp("schema") / "hotline.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_copy(postgresql_url: Callable[..., str]) -> Callable[[], str]:
    """Makes a database with our schema on a real PostgreSQL and returns its URL."""
    migrated = postgresql_url()
    _migrate(migrated)
    return lambda: postgresql_url(migrated)


def _migrate(url: str) -> None:
    made = Database(url, VAULT)
    schema.upgrade(made)
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database with our schema: every test that uses it runs on both kinds."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    made = Database(request.getfixturevalue("postgresql_copy")(), VAULT)
    yield made
    made.close()


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_file: Path) -> Iterator[Database]:
    """An empty SQLite database with our schema."""
    made = Database(f"sqlite:///{shutil.copy(sqlite_file, tmp_path / 'hotline.db')}", VAULT)
    yield made
    made.close()


@pytest.fixture
def bot() -> FakeBot:
    """A bot that answers what the test tells it to."""
    return FakeBot()


@pytest.fixture
def client(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The whole application on SQLite with a fake bot, as somebody without any key sees it."""
    from hotline.app import Parts, assemble

    with TestClient(assemble(Parts(settings, sqlite, city, bot, clock))) as made:
        yield made


@pytest.fixture
def as_bot(settings: Settings) -> dict[str, str]:
    """The headers of the bot."""
    return {"Authorization": f"Bearer {token(settings, 'service')}"}


@pytest.fixture
def as_operator(settings: Settings) -> dict[str, str]:
    """The headers of the people who run the system."""
    return {"Authorization": f"Bearer {token(settings, 'operator')}"}


@pytest.fixture(scope="session")
def weixin() -> Iterator[WeChatServers]:
    """The servers of WeChat that `system` is connected to."""
    with WeChatServers(Account(), utc_now).serving() as servers:
        yield servers


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, weixin: WeChatServers) -> Iterator[System]:
    """`hotline up` with the real Rasa model, ready; for tests that leave it whole."""
    account = {f"HOTLINE_{name.upper()}": value for name, value in weixin.account.settings.items()}
    with running(tmp_path_factory.mktemp("system"), **account, HOTLINE_WECHAT_URL=weixin.url) as started:
        yield started.wait_until_ready()


@pytest.fixture
def noise_complaint() -> dict[str, Any]:
    """An order as the bot sends it: noise at night, by a citizen with a phone."""
    return {
        "text": "楼下烧烤店每天营业到凌晨，音响声音很大，老人睡不着。",
        "category": "09",
        "confidence": 0.91,
        "ranking": [["09", 0.91], ["01", 0.05]],
        "nature": "投诉",
        "area_code": "421202001",
        "place": "淦河大道88号",
        "contact_phone": "+8613871234567",
        "line": "citizen",
        "channel": "web",
    }


@pytest.fixture
def message_ids() -> Iterator[str]:
    """Fresh message ids."""
    return (f"m{number}" for number in itertools.count(1))
