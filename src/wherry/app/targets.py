"""Where a guest can go, and why not elsewhere."""

from msgspec.structs import replace

from wherry.app.engine import Engine
from wherry.app.guests import get_guest
from wherry.app.packs import in_force
from wherry.model.errors import NotFound
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.schedule.targets import find_targets


def find(engine: Engine, uuid: str, request: TargetsRequest) -> TargetsAnswer:
    """Find and rank the hosts that take a stored guest, and count why the others do not.

    Raises:
        NotFound: there is no such guest, or no such host among those asked for.
        InvalidRequest: the policy's mode is one that no whole guest has.
    """
    guest = get_guest(engine, uuid)
    view = engine.view()
    for name in request.hosts or ():
        if view.get(name) is None:
            raise NotFound(what="host", name=name)
    request = replace(request, policy=in_force(engine, request.policy))
    source = view.get(guest.host)
    return find_targets(guest, source, view, request, engine.cache, engine.ranking)
