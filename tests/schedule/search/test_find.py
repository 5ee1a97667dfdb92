"""How the search behaves besides what it finds: limits, deadlines, turns, memory."""

import itertools
import random
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.columns.histories import apply_plainly, changes
from obvious_search.search import search
from schedule.candidates.worlds import TRAITS, a_group, a_provider, a_request, a_world, worlds
from schedule.search.dense_worlds import make_request
from wherry.inventory.columns import ColumnsWriter, build
from wherry.model.errors import AnswerTooLarge, DeadlineExceeded
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.search.compile import compile_once
from wherry.schedule.search.find import find
from wherry.schedule.search.found import Collector
from wherry.schedule.search.ground import Ground
from wherry.schedule.search.grounds import Patch
from wherry.schedule.search.memory import Memory
from wherry.schedule.search.scan import GREATEST, SMALLEST, blocks


def columns_of(world):
    return build(world.providers.values(), classes=world.classes, traits=world.traits)


def hosts_with_devices(hosts, devices, units=1):
    """Hosts with equal devices below each."""
    for number in range(hosts):
        host = a_provider(f"h{number}", has={"VCPU": 4})
        yield host
        yield from (a_provider(f"h{number}d{n}", host, has={"VGPU": units}) for n in range(devices))


def devices_request(count, policy="isolate", **fields):
    groups = [a_group(f"_{n}", VGPU=1) for n in range(count)]
    return a_request(a_group(VCPU=1), *groups, group_policy=policy, **fields)


def anchors(found):
    return [each.anchor for each in found.candidates()]


@pytest.mark.parametrize("start", [0, 3, 6, 7, 700])
def test_hosts_take_turns_from_where_the_search_begins(start):
    columns = columns_of(a_world(*hosts_with_devices(7, 3)))

    found = anchors(find(columns, devices_request(2, limit=10), start=start))

    in_turn = [f"h{(start + n) % 7}" for n in range(7)]
    assert found[:7] == in_turn
    assert len(set(found[7:])) == 3


def test_devices_are_counted_and_not_listed():
    """One candidate of each host names no device that another could stand for; then the rest."""
    columns = columns_of(a_world(*hosts_with_devices(2, 4)))

    found = list(find(columns, devices_request(2)).candidates())

    assert len(found) == 2 * 4 * 3
    firsts = list(find(columns, devices_request(2, limit=2)).candidates())
    assert [each.mappings for each in firsts] == [
        {"": (host,), "_0": (f"{host}d0",), "_1": (f"{host}d1",)} for host in ("h0", "h1")
    ]


def steps_of(columns, request):
    """How often the clock was looked at, and how many were found."""
    steps = itertools.count()
    found = find(columns, request, expired=lambda: next(steps) < 0)
    return next(steps), found.count


@pytest.mark.parametrize("policy", ["isolate", "none"])
def test_more_equal_devices_take_as_many_steps_as_there_are_groups(policy):
    """Not as many as there are ways: 32 of 64 have more than 10^18."""
    columns = columns_of(a_world(*hosts_with_devices(3, 64)))
    for count in (1, 8, 32, 63, 64):
        steps, found = steps_of(columns, devices_request(count, policy, limit=20))
        assert found == 20
        assert steps <= 20 + 3 * count


def test_so_many_devices_as_nobody_has_are_not_tried_out():
    columns = columns_of(a_world(*hosts_with_devices(3, 64)))
    for policy in ("isolate", "none"):
        assert steps_of(columns, devices_request(65, policy)) == (0, 0)


def test_groups_that_take_each_others_devices_are_found_out():
    """Sixteen devices for sixteen groups, of which nine need one of eight."""
    host = a_provider("h", has={"VCPU": 1})
    devices = [
        a_provider(f"d{n}", host, has={"VGPU": n + 1}, traits=TRAITS[1:2] if n < 8 else ())
        for n in range(16)
    ]
    columns = columns_of(a_world(host, *devices))
    red = [a_group(f"_R{n}", VGPU=1, required=(TRAITS[1],)) for n in range(8)]
    some = [a_group(f"_S{n}", VGPU=1) for n in range(8)]
    steps, found = steps_of(columns, a_request(*some, *red, group_policy="isolate", limit=1))
    assert found == 1
    assert steps < 400


