"""Options of OpenStack's services as their files have them: several of one name count all.

A line that begins with a blank goes on with the one before, an empty line ends it; ``$$`` is a
dollar.

Source: oslo.config, "The configuration file format".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wherry.model.errors import InvalidFile

Option = tuple[str, str, str, int]
"""Section, name, value, and the line on which it begins."""


def read_options(text: str, *, file: str) -> Iterator[Option]:
    """Give every option of a file in its order.

    Raises:
        InvalidFile: a line is neither section, option, comment nor the rest of one.
    """
    section, begun = "", _Begun()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip()
        if line.startswith((" ", "\t")):
            if not begun.name:
                raise InvalidFile("this goes on with no option", file=file, line=number)
            begun.lines.append(line.strip())
            continue
        if begun.name:
            yield section, begun.name, begun.value, begun.number
        begun = _Begun()
        if line.startswith("["):
            section = _section(line, file, number)
        elif line and not line.startswith(("#", ";")):
            begun = _split(line, file, number)
    if begun.name:
        yield section, begun.name, begun.value, begun.number


@dataclass(slots=True)
class _Begun:
    """An option whose value may go on."""

    name: str = ""
    lines: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def value(self) -> str:
        return "\n".join(self.lines).replace("$$", "$")


def _section(line: str, file: str, number: int) -> str:
    if not line.endswith("]") or line == "[]":
        raise InvalidFile("this is no section: [NAME]", file=file, line=number)
    return line[1:-1]


def _split(line: str, file: str, number: int) -> _Begun:
    ends = [place for mark in "=:" if (place := line.find(mark)) >= 0]
    name = line[: min(ends, default=0)].strip()
    if not name:
        raise InvalidFile("this is no option: NAME = VALUE", file=file, line=number)
    value = line[min(ends) + 1 :].strip()
    if value and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return _Begun(name, [value], number)
