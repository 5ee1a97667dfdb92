"""Which of several profiles is meant: the narrower one; what is not comparable is a clash.

A match is a conjunction over keys, each with some patterns.  Of two matches one can tell
whether a device can meet both, and whether one is narrower: it states all that the other
states, and nothing that the other does not take.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET

from wherry.profiles.patterns import implies, matches, overlap
from wherry.profiles.schema import Match, OneOrMore, Profile

KEYS: Final = (
    "driver", "version", "srcversion", "firmware", "vendor", "device",
    "subvendor", "subdevice", "class", "revision", "bus", "role",
)  # fmt: skip
Conditions = dict[str, tuple[str, ...]]


def conditions_of(match: Match) -> Conditions:
    """Give a match as key to patterns; other attributes have keys that begin with ``@``."""
    stated = {key: getattr(match, "class_" if key == "class" else key) for key in KEYS}
    found = {key: _as_tuple(value) for key, value in stated.items() if value is not UNSET}
    return found | {f"@{path}": _as_tuple(value) for path, value in match.attributes.items()}


def meets(conditions: Conditions, facts: Mapping[str, str]) -> bool:
    """Tell whether a device's facts meet a match; a fact that is not known meets nothing."""
    return all(
        key in facts and any(matches(pattern, facts[key]) for pattern in patterns)
        for key, patterns in conditions.items()
    )


def is_narrower(one: Conditions, other: Conditions) -> bool:
    """Tell whether every device that meets *one* is known to meet *other*."""
    return all(
        key in one and all(any(implies(p, q) for q in patterns) for p in one[key])
        for key, patterns in other.items()
    )


def can_both_be_met(one: Conditions, other: Conditions) -> bool:
    """Tell whether some device can meet both."""
    shared = one.keys() & other.keys()
    return all(any(overlap(p, q) for p in one[key] for q in other[key]) for key in shared)


def find_ambiguity(profiles: Sequence[Profile]) -> tuple[Profile, Profile] | None:
    """Name two profiles that some device can meet and of which none is the narrower one."""
    known = [(profile, conditions_of(profile.match)) for profile in profiles]
    for index, (profile, conditions) in enumerate(known):
        for other, others in known[index + 1 :]:
            if profile.types_from != other.types_from or not can_both_be_met(conditions, others):
                continue
            if is_narrower(conditions, others) == is_narrower(others, conditions):
                return profile, other
    return None


def _as_tuple(value: OneOrMore) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
