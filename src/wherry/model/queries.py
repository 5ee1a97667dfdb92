"""A guest compiled to a question that Placement can answer, with its parts in words.

Source: docs/reference/compat.md, section 13 ("Placement: derived traits").
"""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.checks import Policy, Reason
from wherry.model.device import Mode
from wherry.model.facts import Uuid
from wherry.model.inventory import Value

MICROVERSION: Final = "1.39"
"""The first that takes several sets of traits of which one each must be there."""

WhyCode = Literal[
    "NOT_PUBLISHED",
    "NOT_WRITTEN",
    "DEVICE_REFUSED",
    "NO_OFFER",
    "NO_HOST",
    "NO_RESOURCES",
    "CLASS_UNKNOWN",
]


class QueryRequest(Value, frozen=True, kw_only=True):
    """What to compile a guest for."""

    policy: Policy = Policy()
    member_of: tuple[Uuid, ...] = ()
    """Aggregates; hosts must be in one of them."""
    limit: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    """Most candidates; left out: all."""


class QueryPart(Value, frozen=True, kw_only=True):
    """One thing that is asked of a provider."""

    rules: str
    how: Literal["all", "any", "none"]
    """It must have all of the traits, any of them, or none."""
    words: str
    traits: tuple[str, ...]


class QueryGroup(Value, frozen=True, kw_only=True):
    """What is asked for one device."""

    slot: str
    suffix: str
    """Of the request group; it begins with an underscore."""
    mode: Mode
    resources: dict[str, int]
    parts: tuple[QueryPart, ...]


class QueryRest(Value, frozen=True, kw_only=True):
    """Something that is left to the exact stage."""

    rules: str
    words: str


class WhyNoQuery(Value, frozen=True, kw_only=True):
    """Why there is no query."""

    code: WhyCode
    slot: str | UnsetType = UNSET
    words: str
    reasons: tuple[Reason, ...] = ()
    """Of a device that is refused by itself."""


class QueryAnswer(Value, frozen=True, kw_only=True):
    """A compiled guest."""

    guest: str
    source: str
    microversion: str
    query: str | None
    """Path and query of the call; None where there is none to be sent."""
    resources: dict[str, int] = {}
    """What the guest takes of the host itself."""
    groups: tuple[QueryGroup, ...] = ()
    root: tuple[QueryPart, ...] = ()
    """What is asked of the root of a host's tree."""
    rest: tuple[QueryRest, ...] = ()
    """What is left to the exact stage: judge each host that is found."""
    why: tuple[WhyNoQuery, ...] = ()
    """Why there is no query; empty where there is one."""
