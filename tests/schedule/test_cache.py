"""Judgements are kept between questions, and the cache stays within its bounds."""

from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from builders import FB, a_contract, a_fleet, a_guest, a_host, an_offer
from schedule.numa_twin import a_node
from wherry.model.checks import Policy
from wherry.model.guests import NumaAsked
from wherry.model.inventory import Use
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import find_targets

HOSTS = [
    a_host(f"host{n}", offers=[an_offer(supports=f"2.{n % 4}.0")], use=Use(charged={FB: n * 1000}))
    for n in range(12)
]


def ask(cache, guest=None, policy=Policy()):  # noqa: B008
    view = a_fleet(*HOSTS).view
    guest = a_guest(a_contract(version="2.1.0"), host="elsewhere") if guest is None else guest
    return find_targets(guest, None, view, TargetsRequest(policy=policy), cache)


def test_a_contract_is_judged_once_for_each_shape_however_many_hosts_there_are():
    """Twelve hosts, four shapes: use and name of a provider are not part of a shape."""
    cache = JudgementCache()
    ask(cache)

    assert len(cache) == 4


def test_asking_again_judges_nothing_anew():
    """Nor does the same device of another guest, in another slot."""
    cache = JudgementCache()
    first = ask(cache)
    ask(cache, a_guest(a_contract(version="2.1.0", consumer="other", slot="gpu7"), host="host0"))

    assert ask(cache) == first
    assert len(cache) == 4


def test_another_policy_is_another_question():
    """Its judgements stand beside the others."""
    cache = JudgementCache()
    ask(cache)
    ask(cache, policy=Policy(postcopy=True))

    assert len(cache) == 8


def test_what_a_policy_accepts_and_its_mode_judge_nothing_anew():
    """Neither is read by a rule: they decide on what the rules have found."""
    cache = JudgementCache()
    ask(cache)
    ask(cache, policy=Policy(mode="cold", accept=("ok", "unknown"), replug=("gpu1",)))

    assert len(cache) == 4


def test_a_guest_that_asks_for_numa_nodes_asks_another_question():
    """Its devices fit on two nodes, whoever asked before."""
    record, root, *boards = a_host("host2", devices=2, use=Use(charged={FB: 12288}))
    nodes = [a_node("host2", n) for n in range(2)]
    told = [
        replace(each, plan=replace(each.plan, parent=node.plan.uuid))
        for each, node in zip(boards, nodes, strict=True)
    ]
    view, cache = a_fleet([record, root, *nodes, *told]).view, JudgementCache()
    guest = a_guest(*(a_contract(slot=f"gpu{n}") for n in range(2)), host="elsewhere")
    one, two = (replace(guest, numa=NumaAsked(nodes=n)) for n in (1, 2))

    found = [
        find_targets(each, None, view, TargetsRequest(), cache).total
        for each in (guest, one, two, one, guest)
    ]
    assert found == [1, 0, 1, 0, 1]


def test_what_is_remembered_of_islands_stays_within_bounds():
    """What was not asked for longest goes first, and all answers stay the same."""
    cache = JudgementCache(remembered=40)
    for minor in range(20):
        guest = a_guest(a_contract(version=f"2.{minor}.0"), host="elsewhere")
        assert ask(cache, guest) == ask(JudgementCache(), guest)
        assert cache.remembered <= 40 + 12 + 3 * len(HOSTS)


def test_what_was_not_asked_for_longest_goes_first():
    """The bound is checked when a new question comes."""
    cache = JudgementCache(kept=10)
    for minor in range(20):
        guest = a_guest(a_contract(version=f"2.{minor}.0"), host="elsewhere")
        ask(cache, guest)
        assert len(cache) <= 10 + 4

    assert ask(cache) == ask(JudgementCache())


def test_threads_may_share_it():
    """Every answer is the one that a fresh cache gives."""
    cache = JudgementCache(kept=8)
    guests = [a_guest(a_contract(version=f"2.{n % 5}.0"), host="elsewhere") for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda guest: ask(cache, guest), guests))

    assert answers == [ask(JudgementCache(), guest) for guest in guests]


def test_questions_that_meet_no_shape_go_too():
    """A fleet without offers must not make the cache grow with every guest."""
    cache = JudgementCache(kept=10)
    for minor in range(50):
        guest = a_guest(a_contract(version=f"2.{minor}.0"), host="elsewhere")
        find_targets(guest, None, a_fleet().view, TargetsRequest(policy=Policy()), cache)

    assert cache.questions <= 11


def test_threads_with_fleets_of_their_own_may_share_it():
    """Numbers of one fleet's islands mean nothing in another's."""
    guest = a_guest(a_contract(version="2.1.0"), host="elsewhere")
    views = [a_fleet(*HOSTS[n:], *HOSTS[:n]).view for n in range(4)]
    cache = JudgementCache()

    def look(number):
        return find_targets(guest, None, views[number % 4], TargetsRequest(), cache)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(look, range(200)))
    for number, answer in enumerate(answers):
        assert answer == answers[number % 4]
        assert {t.host for t in answer.targets} == {t.host for t in answers[0].targets}
