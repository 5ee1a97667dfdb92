"""From the tables of files to whole profiles: what is taken from another, and the cases.

A file is one profile.  It may take another's tables as a start (``extends``), and it may have
``cases``: each is the file's profile with some keys laid over it and a narrower match.  Laying
over goes key by key through tables; anything else is replaced.
"""

from collections.abc import Mapping
from typing import Any

Table = dict[str, Any]


class CannotExpand(ValueError):
    """The tables do not make a profile."""


def expand(table: Table, others: Mapping[str, Table]) -> list[Table]:
    """Give a file's own profile and one for each of its cases.

    Args:
        table: the file.
        others: the files that it may extend, by id.

    Raises:
        CannotExpand: it extends what is not there, or itself; its cases are no list of tables.
    """
    base = _start(table, others, seen=())
    cases = base.pop("cases", [])
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise CannotExpand("`cases` is no list of tables - at `$.cases`")
    names = [case.get("case") for case in cases]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise CannotExpand("every case needs a name of its own - at `$.cases[...].case`")
    return [base, *(lay_over(base, case) for case in cases)]


def lay_over(base: Table, above: Table) -> Table:
    """Give *base* with *above* over it: tables key by key, anything else replaced.

    A source (a table with ``of``) is one value, and replaced as one.
    """
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        tables = isinstance(value, dict) and isinstance(below, dict) and "of" not in value
        merged[key] = lay_over(below, value) if tables and below is not None else value
    return merged


def _start(table: Table, others: Mapping[str, Table], seen: tuple[str, ...]) -> Table:
    own = {key: value for key, value in table.items() if key != "extends"}
    wanted = table.get("extends")
    if wanted is None:
        return own
    if not isinstance(wanted, str) or wanted in seen or wanted not in others:
        message = f"there is no other profile {wanted!r} to extend - at `$.extends`"
        raise CannotExpand(message)
    below = _start(others[wanted], others, (*seen, wanted))
    # Cases of another belong to it; what it replaced is replaced already.
    start = {k: v for k, v in below.items() if k not in {"cases", "replaces"}}
    return lay_over(start, own)
