"""Generated fleets in a running service that publishes, and one guest to be asked about.

The worlds are those of `schedule_worlds`; here they are stored, as reports would store them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import update

from builders import a_uuid
from query_twin import EXACT, refusing, stock
from schedule_worlds import World, crowded, worlds
from store_worlds import NOW, a_report
from wherry.app.engine import Engine
from wherry.app.publishing import hold_salt, publish
from wherry.app.queries import compile_query
from wherry.app.targets import find
from wherry.compat.engine import check
from wherry.inventory.doors import close_second_doors
from wherry.inventory.labelling import Labeller
from wherry.inventory.serving import find_offer
from wherry.model.changes import Change
from wherry.model.checks import HostFacts, Policy
from wherry.model.device import Offer
from wherry.model.inventory import (
    HostPlan,
    HostRecord,
    Inventory,
    PlannedProvider,
    ProviderRecord,
    SeenInstance,
)
from wherry.model.queries import QueryRequest
from wherry.model.targets import TargetsRequest
from wherry.store import tables
from wherry.store.guests import read_guest, write_guest
from wherry.store.reports import store_report
from wherry.store.transaction import Tx

MOST = 6
"""Hosts of a world at most."""
NOT_ASKED = {"NO_RESOURCES", "CLASS_UNKNOWN"}
"""Why there is no query although hosts might take the guest."""


class Case(NamedTuple):
    world: World
    policy: Policy


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A fleet with a guest, and how the guest shall move."""
    world = draw(st.one_of(worlds(), worlds(), crowded()))
    slots = list(world.guest.slots)
    policy = Policy(
        mode=draw(st.sampled_from(("live", "live", "live", "suspend", "cold"))),
        accept=draw(st.sampled_from((*[("ok", "warn")] * 6, ("ok",), ("ok", "warn", "unknown")))),
        replug=draw(st.sampled_from(((), (), (), tuple(slots[:1])))),
        postcopy=draw(st.sampled_from((False,) * 7 + (True,))),
    )
    return Case(world, policy)


def put_world(engine: Engine, world: World, number: int) -> None:
    """Make the fleet this one, and the guest the only one; *number* goes up from world to world."""
    given = {_name(changes): changes for changes in world.hosts}

    def write(tx: Tx) -> None:
        labeller = hold_salt(tx, engine)
        for place in range(MOST):
            name = f"host{place}"
            _put_host(tx, labeller, name, given.get(name, ()), number)
        _put_guest(tx, world)

    engine.store.write(write)


def _put_host(
    tx: Tx, labeller: Labeller | None, name: str, changes: Sequence[Change], number: int
) -> None:
    """Store what a host's report would become; without any changes, it has nothing."""
    record = next((each for each in changes if isinstance(each, HostRecord)), None)
    check = HostFacts() if record is None else record.check
    plan = HostPlan(host=name, providers=tuple(_plans(changes)), check=check)
    said = a_report(name, sequence=number)
    outcome = store_report(tx, said, str(number), plan, now=NOW)
    publish(tx, plan, labeller, outcome.changed)
    state, labels = ("enabled", {}) if record is None else (record.state, record.labels)
    row = tables.host
    tx.execute(update(row).where(row.c.name == name).values(state=state, labels=json.dumps(labels)))


def _name(changes: Sequence[Change]) -> str:
    return next(each.name for each in changes if isinstance(each, HostRecord))


def _plans(changes: Sequence[Change]) -> Iterator[PlannedProvider]:
    records = [each for each in changes if isinstance(each, ProviderRecord)]
    if not any(each.plan.parent is None for each in records):
        return  # of a host whose root is not published, nothing is
    for each in records:
        yield _root(each) if each.plan.parent is None else _device(each)


def _root(record: ProviderRecord) -> PlannedProvider:
    used = record.use.used
    held = {
        name: replace(one, reserved=used.get(name, 0))
        for name, one in record.plan.inventories.items()
    }
    return replace(record.plan, inventories=held)


