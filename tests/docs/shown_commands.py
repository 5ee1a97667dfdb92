"""Commands that the pages show: every one in a block of a shell, and those named in a sentence."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "vectors" / "README.md",
    ROOT / "src" / "wherry" / "data" / "recordings" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_BLOCK = re.compile(r"^( *)```(console|bash|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}((?:\.venv/bin/)?wherry |make |curl |python -m )(.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(wherry [^`]+|make [^`]+|curl [^`]+)`")
_CURL = re.compile(r"(\w+)\(\) { curl ")
_BEGIN = {"do", "then", "else", "while", "until", "if", "!", "{", "}", "time", "sudo"}
_END = set(";|&()")
_VARIABLE = re.compile(r"^[A-Za-z_]\w*=")


class Shown(NamedTuple):
    """One simple command of a page, by its words."""

    page: str
    words: tuple[str, ...]
    is_named: bool
    """It stands in a sentence, perhaps without all that it needs."""


def every() -> list[Shown]:
    """Give all commands of all pages."""
    return [shown for page in PAGES for shown in of_page(page)]


def of_page(page: Path) -> Iterator[Shown]:
    """Give the commands of one page; a function of the page that calls curl is curl."""
    text, name = page.read_text(encoding="utf-8"), str(page.relative_to(ROOT))
    curl = set(_CURL.findall(text))
    for shown in _of_text(text, name):
        first, *rest = shown.words
        yield shown._replace(words=("curl", *rest)) if first in curl else shown


def _of_text(text: str, name: str) -> Iterator[Shown]:
    for indent, kind, block in _BLOCK.findall(text):
        for line in lines_of(kind, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)):
            yield from (Shown(name, words, False) for words in simple_commands(line))
    prose = _FENCED.sub("", text)
    for first, rest in _INDENTED.findall(prose):
        yield from (Shown(name, words, False) for words in simple_commands(first + rest))
    for named in _INLINE.findall(" ".join(prose.split())):
        yield from (Shown(name, words, True) for words in simple_commands(named))


def lines_of(kind: str, block: str) -> Iterator[str]:
    """Give what is typed: all of a script, and of a session what stands behind a prompt."""
    block = re.sub(r"(\\|(?<=\|))\n\s*", " ", block)
    for line in block.splitlines():
        if kind != "console":
            yield line
        elif line.startswith(("$ ", "# ")):
            yield line[2:]


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """Take a line of a shell apart into commands, those inside of ``$(…)`` too."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    is_target = False
    for token in lexer:
        if token[0] in "<>":
            is_target = True
            if words and words[-1].isdigit():
                words.pop()
        elif set(token) <= _END:
            yield from _command(words)
            words = []
        elif is_target:
            is_target = False
        else:
            words.append(token)
    yield from _command(words)


def _command(words: list[str]) -> Iterator[tuple[str, ...]]:
    for word in words:
        if "$(" in word:
            yield from simple_commands(word.partition("$(")[2].rpartition(")")[0])
    while words and (words[0] in _BEGIN or _VARIABLE.match(words[0])):
        words = words[1:]
    if words:
        yield (words[0].removeprefix(".venv/bin/"), *words[1:])
