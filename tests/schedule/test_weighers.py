"""What ranks one host before another."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from builders import FB, RESOURCES, a_contract, a_fleet, a_guest, a_host, an_offer
from wherry.inventory.host_view import Room
from wherry.model.inventory import Use
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.ranking import Ranking
from wherry.schedule.targets import find_targets, units_asked
from wherry.schedule.weighers import WEIGHERS, Weights, free_room, shortness, tie_break

ROOMS = st.dictionaries(
    st.sampled_from(("VCPU", "MEMORY_MB", FB)),
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda f: Room(min(f), max(f))),
)
ASKED = st.dictionaries(st.sampled_from(("VCPU", "MEMORY_MB", FB, "OTHER")), st.integers(0, 100))


def room_left(room, asked):
    """`free_room` of one host that has this room."""
    columns = a_fleet(a_host("host2")).view.columns
    amounts = {
        (kind, name): np.array([getattr(each, kind)])
        for name, each in room.items()
        for kind in ("free", "total")
    }
    [left] = free_room(replace(columns, amounts=amounts), np.array([0]), asked)
    return left


def ranked(*hosts, weights=None, seed=0, guest=None):
    fleet = a_fleet(*hosts)
    guest = a_guest(host="elsewhere") if guest is None else guest
    ranking = Ranking(weights=weights or Weights(), seed=seed)
    answer = find_targets(guest, None, fleet.view, TargetsRequest(), JudgementCache(), ranking)
    return [target.host for target in answer.targets]


def test_the_emptier_host_comes_first():
    """So that devices are spread, and a failure takes few guests along."""
    full, empty = a_host("full", use=Use(charged={FB: 8192})), a_host("empty")

    assert ranked(full, empty) == ["empty", "full"]


def test_weights_below_zero_fill_hosts_one_by_one():
    """The same two, the other way round."""
    full, empty = a_host("full", use=Use(charged={FB: 8192})), a_host("empty")

    assert ranked(full, empty, weights=Weights(free_room=-1.0, spread=-1.0)) == ["full", "empty"]


def test_the_tightest_class_decides():
    """A host with many CPUs and hardly any framebuffer is a tight one."""
    room = {"VCPU": Room(free=60, total=64), FB: Room(free=5000, total=16384)}

    assert room_left(room, {"VCPU": 4, FB: 4096}) == (5000 - 4096) / 16384


def test_what_a_guest_takes_counts_its_devices_and_its_resources():
    """Each device adds the units of its contract."""
    assert units_asked(a_guest()) == {**RESOURCES, FB: 4096}


def test_a_class_that_nobody_counts_says_nothing():
    """Neither for the host nor against it."""
    assert room_left({}, {"VCPU": 4}) == 1.0
    assert room_left({"VCPU": Room(free=0, total=0)}, {"VCPU": 4}) == 1.0


@given(ROOMS, ASKED)
def test_free_room_is_a_fraction_and_falls_with_every_unit_asked(room, asked):
    """Between 0 and 1, and never more for a larger guest."""
    here = room_left(room, asked)
    larger = {name: amount + 1 for name, amount in asked.items()}

    assert 0.0 <= here <= 1.0
    assert room_left(room, larger) <= here


def test_a_verdict_comes_before_any_score():
    """A plain ok on a full host is better than a warning on an empty one."""
    told = a_guest(a_contract(description="a board"), host="elsewhere")
    warned = an_offer(description="another board")
    full = a_host("full", use=Use(charged={FB: 12288}), used={"VCPU": 59})

    assert ranked(a_host("empty", offers=[warned]), full, guest=told) == ["full", "empty"]


def test_hosts_alike_stand_in_an_order_of_the_seed():
    """The same question has the same answer; another scheduler starts with another host."""
    hosts = [a_host(f"host{number}") for number in range(8)]
    orders = {seed: tuple(ranked(*hosts, seed=seed)) for seed in range(5)}

    assert orders[0] == tuple(ranked(*reversed(hosts), seed=0))
    assert len(set(orders.values())) == 5
    assert {frozenset(order) for order in orders.values()} == {frozenset(orders[0])}


@given(st.text(max_size=20), st.integers(-(2**70), 2**70))
def test_any_seed_breaks_ties(name, seed):
    """It may be as large as a configuration file allows."""
    assert tie_break(name, seed) == tie_break(name, seed & 0xFFFFFFFF)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_score_is_the_weighted_sum(free, spread):
    """Each weigher gives its part alone."""
    view = a_fleet(a_host("host2", use=Use(charged={FB: 4096}))).view
    guest = a_guest(host="elsewhere")

    def score_of(weights):
        ranking = Ranking(weights=weights)
        answer = find_targets(guest, None, view, TargetsRequest(), JudgementCache(), ranking)
        return answer.targets[0].score

    [left] = free_room(view.columns, np.array([0]), units_asked(guest))
    whole = free * left + spread * view.get("host2").unused
    assert abs(score_of(Weights(free_room=free, spread=spread)) - whole) < 1e-6
    assert score_of(Weights(free_room=0, spread=0)) == 0.0


def test_a_shorter_downtime_counts_for_more_the_shorter_it_is():
    """A downtime that nobody can tell counts as an endless one."""
    told = shortness(np.array([0.0, 100.0, 1000.0, 10.0**12, np.nan]))

    assert told[0] == 1.0
    assert told[2] == 0.5
    assert told[-1] == 0.0
    assert (np.diff(told) < 0).all()


def test_hosts_are_ordered_by_downtime_where_that_is_what_counts():
    """The one that takes the state faster comes first, full as it is."""
    fast, slow = (
        an_offer(migration={"support": "yes", "flags": ["stop_copy"], "bytes_per_s": rate * 10**6})
        for rate in (900, 300)
    )
    hosts = [
        a_host("slow", offers=[slow]),
        a_host("fast", offers=[fast], use=Use(charged={FB: 8192})),
    ]
    migration = {"support": "yes", "flags": ["stop_copy"], "stop_copy_bytes": 10**9}
    guest = a_guest(a_contract(migration=migration), host="elsewhere")

    assert ranked(*hosts, guest=guest) == ["slow", "fast"]
    assert ranked(*hosts, guest=guest, weights=Weights(downtime=5.0)) == ["fast", "slow"]


def test_every_weight_has_a_weigher():
    assert list(WEIGHERS) == list(asdict(Weights()))


def test_the_page_lists_every_weigher_with_its_default():
    page = (Path(__file__).parents[2] / "docs/reference/targets.md").read_text()
    table = page[page.index("| weigher |") :].partition("\n\n")[0]
    told = re.findall(r"^\| `(\w+)` \| (\S+) \|", table, re.MULTILINE)

    assert [(name, float(weight)) for name, weight in told] == list(asdict(Weights()).items())
