"""How long a guest would stand still while the rest of its device's state is copied.

Source: docs/reference/compat.md, R65.
"""

from msgspec import UNSET

from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer


def downtime_ms(contract: Contract, offer: Offer, policy: Policy) -> int | None:
    """Estimate in whole milliseconds, rounded up; None without a size or any rate."""
    ours = contract.migration
    if ours is UNSET or ours.stop_copy_bytes is UNSET:
        return None
    stated = (
        UNSET if policy.downtime is UNSET else policy.downtime.bytes_per_s,
        ours.bytes_per_s,
        UNSET if offer.migration is UNSET else offer.migration.bytes_per_s,
    )
    rates = [rate for rate in stated if rate is not UNSET]
    return -(-1000 * ours.stop_copy_bytes // min(rates)) if rates else None
