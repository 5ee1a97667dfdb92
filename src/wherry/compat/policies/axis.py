"""One procedure for both axes of versions: interface and state format.

A version is relative to the type; the policy says how it is compared.  Policy, absence and
shape are looked at first, and each of them ends the matter.

Source: docs/reference/compat.md, section 6, "Versions".
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from msgspec import UNSET, UnsetType

from wherry.compat.policies import accepts, exact, major, monotonic, semver, span
from wherry.model.device import Range, Supports, VersionPolicy
from wherry.model.versions import parse_dotted, parse_semver

Outcome = tuple[str, dict[str, Any]]
"""The end of a code, such as ``MAJOR``, and the detail."""

ENDS: Final = (
    "MAJOR", "MINOR_OLDER", "NOT_EQUAL", "OLDER", "OUT_OF_RANGE", "NOT_ACCEPTED",
    "ABSENT", "INCOMPARABLE", "OPAQUE",
)  # fmt: skip
T = TypeVar("T")

# Few versions are in use in a fleet, and each is compared again and again.
_semver = lru_cache(maxsize=4096)(parse_semver)
_dotted = lru_cache(maxsize=4096)(parse_dotted)


def _ordered(
    parse: Callable[[str], T | None], compare: Callable[[T, T], str | None]
) -> Callable[[str, str], str | None]:
    """Compare by *compare* what parses; what does not is opaque if equal."""

    def outcome(wanted: str, offered: str) -> str | None:
        left, right = parse(wanted), parse(offered)
        if left is None or right is None:
            return "OPAQUE" if wanted == offered else "INCOMPARABLE"
        return compare(left, right)

    return outcome


_BY_TEXT: Final[dict[VersionPolicy, Callable[[str, str], str | None]]] = {
    "semver": _ordered(_semver, semver.compare),
    "exact": exact.compare,
    "major": _ordered(_dotted, major.compare),
    "monotonic": _ordered(_dotted, monotonic.compare),
}


def _within(wanted: str, offered: Range) -> str | None:
    version = _dotted(wanted)
    ends = [None if end is UNSET else _dotted(end) for end in (offered.min, offered.max)]
    stated = [end is not UNSET for end in (offered.min, offered.max)]
    unread = any(is_stated and end is None for is_stated, end in zip(stated, ends, strict=True))
    if version is None or unread:
        return "INCOMPARABLE"
    return span.compare(version, *ends)


def _compare(
    policy: VersionPolicy, wanted: str, offered: str | Range | tuple[str, ...]
) -> str | None:
    """Steps 4 and 5: the shape that the policy needs, then the comparison."""
    if policy == "range":
        return _within(wanted, offered) if isinstance(offered, Range) else "INCOMPARABLE"
    if policy == "accepts":
        if not isinstance(offered, tuple):
            return "INCOMPARABLE"
        return accepts.compare(wanted, offered)
    return _BY_TEXT[policy](wanted, offered) if isinstance(offered, str) else "INCOMPARABLE"


def _plain(offered: Supports) -> object:
    """What is offered, for the detail."""
    if isinstance(offered, Range):
        return {k: v for k, v in (("min", offered.min), ("max", offered.max)) if v is not UNSET}
    return offered


def judge(
    policies: tuple[VersionPolicy | UnsetType, VersionPolicy | UnsetType],
    wanted: str | UnsetType | None,
    offered: Supports | UnsetType,
    *,
    both_absent_is_fine: bool = False,
) -> Sequence[Outcome]:
    """Say how what is offered fails what is wanted; empty where it does not.

    Args:
        policies: of contract and offer, each as stated.
        wanted: what the guest has (left out or None: absent).
        offered: what the target supports or accepts.
        both_absent_is_fine: a state format that nobody publishes is passed over.
    """
    ours, theirs = policies
    if ours is not UNSET and theirs is not UNSET and ours != theirs:
        return (("INCOMPARABLE", {"wanted": _stated(wanted), "offered": _stated(offered),
                                  "policies": [ours, theirs]}),)  # fmt: skip
    policy = ours if ours is not UNSET else theirs if theirs is not UNSET else "semver"
    if policy == "none":
        return ()
    if wanted is UNSET or wanted is None or offered is UNSET or offered is None:
        absent = [
            side
            for side, value in (("source", wanted), ("target", offered))
            if value is UNSET or value is None
        ]
        if both_absent_is_fine and len(absent) == 2:  # noqa: PLR2004 - both
            return ()
        return [("ABSENT", {"side": side}) for side in absent]
    outcome = _compare(policy, wanted, offered)
    return () if outcome is None else ((outcome, {"wanted": wanted, "offered": _plain(offered)}),)


def _stated(value: Supports | UnsetType) -> object:
    return None if value is UNSET else _plain(value)
