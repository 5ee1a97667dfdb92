"""The matrix in a real browser: from a type to a cell and its reasons, by keyboard too."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from acme_fleet import Fleet
from web.conftest import Guarded, violations
from web.marked import TYPE, open_fleet, send

Visit = Callable[..., Guarded]
MARKED = f"acme/{TYPE}"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = open_fleet(tmp_path_factory.mktemp("marked"))
    yield fleet
    fleet.service.stop()


def closed_by(marked: Fleet) -> list[str]:
    """Codes that close the way back of the first pair that leads one way alone."""
    drawn = marked.service.get("/wherry/matrix?type=acme/a1")
    source, target = drawn["one_way"][0]
    verdict, codes = drawn["cells"][target][source]
    assert verdict == "no"
    return [str(code) for code in codes]


def test_a_cell_leads_to_its_reasons_both_ways(visit: Visit, marked: Fleet) -> None:
    codes = closed_by(marked)
    page = visit(marked.service).open("/ui/")
    page.get_by_role("link", name="Matrix", exact=True).press("Enter")
    expect(page.get_by_role("rowheader")).to_have_text([MARKED, "acme/a1"])
    page.get_by_role("link", name="acme/a1").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Compatibility matrix")
    cells = page.locator("table.matrix td.pair-cell")
    expect(cells).to_have_count(9)
    expect(page.locator("tbody code").filter(has_text="interface.supports")).to_be_visible()
    one_way = page.get_by_role("link", name="no way back")
    expect(one_way.first).to_contain_text("→")
    one_way.first.press("Enter")

    expect(page.get_by_role("heading", name="Back again")).to_contain_text("no")
    back = page.get_by_role("region", name="Back again: reasons")
    expect(back.get_by_role("columnheader")).to_have_text(["Reason", "Wanted", "Offered"])
    for code in codes:
        expect(back).to_contain_text(code)
    page.locator(".eyebrow").get_by_role("link", name="acme/a1").press("Enter")
    expect(cells).to_have_count(9)
    send(marked, "node-5", version="1.3", features="X Y")
    expect(cells).to_have_count(16)


def test_axe_finds_nothing(visit: Visit, marked: Fleet) -> None:
    visitor = visit(marked.service)
    page = visitor.open("/ui/matrix")
    assert violations(page) == []
    page.goto(f"{marked.service.url}/ui/matrix?type={MARKED}&mode=cold")
    assert violations(page) == []
    page.get_by_role("link", name="From kind 1 to kind 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKED)
    assert violations(page) == []
    assert page.evaluate("document.querySelectorAll('main img').length") == 0


def test_an_address_that_asks_for_nothing_there_is_answered(visit: Visit, marked: Fleet) -> None:
    visitor = visit(marked.service)
    visitor.allowed = ("error: Failed to load resource",)
    page = visitor.open("/ui/matrix?type=nobody/has-it")
    expect(page.locator("main")).to_contain_text("no offer of type nobody/has-it")
    page.goto(f"{marked.service.url}/ui/matrix?type=acme/a1&mode=fast")
    expect(page.locator("main")).to_contain_text("there is no mode 'fast'")
