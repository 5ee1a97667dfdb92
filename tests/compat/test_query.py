"""A contract compiled to a query loses no offer, and holds every rule that it says it holds."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_contract, an_offer
from compat.mending import mend
from compat.worlds import UUIDS, full_offers, pairs, policy_values
from obvious_search.search import search
from obvious_search.world import make_world
from query_twin import EXACT, OF_VERSIONS, finds, meets, refusing, stock
from wherry.compat.engine import check
from wherry.compat.guest import check_guest
from wherry.compat.query.ask import Group, Nothing, ask
from wherry.compat.query.guest import GuestQuery, NoQuery, ask_guest, to_pairs
from wherry.compat.query.host import ask_host, marks_of_host
from wherry.compat.query.labels import label
from wherry.compat.query.marks import marks_of, marks_together
from wherry.compat.query.vocabulary import MOST, Mark, Vocabulary
from wherry.compat.query.words import say_group, say_missing, say_nothing, say_root
from wherry.compat.table import BY_CODE
from wherry.model.checks import HostFacts, Needs, Policy
from wherry.model.device import Contract, Offer, Param
from wherry.model.inventory import Inventory
from wherry.model.provider import Provider
from wherry.profiles.tables import standard_traits
from wherry.schedule.candidates.query import parse_candidates_query

SALT = b"a secret of the deployment"
LATEST = (1, 39)


def vocabulary(offers: Sequence[Offer], hosts: Sequence[HostFacts] = ()) -> Vocabulary:
    marks = [marks_of(offer) for offer in offers] + [marks_of_host(facts) for facts in hosts]
    return Vocabulary(mark for some in marks for mark in some)


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


Fleet = tuple[Contract, list[Offer], Policy]
SEVERAL = 5
MANY = settings(max_examples=20_000 // SEVERAL**2, derandomize=False)
"""Examples of several worlds, each guest of which is asked about in each fleet: 20,000 cases."""


@given(fleets())
def test_a_query_loses_no_offer_and_finds_none_that_its_rules_refuse(fleet):
    """Equivalence of traits, in each mode."""
    assert_equivalent(fleet)


@pytest.mark.full
@pytest.mark.timeout(7200)
@MANY
@given(st.lists(fleets(), min_size=SEVERAL, max_size=SEVERAL))
def test_20_000_queries_lose_no_offer_and_find_none_that_their_rules_refuse(several):
    """Equivalence of traits, in each mode: each contract in each fleet."""
    for contract, _, policy in several:
        for _, offers, _ in several:
            assert_equivalent((contract, offers, policy))


def assert_equivalent(fleet: Fleet) -> None:
    """What is left out is refused; what is found is refused by none of the rows that say `yes`."""
    contract, offers, policy = fleet
    group = ask(contract, policy, vocabulary(offers))
    for offer in offers:
        answer = check(contract, offer, policy)
        if not finds(group, offer):
            assert not answer.accepted
        elif "unknown" not in policy.accept and policy.mode in {"live", "suspend"}:
            assert not held_codes(offer) & refusing(answer, policy)


def held_codes(offer: Offer) -> set[str]:
    """Codes of which a query returns no offer that is refused for them."""
    of_interface, of_state = offer.interface, offer.state
    if of_interface is UNSET or of_interface.policy in {UNSET, "range"}:
        return EXACT
    if of_state is UNSET or of_state.policy in {UNSET, "range"}:
        return EXACT
    # Where nothing is accepted, it is the exact stage that says so.
    is_told = of_state.policy == "none" or of_state.accepts not in {UNSET, None}
    return EXACT | OF_VERSIONS if is_told else EXACT


@given(fleets())
def test_cold_asks_identity_amounts_and_mode(fleet):
    """Nothing else stands in the way of a guest that is shut down."""
    contract, offers, policy = fleet
    policy = replace(policy, mode="cold", accept=("ok", "warn"))
    group = ask(contract, policy, vocabulary(offers))

    for offer in offers:
        codes = refusing(check(contract, offer, policy), policy)
        assert finds(group, offer) == (not codes - {"EXCLUSIVE", "GENERATION_CONFLICT"})


@given(fleets(), st.booleans())
def test_offers_that_share_a_provider_hide_none_of_each_other(fleet, other_type):
    """What one cannot mask or leave off is no reason to pass over the other."""
    contract, offers, policy = fleet
    if other_type:
        offers = [replace(one, type="a/z", also_types=("a/x", "a/y")) for one in offers]
    group = ask(contract, policy, Vocabulary(marks_together(offers)))
    free: dict[str, int] = {}
    for offer in offers:
        free |= {name: max(units, free.get(name, 0)) for name, units in stock(offer).items()}

    if any(check(contract, offer, policy).accepted for offer in offers):
        assert meets(group, marks_together(offers), free)


@given(fleets())
def test_a_query_names_no_trait_that_nobody_publishes(fleet):
    """Placement refuses a question with a trait that it does not know."""
    contract, offers, policy = fleet
    known = vocabulary(offers)
    group = ask(contract, policy, known)

    if isinstance(group, Nothing):
        assert group.reasons or group.missing or group.unmet
        assert not group.missing & known.marks
    else:
        assert group.required | group.forbidden | frozenset().union(*group.any_of) <= known.marks
        assert all(group.any_of)


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
    arch=st.sampled_from([UNSET, "x86_64", "x86_64", "X86_64", "aarch64", "riscv64"]),
    machine_types=st.sampled_from([UNSET, ("q35",), ("q35", "pc")]),
    cpu_models=st.sampled_from([UNSET, ("A",), ("A", "B")]),
    cpu_features=st.sampled_from([UNSET, ("avx2",), ("avx2", "aes"), ("rare",)]),
)
NEEDS = st.builds(
    Needs,
    arch=st.sampled_from([UNSET, "x86_64", "x86_64", "X86_64", "riscv64"]),
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
    assert_hosts_found(world)


@pytest.mark.full
@pytest.mark.timeout(7200)
@MANY
@given(st.lists(guests(), min_size=SEVERAL, max_size=SEVERAL))
def test_the_hosts_that_take_20_000_guests_are_among_those_that_placement_finds(several):
    """The same often: each guest in each fleet."""
    for guest in several:
        for other in several:
            assert_hosts_found({**guest, "hosts": other["hosts"]})


def assert_hosts_found(world: dict[str, Any]) -> None:
    hosts = [
        (facts, [one for place, offer in enumerate(offers, 1)
                 for one in [replace(offer, provider=uuid_of(number, place),
                                     pools=_own(offer), migration=offer.migration)]])
        for number, (facts, offers) in enumerate(world["hosts"])
    ]  # fmt: skip
    known = vocabulary(
        [offer for _, offers in hosts for offer in offers], [facts for facts, _ in hosts]
    )
    query = ask_guest(world["contracts"], world["needs"], world["policy"], known)
    found = search_hosts(query, hosts) if isinstance(query, GuestQuery) else set()

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
    providers = [p for number, host in enumerate(hosts) for p in tree(number, *host)]
    classes = {name for group in query.groups.values() for name in group.resources}
    world = make_world(providers, traits=standard_traits(), classes=classes)
    request = parse_candidates_query(pairs_, LATEST)
    return {candidate.anchor for candidate in search(world, request)}


def test_slots_whose_names_cannot_be_suffixes_are_numbered():
    """A slot may have dots and colons, a suffix may not."""
    held = [a_contract(slot="gpu.0"), a_contract(slot="gpu1")]
    query = ask_guest(held, Needs(), Policy(), vocabulary([an_offer()]))

    keys = {key for key, _ in to_pairs(query, SALT) if key.startswith("resources")}
    assert keys == {"resources_0", "resources_1"}


def test_all_slots_that_nobody_serves_are_named_with_what_is_missing():
    """A slot that is refused for itself, one of an unknown type, one whose version is too new."""
    held = [
        a_contract(slot="gpu0", migration={"support": "no", "flags": ["p2p"]}),
        a_contract(slot="gpu1", type="acme/other"),
        a_contract(slot="gpu2", version="2.9"),
        a_contract(slot="gpu3", version="2.1"),
    ]
    offer = an_offer(supports="2.1")

    found = ask_guest(held, Needs(arch="riscv128"), Policy(), vocabulary([offer]))

    assert isinstance(found, NoQuery)
    assert [*found.slots] == ["gpu0", "gpu1", "gpu2"]
    refused, unknown, newer = found.slots["gpu0"], found.slots["gpu1"], found.slots["gpu2"]
    assert [reason.code for reason in refused.reasons] == ["MIGRATION_UNSUPPORTED"]
    assert "no offer serves mdev vfio-pci acme/other" in say_nothing(unknown)
    assert say_nothing(newer) == ["no offer has a fitting interface version"]
    assert say_missing(found.root_missing) == ["no host has architecture riscv128"]


def test_a_group_is_said_in_words():
    """Each thing that is asked once, with the rules that it stands for."""
    offer = an_offer(
        supports="2.3",
        features={"X": {}, "Y": {"maskable": False}, "Z": {}},
        params={"ecc": {"type": "bool", "value": True}},
    )
    group = ask(
        a_contract(version="2.1", features=["X"], params={"ecc": True}),
        Policy(),
        vocabulary([offer, an_offer(supports="2.7")]),
    )

    assert isinstance(group, Group)
    said = {(each.how, each.rules, each.words) for each in say_group(group)}
    assert said >= {
        ("all", "R30", "has feature X"),
        ("none", "R32", "shows feature Y, which it cannot hide"),
        ("any", "R40, R41", "parameter ecc is true"),
        ("any", "R20-R24", "interface version: 2.3 or interface version: 2.7"),
    }
    assert not {words for _, _, words in said if "feature Z" in words}


@given(fleets())
def test_every_mark_has_words(fleet):
    """And none of them is said with the marks of another rule."""
    _, offers, _ = fleet
    said = say_root(vocabulary(offers).marks)

    assert len(said) == len(vocabulary(offers).marks)
    assert all(each.words and each.rules.startswith("R") for each in said)


def test_aggregates_and_limit_are_passed_through():
    """On every group, the guest's own among them."""
    query = ask_guest([a_contract(slot="gpu0")], Needs(), Policy(), vocabulary([an_offer()]))
    cells = (UUIDS[1], UUIDS[2])

    asked = to_pairs(query, SALT, resources={"VCPU": 2}, member_of=cells, limit=7)

    assert asked.count(("member_of", f"in:{UUIDS[1]},{UUIDS[2]}")) == 1
    assert asked.count(("member_of_gpu0", f"in:{UUIDS[1]},{UUIDS[2]}")) == 1
    assert ("limit", "7") in asked
    assert parse_candidates_query(asked, LATEST).limit == 7
