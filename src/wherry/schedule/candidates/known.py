"""The names of a request must exist: traits and resource classes.

Source: Placement 16.0.0 as it answers, probed.
"""

from collections.abc import Container, Iterable
from collections.abc import Set as AbstractSet

from wherry.schedule.candidates.messages import BadQuery, Message
from wherry.schedule.candidates.request import CandidatesRequest


def check_names(
    classes: Container[str], traits: AbstractSet[str], request: CandidatesRequest
) -> None:
    """Refuse traits and classes that do not exist.

    Args:
        classes, traits: all that there are.

    Raises:
        BadQuery: names the first one that is not known.
    """
    _check_traits(traits, request.root_required | request.root_forbidden)
    for group in request.groups:
        for name in group.resources:
            if name not in classes:
                raise BadQuery(Message.UNKNOWN_CLASS, name=name)
        _check_traits(traits, group.forbidden.union(*group.required))


def _check_traits(known: AbstractSet[str], traits: Iterable[str]) -> None:
    unknown = sorted(set(traits) - known)
    if unknown:
        raise BadQuery(Message.UNKNOWN_TRAIT, name=unknown[0])
