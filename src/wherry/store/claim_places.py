"""Places of the devices of a claim: chosen once everything else of it is known to fit.

A claim of devices can be undone by itself where a provider has positions.  The provider is locked
by then, so where others sit stands still; a device that finds no place undoes the claim.

Source: design, section 5 ("Slots with fixed positions").
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from wherry.model.positions import bits_of, choose_places, taken_of, union_of
from wherry.store.claim_rows import ClaimRows

Answer = dict[str, Any]
Apply = Callable[[Sequence[ClaimRows]], list[Answer]]
Key = tuple[str, str]
"""Consumer and slot."""


class Driver(Protocol):
    """The few statements, in the words of one driver."""

    def attempt(self, make: Callable[[], Answer]) -> Answer:
        """Give what *make* gives, as a whole; undo what it has written if that is an error."""

    def find_positional(self, uuids: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
        """Give the providers with positions among these: uuid to type to places."""

    def read_sitting(self, uuid: str) -> tuple[list[Any], list[Any]]:
        """Read who sits on a provider.

        Gives consumer, slot, type, device and place of what is allocated, in order of consumer
        and slot; and device, type, place and whether it is a stray of what is seen.
        """

    def write_places(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Write consumer, slot and place."""


def apply_with_places(driver: Driver, claims: Sequence[ClaimRows], apply: Apply) -> list[Answer]:
    """Make claims, those of devices on providers with positions one by one.

    Args:
        apply: makes claims that need no places.
    """
    uuids = {row[1] for rows in claims for row in rows.occupants}
    places = driver.find_positional(sorted(uuids)) if uuids else {}
    if not places:
        return apply(claims)
    return [
        _apply_one(driver, rows, places, apply)
        if any(row[1] in places for row in rows.occupants)
        else apply([rows])[0]
        for rows in claims
    ]


def _apply_one(
    driver: Driver,
    rows: ClaimRows,
    places: Mapping[str, Mapping[str, tuple[str, ...]]],
    apply: Apply,
) -> Answer:
    def make() -> Answer:
        answer = apply([rows])[0]
        is_done = "error" in answer or "first" in answer
        return answer if is_done else _seat(driver, rows, places) or answer

    return driver.attempt(make)


def _seat(
    driver: Driver, rows: ClaimRows, places: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> Answer | None:
    """Give every device of the claim a place; gives the refusal where one finds none."""
    for uuid in sorted({row[1] for row in rows.occupants} & places.keys()):
        board = _Board(rows, places[uuid], *driver.read_sitting(uuid))
        news = board.seat()
        if news is None:
            return {"error": "place", "provider": uuid, "types": board.types}
        driver.write_places([(*key, place) for key, place in sorted(news.items())])
    return None


class _Board:
    """One provider: who sits where, and which devices of a claim have no place yet."""

    def __init__(
        self,
        rows: ClaimRows,
        places: Mapping[str, tuple[str, ...]],
        occupants: Sequence[Any],
        instances: Sequence[Any],
    ) -> None:
        self._places = places
        self._mine = {row[0] for row in rows.holdings}
        self._asked = {(consumer, slot): place for consumer, slot, place in rows.places}
        self._seen = {device: place for device, _, place, _ in instances}
        self._known: list[str] = []
        self._unplaced: list[str] = []
        self._fixed: dict[Key, str] = {}
        self._waiting: dict[Key, str] = {}
        for consumer, slot, kind, device, place in occupants:
            self._add((consumer, slot), kind, device, place)
        for _, kind, place, stray in instances:
            if stray:
                self._note(kind, place)

    @property
    def types(self) -> list[str]:
        """Types of which an instance waits for a place."""
        return sorted(set(self._waiting.values()))

    def seat(self) -> dict[Key, str] | None:
        """Give the places that are new; None where there are not enough."""
        sure = union_of(self._known)
        for place in self._fixed.values():
            # What passes from one consumer to another sits where it sits.
            sure |= bits_of(place)
        taken = sure | taken_of(self._places, (), self._unplaced)
        chosen = choose_places(list(self._waiting.values()), self._places, taken)
        if chosen is None:
            return None
        return self._fixed | dict(zip(self._waiting, chosen, strict=True))

    def _add(self, key: Key, kind: str, device: str | None, place: str | None) -> None:
        # Where the host shows it sits, it sits.
        at = self._seen.get(device) or place
        asked = self._asked.get(key)
        if key[0] not in self._mine or kind not in self._places:
            self._note(kind, at)
        elif at is not None and (asked is not None or at not in self._asked.values()):
            self._note(kind, at)
            if at != place:
                self._fixed[key] = at
        elif asked is not None:
            self._fixed[key] = asked
        elif device in self._seen:
            # It is there already: to take it over takes no place.
            self._note(kind, None)
        else:
            self._waiting[key] = kind

    def _note(self, kind: str, place: str | None) -> None:
        if place is not None:
            self._known.append(place)
        elif kind in self._places:
            self._unplaced.append(kind)


def decode_places(rows: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Read rows of provider, type and places, as the database has them."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for uuid, kind, text in rows:
        found.setdefault(uuid, {})[kind] = tuple(json.loads(text))
    return found
