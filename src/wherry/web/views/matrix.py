"""The compatibility matrix: kinds of a type's offers against each other, and one cell of it."""

from collections.abc import Sequence
from typing import Any, get_args

from wherry.app import matrix
from wherry.compat.settings import settings_of
from wherry.model.device import Mode
from wherry.model.errors import InvalidRequest
from wherry.model.matrix import Matrix, MatrixKind
from wherry.web.rendering import here
from wherry.web.told import say, tell_reason
from wherry.web.visits import Page, Shown, Visit

MODES: tuple[Mode, ...] = get_args(Mode)
USUAL: Mode = "live"


def show_matrix(visit: Visit) -> Shown:
    """Show the types, or the matrix of one."""
    asked, mode = visit.asked("type"), _mode(visit)
    drawn: Matrix | None = None
    if asked:
        offered, drawn = matrix.draw_among_types(visit.engine, asked, mode)
    else:
        offered = matrix.list_offered(visit.engine)
    values: dict[str, Any] = {
        "types": offered.types,
        "asked": asked,
        "mode": mode,
        "modes": MODES,
        "matrix": drawn,
        "rows": [] if drawn is None else _rows(drawn),
        "differences": [] if drawn is None else _differences(drawn.kinds),
    }
    return Shown(template="matrix.html", values=values)


def show_pair(visit: Visit) -> Shown:
    """Show a cell: the verdict with its reasons, and that of the way back."""
    asked, mode = visit.asked("type"), _mode(visit)
    pair = matrix.judge_pair(
        visit.engine, asked, visit.asked("source"), visit.asked("target"), mode
    )
    values: dict[str, Any] = {
        "type": asked,
        "mode": mode,
        "pair": pair,
        "back_to": here("matrix", type=asked, mode=_said(mode)),
        "differences": _differences((pair.source, pair.target)),
        "ways": [
            (title, answer, [tell_reason(each) for each in answer.reasons],
             settings_of(answer.configure))
            for title, answer in (("There", pair.there), ("Back again", pair.back))
        ],
    }  # fmt: skip
    return Shown(template="matrix_pair.html", values=values)


def _rows(drawn: Matrix) -> list[dict[str, Any]]:
    """Give the cells with where each leads."""
    one_way = set(drawn.one_way)
    return [
        {
            "kind": source,
            "cells": [
                {
                    "verdict": cell.verdict,
                    "codes": cell.codes,
                    "one_way": (row, column) in one_way,
                    "same": row == column,
                    "to": here(
                        "matrix/pair",
                        type=drawn.type,
                        source=source.id,
                        target=drawn.kinds[column].id,
                        mode=_said(drawn.mode),
                    ),
                }
                for column, cell in enumerate(cells)
            ],
        }
        for row, (source, cells) in enumerate(zip(drawn.kinds, drawn.cells, strict=True))
    ]


def _differences(kinds: Sequence[MatrixKind]) -> list[tuple[str, list[str | None]]]:
    """Give each field that differs with its value for each kind; None where it is not stated."""
    names = sorted({name for kind in kinds for name in kind.differs})
    return [(name, [_stated(kind, name) for kind in kinds]) for name in names]


def _stated(kind: MatrixKind, name: str) -> str | None:
    if name not in kind.differs:
        return None
    value = kind.differs[name]
    return "could not be read" if value is None else say(value)


def _mode(visit: Visit) -> Mode:
    said = visit.asked("mode")
    found = next((mode for mode in MODES if mode == (said or USUAL)), None)
    if found is None:
        message = f"there is no mode {said!r}: it is one of {', '.join(MODES)}"
        raise InvalidRequest(message)
    return found


def _said(mode: Mode) -> str:
    return "" if mode == USUAL else mode


PAGES = (
    Page(path="/ui/matrix", view=show_matrix),
    Page(path="/ui/matrix/pair", view=show_pair),
)
