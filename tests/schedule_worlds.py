"""Generated fleets and guests: small, and dense in what makes a mapping hard."""

from hypothesis import strategies as st
from msgspec import UNSET

from builders import FB, a_contract, a_host_record, a_provider, a_root, a_uuid, an_offer
from wherry.model.changes import Change
from wherry.model.checks import HostFacts, Needs
from wherry.model.device import Contract, Offer
from wherry.model.inventory import Inventory, Use

SLICES = "CUSTOM_ACME_SLICE"
VERSIONS = ("1.0.0", "2.0.0", "2.1.0", None)
MODELS = ("acme/gpu-a", "acme/gpu-b", "acme/nic")


@st.composite
def offers(draw: st.DrawFn, type_name: str) -> Offer:
    part = draw(st.sampled_from((2048, 4096, 8192)))
    flags = draw(st.sampled_from((["stop_copy", "p2p"], ["stop_copy", "p2p"], ["stop_copy"])))
    fields: dict[str, object] = {
        "type": type_name,
        "migration": {"support": "yes", "flags": flags, "bytes_per_s": 10**9},
        "units": {FB: part},
        "pools": {FB: {"total": draw(st.sampled_from((8192, 16384)))}},
    }
    if draw(st.booleans()):
        fields["exclusive"] = {"by": draw(st.sampled_from(("type", "fb_mb"))), "in_use": []}
    if draw(st.integers(0, 5)) == 0:
        fields["units"] = {FB: part, SLICES: 1}
        fields["pools"] = {FB: {"total": 16384}, SLICES: {"total": 2}}
    if draw(st.integers(0, 5)) == 0:
        fields["pools"] = None
    if draw(st.integers(0, 3)) == 0:
        fields["features"] = {"x": {"maskable": draw(st.booleans())}}
    if draw(st.integers(0, 3)) == 0:
        fields["description"] = draw(st.sampled_from(("a board", "another board")))
    if draw(st.integers(0, 4)) == 0:
        other = {"kind": "vf", "type": "acme/gpu-a"}
        fields["also_types"] = draw(st.sampled_from((["acme/gpu-c"], ["acme/gpu-c", other])))
    if type_name.endswith("nic"):
        fields["device_class"] = "network"
        support = draw(st.sampled_from(("yes", "no")))
        fields["migration"] = {
            "support": support,
            "flags": ["stop_copy"],
            "modes": ["live", "suspend", "cold", "replug"],
            "bytes_per_s": 10**9,
        }
    if fields["pools"] is None:
        fields["pools"] = UNSET
    return an_offer(supports=draw(st.sampled_from(VERSIONS)), **fields)


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
def hosts(draw: st.DrawFn, name: str, kinds: list[list[Offer]]) -> list[Change]:
    check = draw(host_facts())
    state = draw(st.sampled_from(("enabled", "enabled", "enabled", "disabled", "maintenance")))
    used = {"VCPU": draw(st.sampled_from((0, 60, 62, 63)))}
    inventories = {"VCPU": Inventory(total=64, step_size=draw(st.sampled_from((1, 1, 4))))}
    changes: list[Change] = [a_host_record(name, state=state, check=check)]
    if draw(st.integers(0, 6)):
        changes.append(a_root(name, inventories=inventories, used=used))
    for number in range(draw(st.integers(0, 4))):
        offered = draw(st.sampled_from(kinds))
        note = draw(st.sampled_from((None, None, None, "unsettled")))
        if note:
            changes.append(a_provider(f"{name}_gpu{number}", host=name, note=note))
            continue
        use = Use(
            charged={
                FB: draw(st.sampled_from((0, 0, 2048, 4096, 12288))),
                SLICES: draw(st.sampled_from((0, 1))),
            },
            stray={FB: draw(st.sampled_from((0, 0, 0, 2048)))},
            exclusive=draw(st.sampled_from(((), (), ("acme/gpu-a",), (4096,), (True,)))),
        )
        changes.append(a_provider(f"{name}_gpu{number}", host=name, offers=offered, use=use))
    if draw(st.integers(0, 3)) == 0:
        # Two children that draw on one pool of their parent.
        parent = a_uuid(f"{name}_pf")
        child = an_offer(pools={FB: {"total": 8192, "used": draw(st.sampled_from((0, 4096)))}})
        pools = {
            c: {"total": p.total, "used": p.used, "provider": parent}
            for c, p in child.pools.items()
        }
        shared = an_offer(pools=pools)
        changes += [a_provider(f"{name}_vf{each}", host=name, offers=[shared]) for each in range(2)]
    return changes


@st.composite
def fleets(draw: st.DrawFn, most: int = 5) -> list[list[Change]]:
    kinds = [
        [
            draw(offers(name))
            for name in draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=2, unique=True))
        ]
        for _ in range(draw(st.integers(1, 3)))
    ]
    return [draw(hosts(f"host{number}", kinds)) for number in range(draw(st.integers(1, most)))]


@st.composite
def contracts(draw: st.DrawFn, slot: str) -> Contract:
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
        fields["device_class"] = "network"
        fields["migration"] = {
            "support": draw(st.sampled_from(("yes", "no"))),
            "flags": ["stop_copy"],
            "modes": ["live", "suspend", "cold", "replug"],
            "stop_copy_bytes": 10**9,
        }
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
