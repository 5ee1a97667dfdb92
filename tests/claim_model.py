"""What claims should do, in plain dicts: the slow and obvious twin of the store.

One world: a GPU whose pool two views share and whose instances must agree in a value, and a
network card whose devices have names.  `Model.apply` says which refusals a claim may meet, or
carries it out.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

POOL, SMALL, LARGE, NET = "CUSTOM_POOL", "CUSTOM_SMALL", "CUSTOM_LARGE", "SRIOV_NET_VF"
WEIGHTS = {SMALL: 2, LARGE: 3}


@dataclass(frozen=True)
class Place:
    """One slot of a consumer."""

    provider: str
    exclusive: str | None = None
    device: str | None = None


@dataclass
class Held:
    """What one consumer holds; None of generation: it does not exist."""

    units: dict[tuple[str, str], int] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    generation: int | None = None


@dataclass
class Model:
    """The fleet as it should be."""

    totals: dict[str, int]
    devices: tuple[str, ...]
    held: dict[str, Held] = field(default_factory=dict)

    def of(self, consumer):
        return self.held.get(consumer, Held())

    def charged(self, held=None):
        """Units of the two pools that are taken."""
        taken = Counter()
        for one in (self.held if held is None else held).values():
            for (provider, name), units in one.units.items():
                pool = POOL if name in WEIGHTS else name
                taken[provider, pool] += units * WEIGHTS.get(name, 1)
        return taken

    def apply(self, wanted):
        """Make holdings as said; gives the names of the errors that stand in the way, or none."""
        before, then = self.charged(), self.charged({**self.held, **wanted})
        is_over = any(n > before[key] and n > self.totals[key[0]] for key, n in then.items())
        places, errors = self._place(wanted)
        if is_over:
            errors.add("CapacityExceeded")
        if errors:
            return errors
        for consumer, one in wanted.items():
            generation = (self.of(consumer).generation or 0) + 1
            if one.units or one.places:
                self.held[consumer] = Held(dict(one.units), places[consumer], generation)
            else:
                self.held.pop(consumer, None)
        return set()

    def _place(self, wanted):
        """Give each slot its device; what stays where it is keeps its own."""
        places = {consumer: {} for consumer in wanted}
        moved, left = [], []
        for consumer in sorted(wanted):
            old, new = self.of(consumer).places, wanted[consumer].places
            left += [place for slot, place in old.items() if slot not in new]
            for slot, asked in sorted(new.items(), key=lambda pair: (pair[1].provider, pair[0])):
                was = old.get(slot)
                stays = was and was.provider == asked.provider and asked.device is None
                place = replace(asked, device=was.device) if stays else asked
                if place == was:
                    places[consumer][slot] = was
                else:
                    moved.append((consumer, slot, place))
                    left += [was] if was else []
        errors = self._give_devices(wanted, places, moved, left)
        return places, errors | self._disagreement(wanted, places, moved, left)

    def _give_devices(self, wanted, places, moved, left):
        """Put what moved on devices, those asked by name first; gives what stands in the way."""
        errors = set()
        taken = {
            place.device
            for consumer, one in self.held.items()
            for place in (places[consumer] if consumer in wanted else one.places).values()
            if place.provider == "nic"
        }
        known = {*self.devices, *(place.device for place in left if place.provider == "nic")}
        for consumer, slot, place in sorted(moved, key=lambda row: row[2].device is None):
            places[consumer][slot] = place
            if place.provider != "nic":
                continue
            free = [one for one in self.devices if one not in taken]
            device = place.device or (free[0] if free else None)
            if device is None or device in taken:
                errors.add("SlotTaken")
            elif device not in known:
                errors.add("NotFound")
            taken.add(device)
            places[consumer][slot] = replace(place, device=device)
        return errors

    def _disagreement(self, wanted, places, moved, left):
        values = {
            place.exclusive
            for consumer in self.held.keys() | wanted.keys()
            for place in (
                places[consumer] if consumer in wanted else self.held[consumer].places
            ).values()
            if place.provider == "gpu" and place.exclusive is not None
        }
        passed = {place.exclusive for place in left if place.provider == "gpu"}
        news = {
            place.exclusive
            for _, _, place in moved
            if place.provider == "gpu" and place.exclusive not in {None, *passed}
        }
        return {"ExclusiveConflict"} if news and len(values) > 1 else set()
