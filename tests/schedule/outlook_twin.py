"""What claims leave of devices, worked out host by host and instance by instance."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from wherry.inventory.fleet import FleetView
from wherry.inventory.host_view import HostView
from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer
from wherry.model.guests import Guest, Slot
from wherry.model.targets import Target

Board = list[Offer]
Load = Sequence[tuple[Contract, Offer]]


def boards_of(host: HostView) -> list[Board]:
    """The offers of a host, those that draw on common pools together."""
    boards: list[tuple[set[str], Board]] = []
    for offer in (each.offer for each in host.offers):
        drawn = {offer.provider, *(key[0] for key in pools_of(offer))}
        touching = [each for each in boards if each[0] & drawn]
        boards = [each for each in boards if each not in touching]
        boards.append(
            (
                drawn.union(*(each[0] for each in touching)),
                [*(one for each in touching for one in each[1]), offer],
            )
        )
    return [offers for _, offers in boards]


def pools_of(offer: Offer):
    return {
        (offer.provider if pool.provider is UNSET else pool.provider, name): pool
        for name, pool in (offer.pools or {}).items()
    }


def needs_of(offer: Offer, contract: Contract | None = None) -> dict[str, int]:
    """What one instance takes; nothing where the offer counts nothing."""
    stated = offer.units if contract is None or contract.units is UNSET else contract.units
    return {} if offer.pools is UNSET else {c: n for c, n in (stated or {}).items() if n}


class Copy:
    """A board on which instances are made, one after the other."""

    def __init__(self, board: Board) -> None:
        self.free: dict[tuple[str, str], int] = {}
        self.values: dict[str, list[object]] = {}
        for offer in board:
            for key, pool in pools_of(offer).items():
                self.free[key] = pool.total - pool.reserved - pool.used
            if offer.exclusive is not UNSET:
                self.values[offer.provider] = list(offer.exclusive.in_use)

    def make(self, offer: Offer, contract: Contract | None = None) -> None:
        for name, amount in needs_of(offer, contract).items():
            self.free[key_of(offer, name)] -= amount
        if contract is not None and offer.exclusive is not UNSET:
            by = offer.exclusive.by
            value = contract.type if by == "type" else (contract.params or {}).get(by)
            if value is not None:
                self.values[offer.provider].append(value)

    def can_make(self, offer: Offer) -> bool:
        names = {key[1] for key in pools_of(offer)}
        return self.agrees(offer) and all(
            name in names and self.free[key_of(offer, name)] >= amount
            for name, amount in needs_of(offer).items()
        )

    def agrees(self, offer: Offer) -> bool:
        if offer.exclusive is UNSET:
            return True
        value: object = offer.type
        if offer.exclusive.by != "type":
            param = (offer.params or {}).get(offer.exclusive.by)
            value = None if param is None or param.value is UNSET else param.value
        there = self.values[offer.provider]
        return value is None or all((type(v), v) == (type(value), value) for v in there)


def key_of(offer: Offer, name: str) -> tuple[str, str]:
    return next(key for key in pools_of(offer) if key[1] == name)


def how_many(board: Board, kind: tuple[str, str | None], load: Load = ()) -> int:
    """Make one instance after the other until none fits any more."""
    copy, made = Copy(board), 0
    for contract, offer in load:
        copy.make(offer, contract)
    while fitting := [o for o in board if (o.kind, o.type) == kind and copy.can_make(o)]:
        copy.make(fitting[0])
        made += 1
    return made


def types_of(board: Board) -> set[tuple[str, str | None]]:
    return {(offer.kind, offer.type) for offer in board if needs_of(offer)}


def share_of(needs: dict[str, int], board: Board) -> float:
    totals: Counter[str] = Counter()
    for (_, name), pool in {k: p for offer in board for k, p in pools_of(offer).items()}.items():
        totals[name] += pool.total
    return max((min(1.0, n / totals[c]) if totals[c] else 1.0 for c, n in needs.items()), default=0)


def loads_of(guest: Guest, target: Target, host: HostView) -> list[tuple[Board, Load]]:
    """The boards of a target that the mapping takes something of."""
    taken = [
        (guest.slots[row.slot].contract, host.offers[row.offer].offer) for row in target.mapping
    ]
    found = []
    for board in boards_of(host):
        load = [(contract, offer) for contract, offer in taken if offer in board]
        if load:
            found.append((board, load))
    return found


def plain_packing(guest: Guest, target: Target, view: FleetView) -> float:
    """Half of what is left of 1 after what is lost beyond what is taken."""
    offered = Counter(
        kind for host in view for board in boards_of(host) for kind in types_of(board)
    )
    loss = 0.0
    for board, load in loads_of(guest, target, view.get(target.host)):
        for kind in types_of(board):
            share = max(share_of(needs_of(o), board) for o in board if (o.kind, o.type) == kind)
            gone = how_many(board, kind) - how_many(board, kind, load)
            loss += offered[kind] / offered.total() * gone * share
        loss -= sum(share_of(needs_of(offer, contract), board) for contract, offer in load)
    return (1 - loss / max(1, len(guest.slots))) / 2


def plain_alternatives(guest: Guest, target: Target, view: FleetView) -> float:
    """What is left of 1 after the largest part of a type's places that is gone."""
    there = Counter(places(board for host in view for board in boards_of(host)))
    own = {(slot.contract.kind, slot.contract.type) for slot in guest.slots.values()}
    closed: Counter[object] = Counter()
    for board, load in loads_of(guest, target, view.get(target.host)):
        closed.update(
            kind
            for kind in types_of(board) - own
            if how_many(board, kind) and not how_many(board, kind, load)
        )
    return 1 - max((count / there[kind] for kind, count in closed.items()), default=0)


