"""What describes the calls: OpenAPI for programs, one page for people."""

from collections.abc import Sequence
from functools import cache

import msgspec

from wherry.api.call import Call, Response
from wherry.api.docs import render_docs
from wherry.api.openapi import openapi
from wherry.api.placement.openapi import placement_openapi
from wherry.api.routes import ANYBODY, Route


def describing(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Make the routes that describe *routes* and themselves; each is written when first asked."""

    @cache
    def write_openapi() -> bytes:
        return msgspec.json.encode(openapi((*routes, *own)))

    @cache
    def write_placement() -> bytes:
        return msgspec.json.encode(placement_openapi())

    @cache
    def write_docs() -> bytes:
        return render_docs((*routes, *own))

    def get_openapi(_call: Call) -> Response:
        return Response(body=write_openapi())

    def get_placement(_call: Call) -> Response:
        return Response(body=write_placement())

    def get_docs(_call: Call) -> Response:
        return Response(body=write_docs(), content_type="text/html; charset=utf-8")

    own = (
        Route(
            method="GET",
            path="/wherry/openapi.json",
            handler=get_openapi,
            tag="Operations",
            summary="OpenAPI 3.1 of these calls",
            roles=ANYBODY,
            answer=bytes,
        ),
        Route(
            method="GET",
            path="/wherry/placement/openapi.json",
            handler=get_placement,
            tag="Operations",
            summary="OpenAPI 3.1 of the Placement API",
            roles=ANYBODY,
            answer=bytes,
        ),
        Route(
            method="GET",
            path="/wherry/docs",
            handler=get_docs,
            tag="Operations",
            summary="A page of these calls for people",
            roles=ANYBODY,
            answer=bytes,
            content_type="text/html",
        ),
    )
    return own
