"""What of a report is published: whatever no client of Placement counts already.

Source: design, section 6 ("Every provider has one owner").
"""

from collections.abc import Collection

from wherry.app.engine import Engine, log
from wherry.app.publishing import hold_salt, publish
from wherry.inventory.adoption import adopt
from wherry.inventory.hostplan import plan_check
from wherry.inventory.labelling import UNPUBLISHED
from wherry.migrate.running import CODES
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Report
from wherry.model.inventory import HostPlan
from wherry.store.adoption import (
    claim_tree,
    find_attached,
    find_reported,
    lock_hosts,
    lock_providers_of,
    read_client_root,
    read_client_tree,
)
from wherry.store.labels import write_labels
from wherry.store.reports import derive_stored
from wherry.store.transaction import Tx


def own_part(tx: Tx, engine: Engine, plan: HostPlan) -> HostPlan:
    """Give what is a host's own of what its report says, as clients have their providers now."""
    lock_hosts(tx, [plan.host])
    root = read_client_root(tx, plan.host)
    # What is held of them counts, so nobody may take more until all is written.
    lock_providers_of(tx, plan.host, root)
    claim_tree(tx, plan.host, root)
    tree = None if root is None else read_client_tree(tx, plan.host, root)
    return adopt(plan, tree, engine.settings.roots)


def derive_host(tx: Tx, engine: Engine, host: str) -> None:
    """Derive a host anew from its stored report, as clients have their providers now.

    Raises:
        NotFound: there is no such host.
        ReportContradicts: as `derive_stored`.
    """
    plans: list[HostPlan] = []

    def derive(report: Report) -> HostPlan:
        plans.append(own_part(tx, engine, engine.planner.plan(report)))
        return plans[-1]

    labeller = hold_salt(tx, engine)
    outcome = derive_stored(tx, host, derive, keep=CODES)
    publish(tx, plans[-1], labeller, outcome.changed)


def settle_owners(tx: Tx, engine: Engine, roots: Collection[str]) -> None:
    """Derive hosts anew whose tree a client has changed.

    Args:
        roots: names of the roots of the trees that were changed; those of no host do nothing.
    """
    for host in find_reported(tx, roots):
        try:
            derive_host(tx, engine, host)
        except ReportContradicts as error:
            # What a client makes of its own providers is never refused for what a host says.
            log.warning("host %s is not derived anew: %s", host, error)


def settle_counts(tx: Tx, engine: Engine, uuids: Collection[str]) -> None:
    """Derive hosts anew that have added to providers whose inventories a client has changed."""
    settle_owners(tx, engine, find_attached(tx, uuids))


def withdraw(tx: Tx, host: str) -> None:
    """Take away what a report has published of a host, but for what is held.

    For a client that removes the host's root; nothing happens to a root of no such host.
    """
    for name in find_reported(tx, [host]):
        outcome = derive_stored(tx, name, _nothing, keep=CODES)
        write_labels(tx, name, UNPUBLISHED, told=outcome.changed)


def _nothing(report: Report) -> HostPlan:
    return HostPlan(host=report.host, providers=(), check=plan_check(report.facts.host))
