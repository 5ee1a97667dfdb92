"""Takes the best candidate that is still free, once for each consumer.

What is written is what a client of Placement would write, so the guest is on record with
contracts as any guest that Nova boots.  Its devices are named by the requests that they serve,
and those that have addresses are given out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.app.deciding import write_anew
from wherry.app.engine import Engine
from wherry.app.first.answer import find_provider
from wherry.app.first.search import Ground
from wherry.app.placement.allocations import Asked, find_allocations, write_allocations
from wherry.app.placement.refusals import AllocationRefused, UnknownProviderInAllocation
from wherry.compat.pinning import Choice, pin
from wherry.inventory.host_view import HostView, OfferView, ProviderView
from wherry.inventory.serving import find_offer
from wherry.migrate.signal import render_time
from wherry.model.candidates import ClaimAsked, Claimed
from wherry.model.claims import Occupant
from wherry.model.errors import AlreadyExists
from wherry.model.guests import NumaAsked
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.first.rank import Piece, Ranked
from wherry.schedule.plan_claim import occupy
from wherry.store.guests import read_guest, write_guest
from wherry.store.tenancy import read_closed_roots
from wherry.store.transaction import Tx

TRIES = 8
"""Candidates of one search that are tried; the fleet is looked at anew after them."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A candidate that was taken, and how many were tried until then."""

    ranked: Ranked
    tries: int


class NoneFree(Exception):
    """All that were tried had been taken by others meanwhile.

    Attributes:
        tries: how many.
        last: why the last one could not be had.
    """

    def __init__(self, tries: int, last: Exception) -> None:
        super().__init__(str(last))
        self.tries, self.last = tries, last


def take(
    ground: Ground, asked: ClaimAsked, ranked: Sequence[Ranked], numa: NumaAsked | UnsetType
) -> Taken:
    """Take the first candidate that can be had still.

    Args:
        numa: what the guest's record says of nodes from then on.

    Raises:
        NoneFree: none could.
        ConsumerConflict: the consumer holds something meanwhile.
    """
    last: Exception = AllocationRefused("nothing was tried")
    for tries, one in enumerate(ranked[:TRIES], 1):
        try:
            _write(ground, asked, one, numa)
        except (AllocationRefused, UnknownProviderInAllocation) as error:
            last = error
        else:
            return Taken(one, tries)
    raise NoneFree(len(ranked[:TRIES]), last) from last


def find_held(
    engine: Engine, consumer: str, requests: Sequence[CandidatesRequest], *, attempts: int
) -> Claimed | None:
    """Give what a consumer holds, if that is what is asked; None where it holds nothing.

    Raises:
        AlreadyExists: it holds something else.
    """
    held = find_allocations(engine, consumer)
    if held is None:
        return None
    total: Counter[str] = Counter()
    for units in held.allocations.values():
        total.update(units)
    if total not in [_total(request) for request in requests]:
        why = "it holds something else than is asked: let go of that, or name another uuid"
        raise AlreadyExists(what="consumer", name=consumer, why=why)
    guest = engine.store.read(lambda tx: read_guest(tx, consumer))
    slots = {} if guest is None else guest.slots
    return Claimed(
        consumer=consumer,
        generation=held.generation,
        allocations=held.allocations,
        devices={
            name: None if slot.device is UNSET else slot.device
            for name, slot in sorted(slots.items())
        },
        attempts=attempts,
    )


def _total(request: CandidatesRequest) -> Counter[str]:
    total: Counter[str] = Counter()
    for group in request.groups:
        total.update(group.resources)
    return total


def _write(ground: Ground, asked: ClaimAsked, one: Ranked, numa: NumaAsked | UnsetType) -> None:
    engine = ground.engine
    wanted = Asked(
        consumer=asked.consumer,
        project=asked.project,
        user=asked.user,
        type=asked.type,
        expected=None,
        allocations=one.allocations,
        occupants=_occupants(ground, asked.consumer, one),
    )
    root = ground.columns.uuid(int(ground.columns.first[one.tree]))

    def write(tx: Tx) -> None:
        if read_closed_roots(tx, ground.tenant, root=root):
            raise AllocationRefused("the host's aggregates are for other tenants by now")
        write_allocations(tx, [wanted], claim=engine.new_id(), now=engine.clock())
        guest = None if numa is UNSET else read_guest(tx, asked.consumer)
        if guest is not None:
            write_guest(tx, replace(guest, numa=numa))

    write_anew(engine, write)


def _occupants(ground: Ground, consumer: str, one: Ranked) -> tuple[Occupant, ...]:
    """Name the devices that are taken, as far as the reports know them."""
    numbers: Counter[str] = Counter()
    found: list[Occupant] = []
    for piece in one.pieces:
        name = piece.request
        if name is None:
            continue
        slot, numbers[name] = f"{name[:90]}-{numbers[name]}", numbers[name] + 1
        offer = _offer_of(ground, piece)
        if offer is not None:
            pinned_at = render_time(ground.engine.clock())
            contract = pin(offer.offer, Choice(), consumer=consumer, slot=slot, pinned_at=pinned_at)
            found += occupy({slot: (contract, offer)})
    return tuple(found)


def _offer_of(ground: Ground, piece: Piece) -> OfferView | None:
    provider = find_provider(ground, ground.columns.uuid(piece.row))
    home = None if provider is None else provider.record.host
    host = None if home is None else ground.view.get(home)
    if host is None or provider is None:
        return None
    ((name, _),) = piece.resources
    return _counted_in(name, provider, host)


def _counted_in(name: str, provider: ProviderView, host: HostView) -> OfferView | None:
    """Find the offer of which a class counts instances; None where that is not told."""
    plan = provider.record.plan
    type_name = plan.views[name].type if name in plan.views else plan.counts.get(name)
    if type_name is not None:
        return find_offer(host, provider.uuid, type_name)
    of_it = [each for each in host.offers if each.provider.uuid == provider.uuid]
    single = [each for each in of_it if plan.offers[each.index].units == {name: 1}]
    return single[0] if len(single) == 1 else None
