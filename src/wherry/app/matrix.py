"""The compatibility matrix of the fleet as it is now, with the packs in force."""

from collections.abc import Mapping, Sequence

from wherry.app.engine import Engine
from wherry.app.packs import in_force
from wherry.inventory.matrix import (
    Seen,
    Shapes,
    check_pair,
    count_shapes,
    list_kinds,
    list_types,
    make_matrix,
)
from wherry.model.checks import Policy
from wherry.model.device import Mode
from wherry.model.errors import NotFound
from wherry.model.matrix import Matrix, MatrixKind, MatrixPair, TypeList


def list_offered(engine: Engine) -> TypeList:
    """List the types that are offered."""
    return TypeList(types=list_types(count_shapes(engine.view())))


def draw_matrix(engine: Engine, type_name: str, mode: Mode = "live") -> Matrix:
    """Hold every kind of a type against every other.

    Raises:
        NotFound: nobody offers the type.
    """
    return draw_among_types(engine, type_name, mode)[1]


def draw_among_types(engine: Engine, type_name: str, mode: Mode) -> tuple[TypeList, Matrix]:
    """List the types, and draw the matrix of one, from one look at the fleet.

    Raises:
        NotFound: nobody offers the type.
    """
    seen = count_shapes(engine.view())
    policy = in_force(engine, Policy(mode=mode))
    matrix = make_matrix(_kinds(seen, type_name), type_name, policy)
    return TypeList(types=list_types(seen)), matrix


def judge_pair(
    engine: Engine, type_name: str, source: str, target: str, mode: Mode = "live"
) -> MatrixPair:
    """Give all reasons of one cell, and of the way back.

    Args:
        source: id of the kind that a guest was given.
        target: id of the kind that it might go to.

    Raises:
        NotFound: nobody offers the type, or nobody offers it so any more.
    """
    kinds = _kinds(count_shapes(engine.view()), type_name)
    policy = in_force(engine, Policy(mode=mode))
    return check_pair(_find(kinds, source), _find(kinds, target), policy)


def _kinds(seen: Mapping[Shapes, Seen], type_name: str) -> list[MatrixKind]:
    kinds = list_kinds(seen, type_name)
    if not kinds:
        raise NotFound(what="offer of type", name=type_name)
    return kinds


def _find(kinds: Sequence[MatrixKind], name: str) -> MatrixKind:
    found = next((kind for kind in kinds if kind.id == name), None)
    if found is None:
        raise NotFound(what="kind", name=f"{name}: the offers have changed, draw the matrix anew")
    return found
