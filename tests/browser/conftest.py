"""A real Chromium in front of the real system."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.system import ROOT, System

AXE = ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
