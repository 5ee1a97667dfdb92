"""What the groups of a guest make of a host: kept apart from it, or wished for.

`check_groups` names what is in the way on one host, `hosts_in_the_way` says the same of the
fleet, by name.

Source: design, section 7 (filters); docs/reference/targets.md.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wherry.compat.table import Finding
from wherry.inventory.host_columns import HostColumns, rows_of
from wherry.model.groups import Neighbours, Placed
from wherry.schedule.reasons import cause

Wished = tuple[float, Mapping[str, float]]
"""What a host without any of the guest's soft groups has, and host to what it has otherwise."""

_APART: Final = cause("HOST_APART")
_TOGETHER: Final = cause("HOST_TOGETHER")


def check_groups(host: str, neighbours: Neighbours) -> list[Finding]:
    """Name the groups that keep a guest off a host (R81)."""
    return [
        *(
            (_APART, {"group": each.group.id, "wanted": each.group.most, "offered": there})
            for each in neighbours
            if (there := _crowd(each, host))
        ),
        *(
            (_TOGETHER, {"group": each.group.id, "wanted": sorted(each.hosts)})
            for each in neighbours
            if _is_bound(each) and host not in each.hosts
        ),
    ]


def full_hosts(neighbours: Neighbours) -> frozenset[str]:
    """Name the hosts that have as many of a group as may be on one."""
    return frozenset(host for each in neighbours for host in each.hosts if _crowd(each, host))


def shared_hosts(neighbours: Neighbours) -> frozenset[str] | None:
    """Name the hosts that all groups allow that keep together; None where any host will do."""
    bound = [frozenset(each.hosts) for each in neighbours if _is_bound(each)]
    return frozenset.intersection(*bound) if bound else None


def objections(neighbours: Neighbours, columns: HostColumns) -> Iterator[NDArray[np.int64]]:
    """Say of every host, group by group, how much keeps the guest off it; 0 where nothing does.

    Returns:
        int64[N] for each group that may keep a guest off: how many of it are there already, if
        these are as many as may be; of one that keeps together 1, if none is there.
    """
    for each in neighbours:
        if _is_bound(each):
            found = np.ones(len(columns), np.int64)
            found[rows_of(columns, each.hosts)] = 0
            yield found
        elif each.group.policy == "anti-affinity":
            found = np.zeros(len(columns), np.int64)
            for host in each.hosts:
                found[rows_of(columns, (host,))] = _crowd(each, host)
            yield found


def wishes(neighbours: Neighbours) -> Wished:
    """Say how well hosts go with the soft groups: from 0 to 1, the mean over these groups."""
    soft = [each for each in neighbours if each.group.policy.startswith("soft")]
    if not soft:
        return 0.0, {}
    empty = sum(_wish(each, 0) for each in soft) / len(soft)
    hosts = sorted({host for each in soft for host in each.hosts})
    return empty, {
        host: sum(_wish(each, each.hosts.get(host, 0)) for each in soft) / len(soft)
        for host in hosts
    }


def _wish(placed: Placed, there: int) -> float:
    others = sum(placed.hosts.values())
    share = there / others if others else 0.0
    return share if placed.group.policy == "soft-affinity" else 1.0 - share


def _crowd(placed: Placed, host: str) -> int:
    """How many of a group that keeps apart are there, if these are as many as may be; else 0."""
    there = placed.hosts.get(host, 0)
    is_full = placed.group.policy == "anti-affinity" and there >= placed.group.most
    return there if is_full else 0


def _is_bound(placed: Placed) -> bool:
    return placed.group.policy == "affinity" and bool(placed.hosts)
