"""Every error has a code that stays, a status, and a place on the page of errors."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.api import errors as door_errors
from wherry.api.errors import STATUS, DoorError, facts_of, render_error, status_of, summary_of
from wherry.cli.exits import exit_of
from wherry.model import errors
from wherry.model.caller import LOCAL_ADMIN, Caller
from wherry.model.errors import WherryError
from wherry.model.told import told_error

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"


def subclasses(of: type[WherryError]) -> Iterator[type[WherryError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from subclasses(kind)


KINDS = sorted(
    {
        kind
        for kind in subclasses(WherryError)
        if kind.__module__ in {errors.__name__, door_errors.__name__} and kind is not DoorError
    },
    key=lambda kind: kind.__name__,
)


def rows_of_page() -> dict[str, tuple[str, ...]]:
    """Code to the cells of its row: status, meaning, what to do."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\| `([a-z_.]+)` \|(.*)\|", line):
            cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", found[2]))
            assert found[1] not in rows, found[1]
            rows[found[1]] = cells
    return rows


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_own_or_of_its_base(kind: type[WherryError]) -> None:
    assert any(base in STATUS for base in kind.__mro__), kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_in_its_docstring_what_happened_and_what_to_do(
    kind: type[WherryError],
) -> None:
    assert re.fullmatch(r"[A-Z].{10,200}: .{5,200}\.", summary_of(kind))


def test_a_code_has_one_status() -> None:
    by_code: dict[str, set[int]] = {}
    for kind in KINDS:
        by_code.setdefault(kind.code, set()).add(status_of(kind))

    assert {code: s for code, s in by_code.items() if len(s) > 1} == {}


def test_the_page_of_errors_names_every_code_with_its_status() -> None:
    expected = {kind.code: str(status_of(kind)) for kind in KINDS} | {"internal": "500"}

    assert {code: cells[0] for code, cells in rows_of_page().items()} == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_page_says_what_each_means_and_what_to_do(kind: type[WherryError]) -> None:
    _status, meaning, todo = rows_of_page()[kind.code]

    assert len(meaning) > 10
    assert len(todo) > 5


def test_an_unknown_error_is_500() -> None:
    class Surprise(WherryError):
        """Nobody foresaw it: look at the log."""

        code = "surprise"

    assert status_of(Surprise) == 500


SOME = [
    errors.InvalidRequest("no", path="$.a"),
    errors.InvalidFile("no", file="a.json", line=3),
    errors.NotFound(what="guest", name="g"),
    errors.FactsChanged(provider="p", expected=1, found=None),
    errors.CapacityExceeded(provider="p", resource_class="VGPU", asked=2),
    errors.UnitsNotTaken(
        provider="p", resource_class="VGPU", asked=3, min_unit=2, max_unit=8, step_size=2
    ),
    errors.Unsettled(provider="p", name="node-17_mtty"),
    errors.CompositionHeld(composition="c", consumers=["g"]),
    errors.NoPlace(provider="p", types=["nvidia/A100-3-20C"]),
    errors.ExclusiveConflict(provider="p", by="mode", wanted="a", in_use=["b", "b"]),
    errors.WrongState(migration="m", state="lost", event="start"),
    errors.TokenExpired(migration="m", token=1),
    errors.NoTarget("nowhere", refused={"count": 1, "by_reason": {"CAPACITY": 1}}),
]


@pytest.mark.parametrize("error", SOME, ids=lambda error: error.code)
def test_an_error_read_on_the_other_side_is_of_the_same_class_and_facts(
    error: WherryError,
) -> None:
    told = told_error(error.code, str(error), detail=facts_of(error))

    assert type(told) is type(error)
    assert str(told) == str(error)
    assert facts_of(told) == facts_of(error)
    assert exit_of(told) == exit_of(error)


@pytest.mark.parametrize("error", SOME, ids=lambda error: error.code)
def test_who_is_not_known_is_told_no_more_than_a_project_user(error: WherryError) -> None:
    user = render_error(error, caller=Caller(role="user", project="a"), request_id="r")
    nobody = render_error(error, caller=None, request_id="r")

    assert user == nobody
    assert b'"detail"' not in user


def test_an_administrator_reads_the_path_beside_the_message() -> None:
    body = render_error(SOME[0], caller=LOCAL_ADMIN, request_id="r")

    assert b'"path":"$.a"' in body
