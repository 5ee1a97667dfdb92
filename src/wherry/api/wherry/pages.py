"""What describes the calls: OpenAPI for programs, one page for people."""

from collections.abc import Sequence

import msgspec

from wherry.api.call import Call, Response
from wherry.api.docs import render_docs
from wherry.api.openapi import openapi
from wherry.api.routes import ANYBODY, Route


def describing(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Make the routes that describe *routes*; both documents are written once."""
    document = msgspec.json.encode(openapi(routes))
    page = render_docs(routes)

    def get_openapi(_call: Call) -> Response:
        return Response(body=document)

    def get_docs(_call: Call) -> Response:
        return Response(body=page, content_type="text/html; charset=utf-8")

    return (
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
            path="/wherry/docs",
            handler=get_docs,
            tag="Operations",
            summary="A page of these calls for people",
            roles=ANYBODY,
            answer=bytes,
            content_type="text/html",
        ),
    )
