"""Providers for the devices below one root: its own, and children for unequal VFs."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.findings import finding
from wherry.inventory.groupplan import GroupPlan, plan_group
from wherry.inventory.groups import Group, group_subjects
from wherry.inventory.ids import provider_name, provider_uuid
from wherry.inventory.offerplan import place_offer
from wherry.inventory.subjects import Scene, Subject
from wherry.inventory.traits import pf_traits
from wherry.model.facts import Device
from wherry.model.inventory import Finding, PlannedProvider


@dataclass(frozen=True)
class Family:
    """A device that is no VF of another, with its VFs."""

    scene: Scene
    device: Device

    @property
    def subject(self) -> Subject:
        """The device itself, with its profile."""
        return self.scene.subject(self.device)

    @property
    def vfs(self) -> tuple[Device, ...]:
        """Its VFs in the numeric order of their addresses."""
        return self.scene.vfs_of(self.device)


@dataclass(frozen=True)
class Seat:
    """What one provider of a family holds, wherever it is: its offers are nobody's yet.

    Attributes:
        key: what tells it from the others of the family; empty for the device's own.
        label: what its name ends in.
    """

    key: tuple[str, ...]
    label: tuple[str, ...]
    plan: GroupPlan


@dataclass(frozen=True)
class FamilyPlan:
    """All that is said of a family, but for where it stands."""

    seats: tuple[Seat, ...]
    """The device's own first."""
    note: str | None
    """Why the device has nothing to offer; None where nothing is to be said."""
    traits: frozenset[str]
    """Of the device itself."""
    findings: tuple[Finding, ...]


def plan_family(family: Family) -> FamilyPlan:
    """Decide what a device with its VFs offers.

    Raises:
        Contradiction: its types' counts tell two totals of one pool.
    """
    own, findings = _own_groups(family)
    below, more = _groups_below(family)
    on_root, children = _seat(own, below)
    plan = GroupPlan() if on_root is None else plan_group(family.scene, on_root, family.device)
    seats = [Seat((), (), plan)]
    for group, label in zip(children, _labels(children), strict=True):
        child = plan_group(family.scene, group, family.device)
        seats.append(Seat(group.key, (label,), child))
    return FamilyPlan(
        seats=tuple(seats),
        note=_note(family),
        traits=pf_traits(family.device),
        findings=(*findings, *more, *(one for seat in seats for one in seat.plan.findings)),
    )


def place_family(plan: FamilyPlan, device: Device, host: str, parent: str) -> list[PlannedProvider]:
    """Give the providers of a device with its VFs, parents before children.

    Args:
        parent: uuid of the provider that it hangs below.
    """
    own = provider_uuid(host, device.bus, device.name)
    first, *others = plan.seats
    return [
        _finish(plan, _provider(first, device, host, own, parent)),
        *(
            _provider(
                seat, device, host, provider_uuid(host, device.bus, device.name, *seat.key), own
            )
            for seat in others
        ),
    ]


def _own_groups(family: Family) -> tuple[list[Group], list[Finding]]:
    """Group the device itself: a PF whose VFs are on is not given away whole."""
    subject = family.subject
    if subject.types_from == "function" and (family.vfs or _vfs_are_on(family.device)):
        return [], []
    if _makes_nothing(subject):
        return [], []
    return group_subjects([subject])


def _groups_below(family: Family) -> tuple[list[Group], list[Finding]]:
    """Group the VFs; while their number changes, none is offered."""
    if not family.device.settled and family.vfs:
        return [], [finding("UNSETTLED", family.device.name)]
    return group_subjects([family.scene.subject(vf) for vf in family.vfs])


def _makes_nothing(subject: Subject) -> bool:
    """Tell whether it is a PF whose driver has VFs off and no profile for it as a whole."""
    device = subject.device
    return device.role == "pf" and subject.types_from == "function" and subject.profile is None


def _vfs_are_on(device: Device) -> bool:
    """Tell whether VFs are on; a number that cannot be read may be any."""
    return device.sriov is not UNSET and device.sriov.enabled != 0


def _seat(own: Sequence[Group], below: Sequence[Group]) -> tuple[Group | None, Sequence[Group]]:
    """Say which group stands on the root's own provider, and which on children.

    The largest one has the seat: if one VF of several is bound to another driver, the others
    stay where guests hold them.
    """
    if own or not below:
        return (own[0] if own else None), below
    seated = max(below, key=lambda group: len(group.members))
    return seated, [group for group in below if group is not seated]


def _labels(groups: Sequence[Group]) -> list[str]:
    """Name children by driver; by driver, source and type where that is not enough."""
    drivers = [group.members[0].assigned_driver for group in groups]
    return [
        driver if drivers.count(driver) == 1 else "_".join(filter(None, (driver, *group.key)))
        for driver, group in zip(drivers, groups, strict=True)
    ]


def _provider(seat: Seat, device: Device, host: str, uuid: str, parent: str) -> PlannedProvider:
    plan = seat.plan
    return PlannedProvider(
        uuid=uuid,
        name=provider_name(host, device.name, *seat.label),
        parent=parent,
        device=device.name,
        traits=tuple(sorted(plan.traits)),
        inventories=plan.inventories,
        views=plan.views,
        offers=tuple(place_offer(offer, uuid, device.name) for offer in plan.offers),
        instances=plan.instances,
        slots=plan.slots,
        parents=plan.parents,
        note=plan.note or UNSET,
    )


def _finish(plan: FamilyPlan, provider: PlannedProvider) -> PlannedProvider:
    """Add what is said of the device itself: its traits, and why it has nothing."""
    note = provider.note
    if note is UNSET and not provider.offers:
        note = plan.note or UNSET
    traits = sorted({*provider.traits, *plan.traits})
    return replace(provider, traits=tuple(traits), note=note)


def _note(family: Family) -> str | None:
    device, profile = family.device, family.subject.profile
    if not all(one.settled for one in (device, *family.vfs)):
        return "unsettled"
    if device.sriov is not UNSET:
        return "SR-IOV off" if device.sriov.enabled == 0 else None
    if profile is None:
        return "no profile covers it"
    return None if profile.offered or profile.note is UNSET else profile.note
