"""Composed types: what they are made of, and the provider that gives them.

The parent's units are held by the composition itself, so its siblings see them go; the composed
devices are a provider of their own below it, with the whole units of a device as step.  What the
parts say alike is said of the composed device; what they say differently is left out, so that
nothing is promised that a part does not keep.

Source: design, section 5 ("All three of the e-mail's answers to composition work").
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, structs

from wherry.inventory.host_view import is_unsettled_plan
from wherry.inventory.types import as_class
from wherry.inventory.views import exclusive_value
from wherry.model.claims import Occupant
from wherry.model.compositions import (
    LONGEST,
    MOST_PARTS,
    PREFIX,
    Composition,
    CompositionRequest,
    merge_parts,
    render_description,
    units_of_parts,
)
from wherry.model.device import Offer, Part, Pool
from wherry.model.errors import InvalidRequest, Unsettled
from wherry.model.inventory import HostPlan, Inventory, PlannedProvider, View

LOST: Final = "its parts are not what they were"
_SHARED: Final = (
    "device_class",
    "model",
    "interface",
    "state",
    "features",
    "constraints",
    "migration",
    "env",
    "parent",
)
"""Fields that a composed device has where all its parts have the same."""


def compose(parent: PlannedProvider, host: str, asked: CompositionRequest) -> Composition:
    """Tell what a composition is made of.

    Raises:
        Unsettled: the parent kept changing while it was read, and offers nothing until then.
        InvalidRequest: the parent offers no such type, or parts that are no one device.
    """
    if is_unsettled_plan(parent):
        raise Unsettled(provider=parent.uuid, name=parent.name)
    offers = _offers(parent)
    for number, part in enumerate(asked.parts):
        if part.type not in offers or not offers[part.type].units:
            known = ", ".join(sorted(offers)) or "nothing"
            message = f"{parent.name} does not offer {part.type}; it offers {known}"
            raise InvalidRequest(message, path=f"$.parts[{number}].type")
    kinds = {(offers[p.type].kind, offers[p.type].device_api) for p in asked.parts}
    if len(kinds) > 1:
        raise InvalidRequest("parts of different kinds make no one device", path="$.parts")
    parts = merge_parts(
        [Part(type=p.type, units=_units(offers[p.type]), count=p.count) for p in asked.parts]
    )
    if asked.count * sum(part.count for part in parts) > MOST_PARTS:
        raise InvalidRequest(f"more than {MOST_PARTS} parts in all", path="$.parts")
    description = render_description(asked.name, parts)
    if len(description) > LONGEST:
        raise InvalidRequest(f"described in more than {LONGEST} characters", path="$.parts")
    return Composition(
        uuid=asked.uuid,
        provider=parent.uuid,
        host=host,
        name=asked.name,
        type=f"{PREFIX}{asked.name}",
        resource_class=as_class(f"CUSTOM_COMPOSED_{asked.name}"),
        count=asked.count,
        parts=parts,
        units=units_of_parts(parts),
        description=description,
    )


def occupy_parts(parent: PlannedProvider, composition: Composition) -> tuple[Occupant, ...]:
    """Name the devices that a composition holds of its parent."""
    return tuple(
        Occupant(
            provider=parent.uuid,
            slot=f"{device}.{place}.{number}",
            type=part.type,
            exclusive=exclusive_value(parent, part.type),
        )
        for device in range(composition.count)
        for place, part in enumerate(composition.parts)
        for number in range(part.count)
    )


def held_units(composition: Composition) -> dict[str, int]:
    """Give what a composition holds of its parent in all."""
    return {name: amount * composition.count for name, amount in composition.units.items()}


def with_compositions(plan: HostPlan, compositions: Iterable[Composition]) -> HostPlan:
    """Add the providers of composed devices below their parents; those that are gone have none."""
    parents = {one.uuid: one for one in plan.providers}
    composed = tuple(
        plan_composed(parents[each.provider], each)
        for each in compositions
        if each.provider in parents
    )
    return structs.replace(plan, providers=(*plan.providers, *composed)) if composed else plan


def plan_composed(parent: PlannedProvider, composition: Composition) -> PlannedProvider:
    """Give the provider of composed devices as its parent is now.

    It offers nothing where the parent does not: until that is read again, or for ever if its
    types are others.
    """
    provider = PlannedProvider(
        uuid=composition.uuid,
        name=f"{parent.name}_{composition.name}_{composition.uuid[:8]}",
        parent=parent.uuid,
    )
    offers = _offers(parent)
    parts = composition.parts
    if any(p.type not in offers or _units(offers[p.type]) != p.units for p in parts):
        note = f"unsettled: as {parent.name}" if is_unsettled_plan(parent) else LOST
        return structs.replace(provider, note=note)
    count = composition.count
    view = View(type=composition.type, units=composition.units)
    return structs.replace(
        provider,
        traits=parent.traits,
        inventories={
            name: Inventory(
                total=amount * count, min_unit=amount, max_unit=amount * count, step_size=amount
            )
            for name, amount in composition.units.items()
        },
        views={composition.resource_class: view},
        offers=(_offer(composition, [offers[part.type] for part in parts]),),
    )


def _offer(composition: Composition, parts: Sequence[Offer]) -> Offer:
    first = parts[0]
    shared: dict[str, Any] = {}
    for name in _SHARED:
        values = [getattr(part, name) for part in parts]
        shared[name] = values[0] if all(value == values[0] for value in values) else UNSET
    shared["params"] = _shared_params(parts)
    assumed = tuple(dict.fromkeys(one for part in parts for one in (part.assumed or ())))
    count = composition.count
    pools = {name: Pool(total=amount * count) for name, amount in composition.units.items()}
    return Offer(
        schema=first.schema,
        record="offer",
        provider=composition.uuid,
        generation=0,
        kind=first.kind,
        device_api=first.device_api,
        type=composition.type,
        description=composition.description,
        units=dict(composition.units),
        composition=composition.parts,
        pools=pools,
        assumed=assumed or UNSET,
        **shared,
    )


def _shared_params(parts: Sequence[Offer]) -> Any:
    """Keep the parameters in which all parts agree."""
    first = {} if parts[0].params is UNSET else parts[0].params
    shared = {
        name: param
        for name, param in first.items()
        if all(part.params is not UNSET and part.params.get(name) == param for part in parts)
    }
    return shared or UNSET


def _offers(parent: PlannedProvider) -> Mapping[str, Offer]:
    return {offer.type: offer for offer in parent.offers if offer.type is not None}


def _units(offer: Offer) -> dict[str, int]:
    return {} if offer.units is UNSET else dict(sorted(offer.units.items()))
