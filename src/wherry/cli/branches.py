"""A tree of lines for people, and how it is drawn on a terminal or into a pipe."""

from typing import NamedTuple

from rich.console import Console
from rich.text import Text
from rich.tree import Tree


class Branch(NamedTuple):
    """One line and what stands below it."""

    text: str
    inside: tuple["Branch", ...] = ()


def leaf(text: str) -> Branch:
    """Make a line with nothing below it."""
    return Branch(text)


def draw(branch: Branch, console: Console) -> None:
    """Print a tree; the console decides on width, colour and the letters it can show."""
    tree = Tree(_label(branch, "bold"), guide_style="dim")
    _fill(tree, branch)
    console.print(tree, highlight=False, soft_wrap=False)


def printable(text: str) -> str:
    r"""Spell out what would steer a terminal: control letters become ``\x1b`` and the like."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _fill(tree: Tree, branch: Branch) -> None:
    for one in branch.inside:
        _fill(tree.add(_label(one, "bold" if one.inside else "")), one)


def _label(branch: Branch, style: str) -> Text:
    return Text(printable(branch.text), style=style, overflow="fold")
