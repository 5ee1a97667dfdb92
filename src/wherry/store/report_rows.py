"""What a report asks of the database where it asks for little: as values, for both engines.

Most reports are of two kinds: the host is as it was, or it was never there.  Both are written
with a few bare statements, many reports together.  Whatever else a report is, it is looked at
with care, by `store.reports`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from wherry.model.facts import Report
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.bulk import Rows, columns_of
from wherry.store.new_providers import Names, classes_of, place, provider_rows, traits_of
from wherry.store.plans import order_plans


class Sighting(NamedTuple):
    """A report of which only this is new, if the digest is as stored."""

    host: str
    boot_id: str
    digest: str
    sequence: int
    observed_at: str
    now: float


class Seen(NamedTuple):
    """What is known of a host of which nothing is new, now that it was seen.

    Attributes:
        generation: the host's.
        providers: how many it has.
        has_lost: whether a migration from or to it is lost.
    """

    generation: int
    providers: int
    has_lost: bool


Sight = Seen | Literal["absent", "differs"]
"""What became of a sighting: noted; or the host was never there; or there may be news."""


@dataclass(frozen=True)
class NewHost:
    """A host that reports for the first time, and all that its report makes.

    Attributes:
        providers: parents before children.
    """

    report: Report
    digest: str
    plan: HostPlan
    providers: tuple[PlannedProvider, ...]
    now: float

    @property
    def name(self) -> str:
        """The host's."""
        return self.report.host

    @cached_property
    def classes(self) -> set[str]:
        """Resource classes that it needs."""
        return classes_of(self.providers)

    @cached_property
    def traits(self) -> set[str]:
        """Traits that it needs."""
        return traits_of(self.providers)

    def rows(self, ids: Sequence[int], names: Names) -> Rows:
        """Give all of its rows.

        Args:
            ids: one for each provider.
        """
        values = host_values(self.report, self.digest, self.plan, self.now, 1)
        body = (self.name, encode(self.report), encode(self.plan.check))
        nodes = place(self.providers, ids, {})
        rows = provider_rows(self.providers, self.name, nodes, names, last={}, now=self.now)
        return {
            **rows,
            tables.host: [tuple(values[column.name] for column in columns_of(tables.host))],
            tables.host_report: [(*body, encode(self.plan.findings))],
            tables.change: [*rows[tables.change], ("host", self.name, 1)],
        }


def new_host(report: Report, digest: str, plan: HostPlan, *, now: float) -> NewHost:
    """Give a host of which nothing is stored.

    Raises:
        ReportContradicts: its plan says two things of one.
    """
    return NewHost(report, digest, plan, order_plans(plan.host, plan.providers, {}, {}), now)


def host_values(
    report: Report, digest: str, plan: HostPlan, now: float, generation: int
) -> dict[str, Any]:
    """Give the narrow row of a host as it is when it reports for the first time."""
    return {
        "name": report.host,
        "boot_id": report.boot_id,
        "sequence": report.sequence,
        "observed_at": report.observed_at,
        "last_seen": now,
        "digest": digest,
        "generation": generation,
        "root": _root(plan),
        "state": "enabled",
        "labels": "{}",
    }


def together(several: Sequence[Rows]) -> Rows:
    """Put rows of several hosts together, table by table."""
    first: Mapping[Any, Any] = several[0]
    return {table: [row for rows in several for row in rows[table]] for table in first}


def _root(plan: HostPlan) -> str:
    """Name the root of a host's tree, which a client may own; empty while none is published."""
    known = {one.uuid for one in plan.providers}
    tops = (one for one in plan.providers if one.parent is None or one.parent not in known)
    return next((one.parent or one.uuid for one in tops), "")
