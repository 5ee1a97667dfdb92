"""What a claim leaves: recipes, places for other types, and ways back."""

import pytest
from hypothesis import given
from msgspec.structs import replace

from builders import FB, a_contract, a_fleet, a_guest, a_host, an_offer
from schedule.outlook_twin import plain_alternatives, plain_bugfix, plain_packing, plain_return
from schedule.test_targets_twin import POLICIES
from schedule_worlds import crowded, worlds
from wherry.model.inventory import Use
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.ranking import Ranking
from wherry.schedule.recipes import loss_of, rooms_of
from wherry.schedule.targets import find_targets
from wherry.schedule.weighers import Weights

NOTHING = {"free_room": 0.0, "spread": 0.0, "groups": 0.0}
MIG = "CUSTOM_MIG_SLICE"
QUARTER = an_offer()
WHOLE = an_offer(type="acme/gpu-whole", units={FB: 16384})


def answer_by(weigher, guest, view, policy=None, cache=None):
    request = TargetsRequest(limit=10_000) if policy is None else TargetsRequest(policy=policy)
    ranking = Ranking(weights=Weights(**{**NOTHING, weigher: 1.0}))
    source, cache = view.get(guest.host), cache or JudgementCache()
    return find_targets(guest, source, view, request, cache, ranking)


def order_by(weigher, *hosts, guest=None):
    guest = a_guest(host="elsewhere") if guest is None else guest
    return [target.host for target in answer_by(weigher, guest, a_fleet(*hosts).view).targets]


def hold_against_twin(world, policy):
    guest, view, cache = world.guest, a_fleet(*world.hosts).view, JudgementCache()
    for target in answer_by("packing", guest, view, policy, cache).targets:
        assert target.score == pytest.approx(plain_packing(guest, target, view), abs=2e-6)
    for target in answer_by("alternatives", guest, view, policy, cache).targets:
        assert target.score == pytest.approx(plain_alternatives(guest, target, view), abs=2e-6)
    for target in answer_by("return_path", guest, view, policy, cache).targets:
        assert target.score == pytest.approx(plain_return(guest, target, policy), abs=2e-6)
    for target in answer_by("bugfix", guest, view, policy, cache).targets:
        assert target.score == pytest.approx(plain_bugfix(guest, target, view), abs=2e-6)


@given(worlds(), POLICIES)
def test_the_weighers_say_of_each_target_what_its_mapping_leaves(world, policy):
    """Sums over columns agree with making one instance after the other on each host."""
    hold_against_twin(world, policy)


@given(crowded(), POLICIES)
def test_they_do_so_where_several_devices_share(world, policy):
    """Several devices of a guest on one board are one claim."""
    hold_against_twin(world, policy)


def test_packing_breaks_no_whole_board_where_a_broken_one_has_room():
    """A quarter more of a board that is broken into loses nothing that was not lost before."""
    broken = a_host("broken", offers=[QUARTER, WHOLE], use=Use(charged={FB: 4096}))
    whole = a_host("whole", offers=[QUARTER, WHOLE])

    assert order_by("packing", broken, whole) == ["broken", "whole"]
    assert order_by("spread", broken, whole) == ["whole", "broken"]


def test_packing_fills_what_no_recipe_fits_into():
    """What is left of one board is of use to no type but the guest's, and so it goes there."""
    odd = an_offer(type="acme/gpu-odd", units={FB: 6144})
    guest = a_guest(a_contract(units={FB: 4096}), host="elsewhere")
    crumb = a_host("crumb", offers=[QUARTER, odd], use=Use(charged={FB: 12288}))
    room = a_host("room", offers=[QUARTER, odd], use=Use(charged={FB: 10240}))

    assert order_by("packing", crumb, room, guest=guest) == ["crumb", "room"]


def test_alternatives_leaves_alone_what_else_is_scarce():
    """The only whole board is kept; of broken ones, of which there are two, one is as good."""
    last = a_host("last", offers=[QUARTER, WHOLE])
    plain = a_host("plain", offers=[QUARTER])

    assert order_by("alternatives", last, plain)[0] == "plain"


