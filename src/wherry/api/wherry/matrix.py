"""The compatibility matrix: which offers of a type a guest of one of them could go to."""

from typing import Annotated

from msgspec import Meta

from wherry.api.call import Call
from wherry.api.routes import Query, Route
from wherry.api.wherry import examples
from wherry.app import matrix
from wherry.model import errors
from wherry.model.device import Mode, TypeName
from wherry.model.matrix import Matrix, MatrixPair, TypeList

KindId = Annotated[str, Meta(pattern=r"^[0-9a-f]{12}\Z")]


def list_types(call: Call) -> TypeList:
    """List the types that are offered."""
    return matrix.list_offered(call.engine)


def get_matrix(call: Call) -> Matrix:
    """Show the matrix of a type."""
    asked = call.query
    return matrix.draw_matrix(call.engine, asked["type"], asked.get("mode", "live"))


def get_pair(call: Call) -> MatrixPair:
    """Show one cell with its reasons."""
    asked = call.query
    mode = asked.get("mode", "live")
    return matrix.judge_pair(call.engine, asked["type"], asked["source"], asked["target"], mode)


_TYPE = Query(
    name="type", type=TypeName, help="name of the type, as GET /wherry/types has it", required=True
)
_MODE = Query(name="mode", type=Mode, help="how a guest would move; `live` without")

ROUTES = (
    Route(
        method="GET",
        path="/wherry/types",
        handler=list_types,
        tag="Hosts",
        summary="List the types that are offered",
        description="Each with the kinds of devices that serve it, and how many providers and "
        "hosts do, with room or without.",
        answer=TypeList,
        example_answer=examples.TYPES,
    ),
    Route(
        method="GET",
        path="/wherry/matrix",
        handler=get_matrix,
        tag="Hosts",
        summary="Hold the offers of a type against each other",
        description="Offers that differ in nothing a rule of compatibility reads are one kind. A "
        "guest that was given a device of one kind, with nothing chosen, is checked against each: "
        "a cell is the verdict and the codes that make it so, as `POST /wherry/check` gives them "
        "for that `contract` and that `offer` with the packs in force. Room, places and what all "
        "instances must agree in are left out. At most 40 kinds are shown, those of most "
        "providers.",
        query=(_TYPE, _MODE),
        answer=Matrix,
        errors=(errors.NotFound,),
    ),
    Route(
        method="GET",
        path="/wherry/matrix/pair",
        handler=get_pair,
        tag="Hosts",
        summary="Show all reasons of one cell of the matrix",
        description="With the way back, which may be closed where the way there is open.",
        query=(
            _TYPE,
            Query(
                name="source", type=KindId, help="id of the kind that a guest has", required=True
            ),
            Query(
                name="target",
                type=KindId,
                help="id of the kind that it might go to",
                required=True,
            ),
            _MODE,
        ),
        answer=MatrixPair,
        errors=(errors.NotFound,),
    ),
)
