"""What a host must have for a guest beside its devices: state, tenant, root, resources.

Each function names what is in the way as findings, so that they stand among those of the
specification's rules.  `bits_in_the_way` says the same in codes alone, of a whole fleet at once.

Source: design, section 7 (filters); docs/reference/scheduler-reasons.md.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wherry.compat.table import Finding
from wherry.inventory.host_columns import MOST, HostColumns, Limits, Standing, limits_of
from wherry.inventory.host_view import HostView
from wherry.model.inventory import TENANTS
from wherry.schedule.reasons import cause

_SAME_HOST: Final = cause("SAME_HOST")
_HOST_STATE: Final = cause("HOST_STATE")
_TENANT: Final = cause("HOST_TENANT")
_UNPUBLISHED: Final = cause("HOST_UNPUBLISHED")
_RESOURCES: Final = cause("HOST_RESOURCES")
_UNSETTLED: Final = cause("DEVICES_UNSETTLED")

BITS: Final[Mapping[str, int]] = {
    each.code: 1 << number
    for number, each in enumerate(
        (
            *(_HOST_STATE, _TENANT, _UNPUBLISHED, _RESOURCES, _UNSETTLED, _SAME_HOST),
            *(cause("HOST_APART"), cause("HOST_TOGETHER"), cause("HOST_AGGREGATE")),
            cause("HOST_MEMBER_OF"),
        )
    )
}
"""Code to its bit."""
Bits = np.uint16
"""Holds them all."""


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


def bits_in_the_way(
    columns: HostColumns, tenant: str, resources: Mapping[str, int]
) -> NDArray[Bits]:
    """Say for every host which codes of `check_host` it has, and whether devices are unsettled.

    Returns:
        uint16[N]: bits of `BITS`.

    Cost: O(N x classes asked), no Python loop over hosts.
    """
    standings = columns.tables.standings.values
    bits = np.array([_bits_of(each, tenant) for each in standings], Bits)[columns.standings]
    lacking = np.zeros(len(columns), np.bool_)
    for name, amount in resources.items():
        if amount > 0:
            lacking |= ~_have_room(columns, name, amount)
    bits[lacking] |= BITS[_RESOURCES.code]
    return bits


def _bits_of(standing: Standing, tenant: str) -> int:
    codes = {
        _HOST_STATE.code: standing.state != "enabled",
        _TENANT.code: standing.tenants is not None and tenant not in _names(standing.tenants),
        _UNPUBLISHED.code: not standing.has_root,
        _UNSETTLED.code: standing.is_unsettled,
    }
    return sum(BITS[code] for code, is_given in codes.items() if is_given)


def _have_room(columns: HostColumns, resource_class: str, amount: int) -> NDArray[np.bool_]:
    """Say of every host what `has_room` says of one."""
    limits = columns.tables.limits.values
    fits = np.array([_allows(each, amount) for each in limits], np.bool_)
    free = columns.amount("root_free", resource_class)
    return (free >= min(amount, MOST)) & fits[columns.amount("root_limits", resource_class)]


def _allows(limits: Limits | None, amount: int) -> bool:
    if limits is None:
        return True
    in_bounds = limits.min_unit <= amount <= limits.max_unit
    return in_bounds and amount % limits.step_size == 0


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
    return limits is None or _allows(limits_of(limits), amount)


def _tenants_of(host: HostView) -> list[str]:
    return _names(host.record.labels[TENANTS])


def _names(listed: str) -> list[str]:
    return sorted(name.strip() for name in listed.split(",") if name.strip())
