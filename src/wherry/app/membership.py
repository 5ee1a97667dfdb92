"""What is asked of the aggregates of hosts, and what they are in."""

from collections.abc import Iterable

from wherry.app.engine import Engine
from wherry.model.bounds import Membership, parse_restriction
from wherry.store.membership import read_membership


def members_of(engine: Engine, member_of: Iterable[str], *, is_told: bool) -> Membership:
    """Give which hosts are in the aggregates that are asked for.

    Args:
        member_of: as it was asked.
        is_told: whether all aggregates of hosts are, and not only those that are asked about.
    """
    asked = tuple(parse_restriction(text) for text in dict.fromkeys(member_of))
    if not asked:
        return Membership()
    named = None if is_told else frozenset.union(*(each.aggregates for each in asked))
    return Membership(asked, engine.store.read(lambda tx: read_membership(tx, named)))
