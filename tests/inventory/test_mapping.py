"""The fleet at a glance: rows kept from one look to the next say what the hosts say."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schedule_worlds import fleets
from wherry.inventory.fleet import Fleet
from wherry.inventory.mapping import FleetMapper, device_name, is_device, kind_of
from wherry.model.changes import Removed
from wherry.model.fleet_map import FleetMap, MapKind


def spelt(drawn: FleetMap) -> list[tuple]:
    """What a map says without its tables."""
    return [
        (
            host.name,
            host.state,
            host.labels,
            [(drawn.names[each.name], drawn.kinds[each.kind], each.held) for each in host.devices],
        )
        for host in drawn.hosts
    ]


def plainly(fleet: Fleet, keep=None) -> list[tuple]:
    """The same, device by device from the hosts themselves."""
    told = []
    for host in sorted(fleet.view, key=lambda each: each.name):
        devices = []
        for provider in host.providers:
            kind = kind_of(provider)
            if is_device(provider) and (keep is None or keep(kind)):
                held = tuple(provider.record.use.held(pool.name) for pool in kind.pools)
                devices.append((device_name(provider), kind, held))
        if keep is None or devices:
            told.append((host.name, host.record.state, host.record.labels, devices))
    return told


@given(st.lists(fleets(3), min_size=1, max_size=4), st.data())
def test_a_map_is_that_of_a_fleet_looked_at_for_the_first_time(worlds, data):
    fleet, mapper = Fleet(), FleetMapper()
    for generation, world in enumerate(worlds, start=1):
        fleet.apply(replace(each, generation=generation) for host in world for each in host)
        gone = data.draw(st.sampled_from(["host0", "host1", "nobody"]))
        fleet.apply([Removed(what="host", key=gone, generation=generation)])
        hosts = list(fleet.view)
        mapper.forget_all_but(hosts)
        assert spelt(mapper.draw(hosts)) == plainly(fleet)
        types = sorted({name for host in plainly(fleet) for _, k, _ in host[3] for name in k.types})
        if types:
            wanted = data.draw(st.sampled_from(types))

            def keep(kind: MapKind, wanted: str = wanted) -> bool:
                return wanted in kind.types

            assert spelt(mapper.draw(hosts, keep)) == plainly(fleet, keep)
            assert plainly(fleet, keep)
