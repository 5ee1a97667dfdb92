"""Guests that boot: requests, what a consumer holds, and what is left after a decision."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from builders import RESOURCES, a_uuid
from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.inventory.derive import plan_host
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_view import HostView
from wherry.migrate.boot import BootDecision, plan_guest
from wherry.model.claims import Claim, Holding
from wherry.model.facts import Instance, Report
from wherry.model.guests import Chosen, Guest, GuestRequest, SlotRequest
from wherry.model.inventory import HostRecord, ProviderRecord
from wherry.profiles.builtin import builtin_profiles

NOW = 1_780_000_000.0
GUEST = a_uuid("guest")
NOBODY = Holding(consumer=GUEST, expected_generation=None)


def a_slot_request(provider: str = "host1_gpu0", **fields: Any) -> SlotRequest:
    """A device of the default type; ``chosen`` may be given as its fields."""
    chosen = fields.pop("chosen", {})
    defaults = {"provider": a_uuid(provider), "type": "acme/gpu-a", "chosen": Chosen(**chosen)}
    return SlotRequest(**{**defaults, **fields})


def a_request(host: str = "host1", **fields: Any) -> GuestRequest:
    """A guest with one default device and the default resources."""
    defaults = {"resources": dict(RESOURCES), "slots": {"gpu0": a_slot_request(f"{host}_gpu0")}}
    return GuestRequest(host=host, **{**defaults, **fields})


def put(
    request: GuestRequest,
    host: HostView | None,
    *,
    stored: Guest | None = None,
    held: Holding = NOBODY,
    now: float = NOW,
) -> BootDecision:
    return plan_guest(
        request, host, uuid=GUEST, stored=stored, held=held, claim_id=a_uuid("claim"), now=now
    )


def held_after(held: Holding, claim: Claim | None) -> Holding:
    """What the guest's consumer holds once a claim has taken effect."""
    if claim is None:
        return held
    wanted = next(each for each in claim.holdings if each.consumer == held.consumer)
    before = {(each.provider, each.slot): each.device for each in held.occupants}
    occupants = tuple(
        replace(each, device=before.get((each.provider, each.slot), UNSET))
        if each.device is UNSET
        else each
        for each in wanted.occupants
    )
    generation = held.expected_generation or 0
    return replace(wanted, occupants=occupants, expected_generation=generation + 1)


def boot(request: GuestRequest, host: HostView, *, held: Holding = NOBODY) -> tuple[Guest, Holding]:
    """A guest as stored after a first PUT, and what it holds then."""
    decision = put(request, host, held=held)
    return replace(decision.guest, generation=1), held_after(held, decision.claim)


def a_report(recording: str, host: str = "host1", **fields: Any) -> Report:
    """What an agent reports of one of the recordings that come with Wherry."""
    defaults = {
        "schema": "wherry.report/1",
        "host": host,
        "boot_id": "boot-1",
        "sequence": 1,
        "observed_at": "2026-01-01T00:00:00Z",
        "facts": look_at(recordings.load(recording), {}),
    }
    return Report(**{**defaults, **fields})


def with_instances(report: Report, *instances: Instance) -> Report:
    """The same host with more instances on it."""
    facts = replace(report.facts, instances=(*report.facts.instances, *instances))
    return replace(report, facts=facts)


def a_reported_view(report: Report, *, facts_generation: int = 1) -> HostView:
    """A host as the fleet shows it once its report is stored."""
    plan = plan_host(report, builtin_profiles())
    root = plan.providers[0].uuid
    records = [
        ProviderRecord(
            plan=planned,
            host=report.host,
            root=root,
            owner="report",
            generation=1,
            facts_generation=facts_generation,
        )
        for planned in plan.providers
    ]
    fleet = Fleet()
    fleet.apply(
        [
            HostRecord(
                name=report.host,
                check=plan.check,
                boot_id=report.boot_id,
                sequence=report.sequence,
                observed_at=report.observed_at,
                generation=1,
            ),
            *records,
        ]
    )
    view = fleet.view.get(report.host)
    assert view is not None
    return view


def provider_of(host: HostView, type_name: str) -> str:
    """uuid of the first provider that offers a type."""
    return next(o.provider.uuid for o in host.offers if o.offer.type == type_name)
