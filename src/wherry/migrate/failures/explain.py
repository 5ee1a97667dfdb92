"""Reads a log and says what made a migration fail, as far as the log can tell.

Source: docs/reference/explain.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wherry.compat.table import BY_CODE
from wherry.migrate.failures.signs import SIGNS, Sign

MOST_LINE = 4096
"""Characters of a line that are looked at."""

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One known line.

    Attributes:
        number: of the line, from 1; the first where it comes again.
        device: what it speaks of; None where the line names nothing.
        count: how often it came.
    """

    sign: Sign
    number: int
    line: str
    device: str | None
    count: int

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules that would have refused the move before, in order."""
        return tuple(sorted({BY_CODE[code].rule for code in self.sign.codes}))


def explain(lines: Iterable[str]) -> tuple[Found, ...]:
    """Find all that is known in a log: causes first, then echoes; each in the log's order.

    Lines that say the same of the same device count as one.
    """
    found: dict[tuple[str, str | None], Found] = {}
    for number, raw in enumerate(lines, 1):
        line = _ESCAPES.sub("", raw[:MOST_LINE]).strip()
        seen = _match(line)
        if seen is None:
            continue
        sign, device = seen
        first = found.get((sign.id, device))
        found[sign.id, device] = Found(
            sign=sign,
            number=number if first is None else first.number,
            line=line if first is None else first.line,
            device=device,
            count=1 if first is None else first.count + 1,
        )
    return tuple(sorted(found.values(), key=lambda one: (one.sign.kind == "echo", one.number)))


def _match(line: str) -> tuple[Sign, str | None] | None:
    for sign in SIGNS:
        match = sign.pattern.search(line)
        if match is not None:
            named = match.groupdict()
            return sign, named.get("device") or named.get("other")
    return None
