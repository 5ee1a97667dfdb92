"""From the query string of ``GET /allocation_candidates`` to a request.

The order in which things are checked decides which complaint a client reads first; it is
that of Placement.

Source: Placement API reference, "List allocation candidates"; Placement 16.0.0, probed.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from wherry.schedule.candidates.keys import Pairs, check_keys, split_key
from wherry.schedule.candidates.messages import BadQuery, Message
from wherry.schedule.candidates.names import (
    parse_aggregates,
    parse_flat_traits,
    parse_in_tree,
    parse_resources,
    parse_traits,
)
from wherry.schedule.candidates.request import (
    AnswerForm,
    CandidatesRequest,
    Group,
    GroupPolicy,
    Microversion,
)


def parse_candidates_query(pairs: Pairs, microversion: Microversion) -> CandidatesRequest:
    """Read a query.

    Args:
        pairs: keys and values in their order, percent-decoding done, repeated keys kept.
        microversion: 1.10 or newer.

    Raises:
        BadQuery: with the words and the code that Placement has for it.
    """
    check_keys(pairs, microversion)
    root_required, root_forbidden = _parse_root_traits(_values(pairs, "root_required"))
    same_subtree = tuple(_parse_subtree(text) for text in _values(pairs, "same_subtree"))
    groups = _parse_groups(pairs, microversion)
    if microversion >= (1, 36):
        _check_subtrees(groups, same_subtree)
    else:
        _check_orphans(groups)
    _check_conflicts(groups)
    policies = _values(pairs, "group_policy")
    if not policies and sum(not group.is_spread for group in groups) > 1:
        raise BadQuery(Message.GROUP_POLICY_MISSING)
    limits = _values(pairs, "limit")
    return CandidatesRequest(
        groups=groups,
        group_policy=cast("GroupPolicy", policies[0]) if policies else None,
        same_subtree=same_subtree,
        root_required=root_required,
        root_forbidden=root_forbidden,
        limit=int(limits[0]) if limits else None,
        nested=microversion >= (1, 29),
        form=answer_form(microversion),
    )


def answer_form(microversion: Microversion) -> AnswerForm:
    """Say how an answer looks at a microversion."""
    return AnswerForm(
        keyed_allocations=microversion >= (1, 12),
        mappings=microversion >= (1, 34),
        all_classes=microversion >= (1, 27),
        traits=microversion >= (1, 17),
        trees=microversion >= (1, 29),
    )


def _values(pairs: Pairs, key: str) -> list[str]:
    return [value for name, value in pairs if name == key]


def _parse_root_traits(texts: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    if not texts:
        return frozenset(), frozenset()
    if len(texts) > 1:
        raise BadQuery(Message.ROOT_REQUIRED_REPEATED)
    required, forbidden = parse_flat_traits(texts[0])
    both = sorted(required & forbidden)
    if both:
        raise BadQuery(Message.ROOT_REQUIRED_CONFLICT, traits=", ".join(both))
    return required, forbidden


def _parse_subtree(text: str) -> frozenset[str]:
    suffixes = frozenset(part.strip() for part in text.split(","))
    if "" in suffixes:
        raise BadQuery(Message.SUBTREE_EMPTY)
    return suffixes


def _parse_groups(pairs: Pairs, microversion: Microversion) -> tuple[Group, ...]:
    """Gather what stands under each suffix, in the order in which suffixes appear."""
    gathered: dict[str, dict[str, object]] = {}
    for key, text in pairs:
        split = split_key(key, microversion)
        if split is None:
            continue
        name, suffix = split
        fields = gathered.setdefault(suffix, {"suffix": suffix})
        if name == "resources":
            fields["resources"] = parse_resources(text)
        elif name == "required":
            traits = parse_traits(_values(pairs, key), microversion)
            fields["required"], fields["forbidden"] = traits
        elif name == "member_of":
            aggregates = parse_aggregates(_values(pairs, key), suffix, microversion)
            fields["member_of"], fields["not_member_of"] = aggregates
        else:
            fields["in_tree"] = parse_in_tree(text)
    return tuple(_make_group(fields) for fields in gathered.values())


def _make_group(fields: Mapping[str, object]) -> Group:
    return Group(**fields)  # type: ignore[arg-type]  # each field is set above, by its parser


def _check_subtrees(groups: tuple[Group, ...], same_subtree: Iterable[frozenset[str]]) -> None:
    """From 1.36 a group may ask for no resources, if it belongs to a subtree."""
    suffixes = [group.suffix for group in groups]
    resourceless = sorted(group.suffix for group in groups if not group.resources)
    named = frozenset[str]().union(*same_subtree)
    if len(resourceless) == len(groups):
        raise BadQuery(Message.NO_RESOURCES)
    bad = [suffix for suffix in resourceless if suffix not in named]
    if bad:
        raise BadQuery(Message.RESOURCELESS, bad=bad)
    bad = sorted(named.difference(suffixes))
    if bad:
        raise BadQuery(Message.SUBTREE_UNKNOWN, bad=bad, suffixes=suffixes)


def _check_orphans(groups: tuple[Group, ...]) -> None:
    """Before 1.36 every group asks for resources."""
    bare = [group for group in groups if not group.resources]
    orphans = [f"required{group.suffix}" for group in bare if group.required]
    if orphans:
        raise BadQuery(Message.ORPHANED_TRAITS, keys=", ".join(orphans))
    orphans = [
        f"member_of{group.suffix}" for group in bare if group.member_of or group.not_member_of
    ]
    if orphans:
        raise BadQuery(Message.ORPHANED_MEMBER_OF, keys=", ".join(orphans))
    if bare:
        raise BadQuery(Message.GROUP_WITHOUT_RESOURCES)
    if not groups:
        raise BadQuery(Message.NO_GROUP)


def _check_conflicts(groups: tuple[Group, ...]) -> None:
    conflicts = sorted(
        f"required{group.suffix}: ({', '.join(sorted(either))})"
        for group in groups
        for either in group.required
        if either <= group.forbidden
    )
    if conflicts:
        raise BadQuery(Message.TRAIT_CONFLICT, keys=", ".join(conflicts))
