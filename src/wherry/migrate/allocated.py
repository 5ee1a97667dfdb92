"""What a client's write of allocations makes of the guests on record.

Nova moves a guest in steps: it passes all that the guest holds to a consumer of the migration's,
gives the guest what it takes at the target, and at the end lets go of the migration's part, or
passes it back.  The record goes along: while a migration holds the guest's place the guest is
on record where it runs; when the migration lets go, it is where its allocations are, and its
contracts with it.

    find_holders(guests, held, wanted) -> {guest: who holds its place from now on}
    settle(guest, wanted, hosts, is_held=…) -> Fate

Source: design, section 3 ("A guest"); Nova, "Resource allocation in live migration".
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET

from wherry.model.claims import Holding
from wherry.model.guests import Guest


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a record, and on which host the consumer's devices are to be told."""

    record: Literal["follow", "stay", "end"]
    """Made of the allocations, left as it is, or removed."""
    host: str | None = None
    """None: on no host, or on one of several and nobody can tell on which."""


def find_holders(
    guests: Mapping[str, Holding], held: Mapping[str, Holding], wanted: Mapping[str, Holding]
) -> dict[str, str]:
    """Find who takes over the place of whom: a new consumer that gets all that another held.

    Args:
        guests: what the guests on record that the request names held before.
        held: what each consumer of the request held before.
        wanted: what each is to hold.

    Returns the guest that gave its place, to the consumer that has it now.
    """
    new = [uuid for uuid in wanted if not held[uuid].allocations and wanted[uuid].allocations]
    holders: dict[str, str] = {}
    for uuid, before in guests.items():
        if not before.allocations or wanted[uuid].allocations == before.allocations:
            continue
        for other in new:
            if wanted[other].allocations == before.allocations and other not in holders.values():
                holders[uuid] = other
                break
    return holders


def settle(guest: Guest | None, wanted: Holding, hosts: Collection[str], *, is_held: bool) -> Fate:
    """Tell what becomes of a guest's record.

    Args:
        guest: on record; None where there is none.
        wanted: what its consumer holds after the request.
        hosts: those whose providers are among that.
        is_held: whether a migration holds its place after the request.
    """
    host = next(iter(hosts)) if len(hosts) == 1 else None
    if is_held:
        return Fate(record="stay", host=host)
    if guest is None:
        return Fate(record="follow" if host else "stay", host=host)
    if not wanted.allocations:
        return Fate(record="end")
    if guest.migration is UNSET and guest.host in hosts:
        return Fate(record="follow", host=guest.host)
    if host is not None:
        return Fate(record="follow", host=host)
    return Fate(record="stay" if hosts else "end")
