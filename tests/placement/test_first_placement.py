"""First placement finds what ``GET /allocation_candidates`` finds, and claims for good."""

import random
import threading
from collections import Counter
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from msgspec import UNSET, convert

from builders import a_uuid, an_offer
from nova_compute import Nova
from placement.test_same_candidates import OurWire
from placement_wire import C1, C2, holds
from schedule.candidates.worlds import TRAITS, a_world
from schedule.search.dense_worlds import DEVICE, HOST, make_world
from store_worlds import a_device, a_plan, report
from wherry.app.device_requests import put_device_request
from wherry.app.first.place import place
from wherry.app.first.search import search, stand
from wherry.app.guests import get_guest
from wherry.model.candidates import CandidatesAsked
from wherry.model.device_requests import DeviceRequest
from wherry.model.errors import AlreadyExists, DeadlineExceeded, NoTarget, NotFound
from wherry.model.guests import NumaAsked
from wherry.schedule.first.flavor import Flavor
from wherry.schedule.first.near import near
from wherry.schedule.first.question import make_queries

DOOR = "/allocation_candidates?"


def ask(engine, **said):
    return place(engine, convert(said, CandidatesAsked), deadline_s=30)


def plain(allocations, mappings, names):
    """A candidate without the numbers that tell devices of one request apart."""
    rows = [(u, n, a) for u, units in allocations.items() for n, a in units.items()]
    served = [(names.get(suffix, suffix), uuids) for suffix, uuids in mappings.items()]
    return tuple(sorted(rows)), tuple(sorted((n, tuple(sorted(u))) for n, u in served))


NODE = "HW_NUMA_ROOT"


def make_dense(dice):
    """A dense world in which what stands between host and device is a NUMA node, mostly."""
    while len((world := make_world(dice)).providers) > 25:
        pass
    above = {each.parent for each in world.providers.values()}
    nodes = {
        each.uuid
        for each in world.providers.values()
        if each.parent is not None and each.uuid in above and dice.random() < 0.8
    }
    return a_world(
        *(
            replace(each, traits=each.traits | {NODE}) if each.uuid in nodes else each
            for each in world.providers.values()
        )
    )


def make_question(dice):
    """A question with a flavor's groups, and devices of up to two alternatives each."""
    resources = dict.fromkeys(dice.sample(HOST, dice.choice((0, 1, 1, 2))), 1)
    devices = [
        {
            "name": name,
            "count": dice.choice((1, 1, 2)),
            "request": {
                "alternatives": [make_alternative(dice) for _ in range(dice.choice((1, 2)))],
                "numa_policy": dice.choice(("legacy", "preferred", "required")),
            },
        }
        for name in dice.choice(((), ("gpu",), ("gpu",), ("gpu", "nic")))
    ]
    said = {"resources": resources, "devices": devices}
    if dice.random() < 0.2:
        said["required"] = [dice.choice((*TRAITS, *(f"!{one}" for one in TRAITS)))]
    if dice.random() < 0.3 or not (resources or devices):
        said["flavor"] = dice.choice(
            ("resources1:VGPU=1", "resources_X:CUSTOM_UNIT=1,group_policy=isolate")
        )
    return said


def make_alternative(dice):
    traits = [dice.choice(TRAITS)] if dice.random() < 0.2 else []
    return {"resource_class": dice.choice(DEVICE), "traits": traits}


def test_both_doors_find_the_same(wire):
    """What the question finds is what its queries find at the Placement door, and counted so."""
    dice = random.Random(7)
    seen: Counter[str] = Counter()
    for _ in range(8):
        world = make_dense(dice)
        OurWire(wire).load(world)
        for _ in range(30):
            seen.update(compare_doors(wire, world, make_question(dice)))
    assert min(seen[each] for each in ("found", "several queries", "nodes")) >= 8, seen


def compare_doors(wire, world, said):
    """Compare one question; gives what came up."""
    found = ask(wire.engine, **said, limit=1000, explain=True)
    names = {f"_{each['name']}_{n}": each["name"] for each in said["devices"] for n in (0, 1)}
    theirs = set()
    for query, counted in zip(found.queries, found.counts, strict=True):
        told = wire.ok("GET", DOOR + query)
        ways = {
            plain(
                {u: each["resources"] for u, each in one["allocations"].items()},
                one["mappings"],
                names,
            )
            for one in told["allocation_requests"]
        }
        assert bool(counted.fitting) == bool(ways)
        assert counted.fitting + counted.refused == len(world.trees)
        theirs |= ways
    ours = [plain(one.allocations, one.mappings, names) for one in found.candidates]
    assert len(set(ours)) == len(ours)
    if found.is_all:
        assert set(ours) == theirs
    else:
        assert set(ours) < theirs
        yield "cut"
    if ours:
        yield "found"
    if ours and len(found.queries) > 1:
        yield "several queries"
    if ours and any("same_subtree" in query for query in found.queries):
        yield "nodes"


