"""A contract compiled to a query loses no offer, and holds every rule that it says it holds."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_contract, an_offer
from compat.mending import mend
from compat.worlds import UUIDS, full_offers, pairs, policy_values
from obvious_search.search import search
from obvious_search.world import make_world
from wherry.compat.engine import check
from wherry.compat.guest import check_guest
from wherry.compat.quantity import WHOLE_DEVICE, units_of
from wherry.compat.query.ask import Group, ask
from wherry.compat.query.guest import ask_guest, to_pairs
from wherry.compat.query.host import ask_host, marks_of_host
from wherry.compat.query.labels import label
from wherry.compat.query.marks import marks_of
from wherry.compat.query.vocabulary import MOST, Mark, Vocabulary
from wherry.compat.table import BY_CODE
from wherry.model.checks import CheckResponse, HostFacts, Needs, Policy
from wherry.model.device import Contract, Offer, Param
from wherry.model.inventory import Inventory
from wherry.model.provider import Provider
from wherry.schedule.candidates.query import parse_candidates_query

SALT = b"a secret of the deployment"
LATEST = (1, 39)

EXACT = {
    "DEVICE_API", "KIND_MISMATCH", "TYPE_MISMATCH", "MODEL_MISMATCH", "NO_OFFER",
    "FEATURE_MISSING", "FEATURE_UNMASKABLE", "PARAM_UNKNOWN", "PARAM_EQ", "PARAM_IN", "PARAM_GE",
    "PARAM_CANNOT_DISABLE", "UNITS_MISMATCH", "UNITS_ABSENT", "CAPACITY", "MODE",
    "MIGRATION_UNSUPPORTED", "MIGRATION_DISABLED", "MIGRATION_UNDETERMINED",
    "DIRTY_TRACKING_ABSENT", "BLOCKER", "POSTCOPY_REQUESTED",
}  # fmt: skip
"""Codes of which no offer that a query returns may be refused, in modes live and suspend."""
VERSIONS = ("VERSION_", "STATE_FORMAT_")


def stock(offer: Offer) -> dict[str, int]:
    """What is free of an offer's inventory: its pools, or one device."""
    units = units_of(offer)
    free: dict[str, int] = {} if units else {WHOLE_DEVICE: 1}
    if offer.pools is not UNSET:
        free |= {name: pool.free for name, pool in offer.pools.items()}
    elif units:
        free |= units
    return free


def finds(group: Group, offer: Offer) -> bool:
    """The twin of the query: whether an offer's marks and stock meet a group."""
    marks, free = marks_of(offer), stock(offer)
    return (
        group.required <= marks
        and group.forbidden.isdisjoint(marks)
        and all(not either.isdisjoint(marks) for either in group.any_of)
        and all(free.get(name, 0) >= amount for name, amount in group.resources.items())
    )


def vocabulary(offers: Sequence[Offer]) -> Vocabulary:
    return Vocabulary(mark for offer in offers for mark in marks_of(offer))


def refusing(answer: CheckResponse, policy: Policy) -> set[str]:
    """Codes of the reasons for which an answer is not accepted."""
    taken = {"info", *policy.accept}
    return {reason.code for reason in answer.reasons if reason.severity not in taken}


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Contract, list[Offer], Policy]:
    """A contract, an offer that suits it but for one thing at most, and others."""
    contract, offer = draw(pairs())
    mode = draw(st.sampled_from(["live", "live", "live", "suspend", "cold", "replug"]))
    policy = replace(draw(policy_values), mode=mode)
    if draw(st.integers(0, 3)):
        policy = replace(policy, accept=("ok", "warn"))
    if draw(st.integers(0, 3)):
        left = draw(st.sampled_from([None, None, *sorted(BY_CODE)]))
        contract, offer, policy = mend_all(contract, offer, policy, left)
    others = draw(st.lists(full_offers, max_size=3))
    kin = [replace(one, kind=offer.kind, device_api=offer.device_api) for one in others[::2]]
    return contract, [offer, *kin, *others[1::2]], policy


