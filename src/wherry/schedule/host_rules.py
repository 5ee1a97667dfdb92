"""What a host must have for a guest beside its devices: state, tenant, root, resources.

Each function names what is in the way as findings, so that they stand among those of the
specification's rules.  `codes_in_the_way` says the same in codes alone, for counting over a
whole fleet.

Source: design, section 7 (filters); docs/reference/scheduler-reasons.md.
"""

from collections.abc import Mapping
from typing import Final

from wherry.compat.table import Finding
from wherry.inventory.host_view import HostView
from wherry.schedule.reasons import cause

_SAME_HOST: Final = cause("SAME_HOST")
_HOST_STATE: Final = cause("HOST_STATE")
_TENANT: Final = cause("HOST_TENANT")
_UNPUBLISHED: Final = cause("HOST_UNPUBLISHED")
_RESOURCES: Final = cause("HOST_RESOURCES")
_UNSETTLED: Final = cause("DEVICES_UNSETTLED")


TENANTS: Final = "tenants"
"""Label of a host that takes guests of these tenants alone, listed with commas."""


def check_host(host: HostView, tenant: str, resources: Mapping[str, int]) -> list[Finding]:
    """Name what of state, tenant, root and resources is in the way (R81 to R83).

    Args:
        host: the host.
        tenant: the guest's; empty where it has none.
        resources: class to units that the guest takes of the host's own provider.
    """
    found: list[Finding] = []
    if host.record.state != "enabled":
        found.append((_HOST_STATE, {"wanted": "enabled", "offered": host.record.state}))
    if not takes_tenant(host, tenant):
        found.append((_TENANT, {"wanted": tenant or None, "offered": _tenants_of(host)}))
    if host.root is None:
        found.append((_UNPUBLISHED, {}))
    for name, amount in resources.items():
        if not has_room(host, name, amount):
            free = host.root_room.get(name, 0)
            detail = {"resource_class": name, "wanted": amount, "offered": free}
            found.append((_RESOURCES, detail))
    return found


def check_unsettled(host: HostView, *, is_mapped: bool) -> list[Finding]:
    """Say that devices without offers might have served, where nothing else did (R84)."""
    if is_mapped or not host.unsettled:
        return []
    return [(_UNSETTLED, {"devices": sorted(host.unsettled)})]


def same_host() -> list[Finding]:
    """Say that the guest is there already (R80)."""
    return [(_SAME_HOST, {})]


def codes_in_the_way(host: HostView, tenant: str, resources: Mapping[str, int]) -> tuple[str, ...]:
    """Give the codes of `check_host`, each once, without making its findings."""
    codes: tuple[str, ...] = ()
    if host.record.state != "enabled":
        codes = (_HOST_STATE.code,)
    if host.record.labels and not takes_tenant(host, tenant):
        codes = (*codes, _TENANT.code)
    if host.root is None:
        codes = (*codes, _UNPUBLISHED.code)
    room, limits = host.root_room, host.root_limits
    for name, amount in resources.items():
        # Of an over-full class less than nothing is free, and nothing can still be asked of it.
        if (limits or room.get(name, 0) < amount) and not has_room(host, name, amount):
            return (*codes, _RESOURCES.code)
    return codes


def takes_tenant(host: HostView, tenant: str) -> bool:
    """Whether the host is for everybody, or for this tenant among others."""
    return TENANTS not in host.record.labels or tenant in _tenants_of(host)


def has_room(host: HostView, resource_class: str, amount: int) -> bool:
    """Whether the host's own provider would allocate this amount of a class now."""
    if amount <= 0:
        return True
    if host.root_room.get(resource_class, 0) < amount:
        return False
    limits = host.root_limits.get(resource_class)
    if limits is None:
        return True
    in_bounds = limits.min_unit <= amount <= limits.max_unit
    return in_bounds and amount % limits.step_size == 0


def _tenants_of(host: HostView) -> list[str]:
    names = host.record.labels[TENANTS].split(",")
    return sorted(name.strip() for name in names if name.strip())
