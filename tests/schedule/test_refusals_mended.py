"""A refusal names its causes: with those of the scheduler mended, only the others are left."""

from hypothesis import given
from msgspec.structs import replace

from builders import a_fleet, a_guest, a_host, a_root, a_uuid
from schedule_worlds import worlds
from wherry.model.inventory import HostRecord, Inventory, ProviderRecord
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.evaluate import evaluate, reasons_of
from wherry.schedule.reasons import BY_CODE
from wherry.schedule.targets import ask

ROOMY = {"VCPU": Inventory(total=1000)}


def mended(changes, codes):
    """The host with what these codes named put right, and nothing else."""
    record = next(each for each in changes if isinstance(each, HostRecord))
    root = next((each for each in changes if is_root(each, record.name)), None)
    devices = [each for each in changes if isinstance(each, ProviderRecord) and each is not root]
    if "HOST_STATE" in codes:
        record = replace(record, state="enabled")
    if "HOST_TENANT" in codes:
        record = replace(record, labels={})
    if "HOST_UNPUBLISHED" in codes or "HOST_RESOURCES" in codes:
        root = a_root(record.name, inventories=ROOMY)
    if "DEVICES_UNSETTLED" in codes:
        devices = [each for each in devices if not str(each.plan.note).startswith("unsettled")]
    return [record, *([root] if root else []), *devices]


def is_root(change, host):
    return isinstance(change, ProviderRecord) and change.plan.uuid == a_uuid(host)


def judge(guest, changes):
    """The response, the scheduler's own codes in it, and all other reasons."""
    [host] = a_fleet(changes).view
    response = evaluate(ask(guest, TargetsRequest(), JudgementCache()), host)
    found = list(reasons_of(response))
    own = {reason.code for reason in found if reason.code in BY_CODE}
    return response, own, [reason for reason in found if reason.code not in BY_CODE]


@given(worlds(most=2))
def test_what_is_left_after_mending_is_what_was_told_beside_it(world):
    """Nothing new comes up, nothing else goes away, and a host with no cause left is a target."""
    guest = replace(world.guest, host="elsewhere")
    for changes in world.hosts:
        _, codes, others = judge(guest, changes)
        after, own, left = judge(guest, mended(changes, codes))

        assert own == set()
        assert left == others
        against = {reason.severity for reason in left} - {"info", "warn"}
        assert after.accepted == (not against)


@given(worlds(most=2, slots=2))
def test_one_cause_mended_alone_takes_its_own_reason_away(world):
    """The others stay; a root that is published brings the host's resources with it."""
    guest = replace(world.guest, host="elsewhere")
    for changes in world.hosts:
        _, codes, _ = judge(guest, changes)
        for code in codes:
            _, own, _ = judge(guest, mended(changes, {code}))
            gone = {code} | ({"HOST_RESOURCES"} if code == "HOST_UNPUBLISHED" else set())
            gone |= {"HOST_UNPUBLISHED"} if code == "HOST_RESOURCES" else set()
            assert own == codes - gone


def test_the_host_that_a_guest_is_on_shows_the_rest_once_it_is_elsewhere():
    """Behind SAME_HOST everything else is hidden, as nothing else is asked there."""
    guest = a_guest(host="host1")
    changes = [
        replace(each, state="disabled") if isinstance(each, HostRecord) else each
        for each in a_host("host1")
    ]
    _, here, others = judge(guest, changes)
    _, there, _ = judge(replace(guest, host="host9"), changes)

    assert (here, others) == ({"SAME_HOST"}, [])
    assert there == {"HOST_STATE"}