def _device(record: ProviderRecord) -> PlannedProvider:
    """A device whose use is that of instances that nobody has allocated."""
    totals: dict[str, int] = {}
    for offer in record.plan.offers:
        for name, units in stock(_at_home(offer)).items():
            totals.setdefault(name, units)
    offers, _ = close_second_doors(
        _with_totals(_at_home(offer), totals) for offer in record.plan.offers
    )
    held = {
        name: record.use.charged.get(name, 0) + record.use.stray.get(name, 0) for name in totals
    }
    seen = [SeenInstance(id="used", type="x", units={k: n for k, n in held.items() if n})]
    seen += [
        SeenInstance(id=f"closed{n}", type="x", units={}, exclusive=value)
        for n, value in enumerate(record.use.exclusive)
    ]
    return replace(
        record.plan,
        inventories={name: Inventory(total=total) for name, total in totals.items() if total > 0},
        offers=tuple(offers),
        instances=tuple(seen) if offers else (),
    )


def _at_home(offer: Offer) -> Offer:
    """The same with its pools on its own provider, and nothing used yet."""
    if offer.pools is UNSET:
        return offer
    pools = {name: replace(pool, provider=UNSET, used=0) for name, pool in offer.pools.items()}
    return replace(offer, pools=pools)


def _with_totals(offer: Offer, totals: dict[str, int]) -> Offer:
    """Offers of one provider tell one total of a pool."""
    if offer.pools is UNSET:
        return offer
    pools = {name: replace(pool, total=totals[name]) for name, pool in offer.pools.items()}
    return replace(offer, pools=pools)


def _put_guest(tx: Tx, world: World) -> None:
    stored = read_guest(tx, world.guest.uuid, lock=True)
    write_guest(tx, replace(world.guest, generation=stored.generation if stored else 0))


def assert_equivalent(engine: Engine, case: Case, ask: Any) -> str:
    """Hold a compiled query to what the exact stage says; gives what kind of case it was.

    Args:
        ask: sends the query to a Placement, and gives the body of its answer.
    """
    guest, policy = case.world.guest, case.policy
    accepted = targets(engine, guest.uuid, policy)
    answer = compile_query(engine, guest.uuid, QueryRequest(policy=policy))
    if answer.query is None:
        assert not accepted or {why.code for why in answer.why} <= NOT_ASKED, answer.why
        return "not asked"
    body = ask(answer.query)
    roots = {a_uuid(f"host{place}"): f"host{place}" for place in range(MOST)}
    found = {roots[each["root_provider_uuid"]] for each in body["provider_summaries"].values()}
    assert accepted <= found
    assert targets(engine, guest.uuid, policy, tuple(sorted(found))) == accepted
    assert_rules_hold(engine, case, body, roots)
    return f"{len(accepted)} of {len(found)}"


def targets(
    engine: Engine, uuid: str, policy: Policy, hosts: tuple[str, ...] | None = None
) -> set[str]:
    """The exact stage: who takes the guest, of the whole fleet or of some hosts."""
    if hosts == ():
        return set()
    asked = TargetsRequest(policy=policy, limit=10_000, hosts=UNSET if hosts is None else hosts)
    return {each.host for each in find(engine, uuid, asked).targets}


def assert_rules_hold(engine: Engine, case: Case, body: Any, roots: dict[str, str]) -> None:
    """No offer that is returned for a device is refused by a rule that the query holds."""
    guest, policy = case.world.guest, case.policy
    if policy.mode == "cold" or "unknown" in policy.accept:
        return
    view = engine.view()
    summaries = body["provider_summaries"]
    for candidate in body["allocation_requests"]:
        for slot, contract in ((name, one.contract) for name, one in guest.slots.items()):
            if slot in policy.replug:
                continue
            (uuid,) = candidate["mappings"][f"_{slot}"]
            host = view.get(roots[summaries[uuid]["root_provider_uuid"]])
            assert host is not None
            offer = find_offer(host, uuid, contract.type, contract.kind)
            assert offer is not None
            response = check(contract, offer.offer, policy)
            assert not refusing(response, policy) & EXACT


def pairs_of(query: str) -> list[tuple[str, str]]:
    """The parameters of a query."""
    return parse_qsl(urlsplit(query).query)
