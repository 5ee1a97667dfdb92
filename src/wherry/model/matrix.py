"""The compatibility matrix of a type: kinds of its offers, and which may follow which.

Offers that differ in nothing a rule reads are one kind.  A guest that was given a device of one
kind is held against every other, as if a place were free there.
"""

from typing import Any

from msgspec import Struct

from wherry.model.checks import CheckResponse, Verdict
from wherry.model.device import Contract, Kind, Mode, Offer
from wherry.model.inventory import Value


class TypeSummary(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A device type of the fleet."""

    type: str
    kinds: tuple[Kind, ...]
    """Of the devices that serve it."""
    providers: int
    """That offer it, with room or without."""
    hosts: int


class TypeList(Value, frozen=True, kw_only=True, omit_defaults=False):
    """All types that are offered, by name."""

    types: tuple[TypeSummary, ...]


class MatrixKind(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Offers that are alike, but for what belongs to a single provider."""

    id: str
    """Names what they say: the same in every process, and until one of them says otherwise."""
    providers: int
    hosts: int
    example_host: str
    """The first by name."""
    example_provider: str
    """One of that host."""
    differs: dict[str, Any]
    """Path of a field that kinds differ in, to its value here; what is not stated is left out."""
    contract: Contract
    """What a guest would be given here if nothing was chosen; of no consumer."""
    offer: Offer
    """Of no provider: without room, places and what is in use."""


class MatrixCell(Struct, frozen=True, array_like=True):
    """A guest of one kind on another: the verdict, and the codes that make it so."""

    verdict: Verdict
    codes: tuple[str, ...]


class Matrix(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Every kind of a type against every other."""

    type: str
    mode: Mode
    fields: tuple[str, ...]
    """Paths of the fields in which the kinds differ, by name."""
    kinds: tuple[MatrixKind, ...]
    """Those that most providers are of come first."""
    cells: tuple[tuple[MatrixCell, ...], ...]
    """A row for each kind that a guest was given, with a cell for each that it might go to."""
    one_way: tuple[tuple[int, int], ...]
    """Pairs of kinds, by number from 0: a guest of the first may go to the second, not back."""
    kinds_left_out: int
    """Kinds beyond the limit."""
    providers_left_out: int


class MatrixPair(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One cell with all its reasons, and the cell of the way back."""

    source: MatrixKind
    target: MatrixKind
    there: CheckResponse
    back: CheckResponse
