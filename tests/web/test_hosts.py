"""A host's page in a real browser: what was read, what is held and by whom, and its state."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from acme_fleet import Fleet, name_of
from web.conftest import Guarded, violations
from web.marked import MARKUP, STRAY, TYPE, open_fleet

Visit = Callable[..., Guarded]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = open_fleet(tmp_path_factory.mktemp("marked"))
    yield fleet
    fleet.service.stop()


def open_all(page: Page) -> None:
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def test_axe_finds_nothing(visit: Visit, marked: Fleet) -> None:
    page = visit(marked.service).open("/ui/hosts/node-1")
    open_all(page)

    assert violations(page) == []


def test_a_host_tells_what_was_read_and_who_holds_what(visit: Visit, marked: Fleet) -> None:
    """Value, absent and unreadable are told apart in text; what holds markup is text."""
    page = visit(marked.service).open("/ui/hosts/node-1")
    open_all(page)
    facts = page.locator("table.read tr")

    expect(facts.filter(has_text="firmware_version").locator("code")).to_have_text("7.7")
    expect(facts.filter(has_text="revision")).to_contain_text("absent")
    unread = facts.filter(has_text="reset_method")
    expect(unread).to_contain_text("unreadable EACCES: run as root, or it is write-only")
    expect(facts.filter(has_text="modalias")).to_contain_text("2 bytes that are no text")
    expect(facts.filter(has_text="local_cpulist").locator("code")).to_have_text(MARKUP)
    expect(page.get_by_role("rowheader", name=TYPE)).to_be_visible()
    expect(page.locator(".headline")).to_contain_text(MARKUP)
    pool = page.locator(".pool-line").filter(has_text="CUSTOM_ACME_SLICE")
    expect(pool).to_contain_text("1 held, 1 taken by instances nobody allocated")
    expect(page.locator("li").filter(has_text=STRAY).last).to_contain_text("nobody allocated it")
    assert page.evaluate("document.querySelectorAll('main img').length") == 0
    expect(pool.get_by_role("link", name=name_of("g"))).to_have_attribute(
        "href", f"/ui/guests/{name_of('g')}"
    )


def test_labels_are_set_changed_and_taken_away(visit: Visit, marked: Fleet) -> None:
    """A name that there cannot be is told on a page, and changes nothing."""

    def labels() -> dict[str, str]:
        return dict(marked.service.get("/wherry/hosts/node-3")["host"].get("labels", {}))

    visitor = visit(marked.service)
    page = visitor.open("/ui/hosts/node-3")
    page.get_by_label("New label").fill("row")
    page.get_by_label("Value").fill(MARKUP)
    with page.expect_navigation():  # what is sent shows on this page already before
        page.keyboard.press("Enter")
    expect(page.locator(".headline")).to_contain_text(f"row={MARKUP}")
    page.get_by_label("row", exact=True).fill("b")
    with page.expect_navigation():
        page.get_by_role("button", name="Change label row").press("Enter")
    expect(page.locator(".headline")).to_contain_text("row=b")
    assert labels() == {"row": "b"}
    with page.expect_navigation():
        page.get_by_role("button", name="Take away label row").press("Enter")
    expect(page.get_by_text("It has none.")).to_be_visible()
    assert labels() == {}
    visitor.allowed = ("error: Failed to load resource",)
    page.get_by_label("New label").fill("=row")
    page.get_by_role("button", name="Set label").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("begins with a letter or a digit")
    assert labels() == {}


def test_a_part_that_cannot_be_had_stays_and_is_asked_for_again(
    visit: Visit, marked: Fleet
) -> None:
    """A busy service leaves the page as it was, and so does one where the host has gone."""
    visitor = visit(marked.service)
    visitor.allowed = ("error: Failed to load resource",)
    page = visitor.open("/ui/hosts/node-4")
    expect(page.locator("#live")).to_have_text("live")
    refusals = [404, 503]

    def answer(route: Route) -> None:
        if refusals:
            route.fulfill(status=refusals.pop(), content_type="text/html", body="<p>Not now.</p>")
        else:
            route.continue_()

    page.route("**/ui/hosts/node-4", answer)
    marked.boot("first", "node-4", version="1.1", features=["Y"])
    expect(page.locator("#live")).to_have_text("load the page again")
    expect(page.locator("#host h1")).to_have_text("node-4")
    assert refusals == []
    marked.boot("second", "node-4", version="1.1", features=["Y"])
    pool = page.locator(".pool-line").filter(has_text="CUSTOM_ACME_SLICE")
    expect(pool.get_by_role("link", name=name_of("second"))).to_be_visible()


def test_a_host_goes_into_maintenance_by_keyboard_and_keeps_up(visit: Visit, marked: Fleet) -> None:
    """What was opened stays open when a claim elsewhere changes the page."""
    page = visit(marked.service).open("/ui/hosts/node-2")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_label("State").focus()
    page.keyboard.press("m")  # one key: more of them are one word only while nothing is slow
    expect(page.get_by_label("State")).to_have_value("maintenance")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".headline .state")).to_have_text("maintenance")
    assert marked.service.get("/wherry/hosts/node-2")["host"]["state"] == "maintenance"
    expect(page.locator("#live")).to_have_text("live")
    summary = page.locator("summary").filter(has_text="0000:3b:00.0").last
    summary.press("Enter")
    marked.boot("late", "node-2")

    pool = page.locator(".pool-line").filter(has_text="CUSTOM_ACME_SLICE")
    expect(pool.get_by_role("link", name=name_of("late"))).to_be_visible()
    expect(page.locator("table.read tr").filter(has_text="firmware_version")).to_be_visible()
