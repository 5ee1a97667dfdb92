"""Devices on NUMA nodes, host by host: worlds that have them, and every choice tried."""

from itertools import combinations

from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_uuid
from schedule.outlook_twin import boards_of
from wherry.compat.guest import check_guest
from wherry.inventory.host_view import HostView
from wherry.model.changes import Change
from wherry.model.checks import GuestResponse, HostFacts, Needs, Policy, Reason
from wherry.model.guests import Guest
from wherry.model.inventory import HostRecord, PlannedProvider, ProviderRecord
from wherry.schedule.reasons import make_reason

WEIGHT = {"ok": 0, "warn": 1, "unknown": 2, "no": 3}


@st.composite
def on_nodes(draw: st.DrawFn, changes: list[Change]) -> list[Change]:
    """A host with up to three NUMA nodes, its devices below any of them or below none."""
    (name,) = [each.name for each in changes if isinstance(each, HostRecord)]
    nodes = [a_node(name, number) for number in range(draw(st.sampled_from((0, 1, 2, 2, 3))))]
    above = st.sampled_from([a_uuid(name), *[each.plan.uuid for each in nodes] * 3])
    return [
        replace(each, plan=replace(each.plan, parent=draw(above)))
        if isinstance(each, ProviderRecord) and each.plan.parent is not None
        else each
        for each in changes
    ] + nodes


def a_node(host: str, number: int) -> ProviderRecord:
    plan = PlannedProvider(
        uuid=a_uuid(f"{host}_NUMA{number}"),
        name=f"{host}_NUMA{number}",
        parent=a_uuid(host),
        traits=("HW_NUMA_ROOT",),
    )
    return ProviderRecord(
        plan=plan, host=host, root=a_uuid(host), owner="report", generation=1, facts_generation=1
    )


def nodes_of(host: HostView) -> list[str | None]:
    """The node of each offer; None where its board stands on several, or on none that is known."""
    plans = {each.uuid: each.record.plan for each in host.providers}

    def above(uuid: str | None) -> str | None:
        if uuid is None or uuid not in plans:
            return None
        return uuid if "HW_NUMA_ROOT" in plans[uuid].traits else above(plans[uuid].parent)

    of_provider = {}
    for board in boards_of(host):
        nodes = [*{above(offer.provider) for offer in board}]
        of_provider |= {offer.provider: nodes[0] if len(nodes) == 1 else None for offer in board}
    return [of_provider[each.provider.uuid] for each in host.offers]


def plain_check_on_nodes(
    guest: Guest, host: HostView, policy: Policy
) -> tuple[GuestResponse, list[Reason]]:
    """The whole-guest check, on the choice of nodes that is best for its devices."""
    places, reasons = choose(guest, host, policy)
    return check_some(guest, host, policy, places, whole=True), reasons


def check_some(
    guest: Guest, host: HostView, policy: Policy, places: list[int], *, whole: bool = False
) -> GuestResponse:
    pinned = [slot.contract for slot in guest.slots.values()]
    offers = [host.offers[place].offer for place in places]
    needs, facts = (guest.needs, host.facts.value) if whole else (Needs(), HostFacts())
    answer = check_guest(pinned, needs, offers, facts, policy)
    rows = [
        row if row.offer is None else replace(row, offer=places[row.offer])
        for row in answer.mapping
    ]
    return replace(answer, mapping=tuple(rows))


def choose(guest: Guest, host: HostView, policy: Policy) -> tuple[list[int], list[Reason]]:
    every, nodes = list(range(len(host.offers))), nodes_of(host)
    whole = check_some(guest, host, policy, every)
    if guest.numa is UNSET or not fits(whole):
        return every, []
    asked, known = guest.numa, list(dict.fromkeys(each for each in nodes if each))
    size = min(asked.nodes, len(known))
    tried = {False: [], True: []}
    for unknown_too in (False, True):
        for some in combinations(known, size):
            places = [n for n in every if nodes[n] in some or (unknown_too and nodes[n] is None)]
            answer = check_some(guest, host, policy, places)
            if fits(answer):
                tried[unknown_too].append((WEIGHT[answer.verdict], places))
    taken = {nodes[row.offer] for row in whole.mapping}
    few = len(taken - {None}) <= asked.nodes
    if few and (asked.policy == "legacy" or None not in taken):
        return every, []
    best = {
        unknown_too: min(found, key=lambda each: each[0], default=None)
        for unknown_too, found in tried.items()
    }
    detail = {"policy": asked.policy, "wanted": asked.nodes}
    if asked.policy in {"preferred", "socket"}:
        better = best[False] and best[False][0] <= WEIGHT[whole.verdict]
        return (best[False][1] if better else every), []
    if asked.policy == "required" and best[False]:
        return best[False][1], []
    if best[True]:
        unsure = asked.policy == "required"
        return best[True][1], [make_reason("HOST_NUMA_UNKNOWN", **detail)] if unsure else []
    return every, [make_reason("HOST_NUMA", **detail)]


def fits(answer: GuestResponse) -> bool:
    return all(reason.code != "MAPPING" for reason in answer.reasons)


def plain_nearness(guest: Guest, host: HostView, policy: Policy) -> float:
    """1 where the devices are on as few nodes as asked, 1/2 where that is not known, else 0."""
    if guest.numa is UNSET:
        return 0.0
    answer, _ = plain_check_on_nodes(guest, host, policy)
    nodes = nodes_of(host)
    taken = {nodes[row.offer] for row in answer.mapping}
    if len(taken - {None}) > guest.numa.nodes:
        return 0.0
    return 0.5 if None in taken else 1.0
