"""Text that fits a line: measured in cells of a terminal, folded, or cut.

A letter of Chinese takes two cells and a combining accent none, so no line is measured by the
number of its letters.
"""

import re
from collections.abc import Iterator

MORE = "…"

_LABEL = re.compile(r" *(?:\S+ {2,})?")
"""The blanks a line begins with, and a first word that is set off by more than one blank."""


def cells(text: str) -> int:
    """Count the cells that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415, most commands' start shall not wait for it

    return cell_len(text)


def pad(text: str, width: int) -> str:
    """Fill a text up with blanks to a width in cells."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int) -> str:
    """Cut a text to a width in cells, with an ellipsis where something is left out."""
    if cells(text) <= width:
        return text
    return next(_pieces(text, width - 1), "") + MORE if width > 0 else ""


def fold(text: str, width: int) -> list[str]:
    """Break a text into lines: between words, and within a word only if it is longer than one.

    Args:
        text: without line ends.
        width: of a line in cells, at least 1; a letter of two cells has a line of width 1 alone.
    """
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, width)
        lines.extend(whole)
    return [*lines, line]


def hang(text: str, width: int | None) -> list[str]:
    """Fold a line of prose, so that what follows the first line is indented below its words.

    Args:
        text: a line; where it begins with a word and two blanks, the rest stands right of them.
        width: of a line in cells; None: as long as it is.
    """
    if width is None or cells(text) <= width:
        return [text]
    found = _LABEL.match(text)
    lead = found.group() if found else ""
    indent = cells(lead) if lead.strip() else cells(lead) + 2
    if indent > width // 2:
        return fold(text.strip(), width)
    first, *others = fold(text[len(lead) :], width - indent)
    return [lead + first, *(" " * indent + other for other in others)]


def _pieces(word: str, width: int) -> Iterator[str]:
    """Chop a word into pieces of a width."""
    piece = ""
    for letter in word:
        if piece and cells(piece + letter) > width:
            yield piece
            piece = ""
        piece += letter
    yield piece
