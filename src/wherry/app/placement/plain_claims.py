"""What most requests for allocations are, written in one step.

A consumer of no guest takes from hosts, or lets go of all.  Nothing has to be looked up for
that: the claim itself asks everything, in one statement.  Whatever is more than that, and
whatever is refused, is left to `wherry.app.placement.allocations`, which finds the words.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET

from wherry.model.inventory import MAX_INT
from wherry.store.claim_rows import ABSENT, ANY, PRESENT, ClaimRows

if TYPE_CHECKING:
    from wherry.app.engine import Engine
    from wherry.app.placement.allocations import Asked


def take_plainly(engine: "Engine", asked: "Asked") -> bool:
    """Let a consumer take what it asks for; says whether that was all there was to do."""
    expected = asked.expected
    allocations = tuple(
        (0, uuid, name, units)
        for uuid, amounts in sorted(asked.allocations.items())
        for name, units in sorted(amounts.items())
    )
    numbers: list[object] = [row[3] for row in allocations]
    if expected is not UNSET and expected is not None:
        numbers.append(expected)
    # JSON's numbers may be larger than a database takes, or have a fraction of zero.
    if not allocations or not all(map(_is_kept, numbers)):
        return False
    number = ANY if expected is UNSET else ABSENT if expected is None else expected
    rows = ClaimRows(
        id=None,
        digest="",
        at=engine.clock(),
        holdings=((asked.consumer, asked.type, asked.project, asked.user, number),),
        allocations=allocations,
        occupants=(),
        facts=(),
        named=tuple(sorted(asked.allocations)),
        is_plain=True,
    )
    return "error" not in engine.store.claim(rows)


def let_go_plainly(engine: "Engine", consumer: str) -> bool:
    """Let a consumer end that holds something; says whether that was all there was to do."""
    rows = ClaimRows(
        id=None,
        digest="",
        at=engine.clock(),
        holdings=((consumer, None, "", "", PRESENT),),
        allocations=(),
        occupants=(),
        facts=(),
        named=(),
        is_plain=True,
    )
    return "error" not in engine.store.claim(rows)


def _is_kept(number: object) -> bool:
    return type(number) is int and 0 <= number <= MAX_INT
