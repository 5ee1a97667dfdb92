"""Hosts that were never there as PostgreSQL's function takes them: columns, written as arrays.

Providers, classes and traits are named by their places, as nobody knows their ids yet.

Source: schema/versions/0013_add_hosts.sql.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Table

from wherry.store import tables
from wherry.store.bare import ask_prepared
from wherry.store.bulk import Rows, columns_of, numbers_array, texts_array
from wherry.store.new_providers import Names
from wherry.store.report_rows import NewHost, together

_SENT: Mapping[Table, str] = {
    tables.host: "name root boot_id sequence observed_at last_seen digest",
    tables.host_report: "report check_facts findings",
    tables.provider: "uuid name host parent root changed_at",
    tables.provider_plan: "plan",
    tables.inventory: "provider class total reserved min_unit max_unit step_size allocation_ratio"
    " cap stray",
    tables.view: "provider class pool units",
    tables.provider_trait: "provider trait",
    tables.provider_device: "provider device rank",
    tables.seen_instance: "provider device type units exclusive place",
    tables.placement: "provider type places",
}
"""What the function takes, in its order; the rest of a new row is always the same."""
_COUNT = 2 + sum(len(words.split()) for words in _SENT.values())
_NAME = b"wherry_add_hosts"
_QUERY = f"SELECT wherry_add_hosts_0013({', '.join(f'${n + 1}' for n in range(_COUNT))})".encode()
_Array = Callable[[Sequence[Any]], str]


def add_hosts(db: psycopg.Connection[Any], hosts: Sequence[NewHost]) -> list[bool]:
    """Write hosts of which nothing is there; says of each whether it is written.

    All that are written are of one transaction.  One is not where anything of it is there, or
    was, or somebody is at it now.

    Args:
        db: a connection that commits by itself.
    """
    added = [False] * len(hosts)
    places = list(range(len(hosts)))
    while places:
        is_new = _add(db, [hosts[place] for place in places])
        if all(is_new):
            return [is_one or place in places for place, is_one in enumerate(added)]
        places = [place for place, is_one in zip(places, is_new, strict=True) if is_one]
    return added


def _add(db: psycopg.Connection[Any], hosts: Sequence[NewHost]) -> list[bool]:
    """Write hosts if all of them are new; says of each whether it is."""
    told = ask_prepared(db.pgconn, _NAME, _QUERY, [text.encode() for text in _arrays(hosts)])
    value: Any = told.get_value(0, 0)
    return [word == b"t" for word in value.strip(b"{}").split(b",")]


def _arrays(hosts: Sequence[NewHost]) -> list[str]:
    classes = sorted(set().union(*(host.classes for host in hosts)))
    traits = sorted(set().union(*(host.traits for host in hosts)))
    names = Names(_places(classes), _places(traits))
    several, first = [], 1
    for host in hosts:
        several.append(host.rows(range(first, first + len(host.providers)), names))
        first += len(host.providers)
    return [texts_array(classes), texts_array(traits), *_columns(together(several))]


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names, 1)}


def _columns(rows: Rows) -> list[str]:
    written = []
    for table in _SENT:
        columns = list(zip(*rows[table], strict=True))
        written += [array(columns[at]) if columns else "{}" for at, array in _taken(table)]
    return written


@cache
def _taken(table: Table) -> tuple[tuple[int, _Array], ...]:
    """Give the places of what is sent in a row, and how it is written."""
    columns = {column.name: at for at, column in enumerate(columns_of(table))}
    return tuple(
        (columns[name], texts_array if table.c[name].type.python_type is str else numbers_array)
        for name in _SENT[table].split()
    )
