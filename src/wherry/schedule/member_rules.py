"""Whether hosts are in the aggregates that a question names.

A host is in an aggregate if its root provider is: what other providers of the host belong to
says nothing here.

Source: Placement API reference, `member_of`; docs/reference/targets.md.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wherry.compat.table import Finding
from wherry.inventory.host_columns import HostColumns
from wherry.model.bounds import Membership
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

    Cost: a look-up for each host that is in an aggregate; what is asked is held against each set of
    aggregates once.
    """
    if not members.asked:
        return
    hosts = members.hosts
    sets = dict.fromkeys((_NOWHERE, *hosts.values()))
    number_of = {there: number for number, there in enumerate(sets)}
    numbers = np.fromiter(map(number_of.__getitem__, hosts.values()), np.int64, len(hosts))
    rows = np.fromiter(map(columns.row_of.get, hosts, repeat(-1)), np.int64, len(hosts))
    set_of = np.zeros(len(columns), np.int64)
    set_of[rows[rows >= 0]] = numbers[rows >= 0]
    for each in members.asked:
        yield np.array([not each.allows(there) for there in sets], np.bool_)[set_of]
