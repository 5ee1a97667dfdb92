"""A whole guest as one query: a request group for each device, and what its host must be.

How devices share what they stand on, and how several go together with exclusivity, is left to
the exact stage: the whole guest is checked once for each host that is found.

Source: docs/reference/compat.md, section 13 ("Several devices") and section 10.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wherry.compat.guest import asked_of, own_mode
from wherry.compat.query.ask import Group, Nothing, ask
from wherry.compat.query.host import ask_host
from wherry.compat.query.labels import STANDARD, label
from wherry.compat.query.vocabulary import Mark, Vocabulary
from wherry.model.checks import Needs, Policy
from wherry.model.device import Contract

_SUFFIX = re.compile("[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestQuery:
    """What to ask of a fleet's marks for one guest."""

    groups: Mapping[str, Group]
    """Slot to what its device asks."""
    root_required: frozenset[Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuery:
    """Why no host of the fleet could take a guest."""

    slots: Mapping[str, Nothing]
    """Slots whose devices no offer would serve."""
    root_missing: frozenset[Mark]
    """What a host must have, and none has."""


def ask_guest(
    contracts: Sequence[Contract], needs: Needs, policy: Policy, known: Vocabulary
) -> GuestQuery | NoQuery:
    """Compile a guest, or say why no host at all could take it.

    Args:
        known: the words of the fleet, its hosts' marks included.
    """
    groups: dict[str, Group] = {}
    nothing: dict[str, Nothing] = {}
    for contract, asked in zip(contracts, asked_of(contracts, policy), strict=True):
        found = ask(
            contract,
            policy,
            known,
            mode=own_mode(contract.slot, policy.mode, policy),
            among_several=asked.with_peer_to_peer,
        )
        if isinstance(found, Nothing):
            nothing[contract.slot] = found
        else:
            groups[contract.slot] = found
    root = ask_host(needs, policy)
    # Standard traits are known to every Placement, whether a host has them or not.
    missing = frozenset(mark for mark in root - known.marks if mark[0] != STANDARD)
    if nothing or missing:
        return NoQuery(slots=nothing, root_missing=missing)
    return GuestQuery(groups=groups, root_required=root)


def to_pairs(
    query: GuestQuery,
    salt: bytes,
    *,
    resources: Mapping[str, int] | None = None,
    member_of: Collection[str] = (),
    limit: int | None = None,
) -> list[tuple[str, str]]:
    """Write a query as the keys and values of ``GET /allocation_candidates``, version 1.39.

    Args:
        resources: what the guest takes of the host itself, besides its devices.
        member_of: aggregates of which a host must be in one; empty: wherever it is.
        limit: most candidates to ask for; None: all.
    """
    pairs: list[tuple[str, str]] = []
    if resources:
        pairs.append(("resources", _amounts(resources)))
    restrict = [f"in:{','.join(sorted(member_of))}"] if member_of else []
    if resources:
        pairs += (("member_of", each) for each in restrict)
    bare = []
    for suffix, group in zip(suffixes(query.groups), query.groups.values(), strict=True):
        if group.resources:
            pairs.append((f"resources{suffix}", _amounts(group.resources)))
        else:
            bare.append(suffix)
        plain = [
            *_labels(salt, group.required),
            *(f"!{one}" for one in _labels(salt, group.forbidden)),
        ]
        pairs.append((f"required{suffix}", ",".join(plain)))
        pairs += (
            (f"required{suffix}", f"in:{','.join(_labels(salt, one))}") for one in group.any_of
        )
        pairs += ((f"member_of{suffix}", each) for each in restrict)
    pairs += (("same_subtree", suffix) for suffix in bare)
    if query.root_required:
        pairs.append(("root_required", ",".join(_labels(salt, query.root_required))))
    if query.groups:
        pairs.append(("group_policy", "none"))
    if limit is not None:
        pairs.append(("limit", str(limit)))
    return pairs


def _labels(salt: bytes, marks: Collection[Mark]) -> list[str]:
    return sorted(label(salt, mark) for mark in marks)


def _amounts(resources: Mapping[str, int]) -> str:
    return ",".join(f"{name}:{amount}" for name, amount in sorted(resources.items()))


def suffixes(slots: Collection[str]) -> list[str]:
    """Name the groups after their slots, or by number where a slot's name cannot be a suffix."""
    if all(_SUFFIX.fullmatch(slot) for slot in slots):
        return [f"_{slot}" for slot in slots]
    return [f"_{number}" for number in range(len(slots))]
