"""The look-up over the fleet is the whole-guest check of every host, one by one."""

from collections import Counter
from collections.abc import Iterable
from typing import get_args
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_contract, a_fleet, a_guest, a_host, an_offer
from hosts.opens import listening
from schedule.numa_twin import on_nodes, plain_check_on_nodes, plain_nearness
from schedule.outlook_twin import serves
from schedule_worlds import contracts, crowded, memberships, needs, neighbourhoods, worlds
from wherry.compat.engine import check
from wherry.compat.guest import check_guest
from wherry.compat.verdicts import is_accepted, worst
from wherry.inventory.fleet import Fleet, FleetView
from wherry.inventory.host_view import HostView
from wherry.model.bounds import FREE, Bounds, Membership
from wherry.model.changes import Removed
from wherry.model.checks import Downtime, GuestResponse, Pack, Policy, Reason, ReturnPath, Row
from wherry.model.device import Condition, Exclusive
from wherry.model.device_requests import NumaPolicy
from wherry.model.groups import Neighbours
from wherry.model.guests import Guest, NumaAsked
from wherry.model.targets import Target, TargetsAnswer, TargetsRequest
from wherry.model.tenancy import Closed, ClosedBy
from wherry.schedule.cache import JudgementCache
from wherry.schedule.ranking import Ranking
from wherry.schedule.reasons import make_reason
from wherry.schedule.targets import ask, find_targets, judge_host, open_hosts

PACK = Pack(
    id="acme",
    rows=(
        Row(id="no-b", types=("acme/gpu-b",), severity="warn", because="gpu-b is being retired"),
        Row(id="nic", types=("acme/n*",), when={"target.branch": Condition(eq="1")}, severity="no"),
    ),
)

POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(("live", "suspend", "cold")),
    accept=st.sampled_from((("ok", "warn"), ("ok",), ("ok", "warn", "unknown"), ("unknown",))),
    replug=st.sampled_from(((), (), (), (), ("slot0",), ("slot0", "slot1"))),
    downtime=st.sampled_from((Downtime(budget_ms=10), Downtime(budget_ms=1500, strict=True))),
    postcopy=st.sampled_from((False, False, False, True)),
    guest_addresses=st.sampled_from(({}, {}, {"slot0": "0000:00:06.0"})),
    packs=st.sampled_from(((), (), (PACK,))),
)


def plain_own_reasons(guest: Guest, host: HostView) -> list[Reason]:
    """What the scheduler asks of a host beside the specification, said in plain words."""
    found = []
    if host.record.state != "enabled":
        found.append(make_reason("HOST_STATE", wanted="enabled", offered=host.record.state))
    named = host.record.labels.get("tenants")
    if named is not None and guest.tenant not in named.split(","):
        found.append(
            make_reason(
                "HOST_TENANT", wanted=guest.tenant or None, offered=sorted(named.split(","))
            )
        )
    if host.root is None:
        found.append(make_reason("HOST_UNPUBLISHED"))
    for name, amount in guest.resources.items():
        inventory = None if host.root is None else host.root.record.plan.inventories.get(name)
        used = 0 if host.root is None else host.root.record.use.used.get(name, 0)
        free = 0 if inventory is None else inventory.capacity - used
        fits = amount == 0 or (
            inventory is not None
            and amount <= free
            and inventory.min_unit <= amount <= inventory.max_unit
            and amount % inventory.step_size == 0
        )
        if not fits:
            found.append(
                make_reason("HOST_RESOURCES", resource_class=name, wanted=amount, offered=free)
            )
    return found


def plain_check(guest: Guest, host: HostView, policy: Policy) -> tuple[GuestResponse, list[Reason]]:
    """The whole-guest check on the materialised offers, and the reasons of a host's own."""
    if host.name == guest.host:
        empty = check_guest((), guest.needs, (), host.facts.value, Policy(mode=policy.mode))
        return empty, [make_reason("SAME_HOST")]
    answer, own = plain_check_on_nodes(guest, host, policy)
    own += plain_own_reasons(guest, host)
    if host.unsettled and any(reason.code == "MAPPING" for reason in answer.reasons):
        own.append(make_reason("DEVICES_UNSETTLED", devices=sorted(host.unsettled)))
    return answer, own


def plain_group_reasons(host: HostView, neighbours: Neighbours) -> list[Reason]:
    """What the guest's groups say of a host, said in plain words."""
    found = []
    for group, hosts in neighbours:
        there = hosts.get(host.name, 0)
        if group.policy == "anti-affinity" and there >= group.most:
            found.append(
                make_reason("HOST_APART", group=group.id, wanted=group.most, offered=there)
            )
        if group.policy == "affinity" and hosts and not there:
            found.append(make_reason("HOST_TOGETHER", group=group.id, wanted=sorted(hosts)))
    return found


