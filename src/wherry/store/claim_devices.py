"""The devices of a claim: slots, names, values to agree in, instances on the host."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from wherry.store.claim_rows import ClaimRows, Refused
from wherry.store.claim_state import Place, Provider, State, Strays


@dataclass(frozen=True, slots=True)
class Move:
    """One slot of a consumer that changes."""

    consumer: str
    slot: str
    old: Place | None
    new: Place | None


def find_moves(state: State, rows: ClaimRows) -> list[Move]:
    """List the slots that differ from what is held, those that only end last."""
    held = {
        (uuid, slot): place
        for uuid, *_ in rows.holdings
        if uuid in state.consumers
        for slot, place in sorted(state.consumers[uuid].places.items())
    }
    moves = []
    for index, uuid, slot, kind, exclusive, asked in rows.occupants:
        consumer, provider = rows.holdings[index][0], state.named[uuid].id
        old = held.pop((consumer, slot), None)
        # A device left out is the one that is held there already.
        stays = old is not None and old.provider == provider and asked is None
        device = old.device if old is not None and stays else asked
        new = Place(provider, kind, exclusive, device)
        if new != old:
            moves.append(Move(consumer, slot, old, new))
    return moves + [Move(*key, old, None) for key, old in held.items()]


def give_devices(state: State, moves: list[Move], strays: Strays) -> list[Move]:
    """Put slots on devices: those asked by name first, so that none is given to another.

    Gives the moves as they come out, and turns the strays that come and go with them.

    Raises:
        Refused: a device is held, unknown or there is none, or values do not agree.
    """
    going = {(move.consumer, move.slot) for move in moves}
    staying = {
        number: {
            key: place
            for key, place in state.providers[number].occupants.items()
            if key not in going
        }
        for number in {place.provider for move in moves for place in (move.old, move.new) if place}
    }
    left = {(move.old.provider, move.old.device) for move in moves if move.old}
    given = [move for move in moves if move.new is None]
    asked = [(move, move.new) for move in moves if move.new]
    for move, new in sorted(asked, key=lambda pair: pair[1].device is None):
        provider, there = state.providers[new.provider], staying[new.provider]
        device = _device(provider, new, {place.device for place in there.values()}, left, strays)
        place = Place(new.provider, new.type, new.exclusive, device)
        there[move.consumer, move.slot] = place
        given.append(Move(move.consumer, move.slot, move.old, place))
    after = {number: list(there.values()) for number, there in staying.items()}
    _require_agreement(state, moves, after, strays)
    for number in sorted({move.old.provider for move in moves if move.old}):
        _leave_instances(state.providers[number], after[number], strays)
    return given


def _device(
    provider: Provider,
    place: Place,
    taken: set[str | None],
    left: set[tuple[int, str | None]],
    strays: Strays,
) -> str | None:
    """Choose the device of a place: as asked, else the first free one where they have names.

    One on which somebody unknown has made an instance is the last to be chosen.
    """
    device = place.device
    if device is None:
        if not provider.devices:
            return None
        free = [each for each in provider.devices if each not in taken]
        if not free:
            raise Refused(error="device", provider=provider.uuid, device=None)
        device = min(free, key=lambda each: strays.is_stray(provider, each))
        strays.turn(provider, device, stray=False)
        return device
    if device in taken:
        raise Refused(error="device", provider=provider.uuid, device=device)
    is_known = device in provider.devices or (provider.id, device) in left
    if provider.devices and not is_known:
        raise Refused(error="no_device", provider=provider.uuid, device=device)
    return device


def _require_agreement(
    state: State, moves: list[Move], after: dict[int, list[Place]], strays: Strays
) -> None:
    """Refuse a new value on a provider whose other instances have another."""
    # What passes from one consumer to another takes nothing new, and is not asked.
    passed = {(move.old.provider, move.old.exclusive) for move in moves if move.old}
    asked = defaultdict(set)
    for move in moves:
        new = move.new
        if new and new.exclusive is not None and (new.provider, new.exclusive) not in passed:
            asked[state.providers[new.provider].uuid, new.provider].add(new.exclusive)
    for (uuid, number), values in sorted(asked.items()):
        seen = state.providers[number].seen
        in_use = {place.exclusive for place in after[number]}
        in_use |= {
            one.exclusive
            for device, one in seen.items()
            if strays.is_stray(state.providers[number], device)
        }
        for value in sorted(values):
            others = sorted(other for other in in_use if other not in (None, value))
            if others:
                raise Refused(error="exclusive", provider=uuid, wanted=value, in_use=others)


def _leave_instances(provider: Provider, after: list[Place], strays: Strays) -> None:
    """Count as strays the instances still on the host whose holders have just let go.

    A holder without a device may have any instance of its type, so one of those stays its own.
    """
    taken = {place.device for place in after}
    kept = Counter(place.type for place in after if place.device is None)
    for device, seen in sorted(provider.seen.items()):
        if device in taken or strays.is_stray(provider, device):
            continue
        kept[seen.type] -= 1
        if kept[seen.type] < 0:
            strays.turn(provider, device, stray=True)
