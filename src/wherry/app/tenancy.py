"""Aggregates that are for some tenants alone."""

from wherry.app.engine import Engine
from wherry.model.errors import NotFound, TenantConflict
from wherry.model.tenancy import Aggregate, AggregateList, AggregateRequest, Closed
from wherry.store import tenancy as store
from wherry.store.transaction import Tx


def list_aggregates(engine: Engine) -> AggregateList:
    """List them, by uuid."""
    return AggregateList(aggregates=tuple(engine.store.read(store.read_aggregates)))


def get_aggregate(engine: Engine, uuid: str) -> Aggregate:
    """Give one.

    Raises:
        NotFound: there is no such aggregate, or it is for everybody.
    """
    return engine.store.read(lambda tx: _require(tx, uuid))


def put_aggregate(engine: Engine, uuid: str, request: AggregateRequest) -> Aggregate:
    """Make an aggregate one of these tenants alone; nobody is moved by it.

    Hosts may come to belong to it later, by the Placement API.
    """

    def write(tx: Tx) -> Aggregate:
        store.write_aggregate(tx, uuid, request.tenants)
        return _require(tx, uuid)

    return engine.store.write(write)


def delete_aggregate(engine: Engine, uuid: str) -> None:
    """Let everybody in again; the hosts stay in the aggregate.

    Raises:
        NotFound: there is no such aggregate, or it is for everybody.
    """
    if not engine.store.write(lambda tx: store.remove_aggregate(tx, uuid)):
        raise NotFound(what="aggregate of some tenants", name=uuid)


def closed_to(engine: Engine, tenant: str) -> Closed:
    """Name the hosts that take no guest of a tenant."""
    return engine.store.read(lambda tx: store.read_closed(tx, tenant))


def require_open(tx: Tx, tenant: str, host: str) -> None:
    """Make sure, within the transaction of a claim, that a host takes guests of a tenant.

    Raises:
        TenantConflict: its aggregates are for others.
    """
    if store.read_closed(tx, tenant, host=host):
        raise TenantConflict(host=host)


def _require(tx: Tx, uuid: str) -> Aggregate:
    found = next((each for each in store.read_aggregates(tx) if each.uuid == uuid), None)
    if found is None:
        raise NotFound(what="aggregate of some tenants", name=uuid)
    return found
