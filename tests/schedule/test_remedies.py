"""What opens hosts that refuse: minimal, counted right, and each one true when it is done."""

import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_contract, a_fleet, a_guest, a_host, a_host_record, a_root, an_offer
from schedule_worlds import crowded, memberships, neighbourhoods, worlds
from wherry.compat.pinning import Choice, pin
from wherry.model.bounds import FREE, Bounds, Membership
from wherry.model.checks import Downtime, Policy
from wherry.model.device import Exclusive
from wherry.model.groups import Group, Placed
from wherry.model.inventory import HostRecord, Inventory, ProviderRecord, Use
from wherry.model.targets import Relaxation, TargetsRequest, What
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import find_targets

PAGE = Path(__file__).parents[2] / "docs/reference/targets.md"
ROOMY = {"VCPU": Inventory(total=10**6), "MEMORY_MB": Inventory(total=10**9)}


def ask(guest, view, policy, bounds, *, remedies=False):
    request = TargetsRequest(policy=policy, limit=10_000, remedies=remedies)
    return find_targets(guest, None, view, request, JudgementCache(), bounds=bounds)


def remedies_of(guest, hosts, policy=Policy(), bounds=FREE):  # noqa: B008
    view = a_fleet(*hosts).view
    return ask(guest, view, policy, bounds, remedies=True).refused.remedies


def policy_with(policy, what, value):
    """The policy with one change made, in plain words."""
    changes = {
        "accept": lambda: {"accept": (*policy.accept, value)},
        "mode": lambda: {"mode": value},
        "downtime": lambda: {"downtime": UNSET},
        "untracked_dma": lambda: {"allow_untracked_dma": True},
        "postcopy": lambda: {"postcopy": False},
        "replug": lambda: {"replug": (*policy.replug, value)},
        "boot_as": lambda: {"mode": "cold", "replug": ()},
    }
    return replace(policy, **changes[what]()) if what in changes else policy


def hosts_with(hosts, what, value):
    """The hosts with one change made to each that is in need of it."""
    match what:
        case "state":
            return changed(hosts, lambda each: replace(each, state="enabled"), HostRecord)
        case "tenant":
            return changed(hosts, lambda each: replace(each, labels={}), HostRecord)
        case "resources":
            return changed(hosts, emptied_root, ProviderRecord)
        case "version":
            return changed(hosts, lambda each: upgraded(each, value), ProviderRecord)
        case "room":
            return changed(hosts, without_use, ProviderRecord)
    return hosts


def guest_with(guest, what, value):
    if what != "without":
        return guest
    return replace(guest, slots={name: s for name, s in guest.slots.items() if name != value})


def bounds_with(bounds, change):
    """What keeps the guest off hosts with one change made to what it names."""
    if change.what == "member_of":
        left = tuple(each for each in bounds.members.asked if each.text != change.value)
        return bounds._replace(members=Membership(left, bounds.members.hosts))
    return bounds._replace(neighbours=groups_with(bounds.neighbours, change))


def groups_with(neighbours, change):
    fields = {"apart": {"most": change.most}, "together": {"policy": "soft-affinity"}}
    return tuple(
        each._replace(group=replace(each.group, **fields[change.what]))
        if change.what in fields and each.group.id == change.value
        else each
        for each in neighbours
    )


def changed(hosts, change, of):
    return [[change(each) if isinstance(each, of) else each for each in host] for host in hosts]


def emptied_root(record):
    if record.plan.parent is None:
        return a_root(record.plan.name, inventories=ROOMY)
    return record


def with_offers(record, change):
    offers = tuple(change(offer) for offer in record.plan.offers)
    return replace(record, plan=replace(record.plan, offers=offers))


def upgraded(record, version):
    major, minor = version.split(".")[:2]

    def newer(offer):
        supports = UNSET if offer.interface is UNSET else offer.interface.supports
        if not isinstance(supports, str):
            return offer
        theirs = supports.split(".")
        if theirs[0] != major or int(theirs[1]) >= int(minor):
            return offer
        return replace(offer, interface=replace(offer.interface, supports=version))

    return with_offers(record, newer)


def without_use(record):
    if record.plan.parent is None:
        return record

    def empty(offer):
        pools = offer.pools
        if pools is not UNSET:
            pools = {name: replace(pool, used=0) for name, pool in pools.items()}
        by = offer.exclusive
        exclusive = UNSET if by is UNSET else Exclusive(by=by.by, in_use=())
        return replace(offer, pools=pools, exclusive=exclusive)

    return replace(with_offers(record, empty), use=Use(stray=record.use.stray))


