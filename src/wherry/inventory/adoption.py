"""Whose a host's providers are: a report gives way to who reports the same hardware already.

Nova names a host's root after the host.  Where such a root exists, a report adds no root of its
own: its devices stand below that one, by names that Nova does not use, so that Nova never takes
them for its own.  A device that Nova has a provider for is counted there, and nowhere else: what
the report knows of it is attached to that provider.  Where no such root exists, a report makes
its own (``roots = own``), or waits for it unpublished (``roots = external``).

Source: design, section 6 ("Every provider has one owner").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.attaching import Device, attach
from wherry.inventory.counted import Apart, ClientProvider
from wherry.inventory.findings import finding
from wherry.inventory.nova import provider_names
from wherry.model.inventory import Attachment, Finding, HostPlan, PlannedProvider

Roots = Literal["own", "external"]

APART: Final = "wherry"
"""Stands behind the host in the names of providers below a root of Nova's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTree:
    """What a client has made for a host.

    Attributes:
        root: uuid of the root.
        providers: the client's, below it.
        apart: uuid of a provider that the report has, or had, to what is held on it.
    """

    root: str
    providers: tuple[ClientProvider, ...] = ()
    apart: Mapping[str, Apart] = field(default_factory=dict)


def adopt(plan: HostPlan, tree: ClientTree | None, roots: Roots) -> HostPlan:
    """Attach to clients' providers what they count already, and put the rest below their root.

    Args:
        plan: all that the report says.
        tree: what a client has made for the host; None where it has no root there.
        roots: whether the report makes a root where no client has.
    """
    if tree is None:
        return plan if roots == "own" else replace(plan, providers=())
    homes = _homes(plan, tree)
    own = {each.uuid for each in plan.providers if each.parent is None}
    attached: list[Attachment] = []
    findings: list[Finding] = []
    for uuid in dict.fromkeys(homes.values()):
        parts = [each for each in plan.providers if homes.get(each.uuid) == uuid]
        device = Device(plan.host, parts, _counting(plan.host, parts, tree), tree.apart)
        more, noticed = attach(device)
        attached += more
        findings += [*(_counted(each) for each in parts), *noticed]
    return replace(
        plan,
        providers=tuple(
            _below(each, plan.host, tree.root if each.parent in own else each.parent)
            for each in plan.providers
            if each.uuid not in homes and each.uuid not in own
        ),
        findings=(*plan.findings, *findings),
        attached=tuple(attached),
    )


def _homes(plan: HostPlan, tree: ClientTree) -> dict[str, str]:
    """Name the providers that clients count, each with the one that its device is.

    That is itself, or what it stands below, as unequal VFs of a function that is counted.
    """
    names = {each.name for each in tree.providers}
    homes: dict[str, str] = {}
    for each in plan.providers:
        if each.parent is not None and each.parent in homes:
            homes[each.uuid] = homes[each.parent]
        elif provider_names(plan.host, each) & names:
            homes[each.uuid] = each.uuid
    return homes


def _counting(
    host: str, parts: list[PlannedProvider], tree: ClientTree
) -> tuple[ClientProvider, ...]:
    names = {name for part in parts for name in provider_names(host, part)}
    return tuple(
        sorted((one for one in tree.providers if one.name in names), key=lambda one: one.name)
    )


def _below(provider: PlannedProvider, host: str, parent: str | None) -> PlannedProvider:
    name = f"{host}_{APART}{provider.name.removeprefix(host)}"
    return replace(provider, name=name, parent=parent)


def _counted(provider: PlannedProvider) -> Finding:
    device = None if provider.device is UNSET else provider.device
    return finding("COUNTED_ELSEWHERE", device, provider.name)