def test_a_search_past_its_deadline_stops_within_a_second():
    """What takes for ever to find out: of 25 odd amounts two fit on each of twelve devices."""
    host = a_provider("h", has={"VCPU": 1})
    devices = [a_provider(f"d{n}", host, has={"MEMORY_MB": 997 + n}) for n in range(12)]
    groups = [a_group(f"_{n}", MEMORY_MB=340 + n) for n in range(25)]
    columns = columns_of(a_world(host, *devices))
    began = time.thread_time()
    end = began + 0.3
    with pytest.raises(DeadlineExceeded):
        find(
            columns, a_request(*groups, group_policy="none", limit=1),
            expired=lambda: time.thread_time() > end,
        )  # fmt: skip
    assert time.thread_time() - end < 1


def test_a_deadline_holds_for_a_long_answer_too():
    columns = columns_of(a_world(*hosts_with_devices(3, 10)))
    steps = itertools.count()
    with pytest.raises(DeadlineExceeded):
        find(columns, devices_request(8), expired=lambda: next(steps) > 50)


def test_an_answer_is_not_longer_than_memory():
    columns = columns_of(a_world(a_provider("h", has={"VCPU": 4})))
    trees = find(columns, a_request(a_group(VCPU=1))).batches[0].trees
    collector = Collector(columns, None, guests=None, most=4)
    patch = Patch(trees, Ground(options=(1, 1)), 64)
    collector.add(patch, (0, 1))
    collector.add(patch, (0, 0))
    with pytest.raises(AnswerTooLarge, match="more than 4 providers"):
        collector.add(patch, (1, 0))


@pytest.mark.parametrize("trees", [0, 1, SMALLEST - 1, SMALLEST, 3 * SMALLEST, 5 * GREATEST + 7])
@pytest.mark.parametrize("start", [0, 1, SMALLEST, 4 * SMALLEST + 3])
def test_every_tree_is_in_one_block(trees, start):
    start = start % max(trees, 1)
    seen = [tree for low, high in blocks(trees, start) for tree in range(low, high)]
    assert seen == [*range(start, trees), *range(start)]


@pytest.mark.parametrize("limit", [None, 1, 70, 133, 200])
def test_hosts_that_only_a_closer_look_excludes_are_passed_over(limit):
    """In two of three the trait is on another device than the free one."""
    providers = []
    for number in range(400):
        host = a_provider(f"h{number}", has={"VCPU": 4})
        traits = [TRAITS[1:2], ()] if number % 3 == 0 else [(), TRAITS[1:2]]
        providers += [
            host,
            a_provider(f"h{number}a", host, has={"VGPU": 1}, traits=traits[0]),
            a_provider(f"h{number}b", host, has={"CUSTOM_UNIT": 1}, traits=traits[1]),
        ]
    columns = columns_of(a_world(*providers))
    request = a_request(a_group("_1", VGPU=1, required=TRAITS[1:2]), limit=limit)

    found = anchors(find(columns, request, start=5))

    assert set(found) <= {f"h{number}" for number in range(0, 400, 3)}
    assert len(set(found)) == len(found) == min(134, limit or 134)


def test_what_was_equal_before_a_change_is_compared_again():
    """Once a unit of the third device is taken, it is no longer like the first."""
    host, *devices = hosts_with_devices(1, 3, units=2)
    writer, memory = ColumnsWriter(build([host, *devices])), Memory()
    request = devices_request(1, limit=2)

    def named():
        return [
            each.mappings["_0"]
            for each in find(writer.columns, request, memory=memory).candidates()
        ]

    assert named() == [("h0d0",), ("h0d1",)]
    writer.apply({"h0d2": replace(devices[2], used={"VGPU": 1})})
    assert named() == [("h0d0",), ("h0d2",)]


def test_names_that_nobody_knows_are_refused():
    columns = columns_of(a_world(a_provider("h", has={"VCPU": 4})))
    with pytest.raises(BadQuery, match="No such resource class CUSTOM_NONE"):
        find(columns, a_request(a_group(CUSTOM_NONE=1)))
    with pytest.raises(BadQuery, match="No such trait"):
        find(columns, a_request(a_group(VCPU=1, required=("CUSTOM_NONE",))))


def test_a_fleet_without_hosts_has_no_candidates():
    assert find(columns_of(a_world()), a_request(a_group(VCPU=1)), start=5).count == 0


def test_a_request_is_compiled_once_whatever_its_limit():
    request = devices_request(3, limit=5)
    assert compile_once(request) is compile_once(devices_request(3))
    assert compile_once(request) is not compile_once(devices_request(3, policy="none"))


