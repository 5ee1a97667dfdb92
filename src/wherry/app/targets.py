"""Where a guest can go, and why not elsewhere."""

from msgspec.structs import replace

from wherry.app.engine import Engine
from wherry.app.packs import in_force
from wherry.model.errors import NotFound
from wherry.model.guests import Guest
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.schedule.targets import find_targets
from wherry.store.guests import read_guest


def find(engine: Engine, uuid: str, request: TargetsRequest) -> TargetsAnswer:
    """Find and rank the hosts that take a stored guest, and count why the others do not.

    Raises:
        NotFound: there is no such guest, or no such host among those asked for.
        InvalidRequest: the policy's mode is one that no whole guest has.
    """
    guest = require_guest(engine, uuid)
    view = engine.view()
    for name in request.hosts or ():
        if view.get(name) is None:
            raise NotFound(what="host", name=name)
    request = replace(request, policy=in_force(engine, request.policy))
    source = view.get(guest.host)
    return find_targets(guest, source, view, request, engine.cache, engine.ranking)


def require_guest(engine: Engine, uuid: str) -> Guest:
    """Give a stored guest.

    Raises:
        NotFound: there is none of this uuid.
    """
    guest = engine.store.read(lambda tx: read_guest(tx, uuid))
    if guest is None:
        raise NotFound(what="guest", name=uuid)
    return guest
