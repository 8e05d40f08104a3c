"""A real Chromium in front of the real system."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.system import System

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A browser of a test asks nobody outside this machine for anything.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


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
        started = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, system: System) -> Iterator[Page]:
    """The chat on a phone's screen; any error in the page's console fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", timezone_id="Asia/Shanghai")
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(system.url)
    yield opened
    context.close()
    assert errors == []