def plain_aggregate_reasons(guest: Guest, host: HostView, closed: Closed) -> list[Reason]:
    """What the aggregates of a host say of the guest's tenant."""
    if host.name not in closed:
        return []
    aggregates, tenants = closed[host.name]
    return [
        make_reason(
            "HOST_AGGREGATE",
            aggregates=list(aggregates),
            wanted=guest.tenant or None,
            offered=list(tenants),
        )
    ]


def plain_member_reasons(host: HostView, members: Membership) -> list[Reason]:
    """What is asked of the aggregates of a host and not met, said in plain words."""
    found = []
    there = members.hosts.get(host.name, set())
    for asked in members.asked:
        is_in_one = any(each in there for each in asked.aggregates)
        if is_in_one == asked.text.startswith("!"):
            found.append(make_reason("HOST_MEMBER_OF", wanted=asked.text, offered=sorted(there)))
    return found


def plain_wish(host: HostView, neighbours: Neighbours) -> float:
    """How well a host goes with the soft groups, each counting the same."""
    values = []
    for group, hosts in neighbours:
        share = hosts.get(host.name, 0) / sum(hosts.values()) if hosts else 0.0
        if group.policy == "soft-affinity":
            values.append(share)
        if group.policy == "soft-anti-affinity":
            values.append(1 - share)
    return sum(values) / len(values) if values else 0.0


def in_the_way(answer: GuestResponse, own: list[Reason], policy: Policy) -> set[str]:
    reasons = [*own, *answer.reasons, *(r for row in answer.mapping for r in row.reasons)]
    return {r.code for r in reasons if r.severity not in {"info", *policy.accept}}


def plain_score(guest: Guest, host: HostView, policy: Policy) -> float:
    """What the weighers say of a host, added up from its records."""
    free: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for provider in host.providers:
        use = provider.record.use
        for name, inventory in provider.record.plan.inventories.items():
            held = use.charged.get(name, use.used.get(name, 0)) + use.stray.get(name, 0)
            free[name] += max(0, inventory.capacity - held)
            total[name] += inventory.capacity
    asked = Counter(guest.resources)
    for slot in guest.slots.values():
        for name, amount in (slot.contract.units or {}).items():
            asked[name] += amount
    left = [(free[name] - amount) / total[name] for name, amount in asked.items() if total[name]]
    unused = [free[name] / total[name] for name in total if total[name]]
    spread = sum(unused) / len(unused) if unused else 1.0
    return max(0.0, min([1.0, *left])) + spread + plain_nearness(guest, host, policy)


def plain_ways_back(
    guest: Guest, target: Target, view: FleetView, policy: Policy
) -> dict[str, ReturnPath]:
    """The return path of each slot, by the check that the specification gives for it."""
    source, there = view.get(guest.host), view.get(target.host)
    ways = {}
    for row in target.mapping:
        slot = guest.slots[row.slot]
        offers = [] if source is None else [each.offer for each in source.offers]
        for home in offers:
            if home.provider != slot.provider or not serves(home, slot.contract):
                continue
            offer = there.offers[row.offer].offer
            # Within a guest the address in the guest is that of its slot, of the way there.
            # A device comes back as it goes.
            same = replace(policy, mode=row.mode)
            ways[row.slot] = check(slot.contract, offer, same, home).return_path
            break
    return ways


def hold_against_twin(
    guest: Guest,
    view: FleetView,
    policy: Policy,
    cache: JudgementCache,
    bounds: Bounds = FREE,
) -> None:
    request = TargetsRequest(policy=policy, limit=10_000, explain=True)
    source = view.get(guest.host)
    answer = find_targets(guest, source, view, request, cache, bounds=bounds)
    targets = {target.host: target for target in answer.targets}
    refusals = {refusal.host: refusal for refusal in answer.refused.hosts}
    counts: Counter[str] = Counter()
    assert set(targets) | set(refusals) == {host.name for host in view}
    assert not set(targets) & set(refusals)
    for host in view:
        plain, own = plain_check(guest, host, policy)
        if host.name == guest.host:
            assert [r.code for r in refusals[host.name].reasons] == ["SAME_HOST"]
            counts["SAME_HOST"] += 1
            continue
        own += plain_group_reasons(host, bounds.neighbours)
        own += plain_aggregate_reasons(guest, host, bounds.closed)
        own += plain_member_reasons(host, bounds.members)
        verdict = worst([plain.verdict, *(reason.severity for reason in own)])
        listed = targets.get(host.name) or refusals[host.name]
        assert (host.name in targets) == is_accepted(verdict, policy)
        assert listed.verdict == verdict
        assert listed.mapping == plain.mapping
        assert sorted(listed.reasons, key=repr) == sorted([*plain.reasons, *own], key=repr)
        if host.name in targets:
            assert listed.downtime_ms == plain.downtime_ms
            taken = [listed.providers[row.offer] for row in listed.mapping]
            assert set(taken) | {listed.root} == set(listed.facts)
            score = plain_score(guest, host, policy) + plain_wish(host, bounds.neighbours)
            assert listed.score == pytest.approx(score, abs=2e-6)
            assert listed.return_path == plain_ways_back(guest, listed, view, policy)
        else:
            counts.update(in_the_way(plain, own, policy))
    assert answer.refused.by_reason == counts
    if bounds == FREE:
        assert open_hosts(guest, view, request, cache) == set(targets)
    assert answer.total == len(targets)
    assert [target.host for target in answer.targets] == plain_order(answer.targets, seed=0)


