"""The door to pages, asked as a browser asks: who comes in, and which forms are taken."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from service import Answer, Running, run_service
from wherry.app.settings import Settings
from wherry.web.app import MAX_FORM, POLICY
from wherry.web.assets import assets
from wherry.web.sessions import local_path

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that asks for tokens: one of an administrator, one of a project user."""
    folder = tmp_path_factory.mktemp("door")
    rows = [("boss", "admin", ""), ("alpha", "user", "alpha")]
    file = folder / "tokens.toml"
    file.write_text(
        "".join(
            f'[[token]]\nname = "{name}"\nrole = "{role}"\n'
            f'sha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n'
            + (f'project = "{project}"\n' if project else "")
            for name, role, project in rows
        )
    )
    running = run_service(Settings(state_dir=folder, auth="token", tokens_file=file))
    yield running
    running.stop()


class Browser:
    """What of a browser the door can tell: cookies, and where a form comes from."""

    def __init__(self, service: Running) -> None:
        self._service = service
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._keep(self._service.ask("GET", path, headers=self._said(headers)))

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        said = self._said({"Content-Type": FORM, "Origin": self._service.url, **headers})
        return self._keep(self._service.ask("POST", path, urlencode(form).encode(), headers=said))

    def sign_in(self, token: str, wanted: str = "") -> Answer:
        return self.post("/ui/sign-in", {"proof": self.proof(), "token": token, "next": wanted})

    def proof(self) -> str:
        found = re.search(rb'name="proof" value="([^"]+)"', self.get("/ui/sign-in").body)
        assert found
        return found[1].decode()

    def _said(self, headers: dict[str, str]) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return {**said, **({"Cookie": cookies} if cookies else {})}

    def _keep(self, answer: Answer) -> Answer:
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies.pop(name, None)
            if morsel.value:
                self.cookies[name] = morsel.value
        return answer


@pytest.fixture
def browser(service: Running) -> Browser:
    return Browser(service)


def test_who_signs_in_goes_on_to_where_they_wanted_to_be(browser: Browser) -> None:
    away = browser.get("/ui/?view=table")
    assert (away.status, away.headers["location"]) == (
        303,
        "/ui/sign-in?next=%2Fui%2F%3Fview%3Dtable",
    )
    back = browser.sign_in("boss", "/ui/?view=table")

    assert (back.status, back.headers["location"]) == (303, "/ui/?view=table")
    assert re.search(
        r"wherry_token=boss; HttpOnly; Max-Age=43200; Path=/ui; SameSite=Lax",
        back.headers["set-cookie"],
    )
    assert b"boss" in browser.get("/ui/").body


def test_a_token_nobody_knows_is_told_and_not_kept(browser: Browser) -> None:
    answer = browser.sign_in("guess")

    assert answer.status == 401
    assert b"does not know this token" in answer.body
    assert "wherry_token" not in browser.cookies
    assert browser.sign_in("täst").status == 401


def test_who_signs_out_is_nobody_again(browser: Browser) -> None:
    browser.sign_in("boss")
    assert browser.get("/ui/").status == 200
    browser.post("/ui/sign-out", {"proof": browser.proof()})

    assert browser.get("/ui/").status == 303


def test_a_project_user_is_led_to_their_guests_and_sees_no_fleet(browser: Browser) -> None:
    browser.sign_in("alpha")

    assert browser.get("/ui/").headers["location"] == "/ui/guests"
    told = browser.get("/ui/fleet.json")
    assert told.status == 403
    assert b"not for role user" in told.body


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({}, {}, 403),
        ({"proof": "x" * 43}, {}, 403),
        ({"proof": "ours"}, {"Origin": "https://elsewhere.example"}, 403),
        ({"proof": "ours"}, {"Origin": "null"}, 403),
        ({"proof": "ours"}, {"Sec_Fetch_Site": "cross-site"}, 403),
        ({"proof": "ours"}, {"Sec_Fetch_Site": "same-site"}, 403),
        ({"proof": "ours"}, {"Content-Type": "text/plain"}, 415),
        ({"proof": "ours", "note": "x" * MAX_FORM}, {}, 413),
        ({"proof": "ours"}, {"Sec_Fetch_Site": "same-origin"}, 303),
        ({"proof": "ours"}, {}, 303),
    ],
)
def test_a_form_of_another_site_does_nothing(
    browser: Browser, form: dict[str, str], headers: dict[str, Any], status: int
) -> None:
    browser.sign_in("boss")
    if form.get("proof") == "ours":
        form = {**form, "proof": browser.proof()}
    answer = browser.post("/ui/sign-out", form, **headers)

    assert answer.status == status
    assert ("wherry_token" in browser.cookies) == (status != 303)


def test_every_answer_says_what_pages_may_do(browser: Browser) -> None:
    for path in ("/ui/sign-in", "/ui/nothing", "/ui/", assets()["live.js"].address):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in POLICY


def test_files_are_kept_for_ever_under_the_name_of_what_is_in_them(browser: Browser) -> None:
    file = assets()["wherry.css"]
    answer = browser.get(file.address)

    assert answer.body == file.body
    assert "immutable" in answer.headers["cache-control"]
    assert browser.get(file.address.replace("wherry.css", "live.js")).status == 404
    assert browser.get("/ui/static/0/wherry.css").status == 404


def test_an_answer_is_packed_for_who_takes_it(browser: Browser) -> None:
    plain = browser.get("/ui/sign-in")
    packed = browser.get("/ui/sign-in", Accept_Encoding="gzip, br")

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body).startswith(plain.body[:200])


def test_a_map_that_is_known_already_is_not_sent_again(browser: Browser) -> None:
    browser.sign_in("boss")
    first = browser.get("/ui/fleet.json")
    again = browser.get("/ui/fleet.json", If_None_Match=first.headers["etag"])

    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/ui/hosts/gpu-1?x=1", "/ui/hosts/gpu-1?x=1"),
        ("", "/ui/"),
        ("https://elsewhere.example/ui/", "/ui/"),
        ("//elsewhere.example/ui/", "/ui/"),
        ("/ui/\\elsewhere.example", "/ui/"),
        ("/ui//elsewhere", "/ui/"),
        ("/ui/\r\nSet-Cookie: a=b", "/ui/"),
        ("/wherry/docs", "/ui/"),
    ],
)
def test_signing_in_leads_nowhere_else(wanted: str, leads: str) -> None:
    assert local_path(wanted) == leads


def test_libraries_are_those_whose_licences_are_told() -> None:
    told = assets()["licences.txt"].body.decode()
    for name in ("htmx.min.js",):
        assert f"({name})" in told
        assert hashlib.sha256(assets()[name].body).hexdigest() in told
    axe = Path(__file__).parent / "axe.min.js"
    known = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
    assert hashlib.sha256(axe.read_bytes()).hexdigest() == known
    assert "Mozilla Public License" in (axe.parent / "axe.LICENSE.txt").read_text()


def test_only_this_machine_is_asked_where_nobody_signs_in(tmp_path: Path) -> None:
    service = run_service(Settings(state_dir=tmp_path))
    try:
        assert service.ask("GET", "/ui/", headers={"Host": "rebound.example"}).status == 421
        assert service.ask("GET", "/ui/").status == 200
    finally:
        service.stop()


def test_a_form_that_says_no_value_does_not_empty_a_label(service: Running) -> None:
    browser = Browser(service)
    browser.sign_in("boss")
    answer = browser.post("/ui/hosts/h/labels", {"proof": browser.proof(), "label": "rack"})

    assert answer.status == 400
    assert b"says no value for label" in answer.body
