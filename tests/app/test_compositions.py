"""Composed devices: set aside of a parent, offered under a name of their own, given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_uuid
from engines import GUEST, EngineMaker, Fleet
from placement_wire import RP, Wire, holds
from wherry.app import compositions, guests, hosts, offers, targets
from wherry.app.engine import Engine
from wherry.app.placement.allocations import Asked, set_allocations
from wherry.app.placement.refusals import ComposedHolder
from wherry.compat.pinning import Choice, pin
from wherry.model.compositions import (
    CompositionRequest,
    PartRequest,
    merge_parts,
    parse_description,
    render_description,
)
from wherry.model.device import Part
from wherry.model.errors import (
    AlreadyExists,
    CapacityExceeded,
    CompositionHeld,
    InvalidRequest,
    NotFound,
    Unsettled,
)
from wherry.model.inventory import ProviderRecord
from wherry.model.targets import TargetsRequest
from wherry.store.audit import audit

PORT, PAIR = "CUSTOM_MTTY_PORT", a_uuid("pair")
TYPE = "composed/pair"

type_names = st.from_regex(r"[!-~]{1,12}", fullmatch=True)
classes = st.from_regex(r"CUSTOM_[A-Z0-9_]{1,6}", fullmatch=True)
parts = st.builds(
    Part,
    type=type_names,
    units=st.dictionaries(classes, st.integers(1, 10**9), min_size=1, max_size=3),
    count=st.integers(1, 256),
)


def asked(uuid: str = PAIR, *types: str, name: str = "pair", count: int = 1) -> CompositionRequest:
    """Two mtty-2 as one, unless said otherwise."""
    wanted = types or ("mtty/mtty-2", "mtty/mtty-2")
    return CompositionRequest(
        uuid=uuid, name=name, count=count, parts=tuple(PartRequest(type=one) for one in wanted)
    )


def record(engine: Engine, host: str, uuid: str) -> ProviderRecord | None:
    found = engine.view().get(host)
    view = None if found is None else found.find_provider(uuid)
    return None if view is None else view.record


def free(engine: Engine, type_name: str, host: str = "a") -> list[int | None]:
    return [row.fits for row in offers.list_offers(engine, host, type_name).offers]


def is_sound(engine: Engine) -> bool:
    return engine.store.read(audit) == []


@given(st.lists(parts, min_size=1, max_size=4), st.sampled_from(["pair", "a.b-c_1", "X"]))
def test_a_description_parses_back(several: list[Part], name: str) -> None:
    first = {one.type: one for one in several}
    merged = merge_parts(list(first.values()))

    text = render_description(name, list(first.values()))

    assert parse_description(text) == (name, merged)
    assert render_description(*parse_description(text)) == text


@pytest.mark.parametrize(
    "bad",
    [
        "", "pair", "composed/ = 1 x a C:1", "composed/p = ", "composed/p = 1 x a",
        "composed/p = 1 x a C:0", "composed/p = 0 x a C:1", "composed/p = 1 x a C:1 ",
        "composed/p = 1 x b C:1 + 1 x a C:1", "composed/p = 1 x a C:1 + 1 x a C:1",
        "composed/p = 1 x a D:1,C:1", "composed/p = 1 x a C:1 - 1 x b C:1", "other/p = 1 x a C:1",
    ],
)  # fmt: skip
def test_what_is_no_description_is_refused_with_a_reason(bad: str) -> None:
    with pytest.raises(ValueError, match=r"`"):
        parse_description(bad)


def test_composed_devices_are_inventory_at_once_and_their_siblings_see_it(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    parent = fleet.provider("a")

    made = compositions.create(engine, parent, asked(count=2))

    assert made.description == f"{TYPE} = 2 x mtty/mtty-2 {PORT}:2"
    assert (made.units, made.resource_class) == ({PORT: 4}, "CUSTOM_COMPOSED_PAIR")
    assert free(engine, TYPE) == [2]
    assert free(engine, "mtty/mtty-2") == [(24 - 8) // 2]
    assert fleet.used("a") == 8
    assert is_sound(engine)


def test_it_is_done_once_however_often_it_is_said(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    parent = fleet.provider("a")
    first = compositions.create(engine, parent, asked())

    assert compositions.create(engine, parent, asked()) == first
    assert fleet.used("a") == 4
    with pytest.raises(AlreadyExists):
        compositions.create(engine, parent, asked(count=2))
    assert compositions.list_compositions(engine, parent).compositions == (first,)
    assert compositions.get(engine, parent, PAIR) == first


def test_what_is_not_free_is_not_composed_and_nothing_is_left(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    parent = fleet.provider("a")

    with pytest.raises(CapacityExceeded):
        compositions.create(engine, parent, asked(count=7))
    with pytest.raises(InvalidRequest, match="does not offer acme/none; it offers mtty/mtty-1"):
        compositions.create(engine, parent, asked(PAIR, "acme/none"))
    with pytest.raises(NotFound):
        compositions.create(engine, a_uuid("nobody"), asked())
    root = engine.view().get("a").root.uuid  # type: ignore[union-attr]
    with pytest.raises(InvalidRequest, match="no device"):
        compositions.create(engine, root, asked())

    assert compositions.list_compositions(engine, parent).compositions == ()
    assert (fleet.used("a"), is_sound(engine)) == (0, True)


def test_a_composed_device_is_held_and_dissolved_only_when_free(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    parent = fleet.provider("a")
    compositions.create(engine, parent, asked())

    guest = fleet.boot("a", type_name=TYPE)

    assert guest.slots["port"].provider == PAIR
    assert free(engine, TYPE) == [0]
    with pytest.raises(CompositionHeld) as caught:
        compositions.dissolve(engine, parent, PAIR)
    assert caught.value.consumers == (GUEST,)

    guests.delete_guest(engine, GUEST)
    compositions.dissolve(engine, parent, PAIR)

    assert (free(engine, TYPE), fleet.used("a")) == ([], 0)
    assert record(engine, "a", PAIR) is None
    assert is_sound(engine)
    with pytest.raises(NotFound):
        compositions.dissolve(engine, parent, PAIR)
    compositions.create(engine, parent, asked())
    assert free(engine, TYPE) == [1]


def test_a_type_of_the_same_name_is_the_same_only_with_the_same_units(engine: Engine) -> None:
    """R50: vectors are compared, never fractions; and R16 compares what it is made of."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh", c="mtty-fresh", d="mtty-fresh")
    for host, types in (
        ("a", ("mtty/mtty-2", "mtty/mtty-2")),
        ("b", ("mtty/mtty-2", "mtty/mtty-2")),
        ("c", ("mtty/mtty-2", "mtty/mtty-1")),
        ("d", ("mtty/mtty-1",) * 4),
    ):
        compositions.create(engine, fleet.provider(host), asked(a_uuid(host), *types))
    fleet.boot("a", type_name=TYPE)

    told = targets.find(engine, GUEST, TargetsRequest(explain=True))

    assert [one.host for one in told.targets] == ["b"]
    why = {
        one.host: {r.code for row in one.mapping for r in row.reasons}
        for one in told.refused.hosts or ()
    }
    assert "UNITS_MISMATCH" in why["c"]
    # As many ports, of other parts: the description says so.
    assert "UNITS_MISMATCH" not in why["d"]
    assert "DESCRIPTION_DIFFERS" in why["d"]


