"""Tables that fit: as plain values, so that every width can be tried without a terminal.

Where a table is wider than the terminal, its widest columns give way first, and their cells are
folded: between words, and within one only where it is long.  A uuid or a time is never broken,
because it is what one copies.  Where not even that fits, each row becomes a block of lines.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wherry.cli.fitting import cells, fold, pad

GAP = 3
NARROW_GAP = 2
"""Blanks between columns where a table has to give way."""
WORD = 10
"""A word of more cells than this may be broken."""
_WHOLE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
)


class Piece(NamedTuple):
    """A text on a line, and the cell that it belongs to; None of a heading."""

    text: str
    cell: str | None


Line = tuple[Piece, ...]


def lay_out(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None
) -> list[Line]:
    """Lay a table out as lines.

    Args:
        head: the headings.
        rows: cells without line ends.
        width: of the terminal in cells; None: each row is one line, however long.
    """
    columns = list(zip(head, *rows, strict=True))
    wanted = [max(map(cells, column)) for column in columns]
    if width is None or _total(wanted, GAP) <= width:
        return _lines(head, rows, wanted, GAP)
    room = width - NARROW_GAP * (len(head) - 1)
    widths = share(wanted, [_least(column) for column in columns], room)
    if widths is None:
        return _blocks(head, rows, width)
    return _lines(head, rows, widths, NARROW_GAP)


def share(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """Share the room of a line among columns: the widest give way first.

    Args:
        wanted: width of each column if there is room for all.
        least: width that each keeps, at most what it wants.
        room: for all columns, without what is between them.

    Returns:
        Widths that use the room up, or what is wanted if that is less; None where the least
        widths are too much.
    """
    if sum(least) > room:
        return None
    level = 0
    while level < room and sum(_cut(wanted, least, level + 1)) <= room:
        level += 1
    widths = _cut(wanted, least, level)
    spare = max(0, room - sum(widths))
    for at, more in enumerate(_cut(wanted, least, level + 1)):
        if spare and more > widths[at]:
            widths[at] += 1
            spare -= 1
    return widths


def _cut(wanted: Sequence[int], least: Sequence[int], level: int) -> list[int]:
    return [max(low, min(high, level)) for high, low in zip(wanted, least, strict=True)]


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _least(column: Sequence[str]) -> int:
    """Say how narrow a column may become."""
    heading, *texts = column
    words = (word for text in texts for word in text.split(" "))
    kept = (cells(word) if _WHOLE.fullmatch(word) else min(cells(word), WORD) for word in words)
    return max([*(cells(word) for word in heading.split(" ")), *kept])


def _lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], gap: int
) -> list[Line]:
    headings = _row([(name, None) for name in head], widths, gap)
    return [*headings, *(line for row in rows for line in _row([(c, c) for c in row], widths, gap))]


def _row(
    texts: Sequence[tuple[str, str | None]], widths: Sequence[int], gap: int
) -> Iterator[Line]:
    folded = [fold(text, width) for (text, _), width in zip(texts, widths, strict=True)]
    for number in range(max(map(len, folded))):
        parts = [lines[number] if number < len(lines) else "" for lines in folded]
        last = max((at for at, part in enumerate(parts) if part), default=-1)
        yield tuple(
            Piece(part.rstrip() if at == last else pad(part, widths[at] + gap), texts[at][1])
            for at, part in enumerate(parts[: last + 1])
        )


def _blocks(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Write each row below the other, a line or more for each cell."""
    indent = max(map(cells, head)) + NARROW_GAP
    lines: list[Line] = []
    for row in rows:
        if lines:
            lines.append(())
        for name, cell in zip(head, row, strict=True):
            lines.extend(_block(name, cell, indent, width))
    return lines


def _block(name: str, cell: str, indent: int, width: int) -> Iterator[Line]:
    """Write a cell beside its heading, or below it where a uuid does not fit beside it."""
    lead = pad(name, indent)
    if _least(("", cell)) > width - indent:
        yield (Piece(name, None),)
        indent = NARROW_GAP
        lead = " " * indent
    for line in fold(cell, max(1, width - indent)):
        yield Piece(lead, None), Piece(line, cell)
        lead = " " * indent
