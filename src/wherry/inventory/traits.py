"""Traits of hosts and devices: names of os-traits where they exist, custom ones else."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from wherry.inventory.types import PlannedType, as_class
from wherry.model.device import Offer
from wherry.model.facts import Device, Host
from wherry.profiles.reading import Missing, ids_of, read_text
from wherry.profiles.schema import Profile, TraitData
from wherry.profiles.tables import arch_trait, cpu_trait, cuda_trait, is_trait


def host_traits(host: Host) -> tuple[str, ...]:
    """Give the traits of a host: its architecture and its processor's features."""
    arch = "" if host.arch is UNSET else host.arch
    features = set(() if host.cpu_features is UNSET else host.cpu_features)
    if not features and host.cpu is not UNSET:
        features = set(host.cpu.flags)
    named = {cpu_trait(arch, feature) for feature in features}
    named.add(arch_trait(arch) if arch else None)
    return tuple(sorted(name for name in named if name))


def type_traits(
    profile: Profile, types: Iterable[PlannedType]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Give the traits that a profile sees in types, and names made that are no traits.

    A provider has what one of its types has.
    """
    found = set(profile.traits)
    for one in types:
        for rule in profile.trait_rules:
            found.update(_follow(rule, read_text(rule.value, one.look)))
    legal = frozenset(name for name in found if is_trait(name))
    return legal, tuple(sorted(found - legal))


def offer_traits(offers: Sequence[Offer]) -> frozenset[str]:
    """Give the traits that follow from offers: a function whose state can move."""
    movable = any(
        o.kind in {"vf", "pf"} and o.migration is not UNSET and o.migration.support == "yes"
        for o in offers
    )
    return frozenset({"HW_PCI_LIVE_MIGRATABLE"}) if movable else frozenset()


def pf_traits(device: Device) -> frozenset[str]:
    """Give the traits of a PF itself: a network adapter that can have VFs."""
    can = device.sriov is not UNSET and isinstance(device.sriov.total, int) and device.sriov.total
    network = ids_of(device).get("class", "").startswith("02")
    return frozenset({"HW_NIC_SRIOV"}) if can and network else frozenset()


def _follow(rule: TraitData, value: object) -> tuple[str, ...]:
    if isinstance(value, Missing):
        return ()
    text = str(value)
    if rule.table is not UNSET:
        trait = cuda_trait(text)
        return (trait,) if trait else ()
    if rule.prefix is not UNSET:
        return (as_class(rule.prefix + text),) if text else ()
    found = () if rule.traits is UNSET else rule.traits.get(text, ())
    return (found,) if isinstance(found, str) else found
