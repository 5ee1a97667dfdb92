"""Fixed places on a parent: where an instance of a type may sit, and where the next one goes.

A parent has numbered positions; a *place* is some of them in a row, ``4:4`` for four from the
fourth on.  A type may sit in certain places only, and no two instances overlap: of a board with
eight positions that three quarters are free of, a type of four may still not fit.

A place is chosen so that most recipes stay possible: each step takes, of all places from which
the rest can be placed too, the one that leaves the most instances of all types to be made.

Source: NVIDIA MIG user guide, "Partitioning" (``nvidia-smi mig -lgipp`` lists places as
``{0,4}:4``); Weng et al., "Beware of fragmentation", USENIX ATC 2023 (descent by fragmentation).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

Places = Mapping[str, tuple[str, ...]]
"""Type to the places that an instance of it may have."""

_PLACE = re.compile(r"([0-9]{1,2}):([1-9][0-9]?)", re.ASCII)
_PLACES = re.compile(r"\{([0-9]{1,2}(?:,[0-9]{1,2})*)\}:([1-9][0-9]?)", re.ASCII)


def parse_places(text: str) -> tuple[str, ...]:
    """Read places as the vendor lists them: ``{0,2,4}:2`` is 0:2, 2:2 and 4:2.

    Raises:
        ValueError: it is no such list.
    """
    found = _PLACES.fullmatch(text.replace(" ", ""))
    if found is None:
        message = f"places are written {{0,2,4}}:2, not `{text}`"
        raise ValueError(message)
    starts = sorted({int(start) for start in found[1].split(",")})
    return tuple(f"{start}:{found[2]}" for start in starts)


def is_place(text: str) -> bool:
    """Tell whether a text is a place."""
    return _PLACE.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def bits_of(place: str) -> int:
    """Give a place as a number with a bit for each of its positions.

    Raises:
        ValueError: it is no place.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        message = f"a place is written 4:2, first position and size, not `{place}`"
        raise ValueError(message)
    return ((1 << int(found[2])) - 1) << int(found[1])


def union_of(places: Iterable[str]) -> int:
    """Give the positions of all these places together."""
    taken = 0
    for place in places:
        taken |= bits_of(place)
    return taken


def taken_of(places: Places, known: Iterable[str], unplaced: Iterable[str]) -> int:
    """Give the positions that may be taken.

    Args:
        places: of the parent's types.
        known: places of instances.
        unplaced: types of instances that sit nobody knows where: wherever they may.
    """
    return union_of(known) | union_of(place for one in unplaced for place in places.get(one, ()))


def count_free(places: Iterable[str], taken: int) -> int:
    """Count the instances of one type that still find places, all at once."""
    # Of intervals, those that end first leave room for the most others.
    count = 0
    for bits in sorted(map(bits_of, places)):
        if not bits & taken:
            taken |= bits
            count += 1
    return count


def choose_places(wanted: Sequence[str], places: Places, taken: int) -> tuple[str, ...] | None:
    """Choose a place for each instance, in the order asked; None where they do not all fit.

    Args:
        wanted: types, one for each instance; each has places.
        places: of the parent's types.
        taken: positions that others have.

    Cost: for each instance, types times places; more only where the best place leads nowhere.
    """
    order = sorted(range(len(wanted)), key=lambda i: (-_size(places[wanted[i]]), wanted[i], i))
    chosen = _place([wanted[i] for i in order], places, taken, set())
    if chosen is None:
        return None
    by_index = dict(zip(order, chosen, strict=True))
    return tuple(by_index[i] for i in range(len(wanted)))


def can_be_placed(wanted: Sequence[tuple[str, ...]], taken: int) -> bool:
    """Tell whether instances, each with the places that it may have, fit all at once."""
    kinds = {str(number): places for number, places in enumerate(dict.fromkeys(wanted))}
    names = {places: name for name, places in kinds.items()}
    return choose_places([names[each] for each in wanted], kinds, taken) is not None


def _size(places: tuple[str, ...]) -> int:
    return max((bits_of(place).bit_count() for place in places), default=0)


def _place(
    wanted: Sequence[str], places: Places, taken: int, dead: set[tuple[int, int]]
) -> list[str] | None:
    if not wanted:
        return []
    if (len(wanted), taken) in dead:
        return None
    free = [place for place in places[wanted[0]] if not bits_of(place) & taken]
    for place in sorted(free, key=lambda each: (-_left(places, taken | bits_of(each)), each)):
        rest = _place(wanted[1:], places, taken | bits_of(place), dead)
        if rest is not None:
            return [place, *rest]
    dead.add((len(wanted), taken))
    return None


def _left(places: Places, taken: int) -> int:
    """Count what can still be made, over all types."""
    return sum(count_free(each, taken) for each in places.values())
