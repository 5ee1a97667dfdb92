"""What commands print: tables and lines for people, JSON for programs.

On a terminal all fits its width, in colour unless NO_COLOR is set; into a pipe, a row is one
line, however long, for grep.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from wherry.cli.fitting import hang
from wherry.cli.table import Piece, lay_out

PIPE_WIDTH = 1 << 16
LEAST_WIDTH = 20
"""A terminal that says it is narrower is written to as if it were so wide."""
VERDICT_STYLE = {"ok": "green", "warn": "yellow", "unknown": "magenta", "no": "red"}


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    data = value if isinstance(value, bytes) else msgspec.json.encode(value)
    click.echo(msgspec.json.format(data, indent=2))


def terminal_width() -> int | None:
    """Measure the terminal in cells; None where stdout is none."""
    return max(LEAST_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def wants_colour() -> bool:
    """Whether stdout is a terminal that shows colour, and nobody asked for none.

    Source: no-color.org.
    """
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not is_plain


def paint(text: str, *, verdict: str | None = None, bold: bool = False) -> str:
    """Put a text in the colour of a verdict, or bold, where colour is wanted."""
    colour = VERDICT_STYLE.get(verdict or "")
    if not text or not (colour or bold) or not wants_colour():
        return text
    return click.style(text, fg=colour, bold=bold or None)


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows below a head, or the sentence *empty* where there are none."""
    texts = [[printable(cell) for cell in row] for row in rows]
    if not texts:
        click.echo(empty)
        return
    for line in lay_out(head, texts, terminal_width()):
        click.echo("".join(map(_painted, line)))


def say(text: str, *, verdict: str | None = None, bold: bool = False) -> None:
    """Print a line; on a terminal folded to its width, in the colour of a verdict."""
    for line in hang(printable(text), terminal_width()):
        click.echo(paint(line, verdict=verdict, bold=bold))


def count(number: int, what: str) -> str:
    """Write a number with its noun: ``1 host``, ``2 hosts``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _painted(piece: Piece) -> str:
    return paint(piece.text, verdict=piece.cell, bold=piece.cell is None)


def printable(cell: Any) -> str:
    """Write a cell without what a terminal would obey."""
    text = "-" if cell is None else str(cell)
    return "".join(c if c.isprintable() else "�" for c in text)


@contextmanager
def progress(total: int, what: str) -> Iterator[Any]:
    """Show how far a long piece of work is, on a terminal; gives what is called once a piece.

    Args:
        total: pieces in all.
        what: what is done, such as ``reporting hosts``.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415, most commands' start shall not wait for it
    from rich.progress import Progress  # noqa: PLC0415, as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
