"""What one provider holds for a group of equal devices: pools, offers, views, instances."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from msgspec import UNSET, UnsetType

from wherry.inventory.capacity import PoolSize, Sizes, hold, size_pools
from wherry.inventory.doors import close_second_doors
from wherry.inventory.findings import finding
from wherry.inventory.groups import Group
from wherry.inventory.offerplan import plan_offer
from wherry.inventory.subjects import Scene
from wherry.inventory.totals import stated_totals
from wherry.inventory.traits import offer_traits, type_traits
from wherry.inventory.types import PlannedType, fill_class, is_wanted, plan_types, see_types
from wherry.model.device import Offer
from wherry.model.facts import Device, Instance
from wherry.model.inventory import Finding, Inventory, SeenInstance, View
from wherry.model.positions import is_place
from wherry.profiles.schema import Profile
from wherry.profiles.tables import is_resource_class


@dataclass(frozen=True)
class GroupPlan:
    """All that a group puts on its provider; its offers name none yet."""

    inventories: dict[str, Inventory] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    traits: frozenset[str] = frozenset()
    instances: tuple[SeenInstance, ...] = ()
    slots: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    note: str = ""
    findings: tuple[Finding, ...] = ()


def plan_group(scene: Scene, group: Group, root: Device) -> GroupPlan:
    """Derive what a group of equal devices offers.

    Args:
        scene: the host.
        group: equal devices.
        root: the device whose provider, or whose child, it is; its parent for VFs.

    Raises:
        Contradiction: its types' counts tell two totals of one pool.
    """
    instances = _instances(scene, group, root)
    types, findings = plan_types(group.profile, see_types(group.members, instances), root.name)
    by_id = {one.id: one for one in types}
    seen = tuple(
        _seen(group.profile, one, by_id[one.type]) for one in instances if one.type in by_id
    )
    unknown = [one for one in instances if one.type not in by_id]
    leaving = sum(len(member.device.leaving) for member in group.members)
    sizes = (
        Sizes(unknown="what an unknown instance holds is not known")
        if unknown
        else _sizes(group, types, instances, leaving)
    )
    findings += [
        *(finding("UNKNOWN_INSTANCE", root.name, f"{one.id} of {one.type}") for one in unknown),
        *_unplaced(seen, by_id.values(), root),
        *([finding("LEAVING", root.name, str(leaving))] if leaving else []),
        *(finding(code, root.name, detail) for code, detail in sizes.remarks),
    ]
    plan = _served(group, sizes, root) if sizes.unknown is None else _unknown(sizes, root)
    return replace(
        plan,
        instances=seen,
        parents=() if group.has_slots or not group.slot_count else _names(group),
        findings=(*findings, *plan.findings),
    )


def _unplaced(
    seen: Sequence[SeenInstance], types: Iterable[PlannedType], root: Device
) -> Iterator[Finding]:
    placed = {one.name for one in types if one.places}
    for one in seen:
        if one.type in placed and one.place is UNSET:
            yield finding("PLACE_UNKNOWN", root.name, f"{one.id} of {one.type}")


def _unknown(sizes: Sizes, root: Device) -> GroupPlan:
    return GroupPlan(
        note=f"capacity unknown: {sizes.unknown}",
        findings=(finding("CAPACITY_UNKNOWN", root.name, sizes.unknown or ""),),
    )


def _served(group: Group, sizes: Sizes, root: Device) -> GroupPlan:
    wanted = [one for one in sizes.types if is_wanted(group.profile, one.name)]
    made, refused = _offers(group, wanted, sizes)
    offers, closed = close_second_doors(made)
    served = [one for one in wanted if one.name in {offer.type for offer in offers}]
    views, twice = _views(group, served)
    traits, unknown = type_traits(group.profile, served)
    return GroupPlan(
        inventories=_inventories(sizes.pools),
        views=views,
        offers=tuple(offers),
        traits=traits | offer_traits(offers),
        slots=_names(group) if group.has_slots else (),
        findings=(
            *(finding("OFFER_REFUSED", root.name, text) for text in refused),
            *(finding("DOOR_TWICE", root.name, text) for text in closed),
            *(finding("VIEW_AMBIGUOUS", root.name, name) for name in twice),
            *(finding("TRAIT_UNKNOWN", root.name, name) for name in unknown),
        ),
    )


def _names(group: Group) -> tuple[str, ...]:
    return tuple(member.name for member in group.members)


def _instances(scene: Scene, group: Group, root: Device) -> list[Instance]:
    """Give the instances that the group's devices make or are."""
    names = {member.name for member in group.members}
    if group.profile.types_from == "function":
        return []
    parents = sorted(names | {root.name})
    found = [one for parent in parents for one in scene.instances.get(parent, ())]
    if group.profile.types_from == "creatable":
        # Also a VF that cannot be offered takes of its PF's memory.
        return found
    return [one for one in found if one.parent in names]


