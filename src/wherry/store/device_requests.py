"""Device requests as stored."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from wherry.model.device_requests import StoredDeviceRequest
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.rows import batches, upsert
from wherry.store.transaction import Tx

device_request = tables.device_request


def write_device_request(tx: Tx, value: StoredDeviceRequest) -> None:
    """Store a device request, in the place of what had its name before."""
    upsert(tx, device_request, [{"name": value.name, "body": encode(value)}])


def read_device_requests(tx: Tx) -> list[StoredDeviceRequest]:
    """Read all device requests, in order of name."""
    bodies = tx.execute(select(device_request.c.body).order_by(device_request.c.name)).scalars()
    return [decode(body, StoredDeviceRequest) for body in bodies]


def read_named(tx: Tx, names: Sequence[str]) -> dict[str, StoredDeviceRequest]:
    """Read those of these names that are there."""
    found: dict[str, StoredDeviceRequest] = {}
    for batch in batches(names):
        query = select(device_request.c.body).where(device_request.c.name.in_(batch))
        read = (decode(body, StoredDeviceRequest) for body in tx.execute(query).scalars())
        found |= {each.name: each for each in read}
    return found


def remove_device_request(tx: Tx, name: str) -> bool:
    """Forget a device request; says whether it was there."""
    statement = delete(device_request).where(device_request.c.name == name)
    return tx.execute(statement).rowcount > 0
