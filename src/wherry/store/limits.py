"""What a stored inventory gives: its owner's words, within what its provider is known to have."""

from typing import Any

from wherry.model.inventory import Inventory

MOST = 1 << 62
"""Capacities are kept up to this; nobody can hold so much."""


def capped(capacity: int) -> int:
    """Give a capacity as it is kept."""
    return max(-MOST, min(MOST, capacity))


def written_inventory(row: Any) -> Inventory:
    """Give an inventory as its owner wrote it.

    Args:
        row: a row of the table ``inventory``.
    """
    return Inventory(
        total=row.total,
        reserved=row.reserved,
        min_unit=row.min_unit,
        max_unit=row.max_unit,
        step_size=row.step_size,
        allocation_ratio=row.allocation_ratio,
    )


def limited_inventory(row: Any) -> Inventory:
    """Give an inventory as its owner wrote it, within what its provider is known to have.

    Args:
        row: a row of the table ``inventory``.
    """
    own = written_inventory(row)
    return own if row.cap >= MOST else own.limited(row.cap)
