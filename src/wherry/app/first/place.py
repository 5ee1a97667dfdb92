"""Where a new guest could go, ranked, and taking the best place in the same call."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from wherry.app.device_requests import find_device_requests
from wherry.app.engine import Engine
from wherry.app.first.answer import tell
from wherry.app.first.claim import NoneFree, find_held, take
from wherry.app.first.search import Ground, Pool, count_refusals, search, stand
from wherry.app.placement.refusals import ConsumerConflict
from wherry.model.candidates import CandidatesAnswer, CandidatesAsked, ClaimAsked, Claimed
from wherry.model.device_requests import DeviceRequest
from wherry.model.errors import NoTarget
from wherry.model.guests import NumaAsked
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.first.devices import Wanted, find_kinds
from wherry.schedule.first.flavor import Flavor
from wherry.schedule.first.question import Query, make_queries, read_flavor
from wherry.schedule.first.words import require_known

ROUNDS = 3
"""Times that the fleet is looked at anew where others were quicker."""
LEAST = 64
"""Candidates that are ranked, also where fewer are asked for."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The fleet at one moment, and what is asked of it."""

    ground: Ground
    queries: tuple[Query, ...]
    requests: tuple[CandidatesRequest, ...]
    notes: tuple[str, ...]
    numa: NumaAsked | UnsetType = UNSET
    """What a claim says of nodes in the guest's record."""


def place(engine: Engine, asked: CandidatesAsked, *, deadline_s: float) -> CandidatesAnswer:
    """Find where a new guest could go; with a claim, take the best place.

    Args:
        deadline_s: seconds after which a search stops.

    Raises:
        InvalidRequest: the question cannot be asked so; names that are like unknown ones are said.
        NotFound: there is no device request of a name.
        NoTarget: a claim was asked for, and there is nothing to claim.
        AlreadyExists: the consumer holds something else than is asked.
        DeadlineExceeded: the search did not end in time; it has stopped.
    """
    look = _look(engine, asked, deadline_s)
    if asked.claim is UNSET:
        return _answer(look, asked, _search(look, asked), None)
    tries, last = 0, ""
    for _ in range(ROUNDS):
        if claimed := _held(look, asked.claim, attempts=tries):
            return _answer(look, asked, Pool((), is_all=False), claimed)
        pool = _search(look, asked)
        if not pool.ranked:
            break
        try:
            taken = take(look.ground, asked.claim, pool.ranked, look.numa)
        except NoneFree as error:
            tries, last = tries + error.tries, str(error)
        except ConsumerConflict:
            last = "the consumer holds something meanwhile"
        else:
            claimed = _held(look, asked.claim, attempts=tries + taken.tries)
            return _answer(look, asked, Pool((taken.ranked,), is_all=False), claimed)
        look = _look(engine, asked, deadline_s)
    raise _no_target(look, tries, last)


def _look(engine: Engine, asked: CandidatesAsked, deadline_s: float) -> _Look:
    ground = stand(engine, _tenant(asked), deadline_s=deadline_s)
    flavor = read_flavor(asked)
    wanted, notes = _wanted(ground, asked, flavor)
    notes += [f"flavor: {key} is not looked at" for key in flavor.ignored]
    if any(not one.kinds for one in wanted):
        return _Look(ground, (), (), tuple(notes))
    queries = tuple(make_queries(asked, flavor, wanted))
    requests = tuple(query.request for query in queries)
    for request in requests:
        require_known(request, ground.columns.known_classes, ground.columns.known_traits)
    return _Look(ground, queries, requests, tuple(notes), _numa(wanted))


def _wanted(
    ground: Ground, asked: CandidatesAsked, flavor: Flavor
) -> tuple[list[Wanted], list[str]]:
    """Put the devices of flavor and question together, and find what serves them."""
    counts = dict(flavor.devices)
    for device in asked.devices:
        counts[device.name] = counts.get(device.name, 0) + device.count
    own: dict[str, DeviceRequest] = {
        one.name: one.request for one in asked.devices if one.request is not UNSET
    }
    known = {**find_device_requests(ground.engine, counts.keys() - own.keys()), **own}
    policy = flavor.numa_policy if asked.numa_policy is UNSET else asked.numa_policy
    wanted: list[Wanted] = []
    notes: list[str] = []
    for name, count in counts.items():
        kinds, missing = find_kinds(name, known[name], ground.columns.known_classes)
        one = Wanted(
            name=name, count=count, kinds=kinds, numa_policy=policy or known[name].numa_policy
        )
        wanted.append(one)
        notes += missing
        if one.numa_policy == "socket":
            notes.append(f"device request {name}: sockets are not known; taken as `preferred`")
    return wanted, notes


def _numa(wanted: Sequence[Wanted]) -> NumaAsked | UnsetType:
    """Put the policies of the devices together, for where the guest goes next."""
    policies = {one.numa_policy for one in wanted}
    if policies == {"required"}:
        return NumaAsked(policy="required")
    return NumaAsked(policy="preferred") if policies - {"legacy"} else UNSET


def _tenant(asked: CandidatesAsked) -> str:
    if asked.tenant is not UNSET:
        return asked.tenant
    return "" if asked.claim is UNSET else asked.claim.project


def _search(look: _Look, asked: CandidatesAsked) -> Pool:
    pairs = list(zip(look.queries, look.requests, strict=True))
    return search(look.ground, pairs, most=max(asked.limit, LEAST), order=asked.order)


def _held(look: _Look, asked: ClaimAsked, *, attempts: int) -> Claimed | None:
    engine = look.ground.engine
    return find_held(engine, asked.consumer, look.requests, attempts=attempts)


def _answer(
    look: _Look, asked: CandidatesAsked, pool: Pool, claimed: Claimed | None
) -> CandidatesAnswer:
    some = pool.ranked[: asked.limit]
    is_counted = asked.explain or not (some or claimed)
    return CandidatesAnswer(
        candidates=tell(look.ground, some),
        considered=len(pool.ranked),
        is_all=pool.is_all and len(some) == len(pool.ranked),
        queries=tuple(query.text for query in look.queries),
        counts=count_refusals(look.ground, look.requests) if is_counted else (),
        notes=look.notes,
        claimed=claimed,
    )


def _no_target(look: _Look, tries: int, last: str) -> NoTarget:
    counts = count_refusals(look.ground, look.requests)
    if tries:
        message = f"{tries} candidates were taken by others meanwhile; of the last one: {last}"
    else:
        message = "no host takes it; " + (last or "; ".join(look.notes) or "see the counts")
    return NoTarget(message, refused=counts)
