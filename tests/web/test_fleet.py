"""The fleet's page in a real browser: a map that reads, and keeps up by itself."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from web.conftest import DemoFleet, Guarded, violations

Visit = Callable[..., Guarded]


@pytest.mark.parametrize("path", ["/ui/", "/ui/?view=table", "/ui/?driver=nobody", "/ui/sign-in"])
def test_axe_finds_nothing(visit: Visit, fleet: DemoFleet, path: str) -> None:
    page = visit(fleet.service).open(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert violations(page) == []


def test_the_map_is_read_and_walked_by_keyboard(visit: Visit, fleet: DemoFleet) -> None:
    page = visit(fleet.service).open()
    expect(page.locator("#sum")).to_contain_text("11 hosts")
    page.locator("canvas").focus()
    expect(page.locator("#told")).to_contain_text("gpu-1")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#told")).to_contain_text("gpu-2")
    page.keyboard.press("End")
    expect(page.locator("#told")).to_contain_text("serial-4")
    page.keyboard.press("Home")
    with page.expect_navigation(url="**/ui/hosts/gpu-1"):
        page.keyboard.press("Enter")


def test_a_change_reaches_the_map_by_itself(visit: Visit, fleet: DemoFleet) -> None:
    page = visit(fleet.service).open()
    expect(page.locator("#live")).to_have_text("live")
    page.locator("canvas").focus()
    told = page.locator("#told")
    expect(told).to_contain_text("gpu-1")
    fleet.service.ask("PATCH", "/wherry/hosts/gpu-1", {"state": "maintenance"})

    expect(told).to_contain_text("gpu-1, maintenance")
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("gpu-2")
    page.keyboard.press("ArrowLeft")
    expect(told).to_contain_text("gpu-1, maintenance")
    fleet.service.ask("PATCH", "/wherry/hosts/gpu-1", {"state": "enabled"})


def test_the_address_says_what_is_shown(visit: Visit, fleet: DemoFleet) -> None:
    page = visit(fleet.service).open("/ui/?view=table")
    page.get_by_label("Driver").select_option("nvidia")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"/ui/\?view=table&.*driver=nvidia$"))
    names = page.locator("tbody th").all_inner_texts()

    assert names
    assert all(name.startswith("gpu-") for name in names)
