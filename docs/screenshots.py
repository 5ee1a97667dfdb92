"""Draw every page of the dashboard, in light and dark: ``make screenshots``.

The fleet is that of ``wherry demo``: recorded hosts whose agents are at work, guests with
contracts, a migration that runs, one that has ended and one that was refused.  Pictures go to
``build/screenshots``; those that the README and the site show, to ``docs/assets`` as well.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from wherry.agent.client import Client
from wherry.cli.demo.fleet import make_agents, recorded_hosts, working
from wherry.cli.demo.service import own_service
from wherry.cli.demo.story import name_of
from wherry.model.checks import Policy
from wherry.model.guests import Guest, GuestRequest, SlotRequest
from wherry.model.matrix import Matrix
from wherry.model.migrations import Migration
from wherry.model.wire import (
    AbortRequest,
    HostDetail,
    HostPatch,
    MigrationRequest,
    OfferList,
    TokenRequest,
)

ROOT = Path(__file__).resolve().parent.parent
ALL = ROOT / "build" / "screenshots"
SHOWN = ROOT / "docs" / "assets"
IN_DOCS = ("fleet", "guest", "migration")
"""Pages whose pictures, in light, are part of the documentation."""
THEMES = ("light", "dark")
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 800}
ANYTHING_BUT_NO = Policy(accept=("ok", "warn", "unknown"))
RACKS = {"serial": "r1", "gpu": "r2", "net": "r3"}


def set_up(client: Client) -> Mapping[str, str]:
    """Boot guests, move some; gives the address of each page by its name."""
    for kind, rack in RACKS.items():
        for number in range(1, 5):
            if (kind, number) != ("net", 4):
                patch = HostPatch(labels={"rack": rack})
                client.send("PATCH", f"/wherry/hosts/{kind}-{number}", HostDetail, patch)
    client.send("PATCH", "/wherry/hosts/gpu-4", HostDetail, HostPatch(state="maintenance"))
    boot(client, "serial", "serial-1", "mtty/mtty-1")
    boot(client, "another", "serial-2", "mtty/mtty-1")
    graphics = boot(client, "graphics", "gpu-1", "nvidia/RTXA6000-2Q")
    boot(client, "network", "net-1", "pci/8086:10ca")
    running = claim(client, "first move", "serial", "serial-2")
    step(client, running, "preflight", TokenRequest(token=running.token))
    step(client, running, "start", TokenRequest(token=running.token))
    ended = claim(client, "second move", "another", "serial-1")
    note = AbortRequest(token=ended.token, note="the rack is to be powered down first")
    step(client, ended, "abort", note)
    return {
        "fleet": "/ui/",
        "fleet-table": "/ui/?view=table",
        "fleet-empty": "/ui/?driver=nobody",
        "host": "/ui/hosts/gpu-1",
        "guests": "/ui/guests",
        "guest": f"/ui/guests/{name_of('another')}",
        "guest-nowhere": f"/ui/guests/{graphics.uuid}",
        "refused": f"/ui/guests/{name_of('another')}/refused",
        "remedies": f"/ui/guests/{graphics.uuid}/remedies",
        "claim": f"/ui/guests/{name_of('another')}/claim?host=serial-1",
        "matrix": "/ui/matrix",
        "matrix-of-one": "/ui/matrix?type=mtty/mtty-1",
        "matrix-pair": pair_of(client, "serial-1", "serial-4"),
        "migrations": "/ui/migrations",
        "migration": f"/ui/migrations/{running.uuid}",
        "migration-ended": f"/ui/migrations/{ended.uuid}",
        "not-found": "/ui/hosts/nobody",
        "sign-in": "/ui/sign-in",
    }


def pair_of(client: Client, source: str, target: str) -> str:
    """Address of what the offer of a host is to that of another."""
    drawn = client.get("/wherry/matrix", Matrix, type="mtty/mtty-1")
    kinds = {kind.example_host: kind.id for kind in drawn.kinds}
    return f"/ui/matrix/pair?type={drawn.type}&source={kinds[source]}&target={kinds[target]}"


def boot(client: Client, what: str, host: str, type_name: str) -> Guest:
    """Give a guest one device of a type."""
    row = client.get("/wherry/offers", OfferList, host=host, type=type_name).offers[0]
    slots = {"dev0": SlotRequest(provider=row.provider, type=type_name)}
    asked = GuestRequest(host=host, tenant="demo", slots=slots)
    return client.send("PUT", f"/wherry/guests/{name_of(what)}", Guest, asked)


def claim(client: Client, what: str, guest: str, target: str) -> Migration:
    """Claim a target for a guest."""
    asked = MigrationRequest(guest=name_of(guest), target=target, policy=ANYTHING_BUT_NO)
    return client.send("PUT", f"/wherry/migrations/{name_of(what)}", Migration, asked)


def step(client: Client, move: Migration, verb: str, body: TokenRequest | AbortRequest) -> None:
    """Take a step of a migration."""
    client.send("POST", f"/wherry/migrations/{move.uuid}/{verb}", Migration, body)


@contextmanager
def service() -> Iterator[str]:
    """Run the demonstration's service with its recorded hosts; gives its address."""
    with tempfile.TemporaryDirectory() as name, own_service(Path(name) / "state", port=0) as url:
        agents = make_agents(recorded_hosts(Path(name)), url)
        for agent in agents:
            agent.report()
        with working(agents):
            yield url


def draw(page: Page, file: Path) -> None:
    """Wait until a page stands still, and draw all of it."""
    page.wait_for_load_state("load")
    if page.locator("#live").count():
        page.locator("#live[data-state=live]").wait_for()
    page.wait_for_timeout(400)
    page.screenshot(path=file, full_page=True)


def main() -> None:
    """Draw all pages."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("needs Chromium: apt-get install chromium, or run `make screenshots`")
    ALL.mkdir(parents=True, exist_ok=True)
    SHOWN.mkdir(parents=True, exist_ok=True)
    with service() as url, sync_playwright() as playwright:
        pages = set_up(Client(url))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for theme in THEMES:
            for size, viewport in (("", WIDE), ("-narrow", NARROW)):
                context = browser.new_context(viewport=viewport, color_scheme=theme)
                for name, path in pages.items():
                    page = context.new_page()
                    page.goto(f"{url}{path}")
                    file = ALL / f"{name}{size}-{theme}.png"
                    draw(page, file)
                    page.close()
                    if name in IN_DOCS and theme == "light" and not size:
                        shutil.copy(file, SHOWN / f"{name}.png")
                context.close()
        browser.close()
    print(f"{len(list(ALL.glob('*.png')))} pictures in {ALL}")


if __name__ == "__main__":
    main()
