"""The matrix says of two kinds what the check says of any two of their providers."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_fleet, a_host_record, a_provider, an_offer
from schedule_worlds import fleets
from wherry.compat.engine import check
from wherry.compat.pinning import Choice, pin
from wherry.compat.shapes import NOBODY, shape_of
from wherry.compat.verdicts import worst
from wherry.inventory.matrix import (
    check_pair,
    count_shapes,
    list_kinds,
    list_types,
    make_matrix,
)
from wherry.inventory.serving import serves
from wherry.model.changes import Change
from wherry.model.checks import Policy
from wherry.model.device import KindAndType, Offer
from wherry.model.matrix import Matrix, MatrixKind

TYPE = "acme/gpu-a"
TEXT_1 = {"type": "str", "value": "1", "allowed": ["1"]}
NUMBER_1 = {**TEXT_1, "allowed": [1]}
PART = {"type": "acme/part", "units": {"A": 1}, "count": 1}
RULE = {"name": "r", "if": {"a": {"eq": 1}}, "then": {"a": {"eq": 1}}}
OF_ONE_PROVIDER = ("R51", "R52", "R70")


def kinds_of(hosts: list[list[Change]], name: str = TYPE) -> list[MatrixKind]:
    return list_kinds(count_shapes(a_fleet(*hosts).view), name)


def matrix_of(*offers: Offer, **asked: Any) -> Matrix:
    """One host an offer, and a second of the first, which so is kind 0."""
    hosts: list[list[Change]] = [
        [
            a_host_record(f"host{n}"),
            a_provider(f"gpu{n}", host=f"host{n}", offers=[replace(each, provider=NOBODY)]),
        ]
        for n, each in enumerate((*offers, offers[0]))
    ]
    return make_matrix(kinds_of(hosts), TYPE, Policy(), **asked)


def type_names(offers: list[Offer]) -> set[str]:
    """Every name that any offer serves, of its own kind or of another."""
    names = {offer.type for offer in offers}
    for other in (other for offer in offers for other in offer.also_types or ()):
        names.add(other.type if isinstance(other, KindAndType) else other)
    return {name for name in names if name is not None}


def obvious_way(offer: Offer, name: str) -> Choice | None:
    """How an offer serves a type: as its own kind, or through a door to another; None if not."""
    if serves(offer, name):
        return Choice(type=name)
    for other in offer.also_types or ():
        if isinstance(other, KindAndType) and other.type == name:
            return Choice(kind=other.kind, type=name)
    return None


def without_room(offer: Offer) -> Offer:
    """What is left of an offer when all is taken out that is one provider's own."""
    return replace(shape_of(offer), pools=UNSET, positions=UNSET, exclusive=UNSET)


@given(fleets())
def test_a_cell_is_the_check_of_any_two_of_its_providers(hosts: list[list[Change]]) -> None:
    view = a_fleet(*hosts).view
    stood = [(host.name, each) for host in view for each in host.offers]
    seen, policy = count_shapes(view), Policy()
    names = type_names([each.offer for _, each in stood])

    assert [each.type for each in list_types(seen)] == sorted(names)
    for name in names:
        ways = [(host, o, w) for host, o in stood if (w := obvious_way(o.offer, name)) is not None]
        kinds = list_kinds(seen, name)
        matrix = make_matrix(kinds, name, policy)
        (summary,) = (each for each in list_types(seen) if each.type == name)
        assert sum(kind.providers for kind in kinds) == len(ways)
        assert summary.providers == len({each.provider.uuid for _, each, _ in ways})
        assert summary.hosts == len({host for host, _, _ in ways})
        alike = [kind.offer for kind in matrix.kinds]
        for kind in matrix.kinds:
            where = [
                (h, o.provider.uuid) for h, o, _ in ways if without_room(o.offer) == kind.offer
            ]
            assert (kind.providers, kind.hosts) == (len(where), len({host for host, _ in where}))
            assert (kind.example_host, kind.example_provider) == min(where)
        for (_, source, way), (_, target, _) in product(ways, ways):
            contract = pin(source.offer, way, consumer=NOBODY, slot="device")
            found = check(contract, target.offer, policy)
            kept = [r for r in found.reasons if r.rule not in OF_ONE_PROVIDER]
            here, there = (alike.index(without_room(each.offer)) for each in (source, target))
            cell = matrix.cells[here][there]
            assert cell.verdict == worst(r.severity for r in kept)
            assert set(cell.codes) == {r.code for r in kept if r.severity == cell.verdict}


