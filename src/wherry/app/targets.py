"""Where a guest can go, and why not elsewhere."""

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.app.engine import Engine
from wherry.app.groups import neighbours_of
from wherry.app.guests import get_guest
from wherry.app.membership import members_of
from wherry.app.packs import in_force
from wherry.app.tenancy import closed_to
from wherry.inventory.fleet import FleetView
from wherry.model.bounds import Bounds
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
    request = replace(request, policy=in_force(engine, request.policy), hosts=_known(view, request))
    found = find_targets(
        guest,
        view.get(guest.host),
        view,
        request,
        engine.cache,
        engine.ranking,
        Bounds(
            neighbours=neighbours_of(engine, uuid),
            closed=closed_to(engine, guest.tenant),
            members=members_of(engine, request.member_of, is_told=request.explain),
        ),
    )
    return replace(found, migration=guest.migration)


def _known(view: FleetView, request: TargetsRequest) -> tuple[str, ...] | UnsetType:
    if request.hosts is UNSET:
        return UNSET
    for name in request.hosts:
        if not request.known_only and view.get(name) is None:
            raise NotFound(what="host", name=name)
    return tuple(name for name in request.hosts if view.get(name) is not None)
