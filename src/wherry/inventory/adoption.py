"""Whose a host's providers are: a report gives way to who reports the same hardware already.

Nova names a host's root after the host and its devices ``HOST_0000:81:00.0`` (PCI devices) or
``HOST_pci_0000_81_00_0`` (parents of vGPUs).  Where such a root exists, a report adds no root of
its own: its devices stand below that one, by names that Nova does not use, so that Nova never
takes them for its own.  A device that stands there already is counted there, and nowhere else.
Where no such root exists, a report makes its own (``roots = own``), or waits for it unpublished
(``roots = external``).

Source: design, section 6 ("Every provider has one owner"); Nova, "PCI passthrough" and "Virtual
GPU" of its administrator's guide.
"""

import re
from collections.abc import Collection
from typing import Final, Literal

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.findings import finding
from wherry.model.inventory import Finding, HostPlan, PlannedProvider

Roots = Literal["own", "external"]

APART: Final = "wherry"
"""Stands behind the host in the names of providers below a root of Nova's."""


def adopt(plan: HostPlan, root: str | None, names: Collection[str], roots: Roots) -> HostPlan:
    """Leave out of a plan what others count already, and put the rest below their root.

    Args:
        plan: all that the report says.
        root: uuid of the root that a client has made for the host; None where there is none.
        names: of the providers that clients have below it.
        roots: whether the report makes a root where no client has.
    """
    if root is None:
        return plan if roots == "own" else replace(plan, providers=())
    taken = {each.uuid for each in plan.providers if nova_names(plan.host, each) & {*names}}
    own = {each.uuid for each in plan.providers if each.parent is None}
    # What stands below a device goes with it: unequal VFs of a function that is counted there.
    for each in plan.providers:
        if each.parent in taken:
            taken.add(each.uuid)
    return replace(
        plan,
        providers=tuple(
            _below(each, plan.host, root if each.parent in own else each.parent)
            for each in plan.providers
            if each.uuid not in taken | own
        ),
        findings=(
            *plan.findings,
            *(_counted(each) for each in plan.providers if each.uuid in taken),
        ),
    )


def nova_names(host: str, provider: PlannedProvider) -> set[str]:
    """Give the names that Nova has for the devices of a provider: itself, and its VFs."""
    devices = [*([] if provider.device is UNSET else [provider.device]), *provider.slots]
    return {
        name
        for device in devices
        for name in (f"{host}_{device}", f"{host}_pci_{re.sub('[:.]', '_', device)}")
    }


def _below(provider: PlannedProvider, host: str, parent: str | None) -> PlannedProvider:
    name = f"{host}_{APART}{provider.name.removeprefix(host)}"
    return replace(provider, name=name, parent=parent)


def _counted(provider: PlannedProvider) -> Finding:
    device = None if provider.device is UNSET else provider.device
    return finding("COUNTED_ELSEWHERE", device, provider.name)
