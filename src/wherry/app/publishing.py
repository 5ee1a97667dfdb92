"""Derived traits: written with what they derive from, where the deployment wants them.

Source: docs/reference/compat.md, section 13 ("Placement: derived traits").
"""

from collections.abc import Collection

from wherry.app.engine import Engine
from wherry.inventory.labelling import UNPUBLISHED, Labeller, label_host
from wherry.model.inventory import HostPlan
from wherry.store.labels import read_salt, write_labels
from wherry.store.transaction import Tx


def hold_salt(tx: Tx, engine: Engine) -> Labeller | None:
    """Give what makes labels, and let nobody rotate the salt meanwhile; None: none are wanted.

    Called before any provider is locked, as a rotation takes the salt first and providers then.
    """
    if engine.settings.publish_traits == "no":
        return None
    return engine.labeller(read_salt(tx, hold=True))


def publish(tx: Tx, plan: HostPlan, labeller: Labeller | None, told: Collection[str]) -> None:
    """Write what a host publishes, beside what was written of its report.

    Args:
        labeller: None takes all labels of the host away.
        told: uuids of providers of which the feed tells in this transaction already.
    """
    labels = UNPUBLISHED if labeller is None else label_host(plan, labeller)
    write_labels(tx, plan.host, labels, told=told)
