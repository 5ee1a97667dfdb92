"""Every host of the fleet decided at once: whether it takes a guest, and what keeps it out.

Letters of shapes: N hosts of the fleet.

Source: design, sections 4 and 7; docs/reference/targets.md.
"""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.host_columns import HostColumns, rows_of
from wherry.schedule.classes import AtDevices, find_at_devices, find_at_facts
from wherry.schedule.group_rules import full_hosts, shared_hosts
from wherry.schedule.host_rules import BITS, Bits
from wherry.schedule.host_rules import bits_in_the_way as bits_of_hosts
from wherry.schedule.member_rules import find_outside
from wherry.schedule.memory import Found
from wherry.schedule.question import WEIGHT, Question

_UNSETTLED = BITS["DEVICES_UNSETTLED"]
_SAME_HOST = BITS["SAME_HOST"]
_APART = Bits(BITS["HOST_APART"])
_TOGETHER = Bits(BITS["HOST_TOGETHER"])
_AGGREGATE = Bits(BITS["HOST_AGGREGATE"])
_MEMBER_OF = Bits(BITS["HOST_MEMBER_OF"])
_ALL_BITS = 1 << len(BITS)


class Decision(NamedTuple):
    """What every host of the fleet says to one question."""

    columns: HostColumns
    found: AtDevices
    at_devices: list[Found]
    at_facts: list[Found]
    """By the number of the facts."""
    own: NDArray[Bits]
    """[N], bits of what of the host itself is in the way."""
    weight: NDArray[np.int64]
    """[N], of the verdict on devices and facts: 0 ok, 1 warn, 2 unknown, 3 no."""
    takes: NDArray[np.bool_]
    """[N]"""

    @property
    def devices(self) -> NDArray[np.int64]:
        """[N], numbers of `at_devices`."""
        return self.found.number

    @property
    def downtime_ms(self) -> NDArray[np.float64]:
        """[N], as estimated; not a number where it cannot be."""
        by_number = [found.downtime_ms for found in self.at_devices]
        return np.array(by_number, np.float64)[self.devices]

    @property
    def nearness(self) -> NDArray[np.float64]:
        """[N], how well the NUMA nodes go with what is asked."""
        by_number = [found.nearness for found in self.at_devices]
        return np.array(by_number, np.float64)[self.devices]


def decide(question: Question, columns: HostColumns) -> Decision:
    """Decide for every host whether it takes the guest.

    Cost: O(hosts x devices) in columns; in Python, what is new of islands and combinations.
    """
    found = find_at_devices(question, columns)
    devices = found.number
    at_devices, at_facts = list(question.memory.founds), find_at_facts(question, columns)
    weight = np.maximum(_weights(at_devices)[devices], _weights(at_facts)[columns.facts])
    own = _own_bits(question, columns, settled=_mapped(at_devices)[devices])
    takes = accepted_weights(question.policy.accept)[weight] & (own == 0)
    return Decision(columns, found, at_devices, at_facts, own, weight, takes)


def accepted_weights(accept: Collection[str]) -> NDArray[np.bool_]:
    """Say of each weight of a verdict whether it is accepted: bool[4]."""
    return np.array([verdict == "ok" or verdict in accept for verdict in WEIGHT], np.bool_)


def count_codes(decision: Decision, refusing: NDArray[np.int64]) -> dict[str, int]:
    """Count hosts by code, the most telling first; a host counts once for each of its codes.

    Args:
        decision: on the fleet.
        refusing: rows of those to count.
    """
    counts: Counter[str] = Counter()
    facts = len(decision.at_facts)
    keys = decision.devices[refusing] * facts + decision.columns.facts[refusing]
    keys = keys * _ALL_BITS + decision.own[refusing]
    for key, hosts in zip(*_tally(keys), strict=True):
        rest, own = divmod(key, _ALL_BITS)
        for code in _codes(decision, *divmod(rest, facts), own):
            counts[code] += hosts
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _codes(decision: Decision, devices: int, facts: int, own: int) -> frozenset[str]:
    of_host = {code for code, bit in BITS.items() if own & bit}
    if own & _SAME_HOST:
        return frozenset(of_host)
    return decision.at_devices[devices].codes.union(decision.at_facts[facts].codes, of_host)


def _tally(keys: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    distinct, counts = np.unique(keys, return_counts=True)
    return distinct.tolist(), counts.tolist()


def _own_bits(
    question: Question, columns: HostColumns, *, settled: NDArray[np.bool_]
) -> NDArray[Bits]:
    guest = question.guest
    own = bits_of_hosts(columns, guest.tenant, guest.resources)
    # Devices that offer nothing yet might have served only where the others did not.
    taken = "unknown" in question.policy.accept
    own[settled | taken] &= Bits(_ALL_BITS - 1 - _UNSETTLED)
    _keep_off(question, columns, own)
    home = columns.row_of.get(guest.host)
    if home is not None:
        own[home] = _SAME_HOST
    return own


def _keep_off(question: Question, columns: HostColumns, own: NDArray[Bits]) -> None:
    """Note what the guest's groups keep it off, other tenants' aggregates, and those asked for."""
    bounds = question.bounds
    own[rows_of(columns, bounds.closed)] |= _AGGREGATE
    for outside in find_outside(bounds.members, columns):
        own[outside] |= _MEMBER_OF
    own[rows_of(columns, full_hosts(bounds.neighbours))] |= _APART
    shared = shared_hosts(bounds.neighbours)
    if shared is not None:
        others = np.ones(len(columns), np.bool_)
        others[rows_of(columns, shared)] = False
        own[others] |= _TOGETHER


def _mapped(founds: list[Found]) -> NDArray[np.bool_]:
    return np.array([found.is_mapped for found in founds], np.bool_)


def _weights(founds: list[Found]) -> NDArray[np.int64]:
    return np.array([WEIGHT[found.verdict] for found in founds], np.int64)