def mend_all(
    contract: Contract, offer: Offer, policy: Policy, left: str | None
) -> tuple[Contract, Offer, Policy]:
    """Take all causes of a refusal away, but one kind of them."""
    for _ in range(40):
        reasons = check(contract, offer, policy).reasons
        found = next(
            (r for r in reasons if r.severity in {"no", "unknown"} and r.code != left), None
        )
        if found is None:
            break
        contract, offer, policy = mend(found, contract, offer, policy)
    return contract, offer, policy


@given(fleets())
def test_a_query_loses_no_offer_that_would_be_accepted(fleet):
    """Equivalence of traits: what is left out is refused, in each mode."""
    contract, offers, policy = fleet
    group = ask(contract, policy, vocabulary(offers))

    for offer in offers:
        if check(contract, offer, policy).accepted:
            assert group is not None
            assert finds(group, offer)


@given(fleets())
def test_no_offer_found_is_refused_by_a_rule_that_the_query_holds(fleet):
    """Where the table says `yes`; the others are left to the exact stage."""
    contract, offers, policy = fleet
    group = ask(contract, policy, vocabulary(offers))
    if group is None or "unknown" in policy.accept or policy.mode in {"cold", "replug"}:
        return

    for offer in (offer for offer in offers if finds(group, offer)):
        codes = refusing(check(contract, offer, policy), policy)
        assert not codes & EXACT
        stated = offer.interface is not UNSET and offer.interface.policy not in {UNSET, "range"}
        if stated and offer.state is not UNSET and offer.state.policy not in {UNSET, "range"}:
            left = {code for code in codes if code.startswith(VERSIONS)} - {"STATE_FORMAT_ABSENT"}
            assert not left


@given(fleets())
def test_cold_asks_identity_amounts_and_mode(fleet):
    """Nothing else stands in the way of a guest that is shut down."""
    contract, offers, policy = fleet
    policy = replace(policy, mode="cold", accept=("ok", "warn"))
    group = ask(contract, policy, vocabulary(offers))

    for offer in offers:
        codes = refusing(check(contract, offer, policy), policy)
        found = group is not None and finds(group, offer)
        assert found == (not codes - {"EXCLUSIVE", "GENERATION_CONFLICT"})


def test_more_levels_than_can_be_listed_are_one_mark():
    """65 newer minors are in the fleet: all of one major are asked for, newer or not."""
    offers = [an_offer(supports=f"2.{minor}") for minor in range(MOST + 2)]
    known = vocabulary(offers)
    old = a_contract(interface={"policy": "semver", "version": "2.1"})
    new = a_contract(interface={"policy": "semver", "version": "2.2"})

    some = ask(old, Policy(), known)
    listed = ask(new, Policy(), known)

    assert [finds(some, offer) for offer in offers[:3]] == [True, True, True]
    assert [finds(listed, offer) for offer in offers[:4]] == [False, False, True, True]


def test_an_offer_s_new_level_changes_no_other_offer_s_marks():
    """Only the query, compiled when it is asked, lists the new level."""
    old = an_offer(supports="2.1.1")
    contract = a_contract(interface={"policy": "semver", "version": "2.0"})
    before = ask(contract, Policy(), vocabulary([old]))
    after = ask(contract, Policy(), vocabulary([old, an_offer(supports="2.7")]))

    assert finds(before, old)
    assert finds(after, old)
    assert not finds(before, an_offer(supports="2.7"))


@pytest.mark.parametrize(
    ("allowed", "value", "found"),
    [
        (("1-64",), 64, True),
        (("1-64",), 65, False),
        (("1-65",), 66, True),  # too wide to be spelled out: any value, and the judge decides
        ((3, "5-6"), 4, False),
        ((3, "5-6"), 6, True),
    ],
)
def test_spans_are_spelled_out_up_to_64_values(allowed, value, found):
    """Above that the exact stage decides."""
    offer = an_offer(params={"p": msgspec.to_builtins(Param(type="int", allowed=allowed))})
    group = ask(a_contract(params={"p": value}), Policy(), vocabulary([offer]))

    assert finds(group, offer) == found