def plain_order(targets: Iterable[Target], seed: int) -> list[str]:
    """By verdict, then score, then a number of the seed."""
    heavier = ("ok", "warn", "unknown")
    return [
        target.host
        for target in sorted(
            targets,
            key=lambda each: (
                heavier.index(each.verdict), -each.score, crc32(each.host.encode(), seed)
            ),
        )
    ]  # fmt: skip


@given(worlds(), POLICIES, st.data())
def test_groups_and_aggregates_keep_guests_together_and_apart(world, policy, data):
    """Refusals, counts and order follow them, and agree with a plain loop."""
    view = a_fleet(*world.hosts).view
    names = [host.name for host in view]
    neighbours = data.draw(neighbourhoods(names))
    closed = data.draw(
        st.dictionaries(st.sampled_from([*names, "gone"]), st.just(ClosedBy(("a",), ("green",))))
    )
    members = data.draw(memberships([*names, "gone"]))
    bounds = Bounds(neighbours, closed, members)
    hold_against_twin(world.guest, view, policy, JudgementCache(), bounds)


@given(worlds(), POLICIES, st.data())
def test_devices_stand_on_numa_nodes_as_the_guest_asks(world, policy, data):
    """The mapping is the best one of all choices of nodes, and what is refused says so."""
    hosts = [data.draw(on_nodes(changes)) for changes in world.hosts]
    asked = NumaAsked(
        policy=data.draw(st.sampled_from(get_args(NumaPolicy))),
        nodes=data.draw(st.sampled_from((1, 1, 2))),
    )
    guest = replace(world.guest, numa=asked)
    hold_against_twin(guest, a_fleet(*hosts).view, policy, JudgementCache())


@given(worlds(), POLICIES)
def test_targets_are_the_check_of_every_host(world, policy):
    """Verdict, mapping, every reason, every count and the order agree with a plain loop."""
    hold_against_twin(world.guest, a_fleet(*world.hosts).view, policy, JudgementCache())


@given(st.lists(worlds(most=4, slots=2), min_size=2, max_size=3), POLICIES, st.data())
def test_targets_follow_every_change_of_the_fleet(moments, policy, data):
    """One fleet and one cache through changes, removals and reloads, asked at every moment."""
    fleet, cache = Fleet(), JudgementCache()
    for generation, world in enumerate(moments, start=1):
        changes = [replace(each, generation=generation) for host in world.hosts for each in host]
        if data.draw(st.integers(0, 3)) == 0:
            fleet.reload(changes)
        else:
            fleet.apply(changes)
        hold_against_twin(world.guest, fleet.view, policy, cache)
        gone = data.draw(st.sampled_from(("host0", "host1", "host2")))
        fleet.apply([Removed(what="host", key=gone, generation=generation)])
        hold_against_twin(moments[0].guest, fleet.view, policy, cache)


@given(crowded())
def test_devices_that_must_share_are_mapped_as_by_the_check(world):
    """Hosts that differ in nothing but room are told apart, and warnings come after."""
    hold_against_twin(world.guest, a_fleet(*world.hosts).view, Policy(), JudgementCache())


def test_a_device_whose_instances_must_agree_is_told_from_one_whose_need_not():
    """Each of two guests' devices fits either board alone; both together fit one of them."""
    sizes = {"type": "int", "rule": "in", "allowed": [1, 2]}
    free = an_offer(params={"size": sizes})
    strict = replace(free, exclusive=Exclusive(by="size", in_use=()))
    guest = a_guest(
        *(a_contract(slot=f"slot{n}", params={"size": n}) for n in (1, 2)), host="elsewhere"
    )
    for hosts in ([free, strict], [strict, free]):
        fleet = a_fleet(*(a_host(f"host{n}", offers=[each]) for n, each in enumerate(hosts)))
        hold_against_twin(guest, fleet.view, Policy(), JudgementCache())
        taking = open_hosts(guest, fleet.view, TargetsRequest(), JudgementCache())
        assert taking == {f"host{hosts.index(free)}"}