def places(boards: Iterable[Board]):
    for board in boards:
        yield from (kind for kind in types_of(board) if how_many(board, kind))


def plain_return(guest: Guest, target: Target, policy: Policy) -> float:
    """The fraction of the devices of which the answer says that they could come back."""
    if not guest.slots:
        return 1.0
    ways = target.return_path.values()
    return sum(way.verdict in {"ok", *policy.accept} for way in ways) / len(guest.slots)


def plain_bugfix(guest: Guest, target: Target, view: FleetView) -> float:
    """The mean over all devices of whether the third number grows, where it can be compared."""
    values = []
    for row in target.mapping:
        slot = guest.slots[row.slot]
        there = view.get(target.host).offers[row.offer].offer
        pinned = whole_version(slot.contract.interface, "version")
        shown = [whole_version(home.interface, "supports") for home in homes_of(slot, guest, view)]
        now = next((each for each in shown if each and pinned and each[:2] == pinned[:2]), pinned)
        new = whole_version(there.interface, "supports")
        if now and new and now[:2] == new[:2]:
            values.append((new > now) - (new < now))
    return 1 / 2 + sum(values) / 2 / len(guest.slots) if guest.slots else 1 / 2


def whole_version(interface, field: str):
    if interface is UNSET or interface.policy not in {UNSET, "semver"}:
        return None
    text = getattr(interface, field)
    numbers = text.split(".") if isinstance(text, str) else []
    return tuple(map(int, numbers)) if len(numbers) == 3 else None


def homes_of(slot: Slot, guest: Guest, view: FleetView) -> list[Offer]:
    """What the present provider offers of the slot's own type, or nothing that is known."""
    source = view.get(guest.host)
    offers = [] if source is None else [each.offer for each in source.offers]
    return [
        each for each in offers if each.provider == slot.provider and serves(each, slot.contract)
    ][:1]


def serves(offer: Offer, contract: Contract) -> bool:
    also = [
        (offer.kind, each) if isinstance(each, str) else (each.kind, each.type)
        for each in offer.also_types or ()
    ]
    return (contract.kind, contract.type) in [(offer.kind, offer.type), *also]
