"""What commands print: tables and lines for people, JSON for programs.

Colour only on a terminal; into a pipe, a row is one line, however long, for grep.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 1 << 16
VERDICT_STYLE = {"ok": "green", "warn": "yellow", "unknown": "magenta", "no": "red"}


def print_json(value: Any) -> None:
    """Print a value as JSON, indented."""
    data = value if isinstance(value, bytes) else msgspec.json.encode(value)
    click.echo(msgspec.json.format(data, indent=2))


def console(*, stderr: bool = False) -> "Console":
    """Make the console for people."""
    from rich.console import Console  # noqa: PLC0415, most commands' start shall not wait for it

    stream = sys.stderr if stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows below a head, or the sentence *empty* where there are none."""
    from rich.table import Table  # noqa: PLC0415, as above
    from rich.text import Text  # noqa: PLC0415, as above

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=_style(cell)) for cell in row))
    if not table.row_count:
        click.echo(empty)
        return
    to = console()
    with to.capture() as drawn:
        to.print(table)
    for line in drawn.get().splitlines():
        click.echo(line.rstrip())


def say(text: str, *, verdict: str | None = None) -> None:
    """Print a line; on a terminal in the colour of a verdict."""
    click.echo(click.style(printable(text), fg=VERDICT_STYLE.get(verdict or "")))


def count(number: int, what: str) -> str:
    """Write a number with its noun: ``1 host``, ``2 hosts``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _style(cell: Any) -> str:
    return VERDICT_STYLE.get(cell, "") if isinstance(cell, str) else ""


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
    from rich.progress import Progress  # noqa: PLC0415, as above

    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
