"""One contract under one policy, with what was found of it already.

Source: specification of compatibility, section 13 ("Own search: shapes").
"""

from collections.abc import Hashable

from msgspec import UNSET

from wherry.compat.judgement import Asked, Judgement, judge, provider_findings
from wherry.compat.table import Finding
from wherry.inventory.interning import Shape
from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer


class Known:
    """What was found of one contract; nothing of it is ever stale."""

    def __init__(self) -> None:
        self.by_shape: dict[bytes, Judgement] = {}
        self.at_numbers: dict[Hashable, list[Finding]] = {}

    def __len__(self) -> int:
        return len(self.by_shape) + len(self.at_numbers)


class ContractJudge:
    """What it has judged it does not judge again."""

    def __init__(
        self, key: bytes, contract: Contract, policy: Policy, asked: Asked, known: Known
    ) -> None:
        self.key = key
        """The same for contracts that are judged alike."""
        self._contract = contract
        self._policy = policy
        self._asked = asked
        self._known = known
        self._takes_the_same = contract.units is not UNSET or contract.composition is not UNSET

    def on(self, shape: Shape) -> Judgement:
        """Judge a shape by all rules but those of the single provider."""
        known = self._known.by_shape
        found = known.get(shape.digest)
        if found is None:
            found = known[shape.digest] = judge(
                self._contract, shape.value, self._policy, self._asked
            )
        return found

    def found_at(self, offer: Offer, shape: Shape) -> list[Finding]:
        """Give what the rules of a single provider find at an offer; not to be changed.

        They read what the contract takes, which it states or leaves to the offer, and all of
        the offer that claims change.
        """
        key = None if self._takes_the_same else shape.digest, _numbers_of(offer)
        known = self._known.at_numbers
        found = known.get(key)
        if found is None:
            found = known[key] = provider_findings(self._contract, offer, self._policy)
        return found


def _numbers_of(offer: Offer) -> Hashable:
    """All of an offer that claims change, values with their types: ``True`` is not ``1``."""
    pools, exclusive = offer.pools, offer.exclusive
    free = None if pools is UNSET else tuple([(name, pool.free) for name, pool in pools.items()])
    if exclusive is UNSET:
        return free, None, offer.positions
    in_use = tuple([(type(value), value) for value in exclusive.in_use])
    return free, (exclusive.by, in_use), offer.positions
