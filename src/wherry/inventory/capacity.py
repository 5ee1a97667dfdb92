"""What a parent's pools hold, from counts that are views of them.

``available_instances`` of several types draw on the same pools, so they are never summed.
From the counts follows what is free at least in each pool: the most that some type's count
takes of it.  Any pools that explain the counts hold at least that, and if the least do not
explain a count exactly, nothing does: then the host tells two totals of one pool.

Sources of truth differ by driver, and the profile says which: a total that the host or the
profile states, the most that the types' limits take, or counts and instances together.

Source: design, section 5; notes on introspection, findings 1, 2, 12, 17.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wherry.inventory.types import PlannedType
from wherry.model.device import Scalar
from wherry.model.inventory import MAX_INT
from wherry.model.positions import union_of


@dataclass(frozen=True)
class Held:
    """What the instances on a parent hold.

    Attributes:
        units: pool class to units.
        counts: type name to instances.
        values: what they agree in, where something must.
        taken: positions in which they sit, a bit for each.
    """

    units: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    values: frozenset[Scalar] = frozenset()
    taken: int = 0


@dataclass(frozen=True)
class PoolSize:
    """Units of a pool, and those in use that no instance accounts for."""

    total: int
    reserved: int = 0


@dataclass(frozen=True)
class Sizes:
    """The pools of a parent, the types they can serve, and what was noticed.

    Attributes:
        unknown: why nobody can tell the capacity; None where it is told.
        remarks: (code, detail) of findings.
    """

    pools: dict[str, PoolSize] = field(default_factory=dict)
    types: tuple[PlannedType, ...] = ()
    unknown: str | None = None
    remarks: tuple[tuple[str, str], ...] = ()


class Contradiction(ValueError):
    """The counts of some types tell two totals of one pool."""


def hold(
    types: Sequence[PlannedType], instances: Sequence[str], places: Iterable[str] = ()
) -> Held:
    """Sum up what instances hold; *instances* are names of types, one each.

    Args:
        types: of the parent.
        instances: those on it.
        places: where they sit, as far as the host tells.
    """
    by_name = {one.name: one for one in types}
    units: dict[str, int] = {}
    counts: dict[str, int] = {}
    for name in instances:
        counts[name] = counts.get(name, 0) + 1
        for pool, amount in by_name[name].units.items():
            units[pool] = units.get(pool, 0) + amount
    values = frozenset(v for n in counts if (v := by_name[n].value) is not None)
    return Held(units=units, counts=counts, values=values, taken=union_of(places))


def size_pools(
    types: Sequence[PlannedType],
    held: Held,
    stated: Mapping[str, int | None],
    *,
    coupled: bool,
    leaving: int = 0,
) -> Sizes:
    """Tell what each pool holds, and which types it can serve.

    Args:
        types: all types of the parent that have a recipe.
        held: what the instances hold.
        stated: pool class to its total where host or profile state one; None: by counts.
        coupled: the counts are views of the pools and nothing else.
        leaving: instances that are being removed and still count.

    Raises:
        Contradiction: coupled counts that no pools explain.
    """
    told = [one for one in types if one.available is not None and not is_closed(one, held)]
    if not told and not _only_closed(types, held):
        return Sizes(unknown="no count could be read")
    if not held.counts and not leaving and not any(one.available for one in told):
        return Sizes(
            unknown="every type is at 0 and nothing runs: a licence, ECC or a broken manager"
            " look like this"
        )
    free = least_free(told, coupled=coupled)
    if coupled:
        _require_explained(told, free)
    sizes, remarks = _sizes(types, held, stated, free)
    if isinstance(sizes, str):
        return Sizes(unknown=sizes, remarks=tuple(remarks))
    return _serve(types, held, _reserve(told, held, sizes), coupled=coupled)


def is_closed(one: PlannedType, held: Held) -> bool:
    """Tell whether exclusivity closes a type while these instances are there."""
    return bool(held.values) and one.value not in held.values


def least_free(types: Sequence[PlannedType], *, coupled: bool) -> dict[str, int]:
    """Give the least that must be free in each pool for the counts to be true.

    Hints of several VFs mean the room of their board, so there the largest one is asked.
    """
    free: dict[str, int] = {}
    for one in types:
        count = one.available if coupled else one.least
        for pool, amount in one.units.items():
            free[pool] = max(free.get(pool, 0), (count or 0) * amount)
    return free


def fits(units: Mapping[str, int], free: Mapping[str, int]) -> int:
    """Count how often a recipe fits into what is free; a missing pool has nothing."""
    return min(max(0, free.get(pool, 0)) // amount for pool, amount in units.items())


def _least(count: int, places: int | None) -> int:
    return count if places is None else min(count, places)


def _only_closed(types: Sequence[PlannedType], held: Held) -> bool:
    return bool(types) and all(is_closed(one, held) for one in types)


def _require_explained(types: Sequence[PlannedType], free: Mapping[str, int]) -> None:
    for one in types:
        explained = fits(one.units, free)
        # Units may be left where no place is.
        is_short = bool(one.places) and one.available is not None and one.available < explained
        if explained != one.available and not is_short:
            pools = ", ".join(f"{free[pool]} of {pool}" for pool in sorted(one.units))
            message = (
                f"type {one.name} has {one.available} available, and other types' counts say"
                f" that {pools} are free, which are {explained}"
            )
            raise Contradiction(message)


def _sizes(
    types: Sequence[PlannedType],
    held: Held,
    stated: Mapping[str, int | None],
    free: Mapping[str, int],
) -> tuple[dict[str, int] | str, list[tuple[str, str]]]:
    sizes: dict[str, int] = {}
    for pool in sorted({pool for one in types for pool in one.units}):
        used, least = held.units.get(pool, 0), free.get(pool, 0)
        if pool not in stated:
            return f"nothing tells the total of {pool}", []
        total = stated[pool]
        if total is None:
            total = least + used
        elif total < least + used:
            detail = f"{pool} has {total}, and {used} in use with {least} free"
            return f"two totals of {pool}", [("POOL_DIFFERS", detail)]
        if total > MAX_INT:
            return f"more of {pool} than an inventory holds", []
        sizes[pool] = total
    return sizes, []


def _reserve(
    told: Sequence[PlannedType], held: Held, sizes: Mapping[str, int]
) -> dict[str, PoolSize]:
    """Reserve what counts say is gone though no instance accounts for it.

    A count of 0 is left to `_serve`: it can have causes that no pool knows.
    """
    pools = {pool: PoolSize(total) for pool, total in sizes.items()}
    for one in told:
        free = {pool: sizes[pool] - held.units.get(pool, 0) for pool in one.units}
        if not one.available or one.available >= _expected(one, held, free):
            continue
        for pool, amount in one.units.items():
            gone = free[pool] - (one.available + 1) * amount + 1
            if gone > pools[pool].reserved:
                pools[pool] = PoolSize(pools[pool].total, gone)
    return pools


def _expected(one: PlannedType, held: Held, free: Mapping[str, int]) -> int:
    """Count what should be available of a type, by pools and limit."""
    room = _least(fits(one.units, free), one.count_places(held.taken))
    if one.limit is None:
        return room
    return min(room, max(0, one.limit - held.counts.get(one.name, 0)))


def _serve(
    types: Sequence[PlannedType], held: Held, pools: dict[str, PoolSize], *, coupled: bool
) -> Sizes:
    free = {
        pool: size.total - size.reserved - held.units.get(pool, 0) for pool, size in pools.items()
    }
    served, remarks = [], []
    for one in types:
        sizes = {pool: size.total for pool, size in pools.items()}
        empty = _least(fits(one.units, sizes), one.count_places())
        expected = 0 if is_closed(one, held) else _expected(one, held, free)
        if not empty:
            remarks.append(("TYPE_TOO_LARGE", one.name))
        elif one.limit is not None and empty > one.limit:
            remarks.append(("TYPE_LIMIT", f"{one.name}, {empty} by pools and {one.limit} at most"))
        elif not coupled and not one.available and expected:
            count = "no count" if one.available is None else "none"
            remarks.append(("TYPE_CLOSED", f"{one.name}, {expected} by pools and {count} by host"))
        else:
            served.append(one)
    for pool, size in sorted(pools.items()):
        if size.reserved:
            remarks.append(("POOL_IN_USE", f"{size.reserved} of {pool}"))
    return Sizes(pools=pools, types=tuple(served), remarks=tuple(remarks))
