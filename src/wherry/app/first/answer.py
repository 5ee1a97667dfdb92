"""Tells candidates in names and addresses."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from msgspec import UNSET

from wherry.app.first.search import Ground
from wherry.inventory.host_view import ProviderView
from wherry.model.candidates import Part, PlacedCandidate
from wherry.schedule.first.rank import Piece, Ranked, map_groups, sum_up
from wherry.store.placement_providers import read_named


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the providers that are told of, each looked up once.

    Attributes:
        uuids: by row.
        providers: by uuid, as a report tells of them.
        names: by uuid.
    """

    uuids: Mapping[int, str]
    providers: Mapping[str, ProviderView | None]
    names: Mapping[str, str]


def tell(ground: Ground, ranked: Sequence[Ranked]) -> tuple[PlacedCandidate, ...]:
    """Tell candidates; one read of the store for the names that no report tells.

    Cost: a Python loop over what their providers give; each provider is looked up once.
    """
    first = ground.columns.first
    roots = [int(first[one.tree]) for one in ranked]
    known = _look_up(ground, {*roots, *(row for one in ranked for row in one.rows)})
    return tuple(_candidate(one, row, known) for one, row in zip(ranked, roots, strict=True))


def _look_up(ground: Ground, rows: Set[int]) -> _Known:
    every = sorted(rows)
    texts = ground.columns.uuid_texts(every) if every else ()
    uuids = {row: text.decode() for row, text in zip(every, texts, strict=True)}
    providers = {uuid: find_provider(ground, uuid) for uuid in uuids.values()}
    return _Known(uuids, providers, _names(ground, providers))


def _candidate(one: Ranked, row: int, known: _Known) -> PlacedCandidate:
    root, pieces, uuid = known.uuids[row], one.pieces, known.uuids.__getitem__
    told: Counter[str] = Counter()
    return PlacedCandidate(
        host=known.names.get(root, root),
        root=root,
        score=round(one.score, 4),
        numa=one.nodes,
        parts=tuple(_part(piece, known, told) for piece in pieces),
        allocations=sum_up(pieces, uuid),
        mappings=map_groups(pieces, uuid),
        query=one.query,
    )


def _names(ground: Ground, known: Mapping[str, ProviderView | None]) -> dict[str, str]:
    names = {uuid: one.record.plan.name for uuid, one in known.items() if one is not None}
    if others := known.keys() - names.keys():
        found = ground.engine.store.read(lambda tx: read_named(tx, others))
        names |= {uuid: row.name for uuid, row in found.items()}
    return names


def _part(piece: Piece, known: _Known, told: Counter[str]) -> Part:
    uuid = known.uuids[piece.row]
    provider = known.providers[uuid]
    units = sum(amount for _, amount in piece.resources)
    begin, told[uuid] = told[uuid], told[uuid] + units
    free = () if provider is None else _free(provider)[begin : begin + units]
    device = UNSET if provider is None else provider.record.plan.device
    return Part(
        group=piece.suffix,
        request=piece.request,
        provider=uuid,
        provider_name=known.names.get(uuid, uuid),
        resources=dict(piece.resources),
        device=None if device is UNSET else device,
        addresses=free,
    )


def find_provider(ground: Ground, uuid: str) -> ProviderView | None:
    """Give what a host's report knows of a provider; None where none does."""
    home = ground.engine.fleet.home_of(uuid)
    host = None if home is None else ground.view.get(home)
    return None if host is None else host.find_provider(uuid)


def _free(provider: ProviderView) -> tuple[str, ...]:
    plan = provider.record.plan
    gone = {*provider.record.use.devices, *(each.id for each in plan.instances)}
    return tuple(name for name in plan.slots if name not in gone)
