"""Refusals on the wire: status, sentence, code, as clients of Placement know them.

Source: API-SIG guideline "Errors"; Placement 16.0.0 as it answers, probed.
"""

import html
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

UNDEFINED = "placement.undefined_code"

_MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect."
)
_SENTENCES: Mapping[int, str] = {
    400: _MALFORMED,
    401: (
        "This server could not verify that you are authorized to access the document you "
        "requested. Either you supplied the wrong credentials (e.g., bad password), or your "
        "browser does not understand how to supply the credentials required."
    ),
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    405: "The method {method} is not allowed for this resource. ",
    406: (
        "The resource could not be generated that was acceptable to your browser (content of "
        "type {accept}. "
    ),
    409: "There was a conflict when trying to complete your request.",
    413: "The body of your request was too large for this server.",
    415: "The request media type {media} is not supported by this server. ",
    500: "The server has either erred or is incapable of performing the requested operation.",
    503: "The server is currently unavailable. Please try again at a later time.",
}
"""What stands before the message, by status."""

_BARE = frozenset({405, 406, 415})
"""Statuses whose message nothing follows; two blanks follow the others."""

_TITLES: Mapping[int, str] = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Request Entity Too Large",
}
_TAG = re.compile("<[^>]*>")


class Refused(Exception):
    """A request ends here.

    Attributes:
        status: of the answer.
        code: what stands in the body from 1.23 on.
        headers: that go with the answer.
        facts: that stand in the body besides.
        whole: content type and body, where they are not to be made from the rest.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        code: str = UNDEFINED,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
        whole: tuple[str, bytes] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})
        self.facts = dict(facts or {})
        self.whole = whole


def title_of(status: int) -> str:
    """The status in words."""
    return _TITLES[status]


def render_refused(
    refused: Refused, *, method: str, accept: str, media: str, request_id: str, with_code: bool
) -> tuple[str, bytes]:
    """Make the body of a refusal in the form that the client accepts.

    Args:
        media: content type of the request; empty: it has none.

    Returns:
        Its content type, and the body.
    """
    status = refused.status
    first = _SENTENCES[status].format(method=method, accept=accept, media=media or None)
    kind = _kind(accept)
    if status == HTTPStatus.UNAUTHORIZED and kind == "application/json":
        body: dict[str, Any] = {
            "message": f"{first}<br /><br />\n\n\n",
            "code": f"{status} {title_of(status)}",
            "title": title_of(status),
        }
        return kind, json.dumps(body).encode()
    end = "" if status in _BARE else "  "
    detail = f"{first}\n\n {_flat(refused.message)}{end}"
    if kind == "text/html":
        return f"{kind}; charset=UTF-8", _html(status, detail).encode()
    if kind == "text/plain":
        text = f"{status} {title_of(status)}\n\n{detail}"
        return f"{kind}; charset=UTF-8", text.encode("utf-8", "replace")
    error = {"status": status, "title": title_of(status), "detail": detail}
    error |= {"code": refused.code} if with_code else {}
    error |= {"request_id": request_id} | refused.facts
    return kind, json.dumps({"errors": [error]}).encode()


def _flat(message: str) -> str:
    return _TAG.sub("", message.replace("\n", " ").replace("\r", ""))


def _html(status: int, detail: str) -> str:
    title = f"{status} {title_of(status)}"
    return (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {html.escape(detail)}\n </body>\n</html>"
    )


def _kind(accept: str) -> str:
    """Choose what an error is written in: JSON wherever the client takes it."""
    if not accept:
        return "application/json"
    listed = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for kind in listed:
        if kind in {"application/json", "application/*", "*/*"}:
            return "application/json"
        if kind in {"text/html", "text/*"}:
            return "text/html"
    return "text/plain"
