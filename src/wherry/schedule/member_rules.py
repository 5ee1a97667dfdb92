"""Whether hosts are in the aggregates that a question names.

A host is in an aggregate if its root provider is: what other providers of the host belong to
says nothing here.

Source: Placement API reference, `member_of`; docs/reference/targets.md.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wherry.compat.table import Finding
from wherry.inventory.host_columns import HostColumns, rows_of
from wherry.model.bounds import Membership, Restriction
from wherry.schedule.reasons import cause

_MEMBER_OF: Final = cause("HOST_MEMBER_OF")
_NOWHERE: Final[frozenset[str]] = frozenset()


def check_members(host: str, members: Membership) -> list[Finding]:
    """Name what of the aggregates that are asked for a host does not meet (R81)."""
    there = members.hosts.get(host, _NOWHERE)
    return [
        (_MEMBER_OF, {"wanted": each.text, "offered": sorted(there)})
        for each in members.asked
        if not each.allows(there)
    ]


def find_outside(members: Membership, columns: HostColumns) -> Iterator[NDArray[np.bool_]]:
    """Say of every host, for each thing that is asked, whether it does not meet it: bool[N].

    Cost: a look-up for each host that is in an aggregate which is asked about.
    """
    for each in members.asked:
        outside = np.full(len(columns), not each.is_forbidden)
        outside[rows_of(columns, _in_one(each, members))] = each.is_forbidden
        yield outside


def _in_one(asked: Restriction, members: Membership) -> Iterator[str]:
    return (host for host, there in members.hosts.items() if not asked.aggregates.isdisjoint(there))
