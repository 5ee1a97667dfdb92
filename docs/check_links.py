"""Look whether every relative link of the project's pages leads somewhere; asks no network.

    python docs/check_links.py

A link leads to a file or folder of the project and, behind ``#``, to a heading of a page or a
name that the page gives.  A picture has words for those who do not see it.  Ends with 1 where
something is wrong, and names file and line.

Source: CommonMark; MyST and GitHub, for what a heading is called in a link.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
LEAVE_OUT = {"_build", "changes"}
DEEPEST = 3
"""Headings below this level have no name, as ``myst_heading_anchors`` of conf.py says."""
FEWEST_WORDS = 3
"""Of the text of a picture."""

_FENCE = re.compile(r"^ *(`{3,}|~{3,}|:{3,})")
_CODE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^()\s]+)\)")
_HTML = re.compile(r"""<(?P<tag>img|a|source)\b[^>]*?\b(?:src|href|srcset)="(?P<to>[^"]+)"[^>]*>""")
_ALT = re.compile(r"""\balt="([^"]*)\"""")
_HEADING = re.compile(r"^(#{1,6}) +(.*?) *#*$")
_NAME = re.compile(r"""^\((?P<myst>[\w-]+)\)=$|<\w+ [^>]*\bid="(?P<html>[^"]+)\"""")


class Wrong(NamedTuple):
    """A link that leads nowhere, or a picture without words."""

    file: Path
    line: int
    why: str


def pages(root: Path) -> list[Path]:
    """List the pages of a project: those at its root and in folders that are no hidden ones."""
    return sorted(
        page
        for page in root.rglob("*.md")
        if not any(
            part.startswith(".") or part in LEAVE_OUT for part in page.relative_to(root).parts
        )
    )


def check(root: Path) -> list[Wrong]:
    """Look at every page below a folder."""
    return [wrong for page in pages(root) for wrong in check_page(page, root)]


def check_page(page: Path, root: Path) -> Iterator[Wrong]:
    """Look at one page of a project."""
    for number, line in _prose(page):
        for to, words, is_picture in _links(line):
            why = _wrong(page, to, root)
            if why:
                yield Wrong(page, number, f"{to}: {why}")
            if is_picture and len(words.split()) < FEWEST_WORDS:
                yield Wrong(page, number, f"{to}: the picture has no words that tell what it shows")


def _wrong(page: Path, to: str, root: Path) -> str:
    parts = urlsplit(to)
    if parts.scheme or parts.netloc:
        return ""
    path = unquote(parts.path)
    target = (page.parent / path).resolve() if path else page.resolve()
    if not target.is_relative_to(root.resolve()):
        return "leads out of the project"
    if not target.exists():
        return "there is no such file"
    if parts.fragment and target.suffix == ".md" and parts.fragment not in names(target):
        return f"{target.name} has no heading of this name"
    return ""


@cache
def names(page: Path) -> frozenset[str]:
    """Give the names that a link to a page may have behind ``#``."""
    found: dict[str, None] = {}
    for _, line in _prose(page, keep_code=True):
        if named := _NAME.search(line):
            found[named["myst"] or named["html"]] = None
        heading = _HEADING.match(line)
        if heading and len(heading[1]) <= DEEPEST:
            name, number = name_of(heading[2]), 0
            while f"{name}-{number}" in found or (not number and name in found):
                number += 1
            found[f"{name}-{number}" if number else name] = None
    return frozenset(found)


def name_of(heading: str) -> str:
    """Give the name of a heading in a link: small letters, digits and hyphens."""
    text = _LINK.sub(lambda found: found["text"], heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _prose(page: Path, *, keep_code: bool = False) -> Iterator[tuple[int, str]]:
    """Give lines with their numbers, without blocks of code."""
    fence = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        found = _FENCE.match(line)
        if fence:
            fence = "" if found and found[1].startswith(fence) else fence
        elif found and not found[1].startswith(":"):
            fence = found[1]
        else:
            yield number, line if keep_code else _CODE.sub("", line)


def _links(line: str) -> Iterator[tuple[str, str, bool]]:
    for found in _LINK.finditer(line):
        yield found["to"], found["text"], bool(found["picture"])
        # A picture may be what a link shows.
        for inner in _LINK.finditer(found["text"]):
            yield inner["to"], inner["text"], bool(inner["picture"])
    for found in _HTML.finditer(line):
        alt = _ALT.search(found.group())
        yield found["to"], alt[1] if alt else "", found["tag"] == "img"


def main() -> int:
    """Print what is wrong; gives the exit status."""
    wrong = check(ROOT)
    for each in wrong:
        print(f"{each.file.relative_to(ROOT)}:{each.line}: {each.why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
