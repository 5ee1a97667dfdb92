"""The totals that a profile states for a parent's pools, before any count is looked at."""

from collections.abc import Sequence

from wherry.inventory.types import PlannedType
from wherry.profiles.reading import Look, Missing, read_number
from wherry.profiles.schema import Profile, Source


def stated_totals(
    profile: Profile, look: Look, types: Sequence[PlannedType], slots: int
) -> dict[str, int | None]:
    """Give each pool's total; None where counts are to tell it; left out where nobody does.

    Args:
        profile: of the parent.
        look: at the parent.
        types: its types, with their limits.
        slots: devices that instances are made on; 0 where there are none such.
    """
    found: dict[str, int | None] = {}
    for name, pool in profile.pools.items():
        for rule in pool.total if isinstance(pool.total, tuple) else (pool.total,):
            total = _total(name, rule, look, types, slots)
            if not isinstance(total, Missing):
                found[name] = total
                break
    return found


def _total(
    pool: str, rule: object, look: Look, types: Sequence[PlannedType], slots: int
) -> int | Missing | None:
    if rule == "counts":
        return None
    if rule == "limits":
        return _most(types, pool)
    if rule == "slots":
        return slots or max((one.limit for one in types if one.limit is not None), default=0)
    if isinstance(rule, Source):
        return read_number(rule, look)
    return rule if isinstance(rule, int) else Missing.ABSENT


def _most(types: Sequence[PlannedType], pool: str) -> int | Missing:
    """Give the most that a type can take of a pool when it has the parent for itself."""
    most = [
        one.limit * one.units[pool] for one in types if one.limit is not None and pool in one.units
    ]
    return max(most) if most else Missing.ABSENT
