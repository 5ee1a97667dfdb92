"""What there is how many of, for those who watch the service.

Counted by the database: migrations that ended stay on record, so reading them all would take
longer with every day.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wherry.app.engine import Engine
from wherry.store.counts import (
    count_all_guests,
    count_hosts_by_state,
    count_migrations_by_state,
)
from wherry.store.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Hosts and migrations by state, and guests."""

    hosts: Mapping[str, int]
    guests: int
    migrations: Mapping[str, int]


def count(engine: Engine) -> Counts:
    """Count what is on record now."""

    def read(tx: Tx) -> Counts:
        return Counts(
            hosts=count_hosts_by_state(tx),
            guests=count_all_guests(tx),
            migrations=count_migrations_by_state(tx),
        )

    return engine.store.read(read)