@pytest.mark.full
@pytest.mark.timeout(7200)
@settings(max_examples=5_000)
@given(worlds(most=8, slots=4), st.data())
def test_targets_are_the_check_of_every_host_in_many_worlds(world, data):
    """The same with one cache for many guests, as the service has it."""
    view = a_fleet(*world.hosts).view
    cache = JudgementCache(kept=50)
    hold_against_twin(world.guest, view, data.draw(POLICIES), cache)
    for _ in range(2):
        slots = [data.draw(contracts(f"slot{n}")) for n in range(data.draw(st.integers(1, 4)))]
        guest = a_guest(*slots, host="elsewhere", resources={"VCPU": 2}, needs=data.draw(needs()))
        hold_against_twin(guest, view, data.draw(POLICIES), cache)


@given(worlds(slots=1), POLICIES)
def test_one_host_alone_is_judged_as_within_the_fleet(world, policy):
    """`judge_host` says of a host what the list says of it, but for the score."""
    guest, view = world.guest, a_fleet(*world.hosts).view
    source = view.get(guest.host)
    request = TargetsRequest(policy=policy, limit=10_000, explain=True)
    answer = find_targets(guest, source, view, request, JudgementCache())
    listed = {each.host: each for each in (*answer.targets, *answer.refused.hosts)}

    for host in view:
        alone, response = judge_host(ask(guest, request, JudgementCache()), source, host)
        within = listed[host.name]
        if isinstance(within, Target):
            within = replace(within, score=0.0)
        assert alone == within
        assert response.accepted == isinstance(within, Target)


@given(worlds(slots=1), POLICIES, st.integers(1, 3))
def test_the_refused_are_listed_page_by_page(world, policy, limit):
    guest, view, cache = world.guest, a_fleet(*world.hosts).view, JudgementCache()
    asked = TargetsRequest(policy=policy, explain=True)
    whole = find_targets(guest, None, view, asked, cache).refused
    told, marker = [], UNSET
    while True:
        page = replace(asked, explain_limit=limit, explain_marker=marker)
        found = find_targets(guest, None, view, page, cache).refused
        assert (found.count, found.by_reason) == (whole.count, whole.by_reason)
        if not found.hosts:
            break
        assert len(found.hosts) <= limit
        told += found.hosts
        marker = found.hosts[-1].host

    assert tuple(told) == whole.hosts


@given(worlds(), POLICIES, st.integers(1, 3), st.integers(0, 3), st.data())
def test_a_limit_cuts_the_list_and_nothing_else(world, policy, limit, seed, data):
    """What is counted is the fleet, or those hosts of it that are asked about."""
    guest, view = world.guest, a_fleet(*world.hosts).view
    some = tuple(data.draw(st.lists(st.sampled_from([h.name for h in view]), unique=True)))
    asked = TargetsRequest(
        policy=policy, limit=10_000, hosts=data.draw(st.sampled_from((UNSET, some)))
    )
    ranking = Ranking(seed=seed)
    source, cache = view.get(guest.host), JudgementCache()
    whole = find_targets(guest, source, view, asked, cache, ranking)
    cut = find_targets(guest, source, view, replace(asked, limit=limit), cache, ranking)

    assert cut == replace(whole, targets=whole.targets[:limit])
    assert whole.total + whole.refused.count == len(view if asked.hosts is UNSET else some)
    assert [target.host for target in whole.targets] == plain_order(whole.targets, seed)


def test_two_thousand_hosts_that_nobody_can_reach_are_ranked_with_no_call_to_any():
    """Their addresses lead nowhere; what is stored of them is enough, remedies included."""
    with listening() as listener:
        answer, events = listener.hear(rank_two_thousand)

    assert [event for event, _ in events if event != "open"] == []
    assert answer.total == 1000
    assert answer.refused.by_reason["VERSION_MINOR_OLDER"] == 999
    assert sum(each.hosts == 999 for each in answer.refused.remedies) >= 1


def rank_two_thousand() -> TargetsAnswer:
    offers = [an_offer(supports=f"2.{minor}.0") for minor in range(4)]
    hosts = [a_host(f"host{n}", offers=[offers[n % 4]]) for n in range(2000)]
    view = a_fleet(*hosts).view
    guest = a_guest(a_contract(version="2.2.0"), host="host0")
    asked = TargetsRequest(remedies=True)
    return find_targets(guest, view.get("host0"), view, asked, JudgementCache())
