"""From a question in plain words to queries of the Placement API, one a choice of alternatives.

A query is read by the very parser of that API, so that both mean the same: a guest's resources
are the group without a suffix, each device is a group of its own, hosts that Nova has disabled
are left out.  Devices whose NUMA policy is ``required`` stand below one NUMA node.

Source: Nova, "Scheduler filters" and pre-filters; nova.objects.request_spec.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from msgspec import UNSET

from wherry.model.candidates import CandidatesAsked
from wherry.model.errors import InvalidRequest
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.first.devices import Choice, Wanted, choose
from wherry.schedule.first.flavor import Asked, Flavor, parse_flavor, spell

MICROVERSION: Final = (1, 39)
NODE: Final = "HW_NUMA_ROOT"
DISABLED: Final = "COMPUTE_STATUS_DISABLED"
NODE_SUFFIX: Final = "_NUMA"

Pairs = tuple[tuple[str, str], ...]

parse_query = lru_cache(maxsize=1024)(parse_candidates_query)
"""Schedulers ask for the same flavors again and again."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query, and what its groups are for.

    Attributes:
        devices: suffix to the name of the device request that its group serves.
    """

    pairs: Pairs
    devices: Mapping[str, str]

    @property
    def request(self) -> CandidatesRequest:
        """The query as the search takes it.

        Raises:
            BadQuery: with the words that Placement has for it.
        """
        return parse_query(self.pairs, MICROVERSION)

    @property
    def text(self) -> str:
        """The query as it stands behind ``/allocation_candidates?``."""
        return urlencode(self.pairs, safe=":,!")


def read_flavor(asked: CandidatesAsked) -> Flavor:
    """Read the flavor of a question; an empty one where none is given.

    Raises:
        InvalidRequest: as `parse_flavor`.
    """
    return Flavor() if asked.flavor is UNSET else parse_flavor(asked.flavor)


def make_queries(
    asked: CandidatesAsked, flavor: Flavor, wanted: Sequence[Wanted]
) -> Iterator[Query]:
    """Make the queries of a question, first alternatives first.

    Raises:
        InvalidRequest: nothing is asked for, or the alternatives are too many.
    """
    groups = dict(spell(flavor))
    plain = groups.pop("", Asked())
    plain.resources = {**plain.resources, **asked.resources}
    if not (plain.resources or groups or wanted):
        raise InvalidRequest("nothing is asked for: give resources, devices or a flavor")
    policy = flavor.group_policy if asked.group_policy is UNSET else asked.group_policy
    beginning = (*_plain(plain, asked.required), *_grouped(groups))
    for choice in choose(wanted):
        names, pairs = _devices(choice, set(groups))
        many = len(groups) + len(names) > 1 or any(name == "same_subtree" for name, _ in pairs)
        ends = [("group_policy", policy or "none")] if policy or many else []
        every = (*beginning, *pairs)
        yield Query((*every, *_member_of(every, asked.member_of), *ends), names)


def _plain(plain: Asked, more: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Spell the group without a suffix; what asks for traits alone asks them of the host."""
    traits = [*plain.required, *(f"!{trait}" for trait in plain.forbidden)]
    lists = [text for text in more if not text.startswith("in:")]
    either = [text for text in more if text.startswith("in:")]
    listed = ",".join([*traits, *lists])
    root = f"!{DISABLED}"
    if plain.resources:
        units = (f"{name}:{units}" for name, units in sorted(plain.resources.items()))
        yield "resources", ",".join(units)
        if listed:
            yield "required", listed
        yield from (("required", text) for text in either)
    elif either:
        raise InvalidRequest("one of several traits is asked of no resources", path="$.required")
    elif listed:
        root = f"{listed},{root}"
    yield "root_required", root


def _grouped(groups: Mapping[str, Asked]) -> Iterator[tuple[str, str]]:
    for suffix, one in groups.items():
        if one.resources:
            units = (f"{name}:{units}" for name, units in sorted(one.resources.items()))
            yield f"resources{suffix}", ",".join(units)
        traits = [*one.required, *(f"!{trait}" for trait in one.forbidden)]
        if traits:
            yield f"required{suffix}", ",".join(traits)


def _devices(choice: Choice, taken: set[str]) -> tuple[dict[str, str], Pairs]:
    names: dict[str, str] = {}
    together: list[str] = []
    pairs: list[tuple[str, str]] = []
    for wanted, kinds in choice:
        for kind in kinds:
            suffix = _suffix(wanted.name, taken | names.keys())
            names[suffix] = wanted.name
            pairs.append((f"resources{suffix}", f"{kind.resource_class}:1"))
            traits = [*kind.required, *(f"!{trait}" for trait in kind.forbidden)]
            if traits:
                pairs.append((f"required{suffix}", ",".join(traits)))
            if wanted.numa_policy == "required":
                together.append(suffix)
    if together:
        pairs.append((f"required{NODE_SUFFIX}", NODE))
        pairs.append(("same_subtree", ",".join([NODE_SUFFIX, *together])))
    return names, tuple(pairs)


def _member_of(pairs: Pairs, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Hold each group that takes something to aggregates."""
    for name, _ in pairs:
        if name.startswith("resources"):
            suffix = name.removeprefix("resources")
            yield from ((f"member_of{suffix}", text) for text in dict.fromkeys(texts))


def _suffix(name: str, taken: set[str]) -> str:
    plain = re.sub("[^A-Za-z0-9_-]", "_", name)[:50]
    return next(
        suffix for number in range(1 << 16) if (suffix := f"_{plain}_{number}") not in taken
    )
