"""Who visits: a token in a cookie that no script reads, and proof that a form is ours.

The cookie carries the very token that the API takes, so nothing is kept here: a token that
is withdrawn ends its visits, on every process at once.  A form is taken only with the random
text of a second cookie, which no other site can read, and only from a page of this origin.

Source: OWASP, "Cross-Site Request Forgery Prevention", double submit and Fetch metadata.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from wherry.model.errors import NotAllowed

TOKEN, PROOF = "wherry_token", "wherry_proof"
KEEP_S = 12 * 3600
"""How long a browser keeps a token, in seconds: a shift."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set; without a value it is taken back."""

    name: str
    value: str | None
    same_site: str
    keep_s: int | None = None


def token_cookie(token: str) -> Cookie:
    """Keep a token: it goes along when a link elsewhere leads here, never with a sent form."""
    return Cookie(TOKEN, token, "Lax", KEEP_S)


def no_token() -> Cookie:
    """Take the token back."""
    return Cookie(TOKEN, None, "Lax")


def header_of(cookies: Mapping[str, str]) -> str | None:
    """Give the header Authorization that a visit stands for; None where nobody signed in."""
    token = cookies.get(TOKEN)
    return f"Bearer {token}" if token else None


def proof_of(cookies: Mapping[str, str]) -> tuple[str, Cookie | None]:
    """Give the proof that forms of this browser bring along, and its cookie if it is new."""
    known = cookies.get(PROOF, "")
    if len(known) >= 32:  # noqa: PLR2004, as long as those we make
        return known, None
    fresh = secrets.token_urlsafe(32)
    return fresh, Cookie(PROOF, fresh, "Strict")


def require_proof(cookies: Mapping[str, str], form: Mapping[str, str]) -> None:
    """Refuse a form that does not bring along what its page was given.

    Raises:
        NotAllowed: it may have been sent by another site.
    """
    ours, theirs = cookies.get(PROOF, ""), form.get("proof", "")
    if not ours or not hmac.compare_digest(ours.encode(), theirs.encode()):
        raise NotAllowed("the form is not one of this page, or is too old: load the page again")


def require_our_origin(origin: str | None, fetch_site: str | None, ours: str) -> None:
    """Refuse what a browser says it was told to send by another site.

    Args:
        origin: the header Origin; None where the browser left it out.
        fetch_site: the header Sec-Fetch-Site; None of a browser that does not know it.
        ours: host and port that the request was sent to.

    Raises:
        NotAllowed: another site, or a page of another port, is behind it.
    """
    foreign = origin is not None and origin.partition("://")[2] != ours
    if foreign or fetch_site not in {None, "same-origin", "none"}:
        raise NotAllowed("the form was sent from another site: open this page and send it from it")


def local_path(path: str) -> str:
    """Give a path of the dashboard as it stands, and its first page for anything else."""
    plain = path.startswith("/ui/") and "\\" not in path and not any(c < " " for c in path)
    return path if plain and "//" not in path.partition("?")[0] else "/ui/"
