"""Why hosts do not take a new guest, in words; and names that nobody knows.

Source: docs/reference/first-placement.md.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from wherry.model.candidates import Counted, RefusedBy
from wherry.model.errors import InvalidRequest
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.first.near import hint
from wherry.schedule.search.explain import Cause, Explanation, Reason

WORDS: Final[Mapping[Cause, str]] = {
    Cause.STATE: "the host takes no such guest: its state, or the tenants that it is for",
    Cause.IN_TREE: "the host is not the one that is named",
    Cause.CAPACITY: "no provider could give so much {what}",
    Cause.TOTAL: "all providers together could not give so much {what}",
    Cause.TRAIT: "no provider has {what}",
    Cause.AGGREGATE: "no provider is in {what}",
    Cause.ROOT: "the host's own traits are others than are asked, or Nova has disabled it",
    Cause.GROUP: "no provider meets all that {what} asks",
    Cause.TOGETHER: "each part could be served alone, and not all at once",
}
"""Cause to a sentence; a test holds the page to it."""
SPREAD: Final = "the guest itself"


def count(number: int, told: Explanation) -> Counted:
    """Say why hosts do not take one query."""
    return Counted(
        query=number,
        fitting=told.fitting,
        refused=sum(told.refused.values()),
        by_reason=tuple(
            _row(reason, hosts) for reason, hosts in sorted(told.refused.items(), key=_rank)
        ),
    )


def _rank(counted: tuple[Reason, int]) -> tuple[int, int, str]:
    reason, hosts = counted
    return -hosts, list(Cause).index(reason.cause), reason.what


def _row(reason: Reason, hosts: int) -> RefusedBy:
    what = reason.what.replace(",", " or ") or SPREAD
    if reason.cause is Cause.GROUP and reason.what:
        what = f"group {reason.what}"
    message = WORDS[reason.cause].format(what=what)
    return RefusedBy(hosts=hosts, cause=reason.cause.value, what=reason.what, message=message)


def require_known(
    request: CandidatesRequest, classes: Collection[str], traits: Collection[str]
) -> None:
    """Refuse names that do not exist, with those that may have been meant.

    Raises:
        InvalidRequest: there is no such class or trait.
    """
    _require("resource class", request.classes, classes)
    asked = request.root_required | request.root_forbidden
    for group in request.groups:
        asked |= group.forbidden.union(*group.required)
    _require("trait", asked, traits)


def _require(what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in sorted(set(names).difference(known)):
        raise InvalidRequest(f"there is no {what} {name}{hint(name, known)}")
