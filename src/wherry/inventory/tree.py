"""Providers for the devices below one root: its own, and children for unequal VFs."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.findings import finding
from wherry.inventory.groupplan import GroupPlan, plan_group
from wherry.inventory.groups import Group, group_subjects
from wherry.inventory.ids import provider_name, provider_uuid
from wherry.inventory.subjects import Scene, Subject
from wherry.inventory.traits import pf_traits
from wherry.model.facts import Device
from wherry.model.inventory import Finding, PlannedProvider


@dataclass(frozen=True)
class Root:
    """A device that is no VF of another, and where it stands in the tree of its host."""

    scene: Scene
    device: Device
    host: str
    parent: str
    """uuid of the provider it hangs below."""

    @property
    def subject(self) -> Subject:
        """The device itself, with its profile."""
        return self.scene.subject(self.device)

    @property
    def vfs(self) -> tuple[Device, ...]:
        """Its VFs in the numeric order of their addresses."""
        return self.scene.vfs_of(self.device)

    def uuid(self, *parts: str) -> str:
        """Give the uuid of its own provider, or of a child of it."""
        return provider_uuid(self.host, self.device.bus, self.device.name, *parts)


def plan_root(root: Root) -> tuple[list[PlannedProvider], list[Finding]]:
    """Give the providers of a device with its VFs, parents before children.

    Raises:
        Contradiction: its types' counts tell two totals of one pool.
    """
    own, findings = _own_groups(root)
    below, more = _groups_below(root)
    on_root, children = _seat(own, below)
    plan = (
        GroupPlan()
        if on_root is None
        else plan_group(root.scene, on_root, root.device, root.uuid())
    )
    providers = [_finish(root, _provider(root, plan, root.uuid(), ()))]
    findings = [*findings, *more, *plan.findings]
    for group, label in zip(children, _labels(children), strict=True):
        uuid = root.uuid(*group.key)
        plan = plan_group(root.scene, group, root.device, uuid)
        child = _provider(root, plan, uuid, (label,))
        providers.append(replace(child, parent=root.uuid()))
        findings.extend(plan.findings)
    return providers, findings


def _own_groups(root: Root) -> tuple[list[Group], list[Finding]]:
    """Group the device itself: a PF whose VFs are on is not given away whole."""
    subject = root.subject
    if subject.types_from == "function" and (root.vfs or _vfs_are_on(root.device)):
        return [], []
    if _makes_nothing(subject):
        return [], []
    return group_subjects([subject])


def _groups_below(root: Root) -> tuple[list[Group], list[Finding]]:
    """Group the VFs; while their number changes, none is offered."""
    if not root.device.settled and root.vfs:
        return [], [finding("UNSETTLED", root.device.name)]
    return group_subjects([root.scene.subject(vf) for vf in root.vfs])


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


def _provider(root: Root, plan: GroupPlan, uuid: str, label: tuple[str, ...]) -> PlannedProvider:
    return PlannedProvider(
        uuid=uuid,
        name=provider_name(root.host, root.device.name, *label),
        parent=root.parent,
        device=root.device.name,
        traits=tuple(sorted(plan.traits)),
        inventories=plan.inventories,
        views=plan.views,
        offers=plan.offers,
        instances=plan.instances,
        slots=plan.slots,
        parents=plan.parents,
        note=plan.note or UNSET,
    )


def _finish(root: Root, provider: PlannedProvider) -> PlannedProvider:
    """Add what is said of the root itself: its traits, and why it has nothing."""
    note = provider.note
    if note is UNSET and not provider.offers:
        note = _note(root) or UNSET
    traits = sorted({*provider.traits, *pf_traits(root.device)})
    return replace(provider, traits=tuple(traits), note=note)


def _note(root: Root) -> str | None:
    device, profile = root.device, root.subject.profile
    if not all(one.settled for one in (device, *root.vfs)):
        return "unsettled"
    if device.sriov is not UNSET:
        return "SR-IOV off" if device.sriov.enabled == 0 else None
    if profile is None:
        return "no profile covers it"
    return None if profile.offered or profile.note is UNSET else profile.note
