"""What would open hosts that refuse a guest, and how many: minimal, and each one verified.

Every change is tried by asking the whole fleet again with it, by the same look-ups as the
question itself, so a remedy counts exactly the hosts that take the guest then.  What has to be
arranged on a host itself (its state, its tenants, room for the guest's resources) or in the
guest's groups goes with it as far as nothing less opens that host.

Source: design, section 7 and invariant 6; docs/reference/targets.md, "Remedies".
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final, NamedTuple

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from wherry.inventory.host_columns import HostColumns
from wherry.model.inventory import TENANTS
from wherry.model.targets import Relaxation, Remedy, What
from wherry.schedule.decide import Decision, accepted_weights, decide
from wherry.schedule.group_rules import check_groups, objections
from wherry.schedule.host_rules import BITS
from wherry.schedule.member_rules import check_members, find_outside
from wherry.schedule.question import Question
from wherry.schedule.relaxations import Variant, variants

LISTED: Final = 20
EXAMPLES: Final = 3
VALUES: Final = 10
"""A label with more values than these among the hosts of a remedy is not told."""

SHUT_DOWN: Final = Relaxation(what="mode", value="cold")

_ARRANGED: Final[Mapping[str, What]] = {
    "HOST_STATE": "state",
    "HOST_TENANT": "tenant",
    "HOST_AGGREGATE": "aggregate",
    "HOST_RESOURCES": "resources",
}
"""Code to what is to be arranged on the host itself."""

_OF_GROUPS: Final[Mapping[str, What]] = {"HOST_APART": "apart", "HOST_TOGETHER": "together"}
"""Code to what is to be arranged in a group."""

_OPENED: Final = frozenset({*_ARRANGED, *_OF_GROUPS, "HOST_MEMBER_OF"})
"""Codes of a host that something opens."""

_FOR_TENANT: Final = frozenset({"tenant", "aggregate"})

_SENTENCES: Final[Mapping[What, str]] = {
    "accept": "accept {value}",
    "mode": "move it in mode {value}",
    "downtime": "allow more downtime than {value} ms",
    "untracked_dma": "allow DMA that is not tracked",
    "postcopy": "do without post-copy",
    "replug": "unplug slot {value} and plug it in again there",
    "numa": "let its devices stand on any NUMA nodes",
    "without": "one device fewer, without slot {value}",
    "boot_as": "shut it down and boot it with {value}",
    "member_of": "do without aggregates {value}",
    "version": "have drivers there that support {value}",
    "room": "free room on the devices there",
    "state": "enable the hosts",
    "tenant": "open the hosts to tenant {value}",
    "aggregate": "let tenant {value} into the hosts' aggregates",
    "apart": "let group {value} have {most} on one host",
    "together": "keep group {value} together softly",
    "resources": "free room there for its resources",
}


class Opened(NamedTuple):
    """Changes and the hosts that they open together."""

    relax: tuple[Relaxation, ...]
    rows: NDArray[np.int64]


def find_remedies(
    question: Question,
    decision: Decision,
    refusing: NDArray[np.int64],
    codes: Mapping[str, int],
) -> tuple[Remedy, ...]:
    """Find what opens hosts that refuse the guest, those with fewest changes first.

    Args:
        question: as it was asked.
        decision: on it, of the whole fleet.
        refusing: rows of the hosts to open.
        codes: of the reasons of these.

    Cost: that of a question for each change that the codes give cause to try, at most some
    twenty; what is remembered of it makes it a look-up from the second time on.
    """
    tried = variants(question, decision.columns, codes)
    found = [
        *_arranged((), question, decision, refusing, _accepts(question, decision)),
        *_accepting(question, decision, refusing),
        *_with_changes(tried, question, decision, refusing),
    ]
    found.sort(key=lambda each: (len(each.relax), -len(each.rows)))
    return tuple(_remedy(each, decision.columns) for each in found[:LISTED])


def _accepts(question: Question, decision: Decision) -> NDArray[np.bool_]:
    """Say of every host whether its devices and facts are accepted."""
    return accepted_weights(question.policy.accept)[decision.weight]


def _severities(question: Question) -> list[tuple[int, tuple[Relaxation, ...]]]:
    """Give the weights of verdicts that could be accepted too, each with the change that does."""
    return [
        (weight, (Relaxation(what="accept", value=verdict),))
        for weight, verdict in enumerate(("ok", "warn", "unknown"))
        if weight and verdict not in question.policy.accept
    ]


def _accepting(
    question: Question, decision: Decision, refusing: NDArray[np.int64]
) -> Iterator[Opened]:
    """Accept more: what the verdict is does not hang on what is accepted."""
    for weight, change in _severities(question):
        yield from _arranged(change, question, decision, refusing, decision.weight == weight)


def _with_changes(
    tried: Sequence[Variant], question: Question, before: Decision, refusing: NDArray[np.int64]
) -> Iterator[Opened]:
    """Ask again with each change; what is open without it is none of its hosts."""
    without = _accepts(question, before)
    asked_again = [(each, decide(each.question, before.columns)) for each in tried]
    opened = [_accepts(each.question, after) for each, after in asked_again]
    # To boot it with another type is to shut it down too, which may do alone.
    shut_down = next((after for each, after in asked_again if each.change == SHUT_DOWN), before)
    down = without | _accepts(question, shut_down)
    for (each, after), alone in zip(asked_again, opened, strict=True):
        new = alone & ~(down if each.change.what == "boot_as" else without)
        yield from _arranged((each.change,), question, after, refusing, new)
    # Two changes only where no single one does, but for one that gives a device up.
    kept = [
        one
        for (each, _), one in zip(asked_again, opened, strict=True)
        if each.change.what != "without"
    ]
    for weight, accept in _severities(question):
        by_one = np.logical_or.reduce([without, before.weight == weight, *kept])
        for each, after in asked_again:
            new = (after.weight == weight) & ~by_one
            if each.change.what == "boot_as":
                new &= shut_down.weight != weight
            yield from _arranged((each.change, *accept), question, after, refusing, new)


def _arranged(
    change: tuple[Relaxation, ...],
    question: Question,
    decision: Decision,
    refusing: NDArray[np.int64],
    opened: NDArray[np.bool_],
) -> Iterator[Opened]:
    """Put hosts that a change opens together by what is to be arranged for them as well."""
    rows = refusing[opened[refusing]]
    for alike in _alike(rows, question, decision):
        codes = [code for code, bit in BITS.items() if decision.own[alike[0]] & bit]
        if (change or codes) and _OPENED.issuperset(codes):
            host = str(decision.columns.names[alike[0]])
            elsewhere = _outside(host, question)
            on_host = [_on_host(code, question) for code in codes if code in _ARRANGED]
            groups = _in_groups(host, question)
            yield Opened((*change, *elsewhere, *on_host, *groups), alike)


def _alike(
    rows: NDArray[np.int64], question: Question, decision: Decision
) -> Iterator[NDArray[np.int64]]:
    """Part rows by what of the host itself is in the way.

    Groups and their crowds count one by one, and so does what is asked of aggregates.
    """
    keys, bounds = decision.own[rows].astype(np.int64), question.bounds
    for column in (
        *find_outside(bounds.members, decision.columns),
        *objections(bounds.neighbours, decision.columns),
    ):
        found = column[rows].astype(np.int64)
        keys = keys * (int(found.max(initial=0)) + 1) + found
        # Numbered anew, so that many groups do not run out of bits.
        keys = np.unique(keys, return_inverse=True)[1]
    for key in np.unique(keys).tolist():
        yield rows[keys == key]


def _on_host(code: str, question: Question) -> Relaxation:
    what = _ARRANGED[code]
    return Relaxation(what=what, value=question.guest.tenant if what in _FOR_TENANT else UNSET)


def _outside(host: str, question: Question) -> Iterator[Relaxation]:
    """Name what of the aggregates that are asked for a host does not meet."""
    for _, detail in check_members(host, question.bounds.members):
        yield Relaxation(what="member_of", value=detail["wanted"])


def _in_groups(host: str, question: Question) -> Iterator[Relaxation]:
    """Name the least that lets the guest's groups have it on a host."""
    for cause, detail in check_groups(host, question.bounds.neighbours):
        what = _OF_GROUPS[cause.code]
        most = int(detail["offered"]) + 1 if what == "apart" else UNSET
        yield Relaxation(what=what, value=detail["group"], most=most)


def _remedy(opened: Opened, columns: HostColumns) -> Remedy:
    count = len(opened.rows)
    return Remedy(
        relax=opened.relax,
        hosts=count,
        examples=tuple(nsmallest(EXAMPLES, columns.names[opened.rows].tolist())),
        labels=_labels(opened.rows, columns),
        sentence=f"{_sentence(opened.relax)}: {count} {'host' if count == 1 else 'hosts'}",
    )


def _labels(rows: NDArray[np.int64], columns: HostColumns) -> dict[str, dict[str, int]]:
    """Count hosts by label and value, for labels with few values among them."""
    counts: dict[str, Counter[str]] = {}
    for number, hosts in zip(*np.unique(columns.labels[rows], return_counts=True), strict=True):
        for label, value in columns.tables.labels[number]:
            counts.setdefault(label, Counter())[value] += int(hosts)
    return {
        label: dict(sorted(values.items(), key=lambda each: (-each[1], each[0])))
        for label, values in sorted(counts.items())
        if label != TENANTS and len(values) <= VALUES
    }


def _sentence(relax: tuple[Relaxation, ...]) -> str:
    said = (
        _SENTENCES[each.what].format(value=each.value or "none", most=each.most) for each in relax
    )
    return ", and ".join(said)
