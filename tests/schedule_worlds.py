"""Generated fleets and guests: small, and dense in what makes a mapping hard.

A *tame* world is one in which most hosts take the guest if there is room: every device is of
one type and size, so it is decided by pools, by values that must agree, and by all devices of
the guest at once.  In a wild one everything may differ, and most hosts refuse.
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

from hypothesis import strategies as st
from msgspec import UNSET

from builders import FB, a_contract, a_guest, a_host_record, a_provider, a_root, a_uuid, an_offer
from wherry.model.bounds import Membership, parse_restriction
from wherry.model.changes import Change
from wherry.model.checks import HostFacts, Needs
from wherry.model.device import Contract, Offer
from wherry.model.groups import Group, GroupPolicy, Neighbours, Placed
from wherry.model.guests import Guest
from wherry.model.inventory import Inventory, Use

SLICES = "CUSTOM_ACME_SLICE"
VERSIONS = ("1.0.0", "2.0.0", "2.0.1", "2.1.0", None)
MODELS = ("acme/gpu-a", "acme/gpu-b", "acme/nic")
MIGRATION = {"support": "yes", "flags": ["stop_copy", "p2p"], "bytes_per_s": 10**9}
NETWORK = ["live", "suspend", "cold", "replug"]


class World(NamedTuple):
    """Hosts as changes, and a guest to be asked about."""

    hosts: list[list[Change]]
    guest: Guest


@st.composite
def worlds(draw: st.DrawFn, most: int = 5, slots: int = 3) -> World:
    """A fleet with a guest, on one of its hosts or elsewhere."""
    tame = draw(st.booleans())
    hosts = draw(fleets(most, tame=tame))
    # Within a tame world the question is mostly whether several devices fit at once.
    least = min(2, slots) if tame else 0
    names = [f"slot{n}" for n in range(draw(st.integers(least, slots)))]
    pinned = [draw(contracts(name, tame=tame)) for name in names]
    guest = a_guest(
        *pinned,
        host=draw(st.sampled_from(("host0", "host0", "elsewhere"))),
        resources={"VCPU": draw(st.sampled_from((0, 2, 4)))},
        needs=draw(st.just(Needs()) if tame and draw(st.booleans()) else needs()),
        tenant=draw(st.sampled_from(("red", "red", "blue", ""))),
        **({} if pinned else {"slots": {}}),
    )
    return World(hosts, guest)


@st.composite
def crowded(draw: st.DrawFn) -> World:
    """A guest of several equal devices, and hosts that differ in room for them alone.

    Whether all fit at once is all there is to decide; and some would be taken with a warning.
    """
    size, names = draw(st.sampled_from((2048, 4096))), [f"slot{n}" for n in range(3)]
    some = names[: draw(st.integers(2, 3))]
    pinned = [
        a_contract(slot=name, description="a board", units={FB: size}, params={"fb_mb": size})
        for name in some
    ]
    exclusive = draw(st.sampled_from((UNSET, {"by": "fb_mb", "in_use": []})))
    kinds = [
        an_offer(
            description=text, units={FB: size}, pools={FB: {"total": 3 * size}},
            params={"fb_mb": {"type": "int", "value": size}}, exclusive=exclusive,
        )
        for text in ("a board", "another board")
    ]  # fmt: skip
    fleet: list[list[Change]] = []
    for number in range(draw(st.integers(3, 6))):
        name, kind = f"host{number}", draw(st.sampled_from(kinds))
        changes: list[Change] = [a_host_record(name), a_root(name)]
        for device in range(draw(st.integers(1, 3))):
            use = Use(
                charged={FB: size * draw(st.integers(0, 3))},
                exclusive=draw(st.sampled_from(((), (size,), (size, 1)))),
            )
            changes.append(a_provider(f"{name}_gpu{device}", host=name, offers=[kind], use=use))
        fleet.append(changes)
    return World(fleet, a_guest(*pinned, host="elsewhere"))


@st.composite
def offers(draw: st.DrawFn, type_name: str, *, tame: bool) -> Offer:
    """What a device offers of one type."""
    part = 4096 if tame else draw(st.sampled_from((2048, 4096, 8192)))
    fields: dict[str, object] = {
        "type": type_name,
        "migration": MIGRATION,
        "units": {FB: part},
        "pools": {FB: {"total": draw(st.sampled_from((8192, 16384)))}},
    }
    if tame or draw(st.integers(0, 2)) == 0:
        fields["params"] = {"fb_mb": {"type": "int", "value": part}}
    if draw(st.booleans()):
        fields["exclusive"] = {"by": draw(st.sampled_from(("type", "fb_mb"))), "in_use": []}
    if draw(st.integers(0, 3)) == 0:
        fields["description"] = draw(st.sampled_from(("a board", "another board")))
    versions = VERSIONS[1:4] if tame else VERSIONS
    if not tame:
        fields |= draw(wildness(type_name, part))
    return an_offer(supports=draw(st.sampled_from(versions)), **fields)


@st.composite
def wildness(draw: st.DrawFn, type_name: str, part: int) -> dict[str, object]:
    """What one offer may have unlike others."""
    fields: dict[str, object] = {}
    flags = draw(st.sampled_from((["stop_copy", "p2p"], ["stop_copy"])))
    fields["migration"] = {**MIGRATION, "flags": flags}
    if draw(st.integers(0, 5)) == 0:
        fields["units"] = {FB: part, SLICES: 1}
        fields["pools"] = {FB: {"total": 16384}, SLICES: {"total": 2}}
    if draw(st.integers(0, 5)) == 0:
        fields["pools"] = UNSET
    if draw(st.integers(0, 3)) == 0:
        fields["features"] = {"x": {"maskable": draw(st.booleans())}}
    if draw(st.integers(0, 4)) == 0:
        other = {"kind": "vf", "type": "acme/gpu-a"}
        fields["also_types"] = draw(st.sampled_from((["acme/gpu-c"], ["acme/gpu-c", other])))
    if type_name.endswith("nic"):
        fields["device_class"] = "network"
        support = draw(st.sampled_from(("yes", "no")))
        fields["migration"] = {"support": support, "flags": ["stop_copy"], "modes": NETWORK}
    return fields


def host_facts() -> st.SearchStrategy[HostFacts]:
    """What a host states of itself; each fact may be left out."""
    return st.builds(
        HostFacts,
        arch=st.sampled_from(("x86_64", "x86_64", "aarch64", UNSET)),
        machine_types=st.sampled_from((("q35-9.0", "q35-9.1"), ("q35-9.1",), UNSET)),
        cpu_models=st.sampled_from((("Icelake",), ("Cascadelake",), UNSET)),
        cpu_features=st.sampled_from((("avx2",), (), UNSET)),
        versions=st.sampled_from(({"qemu": "9.0.2"}, {"qemu": "9.1.0"}, {"qemu": "git"}, UNSET)),
    )


@st.composite
def hosts(
    draw: st.DrawFn,
    name: str,
    kinds: list[list[Offer]],
    held: st.SearchStrategy[Use],
    *,
    tame: bool,
) -> list[Change]:
    """A host with its root and up to four devices of these kinds."""
    state = draw(st.sampled_from((*["enabled"] * 8, "disabled", "maintenance")))
    full = (0, 0, 0, 60, 63) if tame else (0, 60, 62, 63)
    used = {"VCPU": draw(st.sampled_from(full))}
    inventories = {"VCPU": Inventory(total=64, step_size=draw(st.sampled_from((1, 1, 4))))}
    labels = draw(st.sampled_from((*[{}] * 6, {"tenants": "red"}, {"tenants": "blue,red"})))
    record = a_host_record(name, state=state, check=draw(host_facts()), labels=labels)
    changes: list[Change] = [record]
    if draw(st.integers(0, 8)):
        changes.append(a_root(name, inventories=inventories, used=used))
    for number in range(draw(st.integers(1 if tame else 0, 4))):
        device = f"{name}_gpu{number}"
        if draw(st.integers(0, 9 if tame else 5)) == 0:
            changes.append(a_provider(device, host=name, note="unsettled"))
            continue
        offered, use = draw(st.sampled_from(kinds)), draw(held)
        changes.append(a_provider(device, host=name, offers=offered, use=use))
    if draw(st.integers(0, 3)) == 0:
        changes += draw(siblings(name))
    return changes


def uses() -> st.SearchStrategy[Use]:
    """What is held of a device, by whom it was claimed or by nobody who is known."""
    return st.builds(
        lambda fb, slices, stray, exclusive: Use(
            charged={FB: fb, SLICES: slices}, stray={FB: stray}, exclusive=exclusive
        ),
        st.sampled_from((0, 0, 2048, 4096, 12288)),
        st.sampled_from((0, 1)),
        st.sampled_from((0, 0, 0, 2048)),
        st.sampled_from(((), (), ("acme/gpu-a",), (4096,), (True,))),
    )


@st.composite
def siblings(draw: st.DrawFn, host: str) -> list[Change]:
    """Two children that draw on one pool of their parent."""
    used = draw(st.sampled_from((0, 4096)))
    pool = {"total": 8192, "used": used, "provider": a_uuid(f"{host}_pf")}
    shared = an_offer(pools={FB: pool})
    return [a_provider(f"{host}_vf{each}", host=host, offers=[shared]) for each in range(2)]


@st.composite
def fleets(draw: st.DrawFn, most: int = 5, *, tame: bool = False) -> list[list[Change]]:
    """Hosts with devices of one to three kinds, a kind with one or two types."""
    types = st.just(["acme/gpu-a"])
    if not tame:
        types = st.lists(st.sampled_from(MODELS), min_size=1, max_size=2, unique=True)
    kinds = [
        [draw(offers(name, tame=tame)) for name in draw(types)]
        for _ in range(draw(st.integers(1, 2 if tame else 3)))
    ]
    count = draw(st.integers(2 if tame else 1, most))
    # Devices that are equal down to their use are what a joint mapping is hard for.
    held = st.sampled_from([draw(uses()) for _ in range(2)]) if tame else uses()
    return [draw(hosts(f"host{number}", kinds, held, tame=tame)) for number in range(count)]


@st.composite
def contracts(draw: st.DrawFn, slot: str, *, tame: bool = False) -> Contract:
    """A device of a guest."""
    if tame or draw(st.integers(0, 3)) == 0:
        params = draw(st.sampled_from((*[{"fb_mb": 4096}] * 5, {})))
        more = {"params": params} if params else {}
        return a_contract(slot=slot, version="2.0.0", **more)
    type_name = draw(st.sampled_from((*MODELS, *MODELS, "acme/gpu-c")))
    fields: dict[str, object] = {"type": type_name}
    if draw(st.integers(0, 6)) == 0:
        fields["kind"] = "vf"
    if draw(st.integers(0, 6)) == 0:
        fields["migration"] = {"support": "yes", "flags": ["stop_copy"], "stop_copy_bytes": 10**8}
    if draw(st.booleans()):
        fields["units"] = {FB: draw(st.sampled_from((2048, 4096, 8192)))}
    if draw(st.integers(0, 2)) == 0:
        fields["units"] = UNSET
    if draw(st.booleans()):
        fields["params"] = {"fb_mb": draw(st.sampled_from((4096, 8192, True)))}
    if draw(st.integers(0, 3)) == 0:
        fields["features"] = ["x"]
    if draw(st.integers(0, 3)) == 0:
        fields["description"] = "a board"
    if type_name.endswith("nic"):
        support = draw(st.sampled_from(("yes", "no")))
        fields["device_class"] = "network"
        fields["migration"] = {
            "support": support, "flags": ["stop_copy"], "modes": NETWORK, "stop_copy_bytes": 10**9,
        }  # fmt: skip
    return a_contract(slot=slot, version=draw(st.sampled_from(VERSIONS[:3])), **fields)


def needs() -> st.SearchStrategy[Needs]:
    """What a guest needs of its host: mostly nothing, or one thing or two."""
    return st.one_of(
        st.just(Needs()),
        st.sampled_from((
            Needs(arch="x86_64"),
            Needs(machine_type="q35-9.0"),
            Needs(cpu_model="Icelake"),
            Needs(cpu_features=("avx2",)),
            Needs(min_versions={"qemu": "9.1"}),
            Needs(arch="x86_64", machine_type="q35-9.1", min_versions={"qemu": "9.0"}),
        )),
    )  # fmt: skip


@st.composite
def neighbourhoods(draw: st.DrawFn, names: Sequence[str]) -> Neighbours:
    """Groups of a guest whose others are on some of these hosts, or on none that is known."""
    hosts = st.dictionaries(st.sampled_from([*names, "gone"]), st.integers(1, 3), max_size=4)
    policies = st.sampled_from(get_args(GroupPolicy))
    found = []
    for number, policy in enumerate(draw(st.lists(policies, max_size=4))):
        most = draw(st.integers(1, 3)) if policy == "anti-affinity" else 1
        found.append(Placed(Group(id=f"g{number}", policy=policy, most=most), draw(hosts)))
    return tuple(found)


@st.composite
def memberships(draw: st.DrawFn, names: Sequence[str]) -> Membership:
    """Aggregates that some of these hosts are in, and what is asked of them."""
    some = st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True).map(",".join)
    texts = st.builds("{}in:{}".format, st.sampled_from(("", "!")), some)
    there = st.frozensets(st.sampled_from("abcd"), min_size=1, max_size=3)
    return Membership(
        tuple(map(parse_restriction, draw(st.lists(texts, max_size=3, unique=True)))),
        draw(st.dictionaries(st.sampled_from(names), there)),
    )
