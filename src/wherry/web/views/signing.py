"""Signing in with a token of the API, and out again."""

from wherry.api.errors import Unauthenticated
from wherry.web import sessions
from wherry.web.rendering import here
from wherry.web.visits import Moved, Outcome, Page, Shown, Visit


def show_sign_in(visit: Visit) -> Shown:
    """Ask for a token."""
    return _ask(visit.asked("next"))


def sign_in(visit: Visit) -> Outcome:
    """Keep a token that the service knows, and go on to where the visitor wanted to be."""
    token = visit.form.get("token", "").strip()
    wanted = visit.form.get("next", "")
    if not token.isascii() or not token.isprintable():
        return _ask(wanted, "That is no token: it has characters that no token has.")
    try:
        visit.identify(f"Bearer {token}")
    except Unauthenticated:
        return _ask(
            wanted, "The service does not know this token. Look whether all of it was copied."
        )
    return Moved(sessions.local_path(wanted), cookies=(sessions.token_cookie(token),))


def sign_out(_visit: Visit) -> Moved:
    """Take the token back."""
    return Moved(here("sign-in"), cookies=(sessions.no_token(),))


def _ask(wanted: str, trouble: str = "") -> Shown:
    values = {"next": sessions.local_path(wanted), "trouble": trouble}
    return Shown(template="sign_in.html", values=values, status=401 if trouble else 200)


PAGES = (
    Page(path="/ui/sign-in", view=show_sign_in, is_open=True),
    Page(method="POST", path="/ui/sign-in", view=sign_in, is_open=True),
    Page(method="POST", path="/ui/sign-out", view=sign_out, is_open=True),
)
