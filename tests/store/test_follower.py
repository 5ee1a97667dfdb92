"""A read sees every write acknowledged before it began, and readers share their catching up."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, holding, report
from wherry.model.changes import Removed
from wherry.model.inventory import HostRecord
from wherry.store.changes import append_change
from wherry.store.engine import open_store
from wherry.store.feed import prune_changes, read_fleet
from wherry.store.follower import FleetReader, Follower
from wherry.store.placement_plans import move_silently


class Picture:
    """What a process holds of a fleet: state by key, applied only if newer."""

    def __init__(self):
        self.objects = {}
        self.reloads = 0
        self.passes = 0

    def apply(self, batch):
        self.passes += 1
        if batch.reload:
            self.reloads += 1
            self.objects = {}
        for change in batch.changes:
            key = (
                change.key
                if isinstance(change, Removed)
                else (change.name if isinstance(change, HostRecord) else change.plan.uuid)
            )
            if isinstance(change, Removed):
                self.objects.pop(key, None)
            elif key not in self.objects or self.objects[key].generation < change.generation:
                self.objects[key] = change

    def used(self, provider):
        return self.objects[a_uuid(provider)].use.charged.get(FB, 0)


@pytest.fixture
def fleet(store):
    report(store, a_plan("host1", a_device("gpu0", pool=10**6)))
    return store


def test_a_picture_that_follows_is_that_of_one_who_loads(fleet):
    picture, fresh = Picture(), Picture()
    follower = Follower(fleet, FleetReader(), picture.apply)
    follower.catch_up()
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    report(fleet, a_plan("host1", a_device("gpu0", pool=10**6), a_device("gpu1")), sequence=2)
    follower.catch_up()
    report(fleet, a_plan("host1", a_device("gpu0", pool=5)), sequence=3)
    claim(fleet, holding("guest", {"gpu0": {FB: 2}}))
    follower.catch_up()

    Follower(fleet, FleetReader(), fresh.apply).catch_up()

    assert picture.objects == fresh.objects
    assert (picture.reloads, fresh.reloads) == (1, 1)


def test_every_read_sees_the_writes_acknowledged_before_it_through_whichever_store(store_url):
    """Writers in one store, readers in another where the engine allows it."""
    writer = open_store(store_url)
    reader = open_store(store_url) if writer.dialect == "postgresql" else writer
    report(writer, a_plan("host1", *(a_device(f"gpu{n}", pool=10**6) for n in range(4))))
    picture = Picture()
    follower = Follower(reader, FleetReader(), picture.apply)

    def write_and_read(number):
        for units in range(1, 16):
            claim(writer, holding(f"guest{number}", {f"gpu{number}": {FB: units}}))
            follower.catch_up()
            assert picture.used(f"gpu{number}") >= units

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_read, range(4)))
    assert [picture.used(f"gpu{n}") for n in range(4)] == [15] * 4
    reader.close()
    writer.close()


def test_what_comes_to_be_of_no_host_is_gone_until_it_is_of_one_again(fleet):
    """A picture of hosts does not show it, whether it follows or loads."""
    picture, uuid = Picture(), a_uuid("gpu0")
    follower = Follower(fleet, FleetReader(), picture.apply)
    follower.catch_up()
    move(fleet, uuid, None)
    follower.catch_up()
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    follower.catch_up()
    fresh = Picture()
    Follower(fleet, FleetReader(), fresh.apply).catch_up()
    assert uuid not in picture.objects
    assert picture.objects == fresh.objects

    move(fleet, uuid, "host1")
    follower.catch_up()
    assert (picture.objects[uuid].host, picture.used("gpu0")) == ("host1", 1)
    claim(fleet, holding("guest", {"gpu0": {FB: 2}}))
    follower.catch_up()
    assert picture.used("gpu0") == 2


def test_use_of_what_was_of_no_host_from_the_start_is_never_read(fleet):
    """What comes to a host later is read with it."""
    uuid = a_uuid("gpu0")
    move(fleet, uuid, None)
    picture = Picture()
    follower = Follower(fleet, FleetReader(), picture.apply)
    follower.catch_up()
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    follower.catch_up()
    assert uuid not in picture.objects

    move(fleet, uuid, "host1")
    claim(fleet, holding("guest", {"gpu0": {FB: 2}}))
    follower.catch_up()
    assert (picture.objects[uuid].host, picture.used("gpu0")) == ("host1", 2)


def move(fleet, uuid, host):
    """Let a provider be of a host, or of none."""

    def write(tx):
        tx.execute(
            text("UPDATE provider SET host = :host WHERE uuid = :uuid"),
            {"host": host, "uuid": uuid},
        )
        move_silently(tx, [uuid])

    fleet.write(write)


def test_readers_that_wait_share_one_pass(fleet):
    picture, going, go_on = Picture(), threading.Event(), threading.Event()

    def apply(batch):
        picture.apply(batch)
        going.set()
        assert go_on.wait(30)

    came = threading.Semaphore(0)

    class Telling(Follower):
        def _is_done(self, wanted):
            came.release()
            return super()._is_done(wanted)

    follower = Telling(fleet, FleetReader(), apply)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(follower.catch_up)
        assert going.wait(30)
        others = [pool.submit(follower.catch_up) for _ in range(8)]
        assert all(came.acquire(timeout=30) for _ in (first, *others))
        time.sleep(0.1)
        assert not any(other.done() for other in others)
        go_on.set()
        for call in (first, *others):
            call.result(30)

    assert picture.passes == 2


def test_a_pass_under_way_does_not_count_for_who_comes_later(fleet):
    """It may have read before a write that the late-comer knows of."""
    picture, going, go_on = Picture(), threading.Event(), threading.Event()

    def apply(batch):
        going.set()
        assert go_on.wait(30)
        picture.apply(batch)

    follower = Follower(fleet, FleetReader(), apply)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(follower.catch_up)
        assert going.wait(30)
        claim(fleet, holding("guest", {"gpu0": {FB: 7}}))
        late = pool.submit(follower.catch_up)
        go_on.set()
        first.result(30)
        late.result(30)

    assert picture.used("gpu0") == 7


def test_a_pass_that_failed_is_its_callers_error_and_the_next_loads_anew(fleet):
    picture = Picture()
    failing = [True]

    def apply(batch):
        if failing:
            failing.clear()
            raise KeyError("no room")
        picture.apply(batch)

    follower = Follower(fleet, FleetReader(), apply)
    with pytest.raises(KeyError):
        follower.catch_up()
    follower.catch_up()

    assert (picture.reloads, picture.used("gpu0")) == (1, 0)


def test_a_reader_that_is_far_behind_loads_anew(fleet):
    picture = Picture()
    follower = Follower(fleet, FleetReader(), picture.apply)
    follower.catch_up()
    for number in range(5):
        fleet.write(lambda tx, n=number: append_change(tx, "thing", str(n), 1))
    fleet.write(lambda tx: prune_changes(tx, keep=1))
    claim(fleet, holding("guest", {"gpu0": {FB: 3}}))

    follower.catch_up()

    assert (picture.reloads, picture.used("gpu0")) == (2, 3)
    assert set(picture.objects) == {
        getattr(one, "name", None) or one.plan.uuid for one in fleet.read(read_fleet).changes
    }
