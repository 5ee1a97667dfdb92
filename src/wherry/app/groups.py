"""Groups of guests that keep together or apart."""

from msgspec.structs import asdict

from wherry.app.engine import Engine
from wherry.model.errors import GroupConflict, NotFound
from wherry.model.groups import Group, GroupList, GroupRequest, Neighbours
from wherry.schedule.group_rules import check_groups
from wherry.store import groups as store
from wherry.store.transaction import Tx


def list_groups(engine: Engine) -> GroupList:
    """List them, by id."""
    return GroupList(groups=tuple(engine.store.read(store.read_groups)))


def get_group(engine: Engine, name: str) -> Group:
    """Give one.

    Raises:
        NotFound: there is none of this id.
    """
    found = engine.store.read(lambda tx: store.read_group(tx, name))
    if found is None:
        raise NotFound(what="group", name=name)
    return found


def put_group(engine: Engine, name: str, request: GroupRequest) -> Group:
    """Store one, in the place of what had the id before; nobody is moved by it.

    Guests may be named that are not on record yet.
    """
    stored = Group(id=name, **asdict(request))
    engine.store.write(lambda tx: store.write_group(tx, stored))
    return stored


def delete_group(engine: Engine, name: str) -> None:
    """Forget one; its guests stay where they are.

    Raises:
        NotFound: there is none of this id.
    """
    if not engine.store.write(lambda tx: store.remove_group(tx, name)):
        raise NotFound(what="group", name=name)


def neighbours_of(engine: Engine, guest: str) -> Neighbours:
    """Give the groups of a guest, and where the others of them are."""
    return engine.store.read(lambda tx: store.read_neighbours(tx, guest))


def claim_place(tx: Tx, guest: str, host: str) -> None:
    """Make sure, within the transaction of a claim, that a guest's groups let it go to a host.

    Raises:
        GroupConflict: another of a group was faster.
    """
    found = check_groups(host, store.claim_beside(tx, guest))
    if found:
        names = [str(detail["group"]) for _, detail in found]
        raise GroupConflict(host=host, groups=names)
