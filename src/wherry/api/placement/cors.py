"""Pages of other origins that may use the door from a browser.

Source: WHATWG Fetch, "CORS protocol"; oslo.middleware's CORS as Placement sets it up.
"""

from collections.abc import Collection, Mapping
from typing import Any

METHODS = "GET,PUT,POST,DELETE,PATCH"
ALLOWED = frozenset(
    {
        "content-type",
        "cache-control",
        "content-language",
        "expires",
        "last-modified",
        "pragma",
        "openstack-api-version",
        "x-auth-token",
        "x-openstack-request-id",
    }
)
EXPOSED = "openstack-api-version,x-openstack-request-id"


def is_preflight(origins: Collection[str], environ: Mapping[str, Any]) -> bool:
    """Whether a browser asks what it may send; answered with 200 whatever the origin."""
    return bool(origins) and environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ORIGIN" in environ


def cors_headers(origins: Collection[str], environ: Mapping[str, Any]) -> dict[str, str]:
    """Headers that let a page of an allowed origin read the answer; none for others."""
    origin = environ.get("HTTP_ORIGIN")
    if origin is None or origin not in origins:
        return {}
    headers = {"Access-Control-Allow-Origin": str(origin), "Vary": "Origin"}
    if environ["REQUEST_METHOD"] != "OPTIONS":
        return headers | {"Access-Control-Expose-Headers": EXPOSED}
    asked = str(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")).split(",")
    names = [name.strip() for name in asked if name.strip().lower() in ALLOWED]
    headers["Access-Control-Allow-Methods"] = METHODS
    if names:
        headers["Access-Control-Allow-Headers"] = ",".join(names)
    return headers