def test_of_two_scarce_things_alternatives_takes_the_one_of_which_there_is_more():
    half = an_offer(type="acme/gpu-half", units={FB: 8192})
    rare = a_host("rare", offers=[QUARTER, WHOLE])
    common = [
        a_host(f"common{n}", offers=[QUARTER, half], use=Use(charged={FB: 8192})) for n in range(3)
    ]
    view = a_fleet(rare, *common).view
    scores = {t.host: t.score for t in answer_by("alternatives", a_guest(host="x"), view).targets}

    assert scores["rare"] == 0.0
    assert scores["common0"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_host_from_which_the_guest_could_come_back_comes_first():
    """A newer driver takes the guest too, but not every guest would be taken back by the old."""
    state = {"policy": "accepts", "emits": "1"}
    guest = a_guest(a_contract(state=state), host="home")
    old = {"policy": "accepts", "accepts": ["1"], "emits": "1"}
    new = {"policy": "accepts", "accepts": ["1", "2"], "emits": "2"}
    home, same = (a_host(name, offers=[an_offer(state=old)]) for name in ("home", "same"))
    newer = an_offer(state=new)

    found = answer_by(
        "return_path", guest, a_fleet(home, same, a_host("newer", offers=[newer])).view
    )
    assert [(target.host, target.score) for target in found.targets] == [
        ("same", 1.0),
        ("newer", 0.0),
    ]


@pytest.mark.parametrize(
    ("pinned", "home", "there", "score"),
    [
        ("2.0.1", None, "2.0.3", 1.0),
        ("2.0.1", None, "2.0.0", 0.0),
        ("2.0.1", None, "2.0.1", 0.5),
        ("2.0.9", None, "2.0.10", 1.0),
        ("2.0.1", "2.0.3", "2.0.3", 0.5),
        ("2.0.1", "2.0.3", "2.0.2", 0.0),
        ("2.0.1", "2.1.9", "2.0.2", 1.0),
        ("2.0.1", None, "2.1.5", 0.5),
        ("2.0", None, "2.0.5", 0.5),
        ("2.0.1", None, "2.0", 0.5),
    ],
)
def test_a_newer_bugfix_number_of_the_same_version_counts_for_a_host(pinned, home, there, score):
    """Against what the guest has now; what is not stated or of another minor says nothing."""
    guest = a_guest(a_contract(version=pinned), host="home")
    hosts = [a_host("there", offers=[an_offer(supports=there)])]
    if home is not None:
        hosts.append(a_host("home", offers=[an_offer(supports=home)]))
    found = answer_by("bugfix", guest, a_fleet(*hosts).view)

    assert [(each.score, each.verdict) for each in found.targets] == [(score, "ok")]


@pytest.mark.parametrize("policy", ["exact", "monotonic"])
def test_a_third_number_of_another_policy_is_no_bugfix(policy):
    versions = {"policy": policy, "version": "2.0.1"}
    offered = {"policy": policy, "supports": "2.0.1" if policy == "exact" else "2.0.5"}
    guest = a_guest(a_contract(interface=versions), host="elsewhere")
    view = a_fleet(a_host("there", offers=[an_offer(interface=offered)])).view

    assert [each.score for each in answer_by("bugfix", guest, view).targets] == [0.5]


def test_positions_are_lost_as_the_claim_would_place_the_instance():
    """Of eight slices an instance of one takes the place that leaves the most."""
    pools = {MIG: {"total": 7}}
    one = an_offer(
        type="mig-1g",
        units={MIG: 1},
        pools=pools,
        positions={"places": [f"{n}:1" for n in range(7)]},
    )
    three = an_offer(
        type="mig-3g", units={MIG: 3}, pools=pools, positions={"places": ["0:4", "4:4"]}
    )
    seven = an_offer(type="mig-7g", units={MIG: 7}, pools=pools, positions={"places": ["0:8"]})
    [host] = a_fleet(a_host("host", offers=[one, three, seven])).view
    [island] = host.islands
    at = [offer.type for offer in island.offers].index("mig-1g")
    contract = a_contract(type="mig-1g", units={MIG: 1})

    assert rooms_of(island) == {("mdev", "mig-1g"): 7, ("mdev", "mig-3g"): 2, ("mdev", "mig-7g"): 1}
    loss = loss_of(island, [(contract, at)])
    assert dict(loss.lost) == {
        ("mdev", "mig-1g"): pytest.approx(1 / 7),
        ("mdev", "mig-3g"): pytest.approx(3 / 7),
        ("mdev", "mig-7g"): 1.0,
    }
    assert loss.closed == (("mdev", "mig-7g"),)


def test_the_first_instance_closes_a_board_to_types_of_other_sizes():
    """All that could have been made of them is lost, though most of the board is free."""
    board = [
        an_offer(type=f"acme/{n}", units={FB: n}, exclusive={"by": "type", "in_use": []})
        for n in (4096, 2048)
    ]
    [host] = a_fleet(a_host("host", offers=board)).view
    [island] = host.islands
    at = [offer.type for offer in island.offers].index("acme/2048")
    loss = loss_of(island, [(a_contract(type="acme/2048", units={FB: 2048}), at)])

    assert loss.closed == (("mdev", "acme/4096"),)
    assert dict(loss.lost)["mdev", "acme/4096"] == 1.0
    assert loss.taken == 1 / 8


def test_what_follows_of_a_fleet_that_changes_is_worked_out_anew():
    """One cache through claims: each answer is as if nothing were remembered."""
    fleet, cache = a_fleet(a_host("a", offers=[QUARTER, WHOLE]), a_host("b")), JudgementCache()
    guest = a_guest(host="elsewhere")
    for generation, used in enumerate((0, 4096, 8192, 0), start=2):
        changes = a_host("a", offers=[QUARTER, WHOLE], use=Use(charged={FB: used}))
        fleet.apply(replace(each, generation=generation) for each in changes)
        for weigher in ("packing", "alternatives"):
            again = answer_by(weigher, guest, fleet.view, cache=cache)
            assert again == answer_by(weigher, guest, fleet.view)
