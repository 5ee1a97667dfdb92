"""What is stored of a host's providers, row by row, whatever its name and ids."""

from typing import Any

from sqlalchemy import text

from wherry.store.transaction import Store, Tx

ROWS = {
    "inventory": "SELECT p.name, c.name, i.total, i.reserved, i.min_unit, i.max_unit, i.step_size,"
    " i.allocation_ratio, i.cap, i.used, i.charged, i.stray FROM inventory i"
    " JOIN resource_class c ON c.id = i.class",
    "view": "SELECT p.name, c.name, q.name, i.units FROM view i"
    " JOIN resource_class c ON c.id = i.class JOIN resource_class q ON q.id = i.pool",
    "provider_trait": "SELECT p.name, t.name FROM provider_trait i JOIN trait t ON t.id = i.trait",
    "provider_device": "SELECT p.name, i.device, i.rank FROM provider_device i",
    "seen_instance": "SELECT p.name, i.device, i.type, i.units, i.exclusive, i.stray"
    " FROM seen_instance i",
    "provider": "SELECT p.name, a.name, r.name, p.gone, p.owner FROM provider i"
    " LEFT JOIN provider a ON a.id = i.parent JOIN provider r ON r.id = i.root",
}


def rows_of(store: Store, host: str) -> dict[str, list[Any]]:
    """All that is stored of a host's providers, its name left out."""

    def read(tx: Tx) -> dict[str, list[Any]]:
        found = {}
        for table, query in ROWS.items():
            key = "i.id" if table == "provider" else "i.provider"
            end = f" JOIN provider p ON p.id = {key} WHERE p.host = :host"
            rows = tx.execute(text(query + end), {"host": host})
            found[table] = sorted(
                (tuple(_nameless(value, host) for value in row) for row in rows), key=repr
            )
        return found

    return store.read(read)


def _nameless(value: Any, host: str) -> Any:
    return value.replace(host, "HOST") if isinstance(value, str) else value
