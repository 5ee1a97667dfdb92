"""Composes devices of a parent, lists what is composed, and dissolves it again.

Source: design, section 5.
"""

from wherry.app.deciding import write_anew
from wherry.app.engine import Engine
from wherry.app.owning import derive_host
from wherry.inventory.composing import compose, held_units, occupy_parts
from wherry.model.claims import Claim, Holding
from wherry.model.compositions import Composition, CompositionRequest
from wherry.model.errors import AlreadyExists, CompositionHeld, InvalidRequest, NotFound
from wherry.model.inventory import ProviderRecord
from wherry.model.wire import CompositionList
from wherry.store.adoption import lock_hosts, lock_providers_of, read_client_root
from wherry.store.claims import write_claim
from wherry.store.compositions import (
    read_composition,
    read_compositions,
    remove_composition,
    write_composition,
)
from wherry.store.holdings import find_holders, lock_holdings
from wherry.store.placement_allocations import open_consumers
from wherry.store.providers import read_provider
from wherry.store.transaction import Tx

CONSUMER_TYPE = "COMPOSITION"


def create(engine: Engine, provider: str, asked: CompositionRequest) -> Composition:
    """Set devices of a parent aside as composed ones, and offer these.

    Said again with the same uuid and words, it is done once.

    Raises:
        NotFound: there is no such provider.
        InvalidRequest: it is no device of a report, or offers no such parts.
        Unsettled: the parent offers nothing until its host reports again.
        AlreadyExists: the uuid is of another composition.
        CapacityExceeded, ExclusiveConflict, NoPlace, SlotTaken: the parts are not free.
    """

    def write(tx: Tx) -> Composition:
        # In the order of all writers: consumers, hosts, then providers.
        opened = open_consumers(tx, [asked.uuid])
        record = _lock(tx, provider)
        before = read_composition(tx, asked.uuid)
        if before is not None:
            return _again(before, provider, asked)
        if read_provider(tx, asked.uuid) is not None:
            raise AlreadyExists(
                what="resource provider", name=asked.uuid, why="choose another uuid"
            )
        made = compose(record.plan, record.host or "", asked)
        claim = Claim(
            id=engine.new_id(),
            holdings=(
                Holding(
                    consumer=made.uuid,
                    consumer_type=CONSUMER_TYPE,
                    expected_generation=0 if opened else None,
                    allocations={provider: held_units(made)},
                    occupants=occupy_parts(record.plan, made),
                ),
            ),
            facts={provider: record.facts_generation},
        )
        write_claim(tx, claim, now=engine.clock())
        write_composition(tx, made)
        derive_host(tx, engine, made.host)
        return made

    return write_anew(engine, write)


def list_compositions(engine: Engine, provider: str) -> CompositionList:
    """List what is composed of a parent.

    Raises:
        NotFound: there is no such provider.
    """

    def read(tx: Tx) -> CompositionList:
        if read_provider(tx, provider) is None:
            raise NotFound(what="resource provider", name=provider)
        return CompositionList(compositions=read_compositions(tx, provider=provider))

    return engine.store.read(read)


def get(engine: Engine, provider: str, uuid: str) -> Composition:
    """Give one composition.

    Raises:
        NotFound: the parent has no such composition.
    """
    return engine.store.read(lambda tx: _require(tx, provider, uuid))


def dissolve(engine: Engine, provider: str, uuid: str) -> None:
    """Give back to the parent what a composition holds of it.

    Raises:
        NotFound: the parent has no such composition.
        CompositionHeld: composed devices are held; names the consumers.
    """

    def write(tx: Tx) -> None:
        lock_holdings(tx, [uuid])
        found = _require(tx, provider, uuid)
        _lock_host(tx, found.host)
        _require(tx, provider, uuid)
        holders = find_holders(tx, uuid)
        if holders:
            raise CompositionHeld(composition=uuid, consumers=holders)
        remove_composition(tx, uuid)
        claim = Claim(id=engine.new_id(), holdings=(Holding(consumer=uuid),))
        write_claim(tx, claim, now=engine.clock())
        derive_host(tx, engine, found.host)

    write_anew(engine, write)


def _lock(tx: Tx, uuid: str) -> ProviderRecord:
    """Lock the host of a parent, and give the parent as it is then."""
    record = read_provider(tx, uuid)
    if record is None:
        raise NotFound(what="resource provider", name=uuid)
    if record.host is None or record.owner != "report" or record.plan.parent is None:
        raise InvalidRequest(f"{record.plan.name} is no device that a host reports")
    _lock_host(tx, record.host)
    again = read_provider(tx, uuid)
    if again is None:
        raise NotFound(what="resource provider", name=uuid)
    if read_composition(tx, uuid) is not None:
        raise InvalidRequest(f"{record.plan.name} is composed itself: compose of its parent")
    return again


def _lock_host(tx: Tx, host: str) -> None:
    """Let no report and no claim change a host; in the order of every writer."""
    lock_hosts(tx, [host])
    lock_providers_of(tx, host, read_client_root(tx, host))


def _require(tx: Tx, provider: str, uuid: str) -> Composition:
    found = read_composition(tx, uuid)
    if found is None or found.provider != provider:
        raise NotFound(what="composition", name=uuid)
    return found


def _again(before: Composition, provider: str, asked: CompositionRequest) -> Composition:
    wanted: dict[str, int] = {}
    for part in asked.parts:
        wanted[part.type] = wanted.get(part.type, 0) + part.count
    is_same = (before.provider, before.name, before.count) == (provider, asked.name, asked.count)
    if not is_same or wanted != {part.type: part.count for part in before.parts}:
        raise AlreadyExists(what="composition", name=before.uuid, why="it is made of other parts")
    return before
