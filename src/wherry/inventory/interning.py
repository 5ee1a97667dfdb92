"""Equal values are held once, and live as long as somebody holds them.

Most offers of a fleet are alike, and so are the facts of its hosts: what is shared can be
judged once and found again by identity, without comparing values.

Source: specification of compatibility, section 13 ("Own search: shapes").
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import msgspec

from wherry.compat.shapes import shape_digest, shape_of
from wherry.model.checks import HostFacts
from wherry.model.device import Offer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Shared(Generic[T]):
    """A value held once: two of them are equal if they are the same object."""

    value: T
    digest: bytes
    """Names the value, also to other processes and after a restart."""


Shape = Shared[Offer]
"""An offer without what belongs to a single provider."""


class Interner(Generic[T]):
    """Hands out the one object for each key; one writer thread, any number of readers.

    An object that nobody holds any more is forgotten, so a fleet that changes for years
    holds no more than it shows.
    """

    def __init__(self) -> None:
        self._held: WeakValueDictionary[object, T] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._held)

    def intern(self, key: object, make: Callable[[], T]) -> T:
        """Give the object of this key, made now if there is none."""
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = make()
        return found

    def values(self) -> list[T]:
        """Give the objects that somebody holds now; readers may ask while the writer adds."""
        return [value for ref in self._held.valuerefs() if (value := ref()) is not None]


def intern_shape(shapes: Interner[Shape], offer: Offer) -> Shape:
    """Find the shape of an offer among those held, or add it."""
    digest = shape_digest(offer)
    return shapes.intern(digest, lambda: Shared(shape_of(offer), digest))


def intern_facts(facts: Interner[Shared[HostFacts]], check: HostFacts) -> Shared[HostFacts]:
    """Find the facts of a host among those held, or add them."""
    digest = digest_of(check)
    return facts.intern(digest, lambda: Shared(check, digest))


def digest_of(value: object) -> bytes:
    """Name a record by its content: 16 bytes, the same in every process."""
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).digest()