def test_it_survives_reports_and_restarts(make: EngineMaker, store_url: str) -> None:
    engine = make(store_url)
    fleet = Fleet(engine, a="mtty-fresh")
    parent = fleet.provider("a")
    compositions.create(engine, parent, asked())
    fleet.boot("a", type_name=TYPE)

    fleet.report("a", "mtty-3mdevs")

    assert free(engine, TYPE) == [0]
    fleet.report("a", "mtty-fresh")
    assert is_sound(engine)
    engine.close()

    again = make(store_url)
    assert free(again, TYPE) == [0]
    assert [one.uuid for one in compositions.list_compositions(again, parent).compositions] == [
        PAIR
    ]
    guests.delete_guest(again, GUEST)
    assert free(again, TYPE) == [1]


def test_an_unsettled_parent_offers_nothing_until_read_again(engine: Engine) -> None:
    """Neither itself nor what is composed of it, in offers, views, targets and claims alike."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    parent = fleet.provider("b")
    compositions.create(engine, parent, asked())
    compositions.create(engine, fleet.provider("a"), asked(a_uuid("other")))
    fleet.boot("a", type_name=TYPE)
    facts = fleet.reports["b"].facts
    wild = replace(facts, devices=tuple(replace(one, settled=False) for one in facts.devices))

    fleet.report("b", facts=wild)

    assert (free(engine, TYPE, "b"), free(engine, "mtty/mtty-1", "b")) == ([], [])
    told = targets.find(engine, GUEST, TargetsRequest())
    assert (told.targets, "DEVICES_UNSETTLED" in told.refused.by_reason) == ((), True)
    with pytest.raises(Unsettled):
        compositions.create(engine, parent, asked(a_uuid("more")))
    wire = Wire(engine)
    for provider, name in ((parent, "CUSTOM_MTTY_1"), (PAIR, "CUSTOM_COMPOSED_PAIR")):
        shown = wire.ok("GET", f"{RP}/{provider}/inventories")["inventories"]
        assert all(one["total"] == 0 for one in shown.values())
        path = f"/allocation_candidates?resources={name}:1&in_tree={provider}"
        assert wire.ok("GET", path)["allocation_requests"] == []
        told = wire(
            "PUT", f"/allocations/{a_uuid('late')}", holds({provider: {"resources": {name: 1}}})
        )
        assert told.status in {400, 409}
    assert is_sound(engine)

    fleet.report("b")
    assert (free(engine, TYPE, "b"), free(engine, "mtty/mtty-1", "b")) == ([1], [20])
    assert [one.host for one in targets.find(engine, GUEST, TargetsRequest()).targets] == ["b"]


def test_clients_do_not_take_a_composition_apart(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    compositions.create(engine, fleet.provider("a"), asked())

    with pytest.raises(ComposedHolder):
        set_allocations(engine, [Asked(consumer=PAIR, project="p", user="u")])
    told = Wire(engine)("DELETE", f"/allocations/{PAIR}")

    assert (told.status, told.error["code"]) == (409, "wherry.managed")
    assert fleet.used("a") == 4


def test_what_parts_say_differently_is_not_said_of_the_whole(engine: Engine) -> None:
    fleet = Fleet(engine, a="mtty-fresh")
    compositions.create(engine, fleet.provider("a"), asked(PAIR, "mtty/mtty-1", "mtty/mtty-2"))

    (row,) = offers.list_offers(engine, "a", TYPE).offers

    assert row.offer.params is UNSET  # nr_ports is 1 here and 2 there
    assert row.offer.units == {PORT: 3}
    contract = pin(row.offer, Choice(), consumer=GUEST, slot="s", pinned_at="2026-01-01T00:00:00Z")
    assert (contract.type, contract.units) == (TYPE, {PORT: 3})
    assert parse_description(str(contract.description))[0] == "pair"
    assert hosts.get_host(engine, "a").host.findings == ()
