"""A real browser on a real service: what pages' tests share.

A page of these tests may ask nobody but the service, break no rule of its own policy, and
write no error to its console: whichever test opens it, `Guarded` looks at its end.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from service import Running, run_service
from wherry.agent.daemon import Agent
from wherry.app.settings import Settings
from wherry.cli.demo.fleet import make_agents, recorded_hosts, working

AXE = Path(__file__).parent / "axe.min.js"
CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--no-sandbox",  # tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATIENCE_MS = 60_000
"""What comes at once comes late on a busy machine; only what never comes waits so long."""
expect.set_options(timeout=PATIENCE_MS)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless browser for all tests of a worker."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: `make test` installs it, or apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(OPTIONS), timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@dataclass
class Guarded:
    """One visitor: a context of their own, whose pages are watched."""

    context: BrowserContext
    url: str
    trouble: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Beginnings of what may be written to the console: a test that provokes trouble says so."""

    def open(self, path: str = "/ui/") -> Page:
        """Open a page in a new tab, and wait until it is there."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.trouble.append(f"script failed: {error}"))
        page.on("request", self._see)
        page.goto(f"{self.url}{path}")
        return page

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.trouble.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _see(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != self.url:
            self.trouble.append(f"request to {request.url}")

    def check(self) -> None:
        """Hold against the guard what the visit brought about."""
        told = [each for each in self.trouble if not each.startswith(self.allowed or ("\0",))]
        assert not told, told


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Guarded]]:
    """Make visitors of a service; each is checked and leaves at the end."""
    visitors: list[Guarded] = []

    def make(service: Running, **said: Any) -> Guarded:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **said})
        context.set_default_timeout(PATIENCE_MS)
        visitors.append(Guarded(context, service.url))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    for visitor in visitors:
        visitor.check()


@dataclass(frozen=True, slots=True)
class DemoFleet:
    """The recorded fleet of `wherry demo`, with its agents at work."""

    service: Running
    agents: list[Agent]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoFleet]:
    """The recorded fleet, its agents at work; shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("fleet")
    service = run_service(Settings(database=f"sqlite:///{folder}/fleet.db", preflight_s=60))
    agents = make_agents(recorded_hosts(folder), service.url)
    for agent in agents:
        agent.report()
    with working(agents):
        yield DemoFleet(service, agents)
    service.stop()


def tab_to(page: Page, wanted: Locator) -> None:
    """Go to an element by the Tab key alone, and find that one sees where one is."""
    element = wanted.element_handle()
    for _ in range(60):
        page.keyboard.press("Tab")
        if element.evaluate("element => element === document.activeElement"):
            assert element.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
        if not element.evaluate("element => element.isConnected"):
            element = wanted.element_handle()  # a part of the page has come anew
    raise AssertionError("the Tab key never gets there")


def violations(page: Page) -> list[str]:
    """What axe finds on a page as it stands, in both themes: rule, what it says, and where."""
    page.wait_for_load_state()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [found for theme in THEMES for found in _violations(page, theme)]


def _violations(page: Page, theme: Literal["light", "dark"]) -> Iterator[str]:
    page.emulate_media(color_scheme=theme)
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG)
    for each in found["violations"]:
        told = f"{theme}: {each['id']}: {each['help']}"
        yield from (f"{told}: {node['target']}: {node['failureSummary']}" for node in each["nodes"])
