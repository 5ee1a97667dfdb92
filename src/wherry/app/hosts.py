"""Hosts: what is stored of them, and their state."""

from wherry.app.engine import Engine
from wherry.migrate.signal import render_time
from wherry.model.errors import NotFound
from wherry.model.inventory import HostRecord
from wherry.model.wire import HostDetail, HostList, HostPatch, HostSummary
from wherry.store.guests import count_guests, read_guest_names
from wherry.store.hosts import read_host, read_hosts, read_last_seen, write_host_state
from wherry.store.providers import count_by_host, read_providers
from wherry.store.transaction import Tx


def list_hosts(engine: Engine) -> HostList:
    """List all hosts, by name."""

    def read(tx: Tx) -> HostList:
        seen, guests, providers = read_last_seen(tx), count_guests(tx), count_by_host(tx)
        return HostList(
            hosts=tuple(
                HostSummary(
                    name=host.name,
                    state=host.state,
                    labels=host.labels,
                    observed_at=host.observed_at,
                    last_seen=_time(seen.get(host.name)),
                    generation=host.generation,
                    providers=providers.get(host.name, 0),
                    guests=guests.get(host.name, 0),
                    findings=len(host.findings),
                )
                for host in read_hosts(tx)
            )
        )

    return engine.store.read(read)


def get_host(engine: Engine, name: str) -> HostDetail:
    """Show a host with its provider tree and its guests.

    Raises:
        NotFound: there is no such host.
    """
    return engine.store.read(lambda tx: _detail(tx, name))


def patch_host(engine: Engine, name: str, patch: HostPatch) -> HostDetail:
    """Change a host's state or labels; a label set to null goes.

    Raises:
        NotFound: there is no such host.
    """

    def write(tx: Tx) -> HostDetail:
        labels = dict(require_host(tx, name, lock=True).labels)
        for label, value in patch.labels.items():
            if value is None:
                labels.pop(label, None)
            else:
                labels[label] = value
        write_host_state(tx, name, state=patch.state or None, labels=labels)
        return _detail(tx, name)

    return engine.store.write(write)


def require_host(tx: Tx, name: str, *, lock: bool = False) -> HostRecord:
    """Give a host as stored; with *lock*, held as it is until the transaction ends.

    Raises:
        NotFound: there is no such host.
    """
    host = read_host(tx, name, lock=lock)
    if host is None:
        raise NotFound(what="host", name=name)
    return host


def _detail(tx: Tx, name: str) -> HostDetail:
    return HostDetail(
        host=require_host(tx, name),
        last_seen=_time(read_last_seen(tx).get(name)),
        providers=tuple(read_providers(tx, host=name)),
        guests=tuple(read_guest_names(tx, name)),
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else render_time(seconds)
