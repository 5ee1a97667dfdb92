"""Devices that make one provider's offers together: equal VFs, or a device by itself.

VFs are equal where a guest could not tell which one it got: same types, same driver to serve
it, alone in its IOMMU group.  A VF on a driver of the host that lets it go counts as if it
were on the driver that serves the guest: else every start and stop of a guest would move
VFs between providers.

Source: design, section 5 ("Offer, derived traits and pools stand on the same provider").
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from wherry.inventory.findings import finding
from wherry.inventory.subjects import Subject
from wherry.inventory.types import fill_name, read_fields
from wherry.model.device import Kind
from wherry.model.facts import Host
from wherry.model.inventory import Finding
from wherry.profiles.schema import Profile


@dataclass(frozen=True)
class Group:
    """Equal devices, in the numeric order of their addresses.

    Attributes:
        key: what they are equal in, as text: part of a child provider's identity.
    """

    profile: Profile
    members: tuple[Subject, ...]
    key: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What an instance is."""
        if self.profile.types_from == "mdev":
            return "mdev"
        device = self.members[0].device
        if device.bus == "vdpa":
            return "vdpa"
        return "vf" if device.role == "vf" else "pf"

    @property
    def has_slots(self) -> bool:
        """Whether instances are attached as devices with names of their own."""
        return self.kind != "mdev"

    @property
    def slot_count(self) -> int:
        """Devices that instances are made on; 0 where a parent makes them by itself."""
        return len(self.members) if self.members[0].device.role == "vf" else 0


def group_subjects(subjects: Sequence[Subject]) -> tuple[list[Group], list[Finding]]:
    """Sort devices of one parent into groups; those that offer nothing are findings."""
    groups: dict[tuple[str, ...], list[Subject]] = {}
    left: dict[str, list[str]] = {}
    findings: list[Finding] = []
    for subject in subjects:
        why = why_not(subject)
        if why is not None:
            left.setdefault(why, []).append(subject.name)
            continue
        if _cannot_reset(subject):
            findings.append(finding("NO_RESET", subject.name))
        groups.setdefault(_key(subject), []).append(subject)
    for why in sorted(left):
        names = left[why]
        first, rest = names[0], ", ".join(names[1:])
        findings.append(finding(why, first, f"and {rest}" if rest else ""))
    return [_group(key, groups[key]) for key in sorted(groups)], findings


def why_not(subject: Subject) -> str | None:
    """Say by a finding's code why a device cannot be offered; None where it can."""
    device, profile = subject.device, subject.profile
    if not device.settled:
        return "UNSETTLED"
    if profile is None:
        return "NO_PROFILE"
    if not profile.offered:
        return "HELD_BY_HOST"
    if profile.types_from == "mdev" or device.bus != "pci":
        return None
    if device.shares_iommu_group:
        return "SHARED_IOMMU_GROUP"
    return "NO_IOMMU" if _without_iommu(subject.host, device.iommu_group) else None


def _without_iommu(host: Host, group: object) -> bool:
    return host.iommu is False or group is UNSET


def _cannot_reset(subject: Subject) -> bool:
    device = subject.device
    if subject.types_from != "function" or device.bus != "pci":
        return False
    methods = device.attributes.get("reset_method")
    # An old kernel has no such attribute; what cannot be read is not a "no" either.
    return isinstance(methods, str) and not methods.split()


def _key(subject: Subject) -> tuple[str, ...]:
    profile = subject.profile
    if profile is None:
        return ()
    look = subject.look({})
    name = fill_name(profile.name, read_fields(profile, look))
    # Types of mdev and vendor lists come and go with use; a function's type does not.
    own = name or "" if profile.types_from == "function" else ""
    title = subject.assigned_driver if profile.types_from == "function" else profile.title
    return profile.types_from, title, own


def _group(key: tuple[str, ...], subjects: Sequence[Subject]) -> Group:
    # Of equal VFs on two drivers the one that serves guests already knows best.
    ready = [s for s in subjects if s.driver == s.assigned_driver and s.profile]
    profile = (ready or list(subjects))[0].profile
    if profile is None:
        raise AssertionError("a group has only devices that a profile covers")
    return Group(profile=profile, members=tuple(subjects), key=key)
