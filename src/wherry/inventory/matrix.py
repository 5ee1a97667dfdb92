"""Kinds of a type's offers, and the verdict of each against each.

A kind is a shape without what room takes: pools, places and what all instances must agree in.
What is left is what rules of the records read, so a cell says of every pair of its providers
what the check says of them, but for room (R51), agreement (R52) and generation (R70).

Source: docs/reference/compat.md, section 13 ("Shapes").
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.engine import check
from wherry.compat.pinning import Choice, pin
from wherry.compat.shapes import NOBODY, shape_of
from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shape
from wherry.inventory.islands import Island
from wherry.inventory.serving import served_by
from wherry.model.checks import CheckResponse, Policy
from wherry.model.device import Kind, Offer
from wherry.model.matrix import Matrix, MatrixCell, MatrixKind, MatrixPair, TypeSummary

MOST_KINDS: Final = 40
"""More than these nobody overlooks; so many are 1,600 checks."""
SLOT: Final = "device"
"""Name of the slot in contracts that belong to no guest."""

Shapes = frozenset[Shape]
"""All that one provider offers."""

_NOT_COMPARED: Final = frozenset({"schema", "record", "provider", "generation"})
_LIKE_JSON: Final = re.compile(r'-?[0-9]+\Z|true\Z|false\Z|["{\[]')
_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(slots=True)
class Seen:
    """Where providers of the same offers, or of one kind, were seen.

    Attributes:
        hosts: their names.
        example: the least pair of a host's name and a provider's uuid.
    """

    providers: int
    hosts: set[str]
    example: tuple[str, str]

    def add(self, other: "Seen") -> None:
        """Count what was seen elsewhere as well."""
        self.providers += other.providers
        self.hosts |= other.hosts
        self.example = min(self.example, other.example)


def count_shapes(hosts: Iterable[HostView]) -> dict[Shapes, Seen]:
    """Count who offers what, by all that one provider offers.

    Cost: a look at each device of the fleet; hosts that offer the same are counted at once.
    """
    known: dict[Island, list[Shapes]] = {}
    alike: dict[tuple[Shapes, ...], list[HostView]] = {}
    for host in hosts:
        key: list[Shapes] = []
        for island in host.islands:
            if island not in known:
                named = [offer.provider for offer in island.offers]
                known[island] = list(_by_provider(named, island.shapes).values())
            key += known[island]
        alike.setdefault(tuple(key), []).append(host)
    seen: dict[Shapes, Seen] = {}
    for offered, group in alike.items():
        first = min(group, key=lambda each: each.name)
        examples = _examples(first)
        for shapes, count in Counter(offered).items():
            names = {host.name for host in group}
            counted = Seen(count * len(group), names, (first.name, examples[shapes]))
            if shapes in seen:
                seen[shapes].add(counted)
            else:
                seen[shapes] = counted
    return seen


def list_types(seen: Mapping[Shapes, Seen]) -> tuple[TypeSummary, ...]:
    """Sum up by type, in the order of their names."""
    kinds: dict[str, set[Kind]] = {}
    where: dict[str, Seen] = {}
    for shapes, counted in seen.items():
        served = [each for shape in shapes for each in served_by(shape.value).items()]
        for name, kind in served:
            kinds.setdefault(name, set()).add(kind)
        for name in {name for name, _ in served}:
            where.setdefault(name, Seen(0, set(), counted.example)).add(counted)
    return tuple(
        TypeSummary(
            type=name,
            kinds=tuple(sorted(kinds[name])),
            providers=counted.providers,
            hosts=len(counted.hosts),
        )
        for name, counted in sorted(where.items())
    )


def list_kinds(seen: Mapping[Shapes, Seen], type_name: str) -> list[MatrixKind]:
    """Group the offers that serve a type, those of most providers first.

    What they differ in is not looked for yet: see `make_matrix`.
    """
    offers: dict[bytes, Offer] = {}
    where: dict[bytes, Seen] = {}
    for shapes, counted in seen.items():
        serving = [shape.value for shape in shapes if type_name in served_by(shape.value)]
        found = {_digest(offer): offer for offer in map(_without_room, serving)}
        offers |= found
        for key in found:
            where.setdefault(key, Seen(0, set(), counted.example)).add(counted)
    kinds = [_kind(key.hex(), offer, where[key], type_name) for key, offer in offers.items()]
    return sorted(kinds, key=lambda kind: (-kind.providers, kind.id))


def make_matrix(
    kinds: Sequence[MatrixKind], type_name: str, policy: Policy, most: int = MOST_KINDS
) -> Matrix:
    """Check each of the first kinds against each.  Cost: O(kinds^2) checks."""
    fields, shown = _tell_apart(kinds[:most])
    cells = tuple(tuple(_cell(here, there, policy) for there in shown) for here in shown)
    numbers = range(len(shown))
    return Matrix(
        type=type_name,
        mode=policy.mode,
        fields=fields,
        kinds=shown,
        cells=cells,
        one_way=tuple((a, b) for a in numbers for b in numbers if _leads_one_way(cells, a, b)),
        kinds_left_out=len(kinds) - len(shown),
        providers_left_out=sum(kind.providers for kind in kinds[most:]),
    )


def check_pair(source: MatrixKind, target: MatrixKind, policy: Policy) -> MatrixPair:
    """Give all reasons of one cell, and of the way back."""
    _, (source, target) = _tell_apart((source, target))
    return MatrixPair(
        source=source,
        target=target,
        there=check_kinds(source, target, policy),
        back=check_kinds(target, source, policy),
    )


def check_kinds(source: MatrixKind, target: MatrixKind, policy: Policy) -> CheckResponse:
    """Check what a guest was given of one kind against another."""
    return check(source.contract, target.offer, policy)


def _by_provider(named: Iterable[str], shapes: Iterable[Shape]) -> dict[str, Shapes]:
    gathered: dict[str, set[Shape]] = {}
    for name, shape in zip(named, shapes, strict=True):
        gathered.setdefault(name, set()).add(shape)
    return {name: frozenset(found) for name, found in gathered.items()}


def _examples(host: HostView) -> dict[Shapes, str]:
    """Give the least uuid of those of a host's providers that offer the same."""
    named = [each.provider.uuid for each in host.offers]
    found = _by_provider(named, [each.shape for each in host.offers])
    return {found[uuid]: uuid for uuid in sorted(found, reverse=True)}