def booted_as(guest, view, value):
    """The guest with devices of another type, pinned from some offer of the fleet."""
    for host in view:
        for each in host.offers:
            shape = each.shape.value
            if f"{shape.kind} {shape.type}" == value:
                slots = {
                    name: replace(
                        slot, contract=pin(shape, Choice(), consumer=guest.uuid, slot=name)
                    )
                    for name, slot in guest.slots.items()
                }
                yield replace(guest, slots=slots)


def opened_by(guest, hosts, policy, relax, bounds=FREE):
    """Hosts that take the guest when all of these changes are made, one way or another."""
    for each in relax:
        policy = policy_with(policy, each.what, each.value)
        guest = guest_with(guest, each.what, each.value)
        hosts = hosts_with(hosts, each.what, each.value)
        bounds = bounds_with(bounds, each)
    view = a_fleet(*hosts).view
    types = [each.value for each in relax if each.what == "boot_as"]
    guests = booted_as(guest, view, types[0]) if types else [guest]
    answers = [ask(each, view, policy, bounds) for each in guests]
    return [frozenset(target.host for target in answer.targets) for answer in answers]


POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(("live", "live", "suspend", "cold")),
    accept=st.sampled_from((("ok", "warn"), ("ok",), ("ok", "unknown"))),
    downtime=st.sampled_from((UNSET, Downtime(budget_ms=10, strict=True))),
    postcopy=st.sampled_from((False, False, True)),
)


def lesser(relax):
    """These changes without one of them, or with a smaller one in its place."""
    for number, each in enumerate(relax):
        others = (*relax[:number], *relax[number + 1 :])
        yield others
        if each.what == "apart":
            yield (replace(each, most=each.most - 1), *others)
        if each.what == "boot_as":
            yield (Relaxation(what="mode", value="cold"), *others)


def hold_to_doing(guest, hosts, policy, bounds=FREE):
    before = opened_by(guest, hosts, policy, (), bounds)[0]
    for remedy in remedies_of(guest, hosts, policy, bounds):
        opened = opened_by(guest, hosts, policy, remedy.relax, bounds)
        assert any(
            len(after - before) >= remedy.hosts and set(remedy.examples) <= after - before
            for after in opened
        ), remedy
        for less in lesser(remedy.relax):
            for after in opened_by(guest, hosts, policy, less, bounds):
                assert not set(remedy.examples) & after, remedy


@given(worlds(most=4, slots=2), POLICIES)
def test_each_remedy_opens_its_hosts_when_it_is_done_and_nothing_less_does(world, policy):
    """Every change is made to the question or the fleet itself, and asked again from nothing."""
    hold_to_doing(world.guest, world.hosts, policy)


@given(crowded(), st.data())
def test_groups_and_aggregates_are_relaxed_as_far_as_each_host_needs_and_no_further(world, data):
    names = [host.name for host in a_fleet(*world.hosts).view]
    bounds = Bounds(data.draw(neighbourhoods(names)), members=data.draw(memberships(names)))
    hold_to_doing(world.guest, world.hosts, Policy(), bounds)


def test_what_to_change_in_groups_is_said_with_the_hosts_that_it_opens():
    """Hosts are told apart by how crowded they are, and by what else is to be arranged there."""
    hosts = [list(a_host(f"h{n}")) for n in range(4)]
    hosts[3][0] = a_host_record("h3", state="disabled")
    apart = Group(id="web", policy="anti-affinity")
    near = Group(id="near", policy="affinity")
    neighbours = (
        Placed(apart, {"h0": 1, "h1": 2, "h3": 1, "gone": 5}),
        Placed(near, {"h0": 1, "h1": 1, "h3": 1}),
    )

    assert [each.sentence for each in remedies_of(GUEST, hosts, bounds=Bounds(neighbours))] == [
        "let group web have 2 on one host: 1 host",
        "let group web have 3 on one host: 1 host",
        "keep group near together softly: 1 host",
        "enable the hosts, and let group web have 2 on one host: 1 host",
    ]


@given(crowded())
def test_room_and_fewer_devices_are_counted_right_where_devices_are_full(world):
    hold_to_doing(world.guest, world.hosts, Policy())


