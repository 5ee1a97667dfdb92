"""A guest as one call of ``GET /allocation_candidates``, with its parts in words.

Source: docs/reference/compat.md, section 13 ("Placement: derived traits").
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from urllib.parse import urlencode

from msgspec import UNSET

from wherry.compat.guest import own_mode
from wherry.compat.query.guest import GuestQuery, NoQuery, ask_guest, suffixes, to_pairs
from wherry.compat.query.labels import label
from wherry.compat.query.left import left_to_exact
from wherry.compat.query.vocabulary import Mark, Vocabulary
from wherry.compat.query.words import Said, say_group, say_missing, say_nothing, say_root
from wherry.model.checks import Policy
from wherry.model.errors import InvalidRequest
from wherry.model.guests import Guest
from wherry.model.queries import (
    MICROVERSION,
    QueryAnswer,
    QueryGroup,
    QueryPart,
    QueryRequest,
    QueryRest,
    WhyNoQuery,
)

PATH = "/allocation_candidates"


def compile_guest(
    guest: Guest, request: QueryRequest, known: Vocabulary, classes: Collection[str], salt: bytes
) -> QueryAnswer:
    """Compile a guest, or say all that leaves nothing to ask.

    Args:
        known: the words of the fleet, its hosts' marks included.
        classes: resource classes that Placement knows.
        salt: what labels are made with.

    Raises:
        InvalidRequest: the policy's mode is one that no whole guest has.
    """
    policy = request.policy
    if policy.mode == "replug":
        raise InvalidRequest("a whole guest moves live, suspend or cold", path="$.policy.mode")
    contracts = [slot.contract for slot in guest.slots.values()]
    found = ask_guest(contracts, guest.needs, policy, known)
    resources = {name: amount for name, amount in guest.resources.items() if amount > 0}
    if isinstance(found, NoQuery):
        return unasked(guest, *_nothing_fits(found))
    why = tuple(_cannot_be_asked(found, resources, classes))
    if why:
        return unasked(guest, *why)
    limit = None if request.limit is UNSET else request.limit
    pairs = to_pairs(found, salt, resources=resources, member_of=request.member_of, limit=limit)
    name = _namer(salt)
    return QueryAnswer(
        guest=guest.uuid,
        source=guest.host,
        microversion=MICROVERSION,
        query=f"{PATH}?{urlencode(pairs, safe=':,!')}",
        resources=resources,
        groups=tuple(_groups(found, policy, name)),
        root=_parts(say_root(found.root_required), name),
        rest=tuple(
            QueryRest(rules=rules, words=words)
            for rules, words in left_to_exact(contracts, guest.needs, policy, found)
        ),
    )


def unasked(guest: Guest, *why: WhyNoQuery) -> QueryAnswer:
    """Say why there is nothing to ask for a guest."""
    return QueryAnswer(
        guest=guest.uuid, source=guest.host, microversion=MICROVERSION, query=None, why=why
    )


def _namer(salt: bytes) -> Callable[[Mark], str]:
    return lambda mark: label(salt, mark)


def _groups(query: GuestQuery, policy: Policy, name: Callable[[Mark], str]) -> Iterator[QueryGroup]:
    for suffix, (slot, group) in zip(suffixes(query.groups), query.groups.items(), strict=True):
        yield QueryGroup(
            slot=slot,
            suffix=suffix,
            mode=own_mode(slot, policy.mode, policy),
            resources=dict(group.resources),
            parts=_parts(say_group(group), name),
        )


def _parts(said: Iterable[Said], name: Callable[[Mark], str]) -> tuple[QueryPart, ...]:
    return tuple(
        QueryPart(
            rules=each.rules,
            how=each.how,
            words=each.words,
            traits=tuple(sorted(name(mark) for mark in each.marks)),
        )
        for each in said
    )


def _nothing_fits(found: NoQuery) -> Iterator[WhyNoQuery]:
    for slot, nothing in found.slots.items():
        if nothing.reasons:
            words = "the device is refused by itself, wherever it would go"
            yield WhyNoQuery(code="DEVICE_REFUSED", slot=slot, words=words, reasons=nothing.reasons)
        for words in say_nothing(nothing):
            yield WhyNoQuery(code="NO_OFFER", slot=slot, words=words)
    for words in say_missing(found.root_missing):
        yield WhyNoQuery(code="NO_HOST", words=words)


def _cannot_be_asked(
    query: GuestQuery, resources: Mapping[str, int], classes: Collection[str]
) -> Iterator[WhyNoQuery]:
    asked = [resources, *(group.resources for group in query.groups.values())]
    if not any(asked):
        words = (
            "Placement wants amounts, and none can be asked for: put what the guest takes of its"
            " host on record as its resources"
        )
        yield WhyNoQuery(code="NO_RESOURCES", words=words)
    for name in sorted({name for amounts in asked for name in amounts}.difference(classes)):
        yield WhyNoQuery(code="CLASS_UNKNOWN", words=f"no provider has anything of {name}")