GPU = {"alternatives": [{"resource_class": "CUSTOM_GPU"}]}


@pytest.fixture
def cloud(wire):
    """Three hosts that Nova has made, with one, two and three GPUs."""
    for number, name in enumerate(("host1", "host2", "host3"), 1):
        nova = Nova(wire, name)
        nova.root()
        for device in range(number):
            nova.device(f"0000:8{device}:00.0", CUSTOM_GPU=1)
    put_device_request(wire.engine, "gpu", convert(GPU, DeviceRequest))
    return wire


def test_what_goes_where_is_told_by_name(cloud):
    found = ask(cloud.engine, resources={"VCPU": 4}, devices=[{"name": "gpu", "count": 3}])
    (one,) = found.candidates

    assert (one.host, found.is_all, found.counts) == ("host3", True, ())
    assert sorted((part.request, part.provider_name) for part in one.parts if part.request) == [
        ("gpu", f"host3_0000:8{n}:00.0") for n in range(3)
    ]
    assert one.score == 0.0


def test_with_a_seed_the_same_question_begins_at_the_same_host(cloud):
    """Of more candidates than are looked at, the first ones hang on where the search begins."""
    ground = stand(cloud.engine, "", deadline_s=30)
    (query,) = make_queries(convert({"resources": {"VCPU": 1}}, CandidatesAsked), Flavor(), ())
    found = set()
    for seed in (1, 1, 1, 2):
        cloud.engine.settings = replace(cloud.engine.settings, ranking_seed=seed)
        pool = search(ground, [(query, query.request)], most=1, order="spread")
        found.add((seed, pool.ranked[0].tree))

    assert len(found) == 2
    assert len({tree for _, tree in found}) == 2


def test_hosts_are_ranked_by_the_room_that_is_left(cloud):
    nova = Nova(cloud, "host2")
    cloud.ok("PUT", f"/allocations/{C1}", holds({nova.uuid(): {"resources": {"VCPU": 32}}}))

    def order(name):
        found = ask(cloud.engine, resources={"VCPU": 4}, order=name)
        return [one.host for one in found.candidates]

    assert order("spread")[-1] == "host2"
    assert order("pack")[0] == "host2"


def test_why_there_is_none_is_counted_without_being_asked(cloud):
    found = ask(cloud.engine, resources={"VCPU": 4}, devices=[{"name": "gpu", "count": 4}])
    (counted,) = found.counts

    assert (found.candidates, counted.fitting, counted.refused) == ((), 0, 3)
    (reason,) = counted.by_reason
    assert (reason.hosts, reason.cause, reason.what) == (3, "total", "CUSTOM_GPU")


def test_what_nova_has_disabled_takes_no_new_guest(cloud):
    Nova(cloud, "host3", generations={"": 1}).put_traits("", "COMPUTE_STATUS_DISABLED")
    found = ask(cloud.engine, devices=[{"name": "gpu", "count": 2}], explain=True)

    assert [one.host for one in found.candidates] == ["host2"]
    assert {reason.cause: reason.hosts for reason in found.counts[0].by_reason} == {
        "total": 1,
        "root": 1,
    }


def test_a_claim_is_had_once_however_often_it_is_said(cloud):
    said = {"devices": [{"name": "gpu"}], "claim": {"consumer": C1, "project": "p", "user": "u"}}
    first = ask(cloud.engine, **said)
    again = ask(cloud.engine, **said)

    assert (first.claimed.attempts, again.claimed.attempts) == (1, 0)
    assert first.claimed.allocations == again.claimed.allocations
    assert first.claimed.allocations == first.candidates[0].allocations
    held = cloud.ok("GET", f"/allocations/{C1}")
    assert {u: each["resources"] for u, each in held["allocations"].items()} == (
        first.claimed.allocations
    )
    assert (held["project_id"], held["consumer_type"]) == ("p", "INSTANCE")
    with pytest.raises(AlreadyExists, match="holds something else"):
        ask(cloud.engine, **{**said, "devices": [{"name": "gpu", "count": 2}]})


def test_what_is_not_there_is_not_claimed_and_why_is_told(cloud):
    with pytest.raises(NoTarget, match="no host takes it") as refused:
        ask(cloud.engine, devices=[{"name": "gpu", "count": 4}], claim={"consumer": C1})

    assert refused.value.refused[0].by_reason[0].cause == "total"
    assert cloud.ok("GET", f"/allocations/{C1}")["allocations"] == {}


def test_claims_that_meet_go_on_to_the_next_candidate_until_all_is_taken(cloud):
    """Nine ask for six devices at once: six have one each, and nothing is taken twice."""
    outcomes = []

    def claim(number):
        consumer = a_uuid(f"consumer {number}")
        try:
            found = ask(cloud.engine, devices=[{"name": "gpu"}], claim={"consumer": consumer})
        except NoTarget as error:
            outcomes.append(error)
        else:
            outcomes.append(found.claimed)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [one for each in outcomes if not isinstance(each, NoTarget) for one in each.allocations]

    assert len(outcomes) == 9
    assert len(taken) == len(set(taken)) == 6