def test_labels_depend_on_the_salt_and_tell_nothing():
    """24 characters of base32 behind one prefix; equal parts have equal labels."""
    mark: Mark = ("feature", ("vf", "vfio-pci", "a/x"), "X")

    assert label(SALT, mark) == label(SALT, ("feature", ("vf", "vfio-pci", "a/x"), "X"))
    assert label(SALT, mark) != label(b"another", mark)
    assert len({label(SALT, (*mark[:2], name)) for name in ("X", "Y", "Ä", "")}) == 4
    prefix, rest = label(SALT, mark)[:14], label(SALT, mark)[14:]
    assert prefix == "CUSTOM_WHERRY_"
    assert len(rest) == 24
    assert set(rest) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_what_is_equal_as_python_has_it_has_labels_of_its_own():
    """`True` is not `1`, and text is no number."""
    values = (True, 1, "1", ("1",), None)

    assert len({label(SALT, ("is", value)) for value in values}) == len(values)


HOSTS = st.builds(
    HostFacts,
    arch=st.sampled_from([UNSET, "x86_64", "x86_64", "aarch64", "riscv64"]),
    machine_types=st.sampled_from([UNSET, ("q35",), ("q35", "pc")]),
    cpu_models=st.sampled_from([UNSET, ("A",), ("A", "B")]),
    cpu_features=st.sampled_from([UNSET, ("avx2",), ("avx2", "aes"), ("rare",)]),
)
NEEDS = st.builds(
    Needs,
    arch=st.sampled_from([UNSET, "x86_64", "x86_64", "riscv64"]),
    machine_type=st.sampled_from([UNSET, "q35", "pc"]),
    cpu_model=st.sampled_from([UNSET, UNSET, "A", "B"]),
    cpu_features=st.sampled_from([UNSET, (), ("avx2",), ("aes", "rare")]),
)


@given(HOSTS, NEEDS, st.sampled_from(["live", "cold"]))
def test_a_root_that_would_do_has_what_is_asked_of_it(facts, needs, mode):
    """And one that has it is refused for features without a trait at most."""
    policy = Policy(mode=mode)
    answer = check_guest((), needs, (), facts, policy)
    has = ask_host(needs, policy) <= marks_of_host(facts)

    assert has or not answer.accepted
    if has and not answer.accepted:
        assert {reason.code for reason in answer.reasons} <= {
            "CPU_FEATURE_MISSING",
            "HOST_FACT_ABSENT",
        }
        assert needs.arch != "x86_64" or needs.cpu_features == ("aes", "rare")


@st.composite
def guests(draw: st.DrawFn) -> dict[str, Any]:
    """A guest of one to three devices, and hosts whose offers may suit it."""
    count = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["live", "live", "cold"]))
    policy = Policy(mode=mode, replug=draw(st.sampled_from([(), (), (), ("s0",)])))
    left = [None, None, None, *sorted(BY_CODE)]
    made = [
        mend_all(*draw(pairs()), Policy(mode=mode), draw(st.sampled_from(left)))
        for _ in range(count)
    ]
    held = [replace(contract, slot=f"s{n}") for n, (contract, _, _) in enumerate(made)]
    kin = [offer for _, offer, _ in made]
    hosts = []
    for _ in range(draw(st.integers(1, 3))):
        offers = [*kin, *draw(st.lists(full_offers, max_size=2))]
        del offers[draw(st.integers(0, len(offers))) :: 5]
        hosts.append((draw(HOSTS), offers))
    needs = draw(st.sampled_from([Needs(), None])) or draw(NEEDS)
    return {"contracts": held, "needs": needs, "policy": policy, "hosts": hosts}


