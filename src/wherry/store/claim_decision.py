"""Decides claims one after the other on what a group of them looks at.

The twin of PostgreSQL's function: both refuse for the same reason.  Nothing is changed before
all is known, so a refused claim leaves nothing.

Source: schema/versions/0003_claim.sql.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from wherry.store.body import encode
from wherry.store.claim_devices import Move, find_moves, give_devices
from wherry.store.claim_rows import ABSENT, ANY, PRESENT, UNKNOWN, ClaimRows, Refused
from wherry.store.claim_state import Consumer, Key, Provider, State, Strays


@dataclass(frozen=True, slots=True)
class Delta:
    """One allocation that changes: units before and after."""

    consumer: str
    key: Key
    old: int
    new: int


def decide(state: State, rows: ClaimRows) -> dict[str, Any]:
    """Make every holding as said, in the state; gives what PostgreSQL's function gives.

    Raises:
        Refused: something stands in the way; the state is as before.
    """
    if rows.id is not None and rows.id in state.claims:
        digest, first = state.claims[rows.id]
        return {"digest": digest, "first": first}
    _require_consumers(state, rows)
    _require_providers(state, rows)
    deltas = _deltas(state, rows)
    moves = find_moves(state, rows) if rows.occupants or _have_places(state, rows) else []
    if rows.is_plain:
        _require_plain(state, rows, moves)
    strays = Strays(state)
    for move in moves:
        if move.new and move.new.device is not None:
            strays.turn(state.providers[move.new.provider], move.new.device, stray=False)
    own, charge = _charges(state, deltas)
    _require_room(state, deltas, own, charge, strays)
    if moves:
        moves = give_devices(state, moves, strays)
    _take(state, own, charge, strays)
    outcome = {
        "consumers": _write_holdings(state, rows, deltas, moves),
        "providers": _move_on(state, rows, deltas, moves),
        "devices": _devices(state, rows) if rows.occupants else {},
    }
    if rows.id is not None:
        text = encode(outcome)
        state.claims[rows.id] = (rows.digest, text)
        state.changes.claims.append((rows.id, rows.digest, rows.at, text))
    return outcome


def _require_consumers(state: State, rows: ClaimRows) -> None:
    for uuid, _, _, _, expected in rows.holdings:
        consumer = state.consumers.get(uuid)
        generation = None if consumer is None else consumer.generation
        if expected in (ANY, ABSENT if generation is None else generation):
            continue
        if expected == PRESENT and generation is not None:
            continue
        wanted = expected if expected >= 0 else None
        raise Refused(error="consumer", consumer=uuid, expected=wanted, found=generation)


def _require_providers(state: State, rows: ClaimRows) -> None:
    facts = dict(rows.facts)
    names = {row[1] for row in rows.allocations} | {row[1] for row in rows.occupants}
    for uuid in sorted(names | facts.keys() | set(rows.named or ())):
        provider = state.named.get(uuid)
        if provider is None:
            raise Refused(error="provider", provider=uuid)
        if facts.get(uuid, provider.facts_generation) != provider.facts_generation:
            found = provider.facts_generation
            raise Refused(error="facts", provider=uuid, expected=facts[uuid], found=found)


def _deltas(state: State, rows: ClaimRows) -> list[Delta]:
    """List the allocations that differ from what is held."""
    wanted: list[dict[Key, int]] = [{} for _ in rows.holdings]
    for index, uuid, name, units in rows.allocations:
        wanted[index][state.named[uuid].id, name] = units
    deltas = []
    for (uuid, *_), want in zip(rows.holdings, wanted, strict=True):
        consumer = state.consumers.get(uuid)
        held = {} if consumer is None else consumer.held
        for key, units in want.items():
            if held.get(key, 0) != units:
                deltas.append(Delta(uuid, key, held.get(key, 0), units))
        deltas += [Delta(uuid, key, units, 0) for key, units in held.items() if key not in want]
    return deltas


def _have_places(state: State, rows: ClaimRows) -> bool:
    return any(
        uuid in state.consumers and state.consumers[uuid].places for uuid, *_ in rows.holdings
    )


def _require_plain(state: State, rows: ClaimRows, moves: list[Move]) -> None:
    """Refuse what is more than a claim of a single consumer without devices."""
    uuid = rows.holdings[0][0]
    is_simple = len(rows.holdings) == 1 and not (uuid in state.consumers and rows.allocations)
    is_special = not is_simple or bool(rows.occupants or moves) or uuid in state.guests
    for _, provider, name, _ in rows.allocations:
        found = state.named[provider]
        is_view = name in found.stocks and found.stocks[name].cap is None
        is_special = is_special or found.is_device or is_view
    if is_special:
        raise Refused(error="special")


def _charges(state: State, deltas: list[Delta]) -> tuple[Counter[Key], Counter[Key]]:
    """Sum up what each inventory gains: by its own class, and in all."""
    own: Counter[Key] = Counter()
    for delta in deltas:
        own[delta.key] += delta.new - delta.old
    charge = own.copy()
    for (number, name), units in own.items():
        for pool, each in state.providers[number].views.get(name, ()):
            charge[number, pool] += units * each
    return own, charge


def _require_room(
    state: State, deltas: list[Delta], own: Counter[Key], charge: Counter[Key], strays: Strays
) -> None:
    """Refuse what does not fit; what takes nothing more always does."""
    taking = [key for key, units in charge.items() if units > 0]
    for key in sorted(taking, key=lambda key: (state.providers[key[0]].uuid, key[1])):
        provider, name = state.providers[key[0]], key[1]
        stock, units = provider.stocks.get(name), charge[key]
        asked = {"provider": provider.uuid, "class": name}
        if stock is None or (
            stock.cap is not None
            and stock.charged + stock.stray + strays.units.get(key, 0) + units > stock.cap
        ):
            raise Refused(error="capacity", **asked, asked=units)
        if own[key] <= 0:
            continue
        low, high, step = stock.min_unit, stock.max_unit, stock.step_size
        for new in sorted(d.new for d in deltas if d.key == key and d.new > d.old):
            if not low <= new <= high or new % step:
                limits = {"min_unit": low, "max_unit": high, "step_size": step}
                raise Refused(error="units", **asked, asked=new, **limits)


def _take(state: State, own: Counter[Key], charge: Counter[Key], strays: Strays) -> None:
    for (number, device), stray in strays.now.items():
        state.providers[number].seen[device].stray = stray
        state.changes.seen.add((number, device))
    for key in {*charge, *strays.units}:
        stock = state.providers[key[0]].stocks.get(key[1])
        strayed = strays.units.get(key, 0)
        if stock is None or not (own[key] or charge[key] or strayed):
            continue
        stock.used += own[key]
        if stock.cap is not None:
            stock.charged += charge[key]
            stock.stray += strayed
        state.changes.stocks.add(key)


def _write_holdings(
    state: State, rows: ClaimRows, deltas: list[Delta], moves: list[Move]
) -> dict[str, int | None]:
    """Write what consumers hold and move their generations on; one that holds nothing ends."""
    holds = {row[0] for row in rows.allocations} | {row[0] for row in rows.occupants}
    for uuid, kind, project, user, _ in rows.holdings:
        consumer = state.consumers.get(uuid)
        if consumer is None:
            consumer = Consumer(state.next_id, uuid, 0, UNKNOWN, project, user)
            state.consumers[uuid] = consumer
            state.next_id += 1
        consumer.generation += 1
        consumer.type = kind or consumer.type
        consumer.project, consumer.user = project, user
        state.changes.consumers[consumer.id] = (consumer, rows.at)
    for delta in deltas:
        consumer = state.consumers[delta.consumer]
        consumer.held[delta.key] = delta.new
        if not delta.new:
            del consumer.held[delta.key]
        state.changes.allocations[consumer.id, *delta.key] = delta.new
    for move in moves:
        _place(state, state.consumers[move.consumer], move)
    generations: dict[str, int | None] = {}
    for index, (uuid, *_) in enumerate(rows.holdings):
        generations[uuid] = state.consumers[uuid].generation if index in holds else None
        if index not in holds:
            ended = state.consumers.pop(uuid)
            del state.changes.consumers[ended.id]
            state.changes.ended.add(ended.id)
    return generations


def _place(state: State, consumer: Consumer, move: Move) -> None:
    if move.old:
        del consumer.places[move.slot]
        del state.providers[move.old.provider].occupants[consumer.uuid, move.slot]
    if move.new:
        consumer.places[move.slot] = move.new
        state.providers[move.new.provider].occupants[consumer.uuid, move.slot] = move.new
    state.changes.occupants[consumer.id, move.slot] = move.new


def _move_on(
    state: State, rows: ClaimRows, deltas: list[Delta], moves: list[Move]
) -> dict[str, int]:
    """Move generations on: of what changes, and of what a client of Placement names."""
    touched = {delta.key[0] for delta in deltas}
    touched.update(place.provider for move in moves for place in (move.old, move.new) if place)
    named = rows.named or ()
    moving: dict[str, Provider] = {
        state.providers[number].uuid: state.providers[number] for number in touched
    }
    moving.update({uuid: state.named[uuid] for uuid in named})
    generations = {}
    for uuid, provider in sorted(moving.items()):
        provider.generation += 1
        provider.silent += rows.named is not None and uuid not in named
        state.changes.moved_at[provider.id] = rows.at
        generations[uuid] = provider.generation
    state.changes.events.extend(generations.items())
    return generations


def _devices(state: State, rows: ClaimRows) -> dict[str, dict[str, str]]:
    """Name the devices that the consumers hold now."""
    held = {
        uuid: {
            slot: place.device
            for slot, place in state.consumers[uuid].places.items()
            if place.device is not None
        }
        for uuid, *_ in rows.holdings
        if uuid in state.consumers
    }
    return {uuid: devices for uuid, devices in held.items() if devices}
