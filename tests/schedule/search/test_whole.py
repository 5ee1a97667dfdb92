"""First ways are kept from search to search: told in turn, and found anew where a tree moved."""

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.columns.histories import apply_plainly, changes
from obvious_search.search import search
from schedule.candidates.worlds import TRAITS, a_group, a_provider, a_request, a_world, worlds
from schedule.search.dense_worlds import make_request
from wherry.inventory.columns import ColumnsWriter, build
from wherry.schedule.search.find import find_kept
from wherry.schedule.search.memory import Memory

HOSTS = 30
MOST = 1000


def hosts(rare=range(HOSTS)):
    return {
        f"h{n}": a_provider(f"h{n}", has={"VCPU": 4}, traits=TRAITS[:1] if n in rare else ())
        for n in range(HOSTS)
    }


def a_writer(providers):
    return ColumnsWriter(build(providers.values(), traits=TRAITS))


class Asking:
    """Asks one request of a fleet, again and again."""

    def __init__(self, writer, request):
        self.writer, self.request, self.memory = writer, request, Memory()

    def __call__(self, start=0, limit=None):
        """Give the hosts that are told, and how often the clock was looked at for them."""
        steps = itertools.count()
        request = self.request if limit is None else replace(self.request, limit=limit)
        found = find_kept(
            self.writer.columns, request, start=start, memory=self.memory,
            expired=lambda: next(steps) < 0,
        )  # fmt: skip
        return [each.anchor for each in found.candidates()], next(steps)


@pytest.mark.parametrize("limit", [20, HOSTS, 50])
def test_what_is_kept_is_told_from_any_host_on_without_a_search(limit):
    ask = Asking(a_writer(hosts()), a_request(a_group(VCPU=1), limit=limit))
    ask()

    for start in (0, 7, HOSTS - 1):
        in_turn = [f"h{(start + n) % HOSTS}" for n in range(HOSTS)]
        assert ask(start) == (in_turn[:limit], 0)


def test_few_hosts_of_many_are_kept_however_small_the_limit_is_beside_the_fleet():
    ask = Asking(a_writer(hosts({3, 9})), a_request(a_group(VCPU=1, required=TRAITS[:1]), limit=5))

    assert ask()[0] == ["h3", "h9"]
    assert ask(4) == (["h9", "h3"], 0)


def test_a_host_that_is_full_is_left_out_at_once_and_comes_back_to_its_place():
    ask = Asking(a_writer(hosts()), a_request(a_group(VCPU=2), limit=HOSTS))
    ask()

    ask.writer.use([("h4", "VCPU", 4, 0, 3), ("h5", "VCPU", 4, 0, 2)])
    assert ask(3)[0][:3] == ["h3", "h5", "h6"]
    assert ask(3)[1] == 0
    ask.writer.use([("h4", "VCPU", 4, 0, 1), ("h6", "VCPU", 4, 0, 4)])
    assert ask(3)[0][:4] == ["h3", "h4", "h5", "h7"]


def test_hosts_that_come_and_go_are_told():
    ask = Asking(a_writer(hosts()), a_request(a_group(VCPU=1), limit=50))
    ask()

    ask.writer.apply({"h0": None, "new": a_provider("new", has={"VCPU": 1})})

    assert ask()[0] == [*(f"h{n}" for n in range(1, HOSTS)), "new"]


def test_more_than_twice_the_limit_is_not_kept_until_more_is_asked_for():
    ask = Asking(a_writer(hosts()), a_request(a_group(VCPU=1), limit=5))

    assert [ask()[1] > 0 for _ in range(3)] == [True] * 3
    assert ask(limit=20)[1] > 0
    assert ask(7, limit=20) == ([f"h{n % HOSTS}" for n in range(7, 27)], 0)
    assert ask(7)[1] == 0


def test_hosts_with_a_choice_are_asked_for_more_where_there_is_room():
    """With a device each is told; where more may be, the second device of some as well."""
    providers = {}
    for number in range(4):
        host = a_provider(f"h{number}", has={"VCPU": 4})
        devices = [a_provider(f"h{number}d{n}", host, has={"VGPU": 1}) for n in range(2)]
        providers |= {each.uuid: each for each in (host, *devices)}
    ask = Asking(a_writer(providers), a_request(a_group(VCPU=1), a_group("_D", VGPU=1)))

    for used in range(2):
        ask.writer.use([("h2", "VCPU", 4, 0, used)])
        assert ask(1, limit=4)[0] == ["h1", "h2", "h3", "h0"]
        assert Counter(ask(1, limit=6)[0]).most_common(3)[1][1] == 2
        assert Counter(ask(1, limit=9)[0]) == dict.fromkeys(("h0", "h1", "h2", "h3"), 2)


def test_a_choice_is_remembered_of_hosts_that_do_not_change():
    """The host that has changed has none."""
    providers = {}
    for number in range(8):
        host = a_provider(f"h{number}", has={"VCPU": 4})
        devices = [
            a_provider(f"h{number}d{n}", host, has={"VGPU": 1}) for n in range(1 + (not number))
        ]
        providers |= {each.uuid: each for each in (host, *devices)}
    ask = Asking(a_writer(providers), a_request(a_group(VCPU=1), a_group("_D", VGPU=1), limit=99))
    assert len(ask()[0]) == 9

    ask.writer.use([("h1", "VCPU", 4, 0, 1)])

    assert len(ask()[0]) == 9


def test_hosts_that_differ_in_form_take_their_turns_together():
    """Some have the device on the host itself, others below it."""
    providers = {}
    for number in range(9):
        below = number % 3 == 0
        has = {"VCPU": 4} if below else {"VCPU": 4, "VGPU": 1}
        host = a_provider(f"h{number}", has=has)
        device = [a_provider(f"h{number}d", host, has={"VGPU": 1})] if below else []
        providers |= {each.uuid: each for each in (host, *device)}
    request = a_request(a_group(VCPU=1), a_group("_D", VGPU=1), limit=7)
    ask = Asking(a_writer(providers), request)

    for start in range(9):
        columns = ask.writer.columns
        tree = columns.tree_of(columns.row(f"h{start}"))
        assert ask(tree)[0] == [f"h{(start + n) % 9}" for n in range(7)]
    assert ask()[1] == 0


@settings(max_examples=30)
@given(data=st.data())
def test_what_is_kept_is_what_the_obvious_search_finds_while_everything_changes(data):
    world = data.draw(worlds())
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    providers = dict(world.providers)
    requests = [make_request(dice, world) for _ in range(2)]
    columns = build(providers.values(), classes=world.classes, traits=world.traits)
    writer, memory = ColumnsWriter(columns), Memory()
    for _ in range(4):
        for request in requests:
            slowly = list(search(a_world(*providers.values()), replace(request, limit=MOST)))
            if len(slowly) == MOST:
                continue
            limit, start = dice.choice([1, 2, 5, 50, MOST]), dice.randrange(9)
            asked = replace(request, limit=limit)
            some = list(find_kept(writer.columns, asked, start=start, memory=memory).candidates())
            keys = {each.key for each in some}
            assert keys <= {each.key for each in slowly}
            assert len(keys) == len(some) == min(limit, len(slowly))
        changed = data.draw(changes(providers))
        providers = apply_plainly(providers, changed)
        writer.apply(changed)
