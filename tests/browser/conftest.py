"""A real Chromium in front of the real system."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.system import ROOT, System

AXE = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PASSWORD = "a password of the tests"
# A browser of a test asks nobody outside this machine for anything.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
# A microphone that beeps, which a page gets as any other: after asking.
MICROPHONE = ["--use-fake-device-for-media-stream"]


# Not for the session: while Playwright runs, this thread has an event loop, and asynchronous tests cannot.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip that says why; in CI there is no skip."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            if os.environ.get("CI"):
                pytest.fail("CI needs a Chromium for the browser tests: `make test` installs one as root with apt-get")
            pytest.skip("no Chromium on this machine, and the set-up could not install one")
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        started = playwright.chromium.launch(executable_path=path, args=[*QUIET, *MICROPHONE, *sandbox])
        yield started
        started.close()


@contextmanager
def opened(browser: Browser, url: str, width: int, height: int) -> Iterator[Page]:
    """A page on a screen of this size; any error in the page's console fails the test."""
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert errors == []


def serious_faults(page: Page) -> list[str]:
    """What axe finds in the page that keeps people from using it."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']])}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.fixture
def page(browser: Browser, system: System) -> Iterator[Page]:
    """The chat on a phone's screen."""
    with opened(browser, system.url, 390, 844) as chat:
        yield chat


@pytest.fixture(scope="module")
def login(system: System) -> Iterator[str]:
    """Somebody who may take conversations over; at the end no seat is there for the tests that follow."""
    operator = {"Authorization": f"Bearer {(system.data_dir / 'operator.token').read_text()}"}
    user = {"login": "seat1", "name": "坐席一", "role": "seat", "password": PASSWORD}
    # Of a module before: it stays.
    assert system.http.post("/api/users", json=user, headers=operator).status_code in (201, 409)
    yield user["login"]
    # The house itself takes a seat for gone only after minutes.
    with closing(sqlite3.connect(system.data_dir / "hotline.db")) as database, database:
        database.execute("DELETE FROM chat_seats")


@pytest.fixture
def seat(browser: Browser, system: System, login: str) -> Iterator[Page]:
    """A seat's page of conversations on a screen of 1366×768, signed in."""
    with opened(browser, f"{system.url}/console/chats", 1366, 768) as page:
        page.get_by_label("账号").fill(login)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("button", name="快捷键")).to_be_visible()
        yield page
