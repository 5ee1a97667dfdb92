"""Guests whose devices were counted otherwise when their contracts were pinned."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from engines import GUEST, EngineMaker, Fleet, another, running
from guest_worlds import a_report
from wherry.app import guests, offers
from wherry.app.engine import Engine, load_profiles
from wherry.app.housekeeping import derive_anew
from wherry.app.settings import Settings
from wherry.hosts import recordings
from wherry.inventory.derive import plan_host
from wherry.model.errors import CapacityExceeded
from wherry.model.guests import SlotRequest
from wherry.model.wire import PlugRequest
from wherry.profiles.builtin import builtin_profiles
from wherry.store.audit import audit

OURS = """
schema = "wherry.profile/1"
id = "ours"
about = "The same ports, counted under a name of ours"
types_from = "mdev"
name = "mtty/{id}"
device_class = "serial"
interface = { policy = "none" }
state = { policy = "exact", emits = "1.0", accepts = "1.0" }

[match]
driver = "mtty"
srcversion = "0CFBC3668084E605BBD06DA"

[pools.CUSTOM_LINE]
units = { of = "type", attribute = "id", form = "mtty-{ports:number}" }

[migration]
support = "yes"
"""


@pytest.fixture
def fleet(make: EngineMaker, store_url: str, tmp_path: Path) -> Fleet:
    """A host with a running guest that was booted before the operator's profile."""
    first = make(store_url)
    fleet = Fleet(first, a="mtty-fresh")
    fleet.boot("a")
    fleet.report("a", guests=(running(process="1-1"),))
    first.close()
    tmp_path.joinpath("ours.toml").write_text(OURS)
    fleet.engine = make(store_url, load_profiles(Settings(profile_dirs=(tmp_path,))))
    derive_anew(fleet.engine)
    assert "CUSTOM_LINE" in offers.list_offers(fleet.engine, "a").offers[0].offer.pools
    return fleet


def is_sound(engine: Engine) -> bool:
    return engine.store.read(audit) == []


def test_what_it_holds_stays_as_it_is(fleet: Fleet) -> None:
    """The same record again changes nothing, and what it holds can be let go."""
    before = guests.get_guest(fleet.engine, GUEST)

    assert fleet.boot("a") == before
    assert fleet.used("a") == 1
    guests.delete_guest(fleet.engine, GUEST)
    assert (fleet.used("a"), is_sound(fleet.engine)) == (0, True)


def test_it_boots_anew_as_devices_are_counted_now(fleet: Fleet) -> None:
    """A reboot that a report tells pins the contract anew, and claims by it."""
    fleet.report("a", guests=(running(process="2-2"),))

    contract = guests.get_guest(fleet.engine, GUEST).slots["port"].contract
    assert contract.units == {"CUSTOM_LINE": 1}
    assert (fleet.used("a"), fleet.used("a", "CUSTOM_LINE")) == (0, 1)
    assert is_sound(fleet.engine)


def test_it_is_given_one_more_beside_what_it_holds(fleet: Fleet) -> None:
    """Plugged by the new count, while the device of before is held by the old one."""
    slot = SlotRequest(provider=fleet.provider("a"), type="mtty/mtty-1")

    guests.plug(fleet.engine, GUEST, PlugRequest(slot="more", device=slot))

    assert (fleet.used("a"), fleet.used("a", "CUSTOM_LINE")) == (1, 1)
    assert is_sound(fleet.engine)


def test_no_more_is_to_be_had_of_what_is_counted_no_more(fleet: Fleet) -> None:
    """A contract that is given in the old units asks for a pool that is not there."""
    given = guests.get_guest(fleet.engine, GUEST).slots["port"].contract
    uuid = another(GUEST, 1)
    given = replace(given, consumer=uuid)
    slot = SlotRequest(provider=fleet.provider("a"), type="mtty/mtty-1", contract=given)

    with pytest.raises(CapacityExceeded, match="CUSTOM_MTTY_PORT"):
        fleet.boot("a", uuid, slots={"port": slot})


@pytest.mark.parametrize("name", recordings.names())
def test_whatever_is_offered_is_counted_in_pools(name: str) -> None:
    """So no claim has to take a device whole, in a class that no inventory has."""
    plan = plan_host(a_report(name), builtin_profiles())

    for provider in plan.providers:
        for offer in provider.offers:
            assert offer.units
            assert offer.units.keys() <= provider.inventories.keys()