def _seen(profile: Profile, instance: Instance, one: PlannedType) -> SeenInstance:
    return SeenInstance(
        id=instance.id,
        type=one.name,
        units=one.units,
        exclusive=one.value,
        place=_place(profile, instance),
    )


def _place(profile: Profile, instance: Instance) -> str | UnsetType:
    """Give where an instance sits; what cannot be read is not told."""
    if profile.positions is UNSET:
        return UNSET
    told = instance.attributes.get(profile.positions.instance)
    return told if isinstance(told, str) and is_place(told) else UNSET


def _sizes(
    group: Group, types: Sequence[PlannedType], instances: Sequence[Instance], leaving: int
) -> Sizes:
    profile, first = group.profile, group.members[0]
    if profile.types_from == "function":
        pools = {name: PoolSize(len(group.members)) for one in types for name in one.units}
        return Sizes(pools=pools, types=tuple(types))
    if not types:
        return Sizes(unknown="no type is listed")
    names = {one.id: one.name for one in types}
    return size_pools(
        types,
        hold(
            types,
            [names[one.type] for one in instances],
            [place for one in instances if (place := _place(profile, one)) is not UNSET],
        ),
        stated_totals(profile, first.look({}), types, _slots(group, instances)),
        coupled=profile.counts == "pools",
        leaving=leaving,
    )


def _slots(group: Group, instances: Sequence[Instance]) -> int:
    """Count the devices that instances are made on, those with one that are not offered too."""
    if not group.slot_count or group.kind == "mdev":
        return group.slot_count
    return len({*(member.name for member in group.members), *(one.id for one in instances)})


def _offers(
    group: Group, types: Sequence[PlannedType], sizes: Sizes
) -> tuple[list[Offer], list[str]]:
    probes = [m.device.probe for m in group.members if m.device.probe is not UNSET]
    made = [
        plan_offer(
            group.profile,
            one,
            kind=group.kind,
            driver=group.members[0].assigned_driver,
            pools=sizes.pools,
            probes=probes,
        )
        for one in types
    ]
    return [o for o in made if not isinstance(o, str)], [t for t in made if isinstance(t, str)]


def _views(group: Group, types: Sequence[PlannedType]) -> tuple[dict[str, View], list[str]]:
    """Give the classes that count one type's recipe each, and those that two types share."""
    found: dict[str, list[View]] = {}
    for one in types:
        for template in group.profile.views:
            name = fill_class(template, one.fields)
            if name is not None and is_resource_class(name) and name not in one.units:
                found.setdefault(name, []).append(View(type=one.name, units=one.units))
    single = {name: views[0] for name, views in sorted(found.items()) if len(views) == 1}
    return single, sorted(name for name, views in found.items() if len(views) > 1)


def _inventories(pools: dict[str, PoolSize]) -> dict[str, Inventory]:
    """Give the pools as inventories: ratio 1, step 1; an empty one is none."""
    return {
        name: Inventory(total=size.total, reserved=size.reserved, max_unit=size.total)
        for name, size in sorted(pools.items())
        if size.total
    }