@given(data=st.data())
def test_what_is_remembered_does_not_outlive_a_change(data):
    """The same requests again and again, while providers change, come, move and go."""
    world = data.draw(worlds())
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    requests = [make_request(dice, world) for _ in range(4)]
    names = {"classes": world.classes, "traits": world.traits}
    providers = dict(world.providers)
    writer, memory = ColumnsWriter(columns_of(world)), Memory()
    for _ in range(4):
        now = build(providers.values(), **names)
        for request in requests:
            limited = a_request(*request.groups, limit=2)
            for asked in (request, limited):
                again = find(writer.columns, asked, memory=memory)
                anew = {each.key for each in find(now, asked).candidates()}
                found = {each.key for each in again.candidates()}
                assert found == anew if asked is request else len(found) == len(anew)
            slowly = {each.key for each in search(a_world(*providers.values()), request)}
            assert {each.key for each in find(now, request).candidates()} == slowly
        changed = data.draw(changes(providers))
        providers = apply_plainly(providers, changed)
        writer.apply(changed)


def test_a_search_goes_on_while_the_fleet_changes():
    """Hosts come and go, devices are taken and given back; what is found is of one host each."""
    providers = {each.uuid: each for each in hosts_with_devices(40, 3)}
    columns = build(providers.values())
    writer, memory = ColumnsWriter(columns), Memory()
    done = threading.Event()

    def write():
        dice = random.Random(1)
        while not done.is_set():
            host = f"h{dice.randrange(40)}"
            family = [host, *(f"{host}d{n}" for n in range(3))]
            writer.apply({uuid: replace(providers[uuid], used={}) for uuid in family})
            device = f"{host}d{dice.randrange(3)}"
            writer.apply({device: replace(providers[device], used={"VGPU": 1})})
            if dice.random() < 0.3:
                writer.apply(dict.fromkeys(family))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        found = 0
        until = time.monotonic() + 1
        while time.monotonic() < until:
            for count, limit in ((1, 20), (2, 200), (2, None)):
                request = devices_request(count, limit=limit)
                for each in find(writer.columns, request, memory=memory).candidates():
                    found += 1
                    assert {uuid.partition("d")[0] for uuid in each.allocations} == {each.anchor}
    finally:
        done.set()
        writing.join()
    assert found > 100


def test_a_set_of_traits_that_is_new_since_the_last_search_counts():
    host = a_provider("h", has={"VCPU": 4})
    world = a_world(host)
    writer, memory = ColumnsWriter(columns_of(world)), Memory()
    request = a_request(a_group("_1", VCPU=1, required=TRAITS[1:2]))
    assert find(writer.columns, request, memory=memory).count == 0

    writer.apply({"h": replace(host, traits=frozenset(TRAITS[1:]))})

    assert find(writer.columns, request, memory=memory).count == 1


def test_what_is_remembered_is_of_one_fleet():
    """In another one the same numbers stand for other traits."""
    memory = Memory()
    request = a_request(a_group("_1", VCPU=1, required=TRAITS[1:2]))
    for traits, count in ((TRAITS[1:2], 1), (TRAITS[2:3], 0)):
        columns = columns_of(a_world(a_provider("h", has={"VCPU": 4}, traits=traits)))
        assert find(columns, request, memory=memory).count == count


def test_what_fits_together_is_worked_out_again_where_it_is_not_remembered():
    """So many different sums are asked of each tree by itself, and it has changed meanwhile."""
    host = a_provider("h", has={"MEMORY_MB": 1000})
    groups = [a_group(f"_{n}", MEMORY_MB=1 + 2**n) for n in range(8)]
    request = a_request(*groups, group_policy="none", limit=1)
    assert compile_once(request).many_sums
    node = a_provider("n", host, has={"MEMORY_MB": 200})
    writer, memory = ColumnsWriter(build([host, node])), Memory()
    assert find(writer.columns, request, memory=memory).count == 1

    writer.apply({"h": replace(host, used={"MEMORY_MB": 850})})

    found = find(writer.columns, request, memory=memory)
    assert {each.key for each in found.candidates()} <= {
        each.key for each in find(writer.columns, replace(request, limit=None)).candidates()
    }


def test_equal_amounts_among_many_different_sums_share_a_provider():
    """A provider that has had one of them may take the other."""
    host = a_provider("h", has={"MEMORY_MB": 1000})
    node = a_provider("n", host, has={"MEMORY_MB": 100})
    amounts = [*(1 + 2**n for n in range(8)), 3, 3]
    groups = [a_group(f"_{n}", MEMORY_MB=amount) for n, amount in enumerate(amounts)]
    request = a_request(*groups, group_policy="none")
    assert compile_once(request).many_sums
    world = a_world(host, node)

    found = {each.key for each in find(columns_of(world), request).candidates()}

    assert found == {each.key for each in search(world, request)}
    assert len(found) > 1
