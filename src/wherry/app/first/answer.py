"""Tells candidates in names and addresses."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from wherry.app.first.search import Ground
from wherry.inventory.host_view import ProviderView
from wherry.model.candidates import Part, PlacedCandidate
from wherry.schedule.first.rank import Piece, Ranked
from wherry.store.placement_providers import read_named


def tell(ground: Ground, ranked: Sequence[Ranked]) -> tuple[PlacedCandidate, ...]:
    """Tell candidates; one read of the store for the names that no report tells."""
    columns = ground.columns
    roots = {one.tree: columns.uuid(int(columns.first[one.tree])) for one in ranked}
    rows = {row for one in ranked for row in one.rows}
    names = _names(ground, {*roots.values(), *map(columns.uuid, rows)})
    return tuple(
        PlacedCandidate(
            host=names.get(roots[one.tree], roots[one.tree]),
            root=roots[one.tree],
            score=round(one.score, 4),
            numa=one.nodes,
            parts=_parts(ground, one, names),
            allocations=one.allocations,
            mappings=one.mappings,
            query=one.query,
        )
        for one in ranked
    )


def _names(ground: Ground, uuids: Iterable[str]) -> dict[str, str]:
    known = {uuid: find_provider(ground, uuid) for uuid in uuids}
    names = {uuid: one.record.plan.name for uuid, one in known.items() if one is not None}
    if others := known.keys() - names.keys():
        found = ground.engine.store.read(lambda tx: read_named(tx, others))
        names |= {uuid: row.name for uuid, row in found.items()}
    return names


def _parts(ground: Ground, one: Ranked, names: dict[str, str]) -> tuple[Part, ...]:
    told: Counter[str] = Counter()
    return tuple(_part(ground, piece, names, told) for piece in one.pieces)


def _part(ground: Ground, piece: Piece, names: dict[str, str], told: Counter[str]) -> Part:
    uuid = ground.columns.uuid(piece.row)
    provider = find_provider(ground, uuid)
    units = sum(amount for _, amount in piece.resources)
    begin, told[uuid] = told[uuid], told[uuid] + units
    free = () if provider is None else _free(provider)[begin : begin + units]
    device = UNSET if provider is None else provider.record.plan.device
    return Part(
        group=piece.suffix,
        request=piece.request,
        provider=uuid,
        provider_name=names.get(uuid, uuid),
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
