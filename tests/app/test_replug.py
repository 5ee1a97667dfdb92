"""A NIC that is moved by replug, as the use cases write it, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from msgspec import UNSET

from engines import GUEST, MOVE, Fleet
from wherry.app import guests, migrations
from wherry.app.engine import Engine
from wherry.model.caller import LOCAL_ADMIN
from wherry.model.checks import Policy
from wherry.model.errors import NoTarget
from wherry.model.wire import FinishRequest, PlugStep, UnplugStep
from wherry.store.audit import audit, overfull
from wherry.store.holdings import read_holding

VF = "pci/8086:10ca"
REPLUG = Policy(replug=("port",))


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    """A guest with a VF of a driver that cannot move its state, and another host with such VFs."""
    made = Fleet(engine, a="igb-vfs", b="igb-vfs")
    made.boot("a", type_name=VF)
    return made


def start(fleet: Fleet) -> int:
    """Claim by replug, have both ends confirm, and begin to move; gives the token."""
    token = fleet.begin("b", policy=REPLUG).token
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, fleet.engine, MOVE, token)
        until = monotonic() + 60
        while not asked.done():
            assert monotonic() < until
            for host in "ab":
                fleet.answer(host)
            sleep(0.05)
    assert asked.result().state == "confirmed"
    return migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN).token


def devices(fleet: Fleet, consumer: str) -> list[str]:
    """Devices that a consumer holds, by name."""
    held = fleet.engine.store.read(lambda tx: read_holding(tx, consumer))
    assert fleet.engine.store.read(audit) == fleet.engine.store.read(overfull) == []
    return [str(each.device) for each in held.occupants]


def unplug(fleet: Fleet, token: int) -> None:
    migrations.unplug(fleet.engine, MOVE, UnplugStep(token=token, slot="port"), LOCAL_ADMIN)


def plug(fleet: Fleet, token: int, where: str, **more: str) -> None:
    asked = PlugStep(token=token, slot="port", where=where, **more)  # type: ignore[arg-type]
    migrations.plug(fleet.engine, MOVE, asked, LOCAL_ADMIN)


def finish(fleet: Fleet, token: int, **more: str) -> None:
    asked = FinishRequest(token=token, **more)  # type: ignore[arg-type]
    migrations.finish(fleet.engine, MOVE, asked, LOCAL_ADMIN)


def test_a_nic_is_never_replugged_silently(fleet: Fleet) -> None:
    """Without its slot being named, the move is refused."""
    with pytest.raises(NoTarget):
        fleet.begin("b")


def test_both_devices_are_held_and_the_old_one_is_free_at_the_end(fleet: Fleet) -> None:
    before = guests.get_guest(fleet.engine, GUEST).slots["port"]
    token = start(fleet)
    assert (len(devices(fleet, GUEST)), len(devices(fleet, MOVE))) == (1, 1)
    unplug(fleet, token)
    plug(fleet, token, "target")
    finish(fleet, token)

    after = guests.get_guest(fleet.engine, GUEST)
    assert after.host == "b"
    assert after.slots["port"].contract.pinned_at >= before.contract.pinned_at
    assert devices(fleet, GUEST) == [after.slots["port"].device]
    assert devices(fleet, MOVE) == []


def test_a_plug_that_fails_frees_the_device_on_the_target(fleet: Fleet) -> None:
    """The guest runs there without it, and what was said is kept."""
    token = start(fleet)
    unplug(fleet, token)
    plug(fleet, token, "nowhere", error="no free slot")
    finish(fleet, token)

    after = guests.get_guest(fleet.engine, GUEST)
    assert (after.host, after.slots, after.migration) == ("b", {}, UNSET)
    assert devices(fleet, GUEST) == devices(fleet, MOVE) == []
    assert migrations.get(fleet.engine, MOVE).error == "no free slot"


def test_a_move_that_fails_with_the_nic_out_frees_the_device_on_the_source(fleet: Fleet) -> None:
    """Until somebody plugs it again, the guest is on record without it."""
    token = start(fleet)
    unplug(fleet, token)
    finish(fleet, token, outcome="failed", error="Broken pipe")

    after = guests.get_guest(fleet.engine, GUEST)
    assert (after.host, after.slots) == ("a", {})
    assert devices(fleet, GUEST) == devices(fleet, MOVE) == []
