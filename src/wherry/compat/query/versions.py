"""An axis of versions as marks: what an offer publishes, and which a contract asks for.

An offer says its own level only, so that a new level in the fleet changes no other offer; a
contract lists the levels that are known and would do.

Source: docs/reference/compat.md, section 13, rows R20 to R27.
"""

from collections.abc import Iterator
from typing import Final, Literal, cast, get_args

from msgspec import UNSET, UnsetType

from wherry.compat.query.vocabulary import MOST, Mark, Vocabulary
from wherry.model.device import Range, Supports, VersionPolicy
from wherry.model.versions import parse_dotted, parse_semver

Axis = Literal["interface", "state"]
_ORDERED: Final = {"semver": parse_semver, "major": parse_dotted, "monotonic": parse_dotted}
_ALL: Final[tuple[VersionPolicy, ...]] = get_args(VersionPolicy)


def publish(
    axis: Axis,
    key: tuple[str, ...],
    policy: VersionPolicy | UnsetType,
    supports: Supports | UnsetType,
) -> Iterator[Mark]:
    """Give the marks of what an offer supports; without a policy it counts as semver."""
    at = (axis, key)
    if policy == "none":
        yield (*at, "none")
        return
    if supports is UNSET or supports is None:
        if axis == "state" or policy is UNSET:
            yield (*at, "absent")
        return
    if policy is UNSET:
        yield (*at, "unstated")
    yield from ((*at, *tail) for tail in _levels("semver" if policy is UNSET else policy, supports))


def _levels(policy: VersionPolicy, supports: str | Range | tuple[str, ...]) -> Iterator[Mark]:
    if isinstance(supports, Range):
        if policy == "range":
            yield ("range",)
    elif isinstance(supports, tuple):
        if policy == "accepts":
            yield from (("accepts", text) for text in supports)
    elif policy == "exact":
        yield ("exact", supports)
    elif policy in _ORDERED:
        yield from _ordered(policy, supports)


def _ordered(policy: VersionPolicy, text: str) -> Iterator[Mark]:
    if policy == "semver":
        version = parse_semver(text)
        if version is not None:
            yield ("semver", version.major, "minor", version.minor)
            yield ("semver", version.major, "some")
            return
    else:
        dotted = parse_dotted(text)
        if dotted is not None and policy == "major":
            yield ("major", dotted.first)
            return
        if dotted is not None:
            yield ("monotonic", "at", dotted.numbers)
            yield ("monotonic", "some")
            return
    yield ("opaque", policy, text)


def ask(
    axis: Axis,
    key: tuple[str, ...],
    policy: VersionPolicy | UnsetType,
    version: str | UnsetType | None,
    known: Vocabulary,
    *,
    opaque: bool,
) -> frozenset[Mark]:
    """Give the marks of which an offer must have one; empty where none would do.

    Args:
        policy: as the contract states it; without one that of each offer counts.
        version: of the guest; left out or None: absent.
        known: the levels that occur in the fleet.
        opaque: whether equal texts that nobody can order are taken, with a warning.
    """
    at = (axis, key)
    stated = policy is not UNSET
    found: set[Mark] = set()
    for one in (policy,) if stated else _ALL:
        if one == "none":
            found.add((*at, "none"))
        elif version is not UNSET and version is not None:
            found.update(_asked(at, cast("VersionPolicy", one), version, known, opaque=opaque))
    if stated and policy != "semver":
        found.add((*at, "unstated"))
    is_absent = version is UNSET or version is None
    if policy == "none" or (axis == "state" and is_absent):
        found.add((*at, "absent"))
    return frozenset(found)


def _asked(
    at: tuple[Axis, tuple[str, ...]],
    policy: VersionPolicy,
    version: str,
    known: Vocabulary,
    *,
    opaque: bool,
) -> Iterator[Mark]:
    if policy == "range":
        yield (*at, "range")
    elif policy in {"exact", "accepts"}:
        yield (*at, policy, version)
    elif _ORDERED[policy](version) is None:
        if opaque:
            yield (*at, "opaque", policy, version)
    elif policy == "major":
        yield from ((*at, *level) for level in _ordered(policy, version))
    else:
        yield from _at_least(at, policy, version, known)


def _at_least(
    at: tuple[Axis, tuple[str, ...]], policy: VersionPolicy, version: str, known: Vocabulary
) -> Iterator[Mark]:
    """The known levels that are as new, or one mark for all where these are too many."""
    own, some = ((*at, *level) for level in _ordered(policy, version))
    levels = [level for level in known.levels(own[:-1]) if level >= own[-1]]
    if len(levels) > MOST:
        yield some
    else:
        yield from ((*own[:-1], level) for level in levels)
