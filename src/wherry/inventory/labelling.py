"""What a host publishes for schedulers that speak only Placement: labels on its providers.

Equal offers and equal hosts have equal labels, so what was made once is taken again.

Source: docs/reference/compat.md, section 13 ("Placement: derived traits").
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherry.compat.query.host import marks_of_host
from wherry.compat.query.labels import label
from wherry.compat.query.marks import marks_together
from wherry.compat.query.vocabulary import Mark
from wherry.compat.shapes import shape_digest
from wherry.inventory.interning import digest_of
from wherry.model.checks import HostFacts
from wherry.model.device import Offer
from wherry.model.inventory import HostPlan

Names = frozenset[str]
NONE: Names = frozenset()


class Labeller:
    """Makes labels under one salt; threads may share it.

    Args:
        salt: secret of the deployment.
        kept: most sets of labels that are remembered.
    """

    def __init__(self, salt: bytes, *, kept: int = 4096) -> None:
        self.salt = salt
        self._kept = kept
        self._known: dict[object, Names] = {}

    def of_offers(self, offers: Sequence[Offer]) -> Names:
        """Give what the offers of one provider publish on it."""
        if not offers:
            return NONE
        key = tuple([shape_digest(offer) for offer in offers])
        return self._remember(key, lambda: marks_together(offers))

    def of_host(self, facts: HostFacts) -> Names:
        """Give what a host publishes on the root of its tree."""
        return self._remember(digest_of(facts), lambda: marks_of_host(facts))

    def _remember(self, key: object, make: Callable[[], Iterable[Mark]]) -> Names:
        found = self._known.get(key)
        if found is None:
            found = frozenset([label(self.salt, mark) for mark in make()])
            if len(self._known) >= self._kept:
                self._known.clear()
            self._known[key] = found
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLabels:
    """What one host publishes.

    Attributes:
        root: names on the root of its tree, standard traits among them.
        providers: uuid to the names on it; providers that are left out publish nothing.
    """

    root: Names = NONE
    providers: Mapping[str, Names] = field(default_factory=dict)


UNPUBLISHED = HostLabels()
"""Of a host whose deployment does not publish."""


def label_host(plan: HostPlan, labeller: Labeller) -> HostLabels:
    """Give what a host publishes, its own providers and those that clients have made."""
    offering = {each.uuid: each.offers for each in plan.providers if each.offers}
    offering |= {each.provider: each.offers for each in plan.attached if each.offers}
    return HostLabels(
        root=labeller.of_host(plan.check),
        providers={uuid: labeller.of_offers(offers) for uuid, offers in offering.items()},
    )
