"""What a query leaves to the exact stage, in words.

A query loses no host, and holds the rules that its table marks so; all others are asked when a
host that it found is judged.

Source: docs/reference/compat.md, section 13: last row of the table, rows that say "superset",
and "Several devices".
"""

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from wherry.compat.query.guest import GuestQuery
from wherry.compat.query.vocabulary import Mark
from wherry.model.checks import Needs, Policy
from wherry.model.device import Contract
from wherry.profiles.tables import cpu_trait

Left = tuple[str, str]
"""The rules, and what they ask."""

ALWAYS: tuple[Left, ...] = (
    ("R52, R53", "whether all devices fit at once on what is free, and agree where they must"),
    ("R01", "facts that nobody observed"),
    ("R46", "constraints between parameters"),
    ("R47", "policy packs"),
    ("R16", "a description that differs"),
    ("R28", "tags of the state"),
    ("R65", "the downtime budget"),
    ("R69", "addresses in the guest"),
    ("R70", "offers that have changed since"),
    (
        "R80-R84",
        "the host's state and tenants, what is free on its own provider, unsettled devices",
    ),
)


def left_to_exact(
    contracts: Sequence[Contract], needs: Needs, policy: Policy, query: GuestQuery
) -> list[Left]:
    """List what is not in a query and still has to be asked of each host that it finds."""
    left = list(ALWAYS)
    if "unknown" in policy.accept:
        return [("all", "everything but type, model and mode: `unknown` is accepted"), *left]
    if contracts:
        left += _of_groups(query)
    if needs.min_versions is not UNSET and policy.mode != "cold":
        left.append(("R63", f"versions of {', '.join(sorted(needs.min_versions))}"))
    left += [("R67", f"CPU feature {name}, which has no trait") for name in _untraited(needs)]
    left.append(("R68", "facts that a host does not state"))
    return left


def _of_groups(query: GuestQuery) -> Iterator[Left]:
    marks = {mark for group in query.groups.values() for some in group.any_of for mark in some}
    axes = {str(mark[0]) for mark in marks if _is_loose(mark)}
    if "interface" in axes:
        yield "R20-R24", "the interface version, where an offer states a range or no policy"
    if "state" in axes:
        yield "R27", "the state format, where an offer states a range, no policy or no format"
    if "param" in axes:
        yield "R40-R44", "parameters that are masks, sets, wide spans, warnings or unreadable"
    if any(not group.resources for group in query.groups.values()):
        yield "R51", "what is free of a device that is replugged"


def _is_loose(mark: Mark) -> bool:
    return mark[-1] in {"range", "unstated", "absent", "some", "any"}


def _untraited(needs: Needs) -> list[str]:
    if needs.cpu_features is UNSET:
        return []
    arch = "" if needs.arch is UNSET else needs.arch
    return sorted(name for name in needs.cpu_features if cpu_trait(arch, name) is None)
