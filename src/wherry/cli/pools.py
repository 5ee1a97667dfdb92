"""What driver profiles make of a host's devices: the pools that types share, and findings.

The same derivation as in the service, so that what is shown here is what would be inventory.
"""

from collections.abc import Mapping
from typing import NamedTuple

from wherry.inventory.derive import plan_host
from wherry.inventory.views import is_closed, pool_free, seen_use
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Facts, Report
from wherry.model.inventory import Finding, Inventory, PlannedProvider
from wherry.profiles.library import Profiles


class PoolLine(NamedTuple):
    """One pool of a device, as a person reads it.

    Attributes:
        name: resource class.
        total: units there are.
        reserved: units that nobody can claim.
        free: units left, by what the host itself shows.
        types: names of the types that draw on it.
        closed: how many of them what is in use excludes.
    """

    name: str
    total: int
    reserved: int
    free: int
    types: tuple[str, ...]
    closed: int = 0


class Derived(NamedTuple):
    """What a host's facts become, by device.

    Attributes:
        refused: why the facts cannot become inventory; empty where they can.
    """

    pools: Mapping[str, tuple[PoolLine, ...]] = {}
    findings: Mapping[str, tuple[Finding, ...]] = {}
    refused: str = ""


def derive(facts: Facts, profiles: Profiles) -> Derived:
    """Say what pools the devices of a host have, and what the derivation noticed."""
    report = Report(
        schema="wherry.report/1",
        host="host",
        boot_id="inspected",
        sequence=0,
        observed_at="1970-01-01T00:00:00Z",
        facts=facts,
    )
    try:
        plan = plan_host(report, profiles)
    except ReportContradicts as error:
        return Derived(refused=str(error))
    pools: dict[str, tuple[PoolLine, ...]] = {}
    for one in plan.providers:
        if isinstance(one.device, str):
            pools[one.device] = (*pools.get(one.device, ()), *_lines(one))
    findings: dict[str, tuple[Finding, ...]] = {}
    for noticed in plan.findings:
        if isinstance(noticed.device, str):
            findings[noticed.device] = (*findings.get(noticed.device, ()), noticed)
    return Derived(pools=pools, findings=findings)


def _lines(provider: PlannedProvider) -> tuple[PoolLine, ...]:
    return tuple(_line(provider, *one) for one in sorted(provider.inventories.items()))


def _line(provider: PlannedProvider, name: str, inventory: Inventory) -> PoolLine:
    use = seen_use(provider)
    types = tuple(
        one.type
        for one in provider.offers
        if isinstance(one.type, str) and isinstance(one.units, dict) and name in one.units
    )
    return PoolLine(
        name=name,
        total=inventory.total,
        reserved=inventory.reserved,
        free=pool_free(provider, use, name),
        types=types,
        closed=sum(is_closed(provider, use, one) for one in types),
    )
