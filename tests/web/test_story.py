"""The whole story in a real browser: a guest that moves, and one that stays."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from web.conftest import DemoFleet, Guarded
from wherry.cli.demo.story import name_of

Visit = Callable[..., Guarded]
GUESTS = {
    "graphics": ("gpu-1", "vgpu", "nvidia/RTXA6000-2Q"),
    "serial": ("serial-1", "port", "mtty/mtty-1"),
}


def boot(fleet: DemoFleet, what: str) -> str:
    """Give a guest one device, over the API; gives its uuid."""
    host, slot, type_name = GUESTS[what]
    rows: Any = fleet.service.get(f"/wherry/offers?host={host}&type={type_name}")["offers"]
    slots = {slot: {"provider": rows[0]["provider"], "type": type_name}}
    fleet.service.put(f"/wherry/guests/{name_of(what)}", {"host": host, "slots": slots})
    return name_of(what)


def test_a_guest_is_moved_and_another_stays(visit: Visit, fleet: DemoFleet) -> None:
    graphics, serial = boot(fleet, "graphics"), boot(fleet, "serial")
    visitor = visit(fleet.service)

    # The fleet, and a guest of one of its hosts.
    page = visitor.open()
    expect(page.locator("#sum")).to_contain_text("11 hosts")
    page.locator("canvas").focus()
    expect(page.locator("#told")).to_contain_text("gpu-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("gpu-1")
    page.get_by_role("link", name=graphics).first.click()
    expect(page.locator("#targets")).to_contain_text("0 hosts can take it; 11 hosts cannot")

    # Why a host is refused, and what would open it.
    page.get_by_role("link", name="Each refused host").click()
    expect(page.locator("main")).to_contain_text("gpu-2")
    page.go_back()
    remedy = page.locator("#remedies li").filter(has_text="accept unknown")
    expect(remedy).to_contain_text("1 host such as gpu-2")
    remedy.get_by_role("link", name="Ask again with this").click()
    expect(page.locator("#targets")).to_contain_text("1 host can take it")

    # The claim, and the move; a second tab watches.
    page.get_by_role("link", name="Claim gpu-2").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Claim gpu-2").click()
    page.wait_for_url("**/ui/migrations/*")
    watching = visitor.open(page.url.removeprefix(fleet.service.url))
    expect(watching.locator("#live")).to_have_text("live")
    expect(watching.locator("#state")).to_have_text("claimed")
    with page.expect_navigation():
        page.get_by_role("button", name="Ask both hosts to confirm").click()
    expect(watching.locator("#state")).to_have_text("confirmed")
    with page.expect_navigation():
        page.get_by_role("button", name="Start: the guest begins to move").click()
    expect(watching.locator("#state")).to_have_text("started")
    with page.expect_navigation():
        page.get_by_role("button", name="Finish: the guest runs on gpu-2").click()
    expect(watching.locator("#state")).to_have_text("finished")
    assert fleet.service.get(f"/wherry/guests/{graphics}")["host"] == "gpu-2"

    # Another is claimed, and given up.
    page.goto(f"{fleet.service.url}/ui/guests/{serial}")
    page.get_by_role("link", name="Claim serial-2").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Claim serial-2").click()
    page.locator("#abort summary").click()
    page.get_by_label("Why").fill("the rack is to be powered down first")
    page.get_by_role("checkbox").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Abort the migration").click()
    expect(page.locator("#state")).to_have_text("aborted")
    assert fleet.service.get(f"/wherry/guests/{serial}")["host"] == "serial-1"

    # All of it is in the list, as it ended.
    page.get_by_role("link", name="Migrations", exact=True).click()
    expect(page.locator("main")).to_contain_text("gpu-1")
    expect(page.locator("main")).to_contain_text("aborted")
