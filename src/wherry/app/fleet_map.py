"""The fleet at a glance, for those who look at it rather than ask it."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from wherry.app.engine import Engine
from wherry.inventory.host_view import HostView
from wherry.inventory.mapping import Keep
from wherry.model.fleet_map import FleetMap, MapKind
from wherry.model.inventory import HostState, Value


class MapFilter(Value, frozen=True, kw_only=True):
    """What is to be shown; what is left out shows all."""

    label: tuple[str, str] | UnsetType = UNSET
    """Hosts with this label of this value."""
    state: HostState | UnsetType = UNSET
    type: str | UnsetType = UNSET
    """Devices that offer this type, and the hosts that have one; so for what follows."""
    feature: str | UnsetType = UNSET
    driver: str | UnsetType = UNSET


EVERYTHING = MapFilter()


def make_filter(asked: Mapping[str, str]) -> MapFilter:
    """Read what is asked for from words: ``label`` as ``rack=r7``, the others as they stand."""
    said = {name: value for name, value in asked.items() if name != "label"}
    label = asked.get("label")
    if label is None:
        return msgspec.convert(said, MapFilter)
    name, _, value = label.partition("=")
    return msgspec.convert({**said, "label": (name, value)}, MapFilter)


def draw_map(engine: Engine, asked: MapFilter = EVERYTHING) -> FleetMap:
    """Map the hosts that are asked for."""
    hosts = list(engine.view())
    with engine.mapping:
        engine.mapper.forget_all_but(hosts)
        return engine.mapper.draw([h for h in hosts if _is_asked(h, asked)], _keep(asked))


def draw_changed(
    engine: Engine, refs: Sequence[str], asked: MapFilter = EVERYTHING
) -> tuple[FleetMap, tuple[str, ...]]:
    """Map the hosts that these are, or that have these providers.

    Args:
        refs: names of hosts and uuids of providers, as `GET /wherry/changes` tells them.

    Returns:
        The map of those that are asked for, and the names of those that are gone or are not.
    """
    view = engine.view()
    names = {engine.fleet.home_of(ref) or ref for ref in refs}
    found = [host for name in names if (host := view.get(name)) is not None]
    with engine.mapping:
        drawn = engine.mapper.draw([h for h in found if _is_asked(h, asked)], _keep(asked))
    shown = {host.name for host in drawn.hosts}
    return drawn, tuple(sorted(names - shown))


def _is_asked(host: HostView, asked: MapFilter) -> bool:
    record = host.record
    if asked.label is not UNSET and record.labels.get(asked.label[0]) != asked.label[1]:
        return False
    return asked.state is UNSET or record.state == asked.state


def _keep(asked: MapFilter) -> Keep | None:
    """Make what chooses among kinds of devices; None where nothing is asked of them."""
    if asked.type is UNSET and asked.feature is UNSET and asked.driver is UNSET:
        return None

    def keep(kind: MapKind) -> bool:
        return (
            (asked.type is UNSET or asked.type in kind.types)
            and (asked.feature is UNSET or asked.feature in kind.features)
            and (asked.driver is UNSET or asked.driver == kind.driver)
        )

    return keep