@pytest.mark.parametrize("said", [{"devices": [{"name": "gpu"}]}, {"resources": {"VCPU": 1}}])
def test_one_uuid_that_is_said_by_many_at_once_takes_one_place(cloud, said):
    told = []

    def claim():
        told.append(ask(cloud.engine, **said, claim={"consumer": C1}).claimed)

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 6
    assert len({str(each.allocations) for each in told}) == 1
    assert sum(each.attempts > 0 for each in told) == 1


def test_a_search_that_has_no_time_says_so(cloud):
    with pytest.raises(DeadlineExceeded):
        place(cloud.engine, convert({"resources": {"VCPU": 1}}, CandidatesAsked), deadline_s=-1)


def test_names_that_are_not_known_list_those_that_are_like_them(cloud):
    with pytest.raises(NotFound, match="no device request gpus: did you mean gpu"):
        ask(cloud.engine, devices=[{"name": "gpus"}])
    for said, words in (
        ({"resources": {"VCPUS": 1}}, "no resource class VCPUS: did you mean VCPU"),
        (
            {"resources": {"VCPU": 1}, "required": ["HW_CPU_X86_AVXX"]},
            "did you mean HW_CPU_X86_AVX",
        ),
    ):
        with pytest.raises(Exception, match=words):
            ask(cloud.engine, **said)
    assert near("zzz", ("gpu", "nic")) == ()


def test_an_alias_of_what_the_fleet_has_not_finds_nothing_and_says_so(cloud):
    request = {"alternatives": [{"vendor_id": "10de", "product_id": "20b0"}]}
    found = ask(cloud.engine, devices=[{"name": "a100", "request": request}])

    assert (found.candidates, found.queries, found.is_all) == ((), (), True)
    assert "nothing here is counted in CUSTOM_PCI_10DE_20B0" in found.notes[0]
    with pytest.raises(NoTarget, match="nothing here is counted"):
        ask(cloud.engine, devices=[{"name": "a100", "request": request}], claim={"consumer": C2})


VF = "CUSTOM_PCI_15B3_101E"


@pytest.fixture
def reported(wire):
    """A host whose report knows a PF with three VFs, each with an address of its own."""
    offer = an_offer(
        provider="pf", kind="vf", type="pci/15b3:101e", units={VF: 1}, pools={VF: {"total": 3}}
    )
    slots = tuple(f"0000:81:00.{n}" for n in (2, 3, 4))
    from wherry.model.inventory import Inventory

    device = a_device(
        "pf",
        offers=(offer,),
        inventories={VF: Inventory(total=3)},
        slots=slots,
        device="0000:81:00.0",
    )
    report(wire.engine.store, a_plan("host1", device))
    request = {
        "alternatives": [{"vendor_id": "15b3", "product_id": "101e", "device_type": "type-VF"}]
    }
    put_device_request(wire.engine, "nic", convert(request, DeviceRequest))
    return wire


def test_a_claim_gives_out_addresses_and_puts_the_guest_on_record(reported):
    said = {"resources": {"VCPU": 2}, "devices": [{"name": "nic", "count": 2}]}
    (one,) = ask(reported.engine, **said).candidates
    told = [(part.device, part.addresses) for part in one.parts if part.request]
    assert told == [("0000:81:00.0", ("0000:81:00.2",)), ("0000:81:00.0", ("0000:81:00.3",))]

    claimed = ask(reported.engine, **said, claim={"consumer": C1, "project": "p"}).claimed
    assert claimed.devices == {"nic-0": "0000:81:00.2", "nic-1": "0000:81:00.3"}
    guest = get_guest(reported.engine, C1)
    assert (guest.host, guest.tenant, guest.resources) == ("host1", "p", {"VCPU": 2})
    assert {name: (s.type, s.device) for name, s in guest.slots.items()} == {
        "nic-0": ("pci/15b3:101e", "0000:81:00.2"),
        "nic-1": ("pci/15b3:101e", "0000:81:00.3"),
    }
    (left,) = ask(reported.engine, devices=[{"name": "nic"}]).candidates
    assert left.parts[0].addresses == ("0000:81:00.4",)
    assert guest.numa is UNSET


def test_a_claim_writes_down_which_nodes_were_asked_for(reported):
    """So that its targets are held to the same."""
    said = {"devices": [{"name": "nic"}], "numa_policy": "preferred"}
    ask(reported.engine, **said, claim={"consumer": C1, "project": "p"})

    assert get_guest(reported.engine, C1).numa == NumaAsked(policy="preferred")


def test_the_queries_are_what_the_placement_door_takes(reported):
    found = ask(reported.engine, flavor="resources:VCPU=2,pci_passthrough:alias=nic:2")
    (query,) = found.queries

    assert ("resources_nic_1", f"{VF}:1") in parse_qsl(query)
    assert len(reported.ok("GET", DOOR + query)["allocation_requests"]) == 1