@given(fleets())
def test_two_kinds_differ_in_a_field_that_is_told(hosts: list[list[Change]]) -> None:
    matrix = make_matrix(kinds_of(hosts), TYPE, Policy())

    told = [repr(sorted(kind.differs.items())) for kind in matrix.kinds]
    assert len(set(told)) == len(told)


def test_a_way_that_does_not_lead_back_is_marked() -> None:
    matrix = matrix_of(an_offer(supports="2.0.0"), an_offer(supports="2.1.0"))

    assert [[cell.verdict for cell in row] for row in matrix.cells] == [["ok", "ok"], ["no", "ok"]]
    assert matrix.one_way == ((0, 1),)
    assert matrix.cells[1][0].codes == ("VERSION_MINOR_OLDER",)
    assert matrix.fields == ("interface.supports",)
    assert [kind.differs for kind in matrix.kinds] == [
        {"interface.supports": "2.0.0"},
        {"interface.supports": "2.1.0"},
    ]
    assert [kind.providers for kind in matrix.kinds] == [2, 1]


def test_what_is_not_stated_is_told_from_what_could_not_be_read() -> None:
    matrix = matrix_of(an_offer(features={"x": {}}), an_offer(features=None), an_offer())

    told = {str(sorted(kind.differs.items())) for kind in matrix.kinds}
    assert told == {"[('features.x', {})]", "[('features', None)]", "[]"}


def test_lists_are_compared_item_by_item() -> None:
    flags = [["stop_copy"], ["stop_copy", "p2p"]]
    matrix = matrix_of(*(an_offer(migration={"support": "yes", "flags": f}) for f in flags))

    assert matrix.fields == ("migration.flags.p2p",)


def test_the_order_of_a_list_makes_no_kind() -> None:
    flags = [["p2p", "stop_copy"], ["stop_copy", "p2p"]]
    matrix = matrix_of(*(an_offer(migration={"support": "yes", "flags": f}) for f in flags))

    assert [kind.providers for kind in matrix.kinds] == [3]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"params": {"a": TEXT_1}}, {"params": {"a": NUMBER_1}}),
        ({"composition": [PART]}, {"composition": [PART, PART]}),
        ({"constraints": [RULE]}, {"constraints": [RULE, {**RULE, "then": {"a": {"eq": 2}}}]}),
    ],
    ids=["text-and-number", "twice", "two-of-a-name"],
)
def test_lists_that_differ_are_never_said_to_be_of_one_kind(here: Any, there: Any) -> None:
    kinds = matrix_of(an_offer(**here), an_offer(**there)).kinds

    assert len(kinds) == 2
    assert kinds[0].differs != kinds[1].differs


def test_the_order_of_doors_does_not_choose_among_them() -> None:
    doors = [{"kind": kind, "type": TYPE} for kind in ("vf", "sf")]
    for listed in (doors, doors[::-1]):
        (kind,) = matrix_of(an_offer(type="b/b", also_types=listed)).kinds
        assert kind.contract.kind == "sf"


def test_a_provider_that_offers_a_type_as_two_kinds_is_one() -> None:
    own = [replace(an_offer(kind=kind), provider=NOBODY) for kind in ("mdev", "vf")]
    view = a_fleet([a_host_record("host0"), a_provider("gpu0", host="host0", offers=own)]).view
    seen = count_shapes(view)

    assert [(each.kinds, each.providers) for each in list_types(seen)] == [(("mdev", "vf"), 1)]
    assert [kind.providers for kind in list_kinds(seen, TYPE)] == [1, 1]


def test_room_and_places_make_no_kind() -> None:
    larger = an_offer(pools={"CUSTOM_ACME_FB_MB": {"total": 32768}})
    matrix = matrix_of(an_offer(), larger, an_offer(generation=7))

    assert [(kind.providers, kind.hosts) for kind in matrix.kinds] == [(4, 4)]
    assert matrix.fields == ()


def test_kinds_beyond_the_limit_are_counted() -> None:
    matrix = matrix_of(*(an_offer(supports=f"2.{n}.0") for n in range(5)), most=2)

    assert len(matrix.kinds) == len(matrix.cells) == 2
    assert (matrix.kinds_left_out, matrix.providers_left_out) == (3, 3)


def test_one_cell_tells_both_ways_with_all_reasons() -> None:
    older, newer = matrix_of(an_offer(supports="2.0.0"), an_offer(supports="2.1.0")).kinds
    pair = check_pair(older, newer, Policy())

    assert (pair.there.verdict, pair.back.verdict) == ("ok", "no")
    assert [r.code for r in pair.back.reasons if r.severity == "no"] == ["VERSION_MINOR_OLDER"]
    assert pair.target.differs == {"interface.supports": "2.1.0"}
