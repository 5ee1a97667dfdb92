"""A line at the foot of what was printed that is written anew in its place.

On a terminal alone: into a pipe goes only what stays.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from wherry.cli.fitting import cut
from wherry.cli.output import paint, printable, terminal_width

_TO_THE_BEGIN = "\r\x1b[2K"


class LiveLine:
    """The line; text that stays is printed above it, after `clear`."""

    def __init__(self) -> None:
        self.is_live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._is_shown = False

    def show(self, text: str, *, verdict: str = "") -> None:
        """Write the line anew, cut to the width of the terminal as it is now."""
        if not self.is_live:
            return
        # A line as wide as the terminal would wrap, and could not be taken back.
        line = cut(printable(text), (terminal_width() or 1) - 1)
        self._is_shown = True  # before it is: who is interrupted in between clears it too
        click.echo(f"{_TO_THE_BEGIN}{paint(line, verdict=verdict)}", nl=False)

    def clear(self) -> None:
        """Take the line away, so that the next text stands in its place."""
        if self._is_shown:
            click.echo(_TO_THE_BEGIN, nl=False)
            self._is_shown = False


@contextmanager
def live_line() -> Iterator[LiveLine]:
    """Give a line for the time of a block; it is gone afterwards, however the block ends."""
    line = LiveLine()
    try:
        yield line
    finally:
        line.clear()
