"""Whether a guest could come back, told before it leaves."""

import pytest

from builders import a_contract, a_fleet, a_guest, a_host, a_slot, an_offer
from wherry.model.checks import Policy
from wherry.model.inventory import Use
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import find_targets


def ways_back(home, there, guest=None, policy=Policy(), **host):  # noqa: B008
    """The return paths of the only target."""
    fleet = a_fleet(a_host("host1", offers=[home], **host), a_host("host2", offers=[there]))
    guest = a_guest() if guest is None else guest
    source = fleet.view.get("host1")
    request = TargetsRequest(policy=policy)
    [target] = find_targets(guest, source, fleet.view, request, JudgementCache()).targets
    return target.return_path


def exact(accepts, emits):
    return {"policy": "monotonic", "accepts": accepts, "emits": emits}


def test_a_way_back_between_equals_is_open():
    """Nothing is in the way in either direction."""
    back = ways_back(an_offer(), an_offer())

    assert (back["gpu0"].verdict, back["gpu0"].reasons) == ("ok", ())


def test_a_newer_driver_may_close_the_way_back():
    """It reads the old state and writes a new one, which the old driver cannot read."""
    guest = a_guest(a_contract(state={"policy": "monotonic", "emits": "1"}))
    back = ways_back(an_offer(state=exact("1", "1")), an_offer(state=exact("2", "2")), guest)

    assert back["gpu0"].verdict == "no"
    assert [reason.code for reason in back["gpu0"].reasons] == ["STATE_FORMAT_OLDER"]


def test_a_newer_interface_alone_leaves_it_open():
    """The guest keeps what it was given, so home still serves it."""
    assert ways_back(an_offer(supports="2.0.1"), an_offer(supports="2.9.0"))["gpu0"].verdict == "ok"


def test_room_at_home_is_no_question_of_compatibility():
    """Somebody else may have taken the place by then, and may have left it again."""
    full = Use(charged={"CUSTOM_ACME_FB_MB": 16384}, exclusive=("other",))

    assert ways_back(an_offer(), an_offer(), use=full)["gpu0"].verdict == "ok"


@pytest.mark.parametrize(
    "slot",
    [a_slot(provider="host1_gpu9"), a_slot(a_contract(type="acme/gpu-b"))],
    ids=["another provider", "another type"],
)
def test_nothing_is_told_where_home_offers_nothing_of_the_kind(slot):
    """Unknown is neither open nor closed."""
    there = an_offer(also_types=["acme/gpu-b"])

    assert ways_back(an_offer(), there, a_guest(slots={"gpu0": slot})) == {}


def test_nothing_is_told_of_a_source_that_is_not_known():
    """A guest may stand on a host that never reported."""
    fleet = a_fleet(a_host("host2"))
    answer = find_targets(a_guest(), None, fleet.view, TargetsRequest(), JudgementCache())

    assert [target.return_path for target in answer.targets] == [{}]


def test_each_target_has_its_own_way_back():
    """One host is as old as home, another has been upgraded."""
    states = {"host1": exact("1", "1"), "host2": exact("1", "1"), "host3": exact("2", "2")}
    fleet = a_fleet(*(a_host(name, offers=[an_offer(state=each)]) for name, each in states.items()))
    guest = a_guest(a_contract(state={"policy": "monotonic", "emits": "1"}))
    source = fleet.view.get("host1")
    found = find_targets(guest, source, fleet.view, TargetsRequest(), JudgementCache()).targets

    assert {each.host: each.return_path["gpu0"].verdict for each in found} == {
        "host2": "ok",
        "host3": "no",
    }


def test_each_slot_has_its_own_way_back():
    """One device could return, the other could not."""
    kinds = {"acme/gpu-a": ("1", "1"), "acme/gpu-b": ("2", "2")}
    home = [an_offer(type=name, state=exact("1", "1")) for name in kinds]
    there = [an_offer(type=name, state=exact(*formats)) for name, formats in kinds.items()]
    fleet = a_fleet(
        a_host("host1", offers=home, devices=2), a_host("host2", offers=there, devices=2)
    )
    emits = {"policy": "monotonic", "emits": "1"}
    guest = a_guest(
        a_contract(slot="a", type="acme/gpu-a", state=emits),
        a_contract(slot="b", type="acme/gpu-b", state=emits),
    )
    source = fleet.view.get("host1")
    [target] = find_targets(guest, source, fleet.view, TargetsRequest(), JudgementCache()).targets

    assert {slot: way.verdict for slot, way in target.return_path.items()} == {"a": "ok", "b": "no"}


def test_what_is_replugged_comes_back_by_replug():
    """Its state moves neither way; by the mode in which others move it could not return."""
    fixed = {"support": "no", "modes": ["cold", "replug"]}
    nic = an_offer(device_class="network", migration=fixed)
    guest = a_guest(a_contract(device_class="network", migration=fixed))
    back = ways_back(nic, nic, guest, Policy(replug=("gpu0",)))

    assert (back["gpu0"].verdict, back["gpu0"].reasons) == ("ok", ())
