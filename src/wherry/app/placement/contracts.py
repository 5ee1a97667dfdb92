"""Guests and their contracts, as they follow what clients allocate.

Source: design, section 3 ("A guest").
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from wherry.app.placement.refusals import UNTOLD, DoesNotFit
from wherry.app.running import host_in
from wherry.migrate.allocated import find_holders, settle
from wherry.migrate.provisional import Followed, follow
from wherry.migrate.slots import name_devices
from wherry.migrate.untold import find_untold
from wherry.model.claims import ClaimOutcome, Holding
from wherry.model.errors import ConsumerChanged
from wherry.model.guests import Guest
from wherry.store.adoption import hold_hosts
from wherry.store.guests import find_guests, name_guests, remove_guest, write_guest
from wherry.store.holdings import read_holdings
from wherry.store.migrations import read_migration
from wherry.store.placement_providers import read_named
from wherry.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class Records:
    """What is to be claimed, and what becomes of the records of guests with it."""

    holdings: tuple[Holding, ...]
    written: tuple[Guest, ...] = ()
    ended: tuple[str, ...] = ()


def lock_guests(tx: Tx, consumers: Iterable[str]) -> list[Guest]:
    """Give the guests that a request touches, held until the transaction ends.

    Those that a migration of Wherry's own moves are left out: their place is decided there.
    """
    return [one for one in find_guests(tx, set(consumers)) if not _is_ours(tx, one)]


def require_known(tx: Tx, consumers: Collection[str], guests: Iterable[Guest]) -> None:
    """Make sure, once the consumers are locked, that nobody has put a guest on record meanwhile.

    Raises:
        ConsumerChanged: somebody has; decide again.
    """
    unknown = name_guests(tx, consumers) - {one.uuid for one in guests}
    for one in lock_guests(tx, unknown):
        raise ConsumerChanged(consumer=one.uuid, expected=None, found=one.generation)


def plan_records(
    tx: Tx, holdings: Sequence[Holding], guests: Sequence[Guest], *, now: float
) -> Records:
    """Tell what guests have by what their consumers are to hold.

    Args:
        holdings: as the client asks, with the devices that follow.
        guests: from `lock_guests`.
        now: seconds since the epoch.

    Raises:
        DoesNotFit: units do not tell of which type they are, where that decides.
    """
    wanted = {one.consumer: one for one in holdings}
    homes = _homes(tx, holdings)
    if not guests and not homes.has_devices:
        return Records(tuple(holdings))
    known = {one.uuid: one for one in guests}
    held = read_holdings(tx, {*wanted, *known})
    after = {**held, **wanted}
    homes = _hold_homes(tx, after.values())
    passed = find_holders({uuid: held[uuid] for uuid in wanted if uuid in known}, held, wanted)
    holders = {one.uuid: one.migration for one in guests if one.migration is not UNSET} | passed
    written: list[Guest] = []
    ended: list[str] = []
    for uuid, holding in after.items():
        if uuid in holders.values() or holding.consumer_type == "MIGRATION":
            continue
        guest, holder = known.get(uuid), holders.get(uuid)
        is_held = holder is not None and (holder not in after or bool(after[holder].allocations))
        fate = settle(guest, holding, homes.of(holding), is_held=is_held)
        told = None if fate.host is None else _follow(tx, fate.host, holding, guest, now=now)
        if told is not None and uuid in wanted:
            wanted[uuid] = replace(holding, occupants=told.occupants)
        if is_held and guest is not None and holder is not None:
            written.append(replace(guest, migration=holder))
        elif fate.record == "follow" and told is not None:
            written.append(told.guest)
        elif fate.record == "end" and guest is not None:
            ended.append(uuid)
    _require_told(tx, [one for uuid, one in wanted.items() if _is_other(one, held[uuid])], homes)
    return Records(
        holdings=tuple(wanted.values()),
        written=tuple(one for one in written if one != known.get(one.uuid)),
        ended=tuple(ended),
    )


def write_records(tx: Tx, records: Records, outcome: ClaimOutcome) -> None:
    """Write what was planned, with the devices that the claim has given."""
    for guest in records.written:
        devices = {} if guest.migration is not UNSET else outcome.devices.get(guest.uuid, {})
        write_guest(tx, replace(guest, slots=name_devices(guest.slots, devices)))
    for uuid in records.ended:
        remove_guest(tx, uuid)


def _is_other(wanted: Holding, held: Holding) -> bool:
    """Whether a consumer takes something that it does not hold already."""
    return any(held.allocations.get(uuid) != units for uuid, units in wanted.allocations.items())


def _require_told(tx: Tx, holdings: Sequence[Holding], homes: "_Homes") -> None:
    for holding in holdings:
        for host in sorted(homes.of(holding)):
            provider = find_untold(holding, host_in(tx, host))
            if provider is not None:
                name = min(holding.allocations[provider])
                raise DoesNotFit(name, provider, why=UNTOLD)


@dataclass(frozen=True, slots=True)
class _Homes:
    """Which provider is of which host."""

    hosts: Mapping[str, str]
    has_devices: bool

    def of(self, holding: Holding) -> set[str]:
        return {self.hosts[uuid] for uuid in holding.allocations if uuid in self.hosts}


def _homes(tx: Tx, holdings: Iterable[Holding]) -> _Homes:
    rows = read_named(tx, {uuid for one in holdings for uuid in one.allocations})
    hosts = {uuid: row.host for uuid, row in rows.items() if row.host is not None}
    return _Homes(hosts, any(rows[uuid].parent is not None for uuid in hosts))


def _hold_homes(tx: Tx, holdings: Collection[Holding]) -> "_Homes":
    """Let the hosts of providers stay as they are while it is told what consumers have of them.

    Who is to hold something is on record and locked before, or known to nobody else yet.
    """
    held: set[str] = set()
    while not held >= set((homes := _homes(tx, holdings)).hosts.values()):
        held |= set(homes.hosts.values())
        hold_hosts(tx, held)
    return homes


def _follow(
    tx: Tx, host: str, holding: Holding, guest: Guest | None, *, now: float
) -> Followed | None:
    return follow(holding, host_in(tx, host), guest, now=now)


def _is_ours(tx: Tx, guest: Guest) -> bool:
    return guest.migration is not UNSET and read_migration(tx, guest.migration) is not None
