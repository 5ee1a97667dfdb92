"""What the fleet's map costs in a real browser, while the fleet goes on changing.

    python -m benchmarks pages [--hosts 10000] [--changes 50] [--seconds 10] [--screenshot FILE]

Each host has eight devices.  The fleet is reported to a service on SQLite, which then runs as an
operator runs it; headless Chromium opens the map.  Times are the browser's own performance entries:
paint entries, the page's measures (`wherry:map` from the numbers to the first drawing,
`wherry:draw` one drawing, `wherry:update` a change taken in), and event entries (from a key until
what it changes is painted).  Bytes are those of the wire, headers included.  Memory is that of the
tab's script, after a collection.  Meanwhile hosts change so many times a second.
"""

import argparse
import statistics
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from typing import Any

import msgspec
from playwright.sync_api import Page, sync_playwright

from benchmarks.servers import Server, run_wherry
from wherry.app.engine import open_engine
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.bench.figures import require
from wherry.bench.reports import make_report
from wherry.model.facts import Report
from wherry.store.engine import upgrade_store

BUSES = ("01", "11", "21", "31", "41", "51", "61", "71")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--enable-precise-memory-info",
)
KEYS = 40
PATIENCE_MS = 300_000
"""A service that has just begun reads the fleet first."""
OBSERVE = """
window.seen = [];
new PerformanceObserver((list) => { for (const each of list.getEntries())
  if (each.name === "keydown") window.seen.push(each.duration); })
  .observe({type: "event", durationThreshold: 16, buffered: true});
"""


def load(folder: Path, hosts: int) -> str:
    """Report the fleet into a database of its own, unless it is there; gives its address."""
    database = f"sqlite:///{folder}/fleet.db"
    if (folder / "fleet.db").exists():
        return database
    upgrade_store(database)
    engine = open_engine(Settings(state_dir=folder, database=database))
    try:
        for number in range(hosts):
            body = msgspec.json.encode(make_report(number, buses=BUSES))
            put_report(engine, msgspec.json.decode(body, type=Report))
    finally:
        engine.close()
    return database


class Changing:
    """A client that changes one host after another, so many a second."""

    def __init__(self, server: Server, hosts: int, rate: float) -> None:
        self._server, self._hosts, self._rate = server, hosts, rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def __enter__(self) -> "Changing":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        link = HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        begun = time.monotonic()
        while not self._over.wait(max(0.0, begun + self.sent / self._rate - time.monotonic())):
            name = f"compute-{(self.sent * 7) % self._hosts:06d}"
            state = ("maintenance", "enabled")[self.sent // self._hosts % 2]
            body = msgspec.json.encode({"state": state})
            link.request(
                "PATCH", f"/wherry/hosts/{name}", body, {"Content-Type": "application/json"}
            )
            answer = link.getresponse()
            answer.read()
            require(answer.status == 200, f"PATCH answered {answer.status}")
            self.sent += 1


def take_in(server: Server) -> float:
    """Ask until the service has read the fleet; gives seconds."""
    begun = time.monotonic()
    link = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_MS / 1000)
    link.request("GET", "/wherry/fleet")
    link.getresponse().read()
    return time.monotonic() - begun


def measure(server: Server, args: argparse.Namespace) -> None:
    """Open the map, walk it, scroll it, and let it follow what changes."""
    _tell("the service reads the fleet", take_in(server), unit="s")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=list(OPTIONS))
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(OBSERVE)
        page.goto(f"http://127.0.0.1:{server.port}/ui/")
        _until(page, "performance.getEntriesByName('wherry:map').length > 0")
        _until(page, "performance.getEntriesByName('wherry:draw').length > 0")
        told = page.locator("#sum").inner_text()
        require(told == f"{args.hosts:,} hosts, {8 * args.hosts:,} devices", told)
        _tell("first contentful paint", page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"))  # fmt: skip
        _tell("the map is drawn (since the address was entered)", page.evaluate(
            "(() => { const d = performance.getEntriesByName('wherry:draw')[0];"
            " return d.startTime + d.duration; })()"))  # fmt: skip
        _tell("numbers to drawing", *_measures(page, "wherry:map"))
        _tell("bytes of page, files and numbers", _bytes(page), unit="kB")
        with Changing(server, args.hosts, args.changes) as changing:
            _walk(page)
            _scroll(page, args.seconds)
            sent = changing.sent
        require(sent > 0, "nothing changed meanwhile")
        updates = _measures(page, "wherry:update")
        require(bool(updates), "no change reached the map")
        _tell(f"a key until it is painted, {args.changes:g} changes a second", *_events(page))
        _tell("one drawing", *_measures(page, "wherry:draw"))
        _tell(f"changes taken in, {sent} of them", *updates)
        _tell("memory of the tab's script", _memory_mb(page), unit="MB")
        if args.screenshot:
            page.screenshot(path=args.screenshot)
        browser.close()


def _walk(page: Page) -> None:
    page.locator("canvas").focus()
    for number in range(KEYS):
        page.keyboard.press("ArrowDown" if number % 4 else "PageDown")
        page.wait_for_timeout(60)


def _scroll(page: Page, seconds: float) -> None:
    page.mouse.move(700, 600)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        page.mouse.wheel(0, 240)
        page.wait_for_timeout(50)


def _until(page: Page, expression: str, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not page.evaluate(expression):
        require(time.monotonic() < end, f"never came true: {expression}")
        time.sleep(0.05)


def _measures(page: Page, name: str) -> list[float]:
    found: list[float] = page.evaluate(
        f"performance.getEntriesByName('{name}').map(e => e.duration)"
    )
    return found


def _events(page: Page) -> list[float]:
    # What is below 16 ms has no entry: it was painted with the next frame.
    seen: list[float] = page.evaluate("window.seen")
    return seen + [16.0] * max(0, KEYS - len(seen))


def _bytes(page: Page) -> float:
    sizes: float = page.evaluate(
        "['navigation', 'resource'].flatMap(k => performance.getEntriesByType(k))"
        ".reduce((all, each) => all + each.transferSize, 0)"
    )
    return sizes / 1000


def _memory_mb(page: Page) -> float:
    link: Any = page.context.new_cdp_session(page)
    link.send("HeapProfiler.collectGarbage")
    used: float = page.evaluate("performance.memory.usedJSHeapSize")
    return used / 1e6


def _tell(what: str, *values: float, unit: str = "ms") -> None:
    if len(values) == 1:
        print(f"  {what:58} {values[0]:9.1f} {unit}", flush=True)
        return
    median, worst = statistics.median(values), max(values)
    print(f"  {what:58} {median:9.1f} {unit}  at most {worst:.1f}, {len(values)} times", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Time the map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--changes", type=float, default=50.0, help="hosts that change each second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of scrolling")
    parser.add_argument("--folder", type=Path, help="where the fleet is kept for another run")
    parser.add_argument("--screenshot", help="file to draw the map to at the end")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        database = load(folder, args.hosts)
        took = time.monotonic() - begun
        print(f"{args.hosts:,} hosts with 8 devices each, reported in {took:.0f} s", flush=True)
        with run_wherry(folder, database=database, workers=1, threads=4) as server:
            measure(server, args)


if __name__ == "__main__":
    main()
