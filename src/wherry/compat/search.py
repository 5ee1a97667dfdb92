"""The search for a joint mapping: depth first, in order, with two ways to give up early.

*Identical offers are counted and not permuted*: what failed once is remembered by what is
left on each island, and islands that are alike stand for one another.  And before each step
all remaining devices must find room at the same time in a relaxed problem, where only
numbers count; too many devices for too few offers are so refused at once.

Source: docs/reference/compat.md, section 10.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from wherry.compat.assignment import can_all_be_placed
from wherry.model.positions import can_be_placed

PoolKey = tuple[str, str]
"""Provider and resource class."""


class Place(NamedTuple):
    """What one contract takes on one offer."""

    demand: tuple[tuple[PoolKey, int], ...]
    """Amounts by pool; empty where the offer is given as a whole, to one contract at most."""
    provider: str
    by: int | None
    """Index into *values* of what all on the provider must agree in, if the offer says so."""
    values: tuple[Hashable, ...]
    """The contract's values for all that is exclusive on the provider, by any offer."""
    spots: tuple[str, ...] = ()
    """Where the device may sit, of the provider's positions; empty where it has none."""


class Island(NamedTuple):
    """Offers that share providers or pools, and what they share."""

    offers: tuple[int, ...]
    pools: tuple[PoolKey, ...]
    providers: tuple[str, ...]


class Search:
    """One search; it holds what is left while devices are placed and taken back."""

    def __init__(
        self,
        places: Sequence[Sequence[Place]],
        free: Mapping[PoolKey, int],
        islands: Sequence[Island],
        allowed: Sequence[Sequence[int]],
        taken: Mapping[str, int],
    ) -> None:
        """Start with nothing placed.

        Args:
            places: what each contract takes on each offer.
            free: what is left in each pool.
            islands: which offers touch.
            allowed: offers that each contract may be given, in order.
            taken: provider to the positions that are taken on it.
        """
        self._places = places
        self._allowed = allowed
        self._islands = islands
        self._free = dict(free)
        self._taken = taken
        self._sitting: dict[str, list[tuple[str, ...]]] = {}
        self._given = [False] * sum(len(island.offers) for island in islands)
        self._agreed: dict[str, list[Place]] = {}
        self._kinds = _kinds(places, islands, allowed, taken)
        self._dead: set[Hashable] = set()

    def first(self) -> tuple[int, ...] | None:
        """Find the first feasible mapping in the order of contracts and offers."""
        chosen: list[int] = []
        tries = [iter(self._allowed[0])] if self._allowed else []
        if not self._allowed or self._is_hopeless(0):
            return None if self._allowed else ()
        while tries:
            contract = len(chosen)
            offer = next((j for j in tries[-1] if self._fits(contract, j)), None)
            if offer is None:
                self._dead.add(self._left(contract))
                tries.pop()
                if chosen:
                    self._take_back(len(chosen) - 1, chosen.pop())
                continue
            self._put(contract, offer)
            chosen.append(offer)
            if len(chosen) == len(self._allowed):
                return tuple(chosen)
            if self._is_hopeless(len(chosen)):
                self._take_back(contract, chosen.pop())
            else:
                tries.append(iter(self._allowed[len(chosen)]))
        return None

    def _fits(self, contract: int, offer: int) -> bool:
        """Tell whether one more device has room, and agrees with those on the provider."""
        place = self._places[contract][offer]
        if not place.demand:
            if self._given[offer]:
                return False
        elif any(self._free[pool] < amount for pool, amount in place.demand):
            return False
        if place.spots and not self._finds_seats(place):
            return False
        return all(_agree(place, other) for other in self._agreed.get(place.provider, ()))

    def _finds_seats(self, place: Place) -> bool:
        """Tell whether one more device has a seat, wherever those placed already sit."""
        sitting = (*self._sitting.get(place.provider, ()), place.spots)
        return can_be_placed(sitting, self._taken.get(place.provider, 0))

    def _put(self, contract: int, offer: int) -> None:
        place = self._places[contract][offer]
        for pool, amount in place.demand:
            self._free[pool] -= amount
        if not place.demand:
            self._given[offer] = True
        if place.values:
            self._agreed.setdefault(place.provider, []).append(place)
        if place.spots:
            self._sitting.setdefault(place.provider, []).append(place.spots)

    def _take_back(self, contract: int, offer: int) -> None:
        place = self._places[contract][offer]
        for pool, amount in place.demand:
            self._free[pool] += amount
        if not place.demand:
            self._given[offer] = False
        if place.values:
            self._agreed[place.provider].pop()
        if place.spots:
            self._sitting[place.provider].pop()

    def _is_hopeless(self, contract: int) -> bool:
        """Tell whether the devices from *contract* on cannot all find room."""
        if self._dead and self._left(contract) in self._dead:
            return True
        wishes = [
            [j for j in self._allowed[i] if self._fits(i, j)]
            for i in range(contract, len(self._allowed))
        ]
        return not can_all_be_placed(wishes, self._room(contract, wishes))

    def _room(self, first: int, wishes: Sequence[Sequence[int]]) -> dict[int, int]:
        """How many of the remaining devices each offer can hold at most."""
        least: dict[int, dict[PoolKey, int]] = {}
        whole: set[int] = set()
        for contract, offers in enumerate(wishes, first):
            for offer in offers:
                demand = self._places[contract][offer].demand
                if not demand:
                    whole.add(offer)
                    continue
                # Only a pool that all of them draw on bounds their number.
                known = least.get(offer, dict(demand))
                least[offer] = {p: min(n, known[p]) for p, n in demand if p in known}
        room = {
            offer: min((self._free[pool] // n for pool, n in pools.items()), default=len(wishes))
            for offer, pools in least.items()
        }
        for offer in whole:
            room[offer] = room.get(offer, 0) + 1
        return room

    def _left(self, contract: int) -> Hashable:
        """Name what is left, so that islands that are alike can stand for one another."""
        islands = Counter(
            (kind, self._state(island))
            for kind, island in zip(self._kinds, self._islands, strict=True)
        )
        return contract, frozenset(islands.items())

    def _state(self, island: Island) -> Hashable:
        agreed = tuple(
            frozenset((place.by, place.values) for place in self._agreed.get(name, ()))
            for name in island.providers
        )
        free = tuple(self._free[pool] for pool in island.pools)
        sitting = tuple(tuple(sorted(self._sitting.get(name, ()))) for name in island.providers)
        return free, tuple(self._given[offer] for offer in island.offers), agreed, sitting


def _agree(one: Place, other: Place) -> bool:
    """Tell whether two devices on one provider agree in what either offer says they must."""
    return all(by is None or one.values[by] == other.values[by] for by in (one.by, other.by))


def _kinds(
    places: Sequence[Sequence[Place]],
    islands: Sequence[Island],
    allowed: Sequence[Sequence[int]],
    taken: Mapping[str, int],
) -> list[int]:
    """Number the islands so that those that are alike have one number."""
    may = [frozenset(offers) for offers in allowed]
    numbers: dict[Hashable, int] = {}
    kinds: list[int] = []
    for island in islands:
        pools = {pool: number for number, pool in enumerate(island.pools)}
        providers = {name: number for number, name in enumerate(island.providers)}
        looks = tuple(
            (offer in may[contract], providers[place.provider], place.by, place.values,
             place.spots, taken.get(place.provider, 0),
             tuple((pools[pool], amount) for pool, amount in place.demand))
            for contract, row in enumerate(places)
            for offer in island.offers
            for place in (row[offer],)
        )  # fmt: skip
        kinds.append(numbers.setdefault(looks, len(numbers)))
    return kinds
