"""Contracts of guests that were there before anybody knew what their devices are.

nova-compute may have reported a device and booted guests on it long before the host's first
report tells what the device is.  Then contracts are pinned as if the allocations were written
now.  What the consumers hold and their generations stay as they are.

Source: design, section 3 ("A guest").
"""

from collections.abc import Iterator

from wherry.app.engine import Engine
from wherry.app.running import host_in
from wherry.migrate.provisional import follow
from wherry.store.adoption import hold_hosts
from wherry.store.attached import find_unrecorded
from wherry.store.guests import write_guest
from wherry.store.holdings import lock_holdings, read_holdings
from wherry.store.transaction import Tx


def pin_held(engine: Engine, host: str) -> None:
    """Pin contracts for who holds devices of a host that a client counts, and is on no record."""
    for uuid in engine.store.read(lambda tx: list(_find(tx, engine, host))):
        engine.store.write(lambda tx, uuid=uuid: _pin(tx, engine, host, uuid))  # type: ignore[misc]


def _find(tx: Tx, engine: Engine, host: str) -> Iterator[str]:
    """Name those of whom their allocations tell something; of others nothing is to be written."""
    uuids = find_unrecorded(tx, host)
    if uuids:
        view = host_in(tx, host)
        for uuid, held in sorted(read_holdings(tx, uuids).items()):
            if follow(held, view, None, now=engine.clock()) is not None:
                yield uuid


def _pin(tx: Tx, engine: Engine, host: str, uuid: str) -> None:
    lock_holdings(tx, [uuid])
    hold_hosts(tx, [host])
    if uuid not in find_unrecorded(tx, host):
        return
    held = read_holdings(tx, [uuid])[uuid]
    told = follow(held, host_in(tx, host), None, now=engine.clock())
    if told is not None:
        write_guest(tx, told.guest)
