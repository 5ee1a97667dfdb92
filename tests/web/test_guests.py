"""From the list of guests to a claim in a real browser, and what a project user sees instead."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from acme_fleet import Fleet, name_of
from api.test_story_users import tokens
from web.conftest import Guarded, violations
from web.marked import MARKUP, open_fleet
from wherry.web.views import guests

Visit = Callable[..., Guarded]
GUEST = f"/ui/guests/{name_of('g')}"


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = open_fleet(tmp_path_factory.mktemp("marked"))
    yield fleet
    fleet.service.stop()


def test_axe_finds_nothing(visit: Visit, marked: Fleet) -> None:
    visitor = visit(marked.service)
    for path in (
        "/ui/guests",
        GUEST,
        f"{GUEST}/refused",
        f"{GUEST}/remedies",
        f"{GUEST}/claim?host=node-2",
    ):
        page = visitor.open(path)
        if path == GUEST:  # what would open hosts comes after the page
            expect(page.get_by_role("link", name="Ask again with this").first).to_be_visible()
        assert violations(page) == [], path
        page.close()


def test_reasons_stand_side_by_side_and_a_remedy_asks_again(visit: Visit, marked: Fleet) -> None:
    page = visit(marked.service).open(f"{GUEST}/refused")
    row = page.get_by_role("row").filter(has_text="VERSION_MINOR_OLDER")
    expect(row.get_by_role("cell")).to_have_text(["1.1", "1.0"])
    lacks = page.get_by_role("row").filter(has_text="FEATURE_MISSING")
    expect(lacks.get_by_role("cell")).to_have_text(["feature X", "lacks it"])
    page.get_by_role("link", name=name_of("g")).click()
    expect(page.locator(".headline")).to_contain_text(MARKUP)
    means = "The target lacks a feature that the guest uses."
    expect(page.get_by_role("rowheader", name=means)).to_be_visible()
    again = page.get_by_role("link", name="Ask again with this").first
    expect(again).to_be_visible()
    again.click()
    expect(page.get_by_label("Mode")).not_to_have_value("live")
    page.get_by_label("Aggregates").fill(f"!{name_of('h')} {name_of('g')}")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("rowheader").filter(has_text="HOST_MEMBER_OF")).to_be_visible()
    opens = page.get_by_role("listitem").filter(has_text="do without aggregates")
    opens.get_by_role("link").click()
    expect(page.get_by_label("Aggregates")).to_have_value(f"!{name_of('h')}")
    assert page.evaluate("document.querySelectorAll('main img').length") == 0


def test_a_large_fleet_lights_up_the_link_that_asks_again(
    visit: Visit, marked: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked anew by itself there: the link says that the fleet has changed."""
    monkeypatch.setattr(guests, "MANY", 3)
    page = visit(marked.service).open(GUEST)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.get_by_role("link", name="Ask again when the fleet has changed")).to_be_visible()
    assert marked.service.ask("PATCH", "/wherry/hosts/node-4", {"labels": {"x": "y"}}).status == 200
    lit = page.get_by_role("link", name="Ask again: the fleet has changed")
    expect(lit).to_have_class("button")
    assert violations(page) == []
    lit.press("Enter")
    expect(page.get_by_role("link", name="Ask again when the fleet has changed")).to_be_visible()


def counted(fleet: Fleet, series: str) -> float:
    """How many the service has counted, by whichever door."""
    told = fleet.service.ask("GET", "/metrics").body.decode()
    return sum(float(n) for n in re.findall(rf"^{series}\S* (\S+)$", told, re.MULTILINE))


def test_a_target_is_claimed_by_keyboard_alone(visit: Visit, marked: Fleet) -> None:
    """The page shows the claim; a second one says why it cannot be had."""
    visitor, claims = visit(marked.service), counted(marked, "wherry_claims_total")
    page = visitor.open("/ui/guests")
    page.get_by_role("link", name=name_of("h")).press("Enter")
    page.get_by_role("link", name="Claim node-1").press("Enter")
    expect(page.get_by_label("Lease, seconds")).to_have_value("600")
    again = visitor.open(page.url.removeprefix(marked.service.url))
    visitor.allowed = ("error: Failed to load resource",)  # a page of migrations, and a refusal
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_label("Alternates").fill("0000000000099")
    page.get_by_role("button", name="Claim node-1").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("whole number from 0 to 16")
    page.go_back()
    page.get_by_label("Alternates").fill("0")
    page.get_by_label("Lease, seconds").fill("900")
    page.get_by_role("button", name="Claim node-1").press("Enter")
    page.wait_for_url("**/ui/migrations/*")
    uuid = page.url.rpartition("/")[2]
    begun = marked.service.get(f"/wherry/migrations/{uuid}")
    assert (begun["target"], begun["lease_s"]) == ("node-1", 900)
    again.get_by_role("button", name="Claim node-1").press("Enter")
    expect(again.get_by_role("alert")).to_contain_text("It was not claimed")
    assert counted(marked, "wherry_claims_total") == claims + 1
    body = {"note": "over"}
    assert marked.service.ask("POST", f"/wherry/migrations/{uuid}/abort", body).status == 200


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet that asks who is there; it ends after the visitors have left."""
    asks = {"auth": "token", "tokens_file": tokens(tmp_path)}
    fleet = open_fleet(tmp_path, token="admin-token", **asks)
    yield fleet
    fleet.service.stop()


def test_a_project_user_sees_its_own_guests_and_whether_they_can_move(
    asking: Fleet, visit: Visit
) -> None:
    asking.boot("mine", "node-1", tenant="alpha", version="1.1", features=["X"])
    visitor = visit(asking.service)
    page = visitor.open("/ui/guests")
    page.get_by_label("Token").fill("alpha")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("tbody tr")).to_have_count(2)  # h's tenant is alpha too
    page.get_by_role("link", name=name_of("mine")).click()
    expect(page.locator("#guest")).to_contain_text("Yes.")
    assert "node-" not in page.content()
    assert violations(page) == []
