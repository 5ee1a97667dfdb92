"""Decides on what is there and writes it, anew where that has moved on meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from wherry.app.engine import Engine
from wherry.inventory.fleet import FleetView
from wherry.model.errors import ConsumerChanged, FactsChanged
from wherry.store.transaction import Tx

T = TypeVar("T")

ROUNDS = 3
"""Times that a decision is made anew because what it looked at has moved on."""


def decide(engine: Engine, write: Callable[[Tx, FleetView], T]) -> T:
    """Decide on the fleet as it is and write it, anew where it has moved on meanwhile.

    Raises:
        FactsChanged, ConsumerChanged: it moved on each time.
    """
    for _ in range(ROUNDS - 1):
        view = engine.view()
        try:
            return engine.store.write(lambda tx, view=view: write(tx, view))  # type: ignore[misc]
        except (FactsChanged, ConsumerChanged):
            continue
    view = engine.view()
    return engine.store.write(lambda tx: write(tx, view))


def write_anew(engine: Engine, write: Callable[[Tx], T]) -> T:
    """Write what is read in the same transaction, anew where a guest has moved on meanwhile.

    Raises:
        ConsumerChanged: it moved on each time.
    """
    for _ in range(ROUNDS - 1):
        try:
            return engine.store.write(write)
        except ConsumerChanged:
            continue
    return engine.store.write(write)
