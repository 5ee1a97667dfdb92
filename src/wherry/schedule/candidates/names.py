"""The values of a query: amounts, traits, aggregates, the provider of a tree.

Source: Placement API reference, "List allocation candidates"; Placement 16.0.0, probed.
"""

import re

from wherry.schedule.candidates.messages import BadQuery, Message
from wherry.schedule.candidates.request import Microversion

AnyOf = tuple[frozenset[str], ...]
"""Of each set at least one."""


def parse_resources(text: str) -> dict[str, int]:
    """Read ``VCPU:2,MEMORY_MB:1024``; the last amount of a class counts."""
    if not text.strip():
        raise BadQuery(Message.RESOURCES_EMPTY)
    return dict(_parse_amount(part) for part in text.split(","))


def _parse_amount(text: str) -> tuple[str, int]:
    name, colon, digits = text.partition(":")
    if not colon or ":" in digits:
        raise BadQuery(Message.RESOURCES_FORM, got=text)
    try:
        amount = int(digits)
    except ValueError:
        raise BadQuery(Message.AMOUNT_FORM, name=name, got=digits) from None
    if amount < 1:
        raise BadQuery(Message.AMOUNT_SMALL, name=name, got=amount)
    return name, amount


def parse_traits(texts: list[str], microversion: Microversion) -> tuple[AnyOf, frozenset[str]]:
    """Read all ``required`` of a group: what is required, what is forbidden.

    Before 1.39 only the last one counts.
    """
    either = microversion >= (1, 39)
    required: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for text in texts if either else texts[-1:]:
        if text.startswith("in:"):
            required.append(_parse_any(text, allowed=either))
        else:
            wanted, unwanted = _parse_trait_list(text, negation=microversion >= (1, 22))
            required.extend(frozenset((trait,)) for trait in wanted)
            forbidden.update(unwanted)
    return tuple(dict.fromkeys(required)), frozenset(forbidden)


def parse_flat_traits(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Read ``root_required``, which takes no alternatives at any microversion."""
    if text.startswith("in:"):
        raise BadQuery(Message.ANY_TOO_EARLY, got=text)
    required, forbidden = _parse_trait_list(text, negation=True)
    return frozenset(required), frozenset(forbidden)


def _parse_any(text: str, *, allowed: bool) -> frozenset[str]:
    if not allowed:
        raise BadQuery(Message.ANY_TOO_EARLY, got=text)
    traits = frozenset(part.strip() for part in text.removeprefix("in:").split(","))
    if "" in traits:
        raise BadQuery(Message.ANY_EMPTY, got=text)
    if any(trait.startswith("!") for trait in traits):
        raise BadQuery(Message.ANY_FORBIDDEN, got=text)
    return traits


def _parse_trait_list(text: str, *, negation: bool) -> tuple[list[str], list[str]]:
    parts = [part.strip() for part in text.split(",")]
    required = [part for part in parts if not part.startswith("!")]
    # Any number of marks counts as one: that is how clients have been answered.
    forbidden = [part.lstrip("!") for part in parts if part.startswith("!")]
    if not all(required + forbidden):
        form = "HW_CPU_X86_VMX,!CUSTOM_MAGIC" if negation else "HW_CPU_X86_VMX,CUSTOM_MAGIC"
        raise BadQuery(Message.TRAIT_EMPTY, form=form, got=text)
    if forbidden and not negation:
        raise BadQuery(Message.TRAIT_FORBIDDEN_TOO_EARLY, got=text)
    return required, forbidden


def parse_aggregates(
    texts: list[str], suffix: str, microversion: Microversion
) -> tuple[AnyOf, frozenset[str]]:
    """Read all ``member_of`` of a group: aggregates to be in, aggregates to stay out of."""
    if len(texts) > 1 and microversion < (1, 24):
        raise BadQuery(Message.MEMBER_OF_REPEATED, suffix=suffix)
    required: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for text in texts:
        negated, uuids = _parse_member_of(text)
        if not negated:
            required.append(uuids)
        elif microversion < (1, 32):
            raise BadQuery(Message.MEMBER_OF_FORBIDDEN, suffix=suffix)
        else:
            forbidden.update(uuids)
    return tuple(dict.fromkeys(required)), frozenset(forbidden)


def _parse_member_of(text: str) -> tuple[bool, frozenset[str]]:
    negated = text.startswith("!")
    listed = text.removeprefix("!")
    if listed.startswith("in:"):
        uuids = listed.removeprefix("in:").split(",")
    elif "," in text:
        raise BadQuery(Message.MEMBER_OF_FORM, got=text)
    else:
        uuids = [listed]
    for uuid in uuids:
        if not is_uuid(uuid):
            raise BadQuery(Message.MEMBER_OF_UUID, got=uuid)
    return negated, frozenset(uuids)


def parse_in_tree(text: str) -> str:
    """Read ``in_tree``: the uuid of any provider of the tree."""
    uuid = text.strip()
    if not is_uuid(uuid):
        raise BadQuery(Message.IN_TREE_UUID, got=text)
    return uuid


def is_uuid(text: str) -> bool:
    """Whether a text is a uuid in any of the usual spellings."""
    digits = text.replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "")
    return re.fullmatch("[0-9a-fA-F]{32}", digits) is not None
