"""Migrations in a real browser: watched live in one tab while they are carried on elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from acme_fleet import PROFILES, Fleet, name_of
from service import run_service
from web.conftest import DemoFleet, Guarded, tab_to, violations
from wherry.app.settings import Settings
from wherry.model.caller import Caller
from wherry.model.errors import NotAllowed
from wherry.web.app import view_for
from wherry.web.views import migration, migrations

Visit = Callable[..., Guarded]
MARKUP = "<b>torn</b> & <script>alert(1)</script>"


def claim(fleet: DemoFleet, move: str, **more: Any) -> str:
    """Boot a guest and claim a target for it; gives the migration's page."""
    service, guest = fleet.service, name_of(f"guest of {move}")
    rows = service.get("/wherry/offers?host=serial-1&type=mtty/mtty-1")["offers"]
    slot = {"provider": rows[0]["provider"], "type": "mtty/mtty-1"}
    body = {"host": "serial-1", "tenant": "demo", "slots": {"port": slot}}
    service.put(f"/wherry/guests/{guest}", body)
    service.put(f"/wherry/migrations/{name_of(move)}", {"guest": guest, **more})
    return f"/ui/migrations/{name_of(move)}"


def send(page: Page, button: str) -> None:
    """Press a button, and wait for the page that answers: the old one may tell the same before."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def state(page: Page) -> Any:
    return expect(page.locator("#state"))


def test_one_tab_watches_what_another_does(visit: Visit, fleet: DemoFleet) -> None:
    path = claim(fleet, "m", target="serial-2")
    visitor = visit(fleet.service)
    listing, watching, doing = (visitor.open(p) for p in ("/ui/migrations", path, path))
    row = listing.locator(f"#m-{name_of('m')}")
    expect(row).to_contain_text("both ends are held")
    watching.get_by_text("Abort…").click()
    watching.get_by_label("Why (kept with its steps)").fill("half a thought")

    send(doing, "Ask both hosts to confirm")
    state(doing).to_have_text("confirmed")
    send(doing, "Start")
    state(watching).to_have_text("started")
    expect(row).to_contain_text("started")
    expect(watching.get_by_label("Why (kept with its steps)")).to_have_value("half a thought")
    expect(watching.get_by_label("Why (kept with its steps)")).to_be_visible()
    assert watching.locator("time:not([data-local])").count() == 0
    send(doing, "Finish")

    state(watching).to_have_text("finished")
    expect(row).to_contain_text("runs on serial-2")
    expect(watching.locator(".steps > li")).to_have_count(5)
    expect(watching.locator("svg.line circle")).to_have_count(5)
    expect(watching.locator(".story")).to_contain_text("said that the guest runs on host serial-2")
    expect(watching.locator("#now")).to_contain_text("nothing can follow")


def test_an_abort_is_confirmed_by_keyboard_and_kept_as_it_was_written(
    visit: Visit, fleet: DemoFleet
) -> None:
    page = visit(fleet.service).open(claim(fleet, "n"))
    tab_to(page, page.locator("#abort summary"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(MARKUP)
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    state(page).to_have_text("claimed")  # the box is not ticked
    for key in ("Space", "Tab"):
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    state(page).to_have_text("aborted")
    expect(page.locator(".steps")).to_contain_text(f"“{MARKUP}”")
    expect(page.locator(".story")).to_contain_text(MARKUP)


def test_a_page_whose_service_was_away_catches_up(visit: Visit, tmp_path: Path) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path}/fleet.db", profile_dirs=(PROFILES,))
    acme = Fleet(run_service(settings))
    for host in ("node-1", "node-2"):
        acme.report(host)
    acme.boot("g", "node-1")
    acme.claim("m", "g")
    visitor = visit(acme.service)
    visitor.allowed = ("error: Failed to load resource",)
    page = visitor.open(f"/ui/migrations/{name_of('m')}")
    expect(page.locator("#live")).to_have_text("live")
    acme.service.stop()
    expect(page.locator("#live")).to_have_text("connecting again")
    acme.service = run_service(settings, port=acme.service.server.server_port)
    acme.step("m", "abort", {"token": 1, "note": "while nobody looked"})

    state(page).to_have_text("aborted")
    expect(page.locator("#live")).to_have_text("live")
    acme.service.stop()


def test_a_form_that_comes_too_late_says_what_to_do(visit: Visit, fleet: DemoFleet) -> None:
    path = claim(fleet, "o")
    visitor = visit(fleet.service, java_script_enabled=False)
    visitor.allowed = ("error: Failed to load resource",)
    page = visitor.open(path)
    step = f"/wherry{path.removeprefix('/ui')}/abort"
    fleet.service.post(step, {"token": 1})
    send(page, "Ask both hosts to confirm")

    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("migration.state")
    expect(trouble).to_contain_text("the page shows how it is now")
    state(page).to_have_text("aborted")


def test_an_abort_without_its_box_is_refused_by_the_service_too(fleet: DemoFleet) -> None:
    path = claim(fleet, "p")
    proof = "p" * 43
    kind = "application/x-www-form-urlencoded"
    told = fleet.service.ask(
        "POST",
        f"{path}/abort",
        f"proof={proof}&token=1".encode(),
        headers={"Cookie": f"wherry_proof={proof}", "Content-Type": kind},
    )

    assert told.status == 400
    assert "Tick the box" in told.body.decode()
    assert fleet.service.get(f"/wherry{path.removeprefix('/ui')}")["state"] == "claimed"


def test_axe_finds_nothing(visit: Visit, fleet: DemoFleet) -> None:
    path = claim(fleet, "axe")
    visitor = visit(fleet.service)
    visitor.allowed = ("error: Failed to load resource",)  # one of them answers 400
    page = visitor.open(path)
    page.locator("#abort summary").click()
    assert violations(page) == []
    for other in ("/ui/migrations", "/ui/migrations?state=lost", "/ui/migrations?guest=x"):
        page.goto(f"{visitor.url}{other}")
        assert violations(page) == []


def test_project_users_have_none_of_these_pages() -> None:
    user = Caller(role="user", name="u", project="p")
    for page in (*migrations.PAGES, *migration.PAGES):
        with pytest.raises(NotAllowed):
            view_for(page, user)
