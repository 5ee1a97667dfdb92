"""Options of a program: on the command line, as variables, in a TOML file, or by default.

One table per program names its options once; command line, variables, file and the page
``docs/reference/configuration.md`` follow from it.  The nearer word wins: command line,
then ``WHERRY_…`` variable, then file, then default.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry.model.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that can be set.

    Attributes:
        name: as in the file; the command line writes ``-`` for ``_``, the variable is
            ``WHERRY_`` and the name in capitals.
        parse: makes the value of text or of a TOML value; raises ValueError with a clause
            that says what is taken, such as ``must be a port from 1 to 65535``.
        default: already a value.
        help: one sentence for people.
        metavar: what stands for the value in ``--help``.
        many: given several times on the command line, a list in the file, and parted by
            *separator* in the variable.
    """

    name: str
    parse: Callable[[Any], Any]
    default: Any
    help: str
    metavar: str
    many: bool = False
    separator: str = ":"

    @property
    def flag(self) -> str:
        """Spelling on the command line; what may be repeated is said in the singular."""
        name = self.name.removesuffix("s") if self.many else self.name
        return "--" + name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Spelling in the environment."""
        return f"WHERRY_{self.name.upper()}"


def resolve(
    table: Sequence[Option],
    *,
    section: str,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Path | None,
) -> dict[str, Any]:
    """Give each option its value, by the nearest word that was said.

    Args:
        table: the options of one program.
        section: table of the file that holds them, such as ``serve``.
        given: what the command line said; None and empty tuples count as not said.
        environ: the environment; empty variables count as not said.
        file: a TOML file, or None.

    Raises:
        BadConfiguration: a value cannot be used, or the file says something that is no
            option; the message names where it stands.
    """
    in_file = _read_section(file, section, table)
    values: dict[str, Any] = {}
    for option in table:
        source, raw = _nearest(option, given, environ, in_file, file)
        values[option.name] = option.default if source is None else _parse(option, source, raw)
    return values


def _nearest(
    option: Option,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    in_file: Mapping[str, Any],
    file: Path | None,
) -> tuple[str | None, Any]:
    said = given.get(option.name)
    if said is not None and said != ():
        return f"option {option.flag}", said
    if text := environ.get(option.variable):
        return f"variable {option.variable}", text.split(option.separator) if option.many else text
    if option.name in in_file:
        return f"{file}, {option.name}", in_file[option.name]
    return None, None


def _parse(option: Option, source: str, raw: Any) -> Any:
    try:
        if not option.many:
            return option.parse(raw)
        return tuple(option.parse(item) for item in _items(raw))
    except ValueError as error:
        message = f"{source}: {raw!r} {error}"
        raise BadConfiguration(message) from None


def _items(raw: Any) -> Sequence[Any]:
    if isinstance(raw, list | tuple):
        return raw
    raise ValueError("must be a list")


def _read_section(file: Path | None, section: str, table: Sequence[Option]) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise BadConfiguration(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}: is not valid TOML: {error}"
        raise BadConfiguration(message) from None
    _refuse_unknown(str(file), document, SECTIONS, "section")
    found = document.get(section, {})
    if not isinstance(found, dict):
        message = f"{file}: `{section}` must be a table: write [{section}]"
        raise BadConfiguration(message)
    _refuse_unknown(f"{file}, [{section}]", found, [option.name for option in table], "option")
    return found


def _refuse_unknown(where: str, found: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(known))}"
            message = f"{where}: there is no {what} `{name}`; {hint}"
            raise BadConfiguration(message)


SECTIONS = ("serve", "agent")
"""Tables that one file may hold, so that service and agent can share it."""


def text(raw: Any) -> str:
    """Take text that is not empty."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("must be text")
    return raw


def whole(low: int, high: int) -> Callable[[Any], int]:
    """Take a whole number from *low* to *high*."""

    def parse(raw: Any) -> int:
        clause = f"must be a whole number from {low} to {high}"
        digits = re.fullmatch("-?[0-9]{1,18}", str(raw))
        if not digits or not low <= int(raw) <= high:
            raise ValueError(clause)
        return int(raw)

    return parse


def one_of(*words: str) -> Callable[[Any], str]:
    """Take one of some words."""

    def parse(raw: Any) -> str:
        if raw not in words:
            clause = "must be one of " + ", ".join(words)
            raise ValueError(clause)
        return str(raw)

    return parse


def path(raw: Any) -> Path:
    """Take a path; ``~`` is the home folder."""
    if isinstance(raw, Path):
        return raw
    return Path(text(raw)).expanduser()
