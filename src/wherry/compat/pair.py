"""What the rules are asked about: one contract, one offer, and what the caller wants."""

from typing import NamedTuple

from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer


class Pair(NamedTuple):
    """A contract and an offer that may be looked into; the gates are passed."""

    contract: Contract
    offer: Offer
    policy: Policy