def uuid_of(host: int, place: int) -> str:
    return f"{host:08d}-0000-4000-8000-{place:012d}"


def tree(host: int, facts: HostFacts, offers: Sequence[Offer]) -> list[Provider]:
    """A host as Placement would hold it: the root, and a provider for each offer."""
    root = uuid_of(host, 0)
    top = Provider(
        uuid=root,
        root=root,
        inventories={"VCPU": Inventory(total=8)},
        traits=frozenset(label(SALT, mark) for mark in marks_of_host(facts)),
    )
    return [top] + [
        Provider(
            uuid=uuid_of(host, place),
            root=root,
            parent=root,
            inventories={
                name: Inventory(total=free) for name, free in stock(offer).items() if free > 0
            },
            traits=frozenset(label(SALT, mark) for mark in marks_of(offer)),
        )
        for place, offer in enumerate(offers, 1)
    ]


@given(guests())
def test_the_hosts_that_take_a_guest_are_among_those_that_placement_finds(world):
    """By the query as text, parsed and searched as Placement would; all in the guest's mode."""
    hosts = [
        (facts, [one for place, offer in enumerate(offers, 1)
                 for one in [replace(offer, provider=uuid_of(number, place),
                                     pools=_own(offer), migration=offer.migration)]])
        for number, (facts, offers) in enumerate(world["hosts"])
    ]  # fmt: skip
    known = vocabulary([offer for _, offers in hosts for offer in offers])
    query = ask_guest(world["contracts"], world["needs"], world["policy"], known)
    found = set() if query is None else search_hosts(query, hosts)

    for number, (facts, offers) in enumerate(hosts):
        answer = check_guest(world["contracts"], world["needs"], offers, facts, world["policy"])
        if answer.accepted:
            assert uuid_of(number, 0) in found


def _own(offer: Offer) -> Any:
    """Pools that stand on the offer's own provider."""
    if offer.pools is UNSET:
        return UNSET
    return {name: replace(pool, provider=UNSET) for name, pool in offer.pools.items()}


def search_hosts(query: Any, hosts: Sequence[tuple[HostFacts, Sequence[Offer]]]) -> set[str]:
    pairs_ = to_pairs(query, SALT, resources={"VCPU": 1})
    labels = {
        label(SALT, mark)
        for group in query.groups.values()
        for marks in (group.required, group.forbidden, *group.any_of)
        for mark in marks
    } | {label(SALT, mark) for mark in query.root_required}
    providers = [p for number, host in enumerate(hosts) for p in tree(number, *host)]
    classes = {name for group in query.groups.values() for name in group.resources}
    world = make_world(providers, traits=labels, classes=classes)
    request = parse_candidates_query(pairs_, LATEST)
    return {candidate.anchor for candidate in search(world, request)}


def test_slots_whose_names_cannot_be_suffixes_are_numbered():
    """A slot may have dots and colons, a suffix may not."""
    held = [a_contract(slot="gpu.0"), a_contract(slot="gpu1")]
    query = ask_guest(held, Needs(), Policy(), vocabulary([an_offer()]))

    keys = {key for key, _ in to_pairs(query, SALT) if key.startswith("resources")}
    assert keys == {"resources_0", "resources_1"}


def test_aggregates_and_limit_are_passed_through():
    """On every group, the guest's own among them."""
    query = ask_guest([a_contract(slot="gpu0")], Needs(), Policy(), vocabulary([an_offer()]))
    cells = (UUIDS[1], UUIDS[2])

    asked = to_pairs(query, SALT, resources={"VCPU": 2}, member_of=cells, limit=7)

    assert asked.count(("member_of", f"in:{UUIDS[1]},{UUIDS[2]}")) == 1
    assert asked.count(("member_of_gpu0", f"in:{UUIDS[1]},{UUIDS[2]}")) == 1
    assert ("limit", "7") in asked
    assert parse_candidates_query(asked, LATEST).limit == 7
