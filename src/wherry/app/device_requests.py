"""Device requests by name: those that operators have stored."""

from collections.abc import Iterable

from msgspec.structs import asdict

from wherry.app.engine import Engine
from wherry.model.device_requests import DeviceRequest, DeviceRequestList, StoredDeviceRequest
from wherry.model.errors import NotFound
from wherry.schedule.first.near import near
from wherry.store import device_requests as store


def list_device_requests(engine: Engine) -> DeviceRequestList:
    """List them, by name."""
    return DeviceRequestList(device_requests=tuple(engine.store.read(store.read_device_requests)))


def get_device_request(engine: Engine, name: str) -> StoredDeviceRequest:
    """Give one.

    Raises:
        NotFound: there is none of this name; says which there are that are like it.
    """
    return find_device_requests(engine, [name])[name]


def find_device_requests(engine: Engine, names: Iterable[str]) -> dict[str, StoredDeviceRequest]:
    """Give several, by name.

    Raises:
        NotFound: there is none of one of these names; says which there are that are like it.
    """
    wanted = sorted(set(names))
    found = engine.store.read(lambda tx: store.read_named(tx, wanted)) if wanted else {}
    for name in wanted:
        if name not in found:
            known = [each.name for each in engine.store.read(store.read_device_requests)]
            raise NotFound(what="device request", name=name, near=near(name, known))
    return found


def put_device_request(engine: Engine, name: str, request: DeviceRequest) -> StoredDeviceRequest:
    """Store one, in the place of what had the name before."""
    stored = StoredDeviceRequest(name=name, **asdict(request))
    engine.store.write(lambda tx: store.write_device_request(tx, stored))
    return stored


def delete_device_request(engine: Engine, name: str) -> None:
    """Forget one; what was placed by it stays.

    Raises:
        NotFound: there is none of this name.
    """
    if not engine.store.write(lambda tx: store.remove_device_request(tx, name)):
        raise NotFound(what="device request", name=name)
