"""Pages for everybody: each by the Tab key alone, and what axe says of those no other test asks.

What a page's own tests show of it is not shown again here.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from acme_fleet import Fleet, name_of
from api.test_story_users import tokens
from web.conftest import Guarded, tab_to, violations
from web.marked import open_fleet

Visit = Callable[..., Guarded]
ENDED = f"/ui/migrations/{name_of('m')}"
GUEST = name_of("h")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet that asks who is there, and where a migration was aborted."""
    folder = tmp_path_factory.mktemp("marked")
    asks = {"auth": "token", "tokens_file": tokens(folder)}
    fleet = open_fleet(folder, token="admin-token", **asks)
    token = fleet.claim("m", "g", "node-2").json["token"]
    assert fleet.step("m", "abort", {"token": token, "note": "over"}).status == 200
    yield fleet
    fleet.service.stop()


def sign_in(page: Page, token: str) -> None:
    """Type a token where the page begins, once the browser has gone there."""
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(token)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("nav")).to_be_visible()


def follow(page: Page, wanted: Locator, heading: str) -> None:
    """Go to a link or button by the Tab key, press it, and see where it leads."""
    tab_to(page, wanted)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True).first


def test_axe_finds_nothing(visit: Visit, marked: Fleet) -> None:
    visitor = visit(marked.service)
    visitor.allowed = ("error: Failed to load resource",)  # one of them answers 404
    operators, users = (ENDED, "/ui/hosts/nobody"), ("/ui/guests", f"/ui/guests/{GUEST}")
    for token, paths in {"admin-token": operators, "alpha": users}.items():
        page = visitor.open("/ui/sign-in")
        sign_in(page, token)
        for path in paths:
            page.goto(f"{visitor.url}{path}")
            assert violations(page) == [], path


def test_an_operator_reads_every_kind_of_page_by_the_tab_key(visit: Visit, marked: Fleet) -> None:
    visitor = visit(marked.service)
    page = visitor.open("/ui/sign-in")
    sign_in(page, "admin-token")
    follow(page, link(page, "As a table"), "Fleet")
    follow(page, link(page, "node-1"), "node-1")
    follow(page, link(page, "Guests"), "Guests")
    follow(page, link(page, GUEST), GUEST)
    follow(page, page.get_by_role("link", name="Each refused host"), "Why hosts refuse it")
    tab_to(page, page.get_by_role("region", name="Reasons of node-3"))  # to be scrolled by arrows
    follow(page, link(page, GUEST), GUEST)
    follow(page, page.get_by_role("link", name="Ask again with this").first, GUEST)
    follow(page, link(page, "Matrix"), "Compatibility matrix")
    follow(page, link(page, "acme/a1"), "Compatibility matrix")
    follow(page, page.get_by_role("link", name="no way back").first, "acme/a1")
    tab_to(page, page.get_by_role("region", name="Back again: reasons"))
    follow(page, link(page, "Migrations"), "Migrations")
    follow(page, page.locator(f"#m-{name_of('m')} a").first, "node-1 → node-2")
    expect(page.locator("#state")).to_have_text("aborted")
    visitor.allowed = ("error: Failed to load resource",)
    page.goto(f"{visitor.url}/ui/hosts/nobody")
    follow(page, link(page, "To the first page"), "Fleet")


def test_a_project_user_comes_reads_and_goes_by_the_tab_key(visit: Visit, marked: Fleet) -> None:
    page = visit(marked.service).open("/ui/sign-in")
    sign_in(page, "alpha")
    follow(page, link(page, GUEST), GUEST)
    follow(page, link(page, "Guests"), "Guests of your project")
    follow(page, page.get_by_role("button", name="Sign out"), "Sign in")
    sign_in(page, "alpha")
