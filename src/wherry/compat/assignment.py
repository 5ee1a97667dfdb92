"""Can all be placed at once, where only numbers count?  Bipartite matching with room for many.

A relaxation of the joint mapping: if not even this is possible, no mapping is.
Cost: O(contracts * edges).
"""

from collections.abc import Mapping, Sequence


def can_all_be_placed(wishes: Sequence[Sequence[int]], room: Mapping[int, int]) -> bool:
    """Tell whether each can get one of its wishes, with at most *room* for each place."""
    holders: dict[int, list[int]] = {place: [] for place in room}
    return all(_place(one, wishes, room, holders) for one in range(len(wishes)))


def _place(
    one: int,
    wishes: Sequence[Sequence[int]],
    room: Mapping[int, int],
    holders: dict[int, list[int]],
) -> bool:
    """Place one more, by moving others along a shortest chain if need be."""
    came_from: dict[int, tuple[int, int | None]] = {}
    queue: list[tuple[int, int | None]] = [(one, None)]
    for who, left in queue:
        for place in wishes[who]:
            if place in came_from:
                continue
            came_from[place] = (who, left)
            if len(holders[place]) < room[place]:
                _move_along(place, came_from, holders)
                return True
            queue += [(holder, place) for holder in holders[place]]
    return False


def _move_along(
    place: int, came_from: Mapping[int, tuple[int, int | None]], holders: dict[int, list[int]]
) -> None:
    """Move everybody on the chain to the place that was found for them."""
    target: int | None = place
    while target is not None:
        who, left = came_from[target]
        holders[target].append(who)
        if left is not None:
            holders[left].remove(who)
        target = left