OLD = an_offer(supports="2.0.0")
OTHER = an_offer(type="acme/gpu-b")
WARNING = an_offer(description="another board")
GUEST = a_guest(a_contract(version="2.1.0", description="a board"), host="elsewhere")
FULL = Use(charged={FB: 16384})


@pytest.mark.parametrize(
    ("host", "policy", "relax"),
    [
        (a_host("h", offers=[OLD]), Policy(), [("version", "2.1.0")]),
        (a_host("h", offers=[WARNING]), Policy(accept=("ok",)), [("accept", "warn")]),
        (a_host("h", use=FULL), Policy(), [("room", UNSET)]),
        (a_host("h"), Policy(postcopy=True), [("postcopy", UNSET)]),
        (a_host("h", offers=[OTHER]), Policy(), [("boot_as", "mdev acme/gpu-b")]),
        ([a_host_record("h", state="disabled"), *a_host("h")[1:]], Policy(), [("state", UNSET)]),
        (
            [a_host_record("h", state="maintenance"), *a_host("h", offers=[OLD])[1:]],
            Policy(),
            [("version", "2.1.0"), ("state", UNSET)],
        ),
    ],
)  # fmt: skip
def test_what_would_help_is_said(host, policy, relax):
    """One host, one obstacle or two: the remedy is just that."""
    wanted = tuple(Relaxation(what=what, value=value) for what, value in relax)

    assert wanted in [remedy.relax for remedy in remedies_of(GUEST, [list(host)], policy)]


def test_hosts_are_counted_by_label_where_few_values_are_among_them():
    """So that "drivers on rack 7" can be read off; whose guests a host takes is no place."""
    hosts = [
        [
            a_host_record(f"h{n}", labels={"rack": str(n % 2), "serial": str(n), "tenants": "a"}),
            *a_host(f"h{n}", offers=[OLD])[1:],
        ]
        for n in range(12)
    ]
    guest = replace(GUEST, tenant="a")
    [remedy] = [
        each
        for each in remedies_of(guest, hosts)
        if each.relax == (Relaxation(what="version", value="2.1.0"),)
    ]

    assert remedy.hosts == 12
    assert remedy.labels == {"rack": {"0": 6, "1": 6}}
    assert remedy.examples == ("h0", "h1", "h10")
    assert remedy.sentence == "have drivers there that support 2.1.0: 12 hosts"


def test_nothing_is_proposed_where_nothing_that_is_tried_helps():
    """A device of another make stays one."""
    host = a_host("h", offers=[an_offer(kind="vf", device_class="network", type="other/nic")])

    assert [each.relax[0].what for each in remedies_of(GUEST, [host])] == ["without"]


def test_another_type_is_proposed_only_where_to_shut_the_guest_down_is_not_enough():
    """Booted there with its own type it needs no drivers as new as its own."""
    both = a_host("both", offers=[OLD, OTHER])
    other = a_host("other", offers=[OTHER])
    found = {each.relax: each.examples for each in remedies_of(GUEST, [both, other])}

    assert found[(Relaxation(what="mode", value="cold"),)] == ("both",)
    assert found[(Relaxation(what="boot_as", value="mdev acme/gpu-b"),)] == ("other",)


def test_a_change_and_what_it_leaves_in_doubt_are_said_together_where_neither_is_enough():
    """An old driver and another board: the one has to be upgraded, and the other accepted."""
    both = a_host("both", offers=[replace(OLD, description="another board")])
    old = a_host("old", offers=[replace(OLD, description="a board")])
    found = {
        tuple(change.what for change in each.relax): each.examples
        for each in remedies_of(GUEST, [both, old], Policy(accept=("ok",), mode="live"))
    }

    assert found[("version",)] == ("old",)
    assert found[("mode",)] == ("old",)
    assert ("accept",) not in found
    assert [who for what, who in found.items() if what in PAIRS] == [("both",)] * len(PAIRS)


PAIRS = (("mode", "accept"), ("version", "accept"))


def test_remedies_are_found_when_asked_for_alone():
    view = a_fleet(a_host("h", offers=[OLD])).view

    answer = find_targets(GUEST, None, view, TargetsRequest(), JudgementCache())
    assert answer.refused.remedies is UNSET


def test_the_page_tells_every_change():
    """In the order in which the answer's type lists them."""
    text = PAGE.read_text()
    table = text[text.index("## Remedies") :].partition("**A remedy is verified")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)[1:] == list(get_args(What))
