"""The fleet at a glance: hosts and devices as rows of small numbers.

A host's rows are made once for each moment of it: who looks again pays for the hosts that
have changed since.  Tables only grow, and hold what is distinct.
"""

from collections.abc import Callable, Collection, Iterable
from itertools import chain

from msgspec import UNSET

from wherry.inventory.columns.interned import Interned
from wherry.inventory.host_view import HostView, ProviderView
from wherry.model.device import Offer
from wherry.model.fleet_map import FleetMap, MapDevice, MapHost, MapKind, MapPool

Keep = Callable[[MapKind], bool]
"""Whether devices of a kind are asked for."""


class FleetMapper:
    """Makes maps; one thread at a time."""

    def __init__(self) -> None:
        self._names: Interned[str] = Interned()
        self._kinds: Interned[MapKind] = Interned()
        self._hosts: dict[str, tuple[HostView, MapHost]] = {}

    def draw(self, hosts: Iterable[HostView], keep: Keep | None = None) -> FleetMap:
        """Map these hosts, by name.

        Args:
            keep: leaves out all other devices, and the hosts that have none then.

        Cost: O(devices of hosts that are other than when they were last mapped), and with
        *keep* a look at each device.
        """
        rows: Iterable[MapHost] = (
            self._host(host) for host in sorted(hosts, key=lambda each: each.name)
        )
        if keep is not None:
            rows = self._chosen(list(rows), keep)
        drawn = tuple(rows)
        return FleetMap(
            names=tuple(self._names.values), kinds=tuple(self._kinds.values), hosts=drawn
        )

    def forget_all_but(self, hosts: Collection[HostView]) -> None:
        """Let the rows of hosts go that are no more."""
        if len(self._hosts) > len(hosts):
            known = {host.name for host in hosts}
            self._hosts = {name: row for name, row in self._hosts.items() if name in known}

    def _host(self, view: HostView) -> MapHost:
        known = self._hosts.get(view.name)
        if known is not None and known[0] is view:
            return known[1]
        drawn = MapHost(
            name=view.name,
            state=view.record.state,
            labels=view.record.labels,
            devices=tuple(self._device(each) for each in view.providers if is_device(each)),
        )
        self._hosts[view.name] = (view, drawn)
        return drawn

    def _device(self, provider: ProviderView) -> MapDevice:
        kind = kind_of(provider)
        return MapDevice(
            self._names.intern(device_name(provider)),
            self._kinds.intern(kind),
            tuple(provider.taken(pool.name) for pool in kind.pools),
        )

    def _chosen(self, hosts: list[MapHost], keep: Keep) -> Iterable[MapHost]:
        kept = {number for number, kind in enumerate(self._kinds.values) if keep(kind)}
        for host in hosts:
            devices = tuple(each for each in host.devices if each.kind in kept)
            if devices:
                yield MapHost(name=host.name, state=host.state, labels=host.labels, devices=devices)


def is_device(provider: ProviderView) -> bool:
    """Whether a provider stands for a device, not for the host or a part of it."""
    plan = provider.record.plan
    return plan.device is not UNSET or bool(plan.offers)


def device_name(provider: ProviderView) -> str:
    """Name a device as the host does, and as its provider is called where that is not known."""
    plan = provider.record.plan
    return plan.name if plan.device is UNSET else plan.device


def kind_of(provider: ProviderView) -> MapKind:
    """Say what a device has in common with others."""
    plan = provider.record.plan
    offers = [shape.value for shape in provider.shapes]
    return MapKind(
        driver=next((name for offer in offers if (name := _driver(offer)) is not None), None),
        types=tuple(sorted({offer.type for offer in offers if offer.type is not None})),
        features=tuple(sorted(set(chain.from_iterable(map(_features, offers))))),
        pools=tuple(
            MapPool(name=name, capacity=inventory.capacity)
            for name, inventory in sorted(plan.inventories.items())
            if name not in plan.views
        ),
        note=None if plan.note is UNSET else plan.note,
    )


def _driver(offer: Offer) -> str | None:
    known = None if offer.parent is UNSET else offer.parent.driver
    return known if isinstance(known, str) else None


def _features(offer: Offer) -> Iterable[str]:
    return offer.features if isinstance(offer.features, dict) else ()
