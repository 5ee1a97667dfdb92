"""What is planned for a device wherever it is plugged in: only its address is put in anew.

No two hosts need have a device at one address, and the devices of a host never share one.
"""

from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace as changed

from wherry.inventory.tree import Family, FamilyPlan
from wherry.model.facts import Device


def placeless(device: Device) -> Device:
    """Leave out where a device is; whether it has an IOMMU group tells what may be done."""
    group = UNSET if device.iommu_group is UNSET else ""
    return changed(device, name="", path=UNSET, numa_node=UNSET, iommu_group=group)


def is_alone(family: Family) -> bool:
    """Whether a device has neither VFs nor instances, which have names of their own."""
    device = family.device
    return not family.vfs and not family.scene.instances.get(device.name)


def fits_anywhere(family: Family, plan: FamilyPlan) -> bool:
    """Whether the plan of a device that is alone would be the same at another address.

    Findings tell of the device by name, and a profile may read it.
    """
    return not plan.findings and not _reads_name(msgspec.to_builtins(family.subject.profile))


def elsewhere(plan: FamilyPlan, device: Device) -> FamilyPlan:
    """Give the plan of another device for this one, where it fits anywhere."""
    (seat,) = plan.seats
    slots, parents = (
        (device.name,) if names else () for names in (seat.plan.slots, seat.plan.parents)
    )
    return replace(
        plan, seats=(replace(seat, plan=replace(seat.plan, slots=slots, parents=parents)),)
    )


def _reads_name(data: Any) -> bool:
    if isinstance(data, dict):
        if data.get("attribute") == "name" and data.get("of") in {"device", "parent"}:
            return True
        return any(_reads_name(value) for value in data.values())
    return isinstance(data, list) and any(_reads_name(value) for value in data)
