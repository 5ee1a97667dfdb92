"""A host's facts as marks on the root of its tree, and what a guest needs of them.

Versions of software are left to the exact stage.

Source: docs/reference/compat.md, section 13, rows R63 and R67.
"""

from collections.abc import Iterator

from msgspec import UNSET

from wherry.compat.query.labels import STANDARD
from wherry.compat.query.vocabulary import Mark
from wherry.model.checks import HostFacts, Needs, Policy
from wherry.profiles.tables import arch_trait, cpu_trait


def marks_of_host(facts: HostFacts) -> frozenset[Mark]:
    """Give all that a host publishes on its root."""
    found: set[Mark] = set()
    if facts.arch is not UNSET:
        found.add(_arch(facts.arch))
        found.update(_cpu_features(facts.arch, facts.cpu_features or ()))
    found.update(("machine_type", name) for name in facts.machine_types or ())
    found.update(("cpu_model", name) for name in facts.cpu_models or ())
    return frozenset(found)


def ask_host(needs: Needs, policy: Policy) -> frozenset[Mark]:
    """Give the marks that the root of a host must have for a guest."""
    found: set[Mark] = set()
    if "unknown" in policy.accept:
        return frozenset()
    if needs.arch is not UNSET:
        found.add(_arch(needs.arch))
    if needs.machine_type is not UNSET:
        found.add(("machine_type", needs.machine_type))
    if policy.mode == "cold":
        return frozenset(found)
    if needs.cpu_model is not UNSET:
        found.add(("cpu_model", needs.cpu_model))
    if needs.arch is not UNSET:
        found.update(_cpu_features(needs.arch, needs.cpu_features or ()))
    return frozenset(found)


def _arch(name: str) -> Mark:
    trait = arch_trait(name)
    return ("arch", name) if trait is None else (STANDARD, trait)


def _cpu_features(arch: str, features: tuple[str, ...]) -> Iterator[Mark]:
    """Those that have a trait: the same word is another feature on another architecture."""
    for name in features:
        trait = cpu_trait(arch, name)
        if trait is not None:
            yield (STANDARD, trait)