def _digest(offer: Offer) -> bytes:
    return blake2b(_encode(_in_order(_compared(offer))), digest_size=6).digest()


def _without_room(shape: Offer) -> Offer:
    return replace(shape_of(shape), pools=UNSET, positions=UNSET, exclusive=UNSET)


def _in_order(value: Any) -> Any:
    """Sort all lists: no rule asks in which order a record names things."""
    match value:
        case dict():
            return {name: _in_order(inner) for name, inner in value.items()}
        case list() | tuple():
            return sorted(map(_in_order, value), key=_encode)
        case _:
            return value


def _kind(name: str, offer: Offer, seen: Seen, type_name: str) -> MatrixKind:
    chosen = Choice(kind=served_by(offer)[type_name], type=type_name)
    host, provider = seen.example
    return MatrixKind(
        id=name,
        providers=seen.providers,
        hosts=len(seen.hosts),
        example_host=host,
        example_provider=provider,
        differs={},
        contract=pin(offer, chosen, consumer=NOBODY, slot=SLOT),
        offer=offer,
    )


def _cell(source: MatrixKind, target: MatrixKind, policy: Policy) -> MatrixCell:
    found = check_kinds(source, target, policy)
    codes = dict.fromkeys(r.code for r in found.reasons if r.severity == found.verdict)
    return MatrixCell(found.verdict, tuple(codes))


def _leads_one_way(cells: Sequence[Sequence[MatrixCell]], source: int, target: int) -> bool:
    return cells[source][target].verdict != "no" and cells[target][source].verdict == "no"


def _tell_apart(kinds: Sequence[MatrixKind]) -> tuple[tuple[str, ...], tuple[MatrixKind, ...]]:
    """Find the fields that kinds differ in, and show each its values of them."""
    stated = [dict(_fields(_compared(kind.offer))) for kind in kinds]
    names = sorted({name for each in stated for name in each})
    differing = tuple(
        name
        for name in names
        if len({_encode(each[name]) if name in each else None for each in stated}) > 1
    )
    shown = tuple(
        replace(kind, differs={name: each[name] for name in differing if name in each})
        for kind, each in zip(kinds, stated, strict=True)
    )
    return differing, shown


def _compared(offer: Offer) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(offer)
    return {name: value for name, value in plain.items() if name not in _NOT_COMPARED}


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give each plain value with its path.

    An item of a list is a path of its own, and true, or how often it stands there.
    """
    match value:
        case dict() if value:
            for name, inner in value.items():
                yield from _fields(inner, f"{path}.{name}" if path else name)
        case list() | tuple() if value:
            names = [item.get("name") for item in value if isinstance(item, dict)]
            if len({name for name in names if name is not None}) == len(value):
                for name, item in zip(names, value, strict=True):
                    yield from _fields(item, f"{path}.{name}")
            else:
                for said, times in Counter(map(_item, value)).items():
                    yield f"{path}.{said}", True if times == 1 else times
        case _:
            yield path, value


def _item(item: Any) -> str:
    """Write an item of a list; the text 1 is told from the number."""
    if isinstance(item, str) and not _LIKE_JSON.match(item):
        return item
    return _encode(item).decode()
