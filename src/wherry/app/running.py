"""What a report of running guests changes: records are corrected, lost migrations found again."""

from wherry.app.engine import Engine
from wherry.app.steps import claim_for, take_step
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_view import HostView
from wherry.migrate.running import CODES, Correction, learn, make_finding, runs_on, settle
from wherry.model.errors import (
    CapacityExceeded,
    ConsumerChanged,
    ExclusiveConflict,
    FactsChanged,
    NoPlace,
    NotFound,
    SlotTaken,
    TokenExpired,
    UnitsNotTaken,
    WrongState,
)
from wherry.model.facts import Report
from wherry.model.guests import Guest
from wherry.model.inventory import Finding
from wherry.model.migrations import Migration
from wherry.store.guests import read_guest, write_guest
from wherry.store.holdings import lock_holdings, read_holdings
from wherry.store.hosts import read_host, read_last_seen, read_report
from wherry.store.migrations import read_migrations
from wherry.store.providers import read_providers
from wherry.store.reports import replace_findings
from wherry.store.transaction import Tx

REFUSED = (
    CapacityExceeded,
    ConsumerChanged,
    ExclusiveConflict,
    FactsChanged,
    NoPlace,
    NotFound,
    SlotTaken,
    UnitsNotTaken,
)
"""What a claim is refused with; all else is trouble of the whole report."""


def lock_guests(tx: Tx, report: Report) -> dict[str, Guest]:
    """Give the guests on record that a report names, held until the transaction ends.

    What they hold is held as well, and all of it before anything else of the report is
    written: every writer takes guests, then consumers, hosts, then providers.
    """
    uuids = sorted({guest.consumer for guest in report.guests or ()})
    found = ((uuid, read_guest(tx, uuid, lock=True)) for uuid in uuids)
    guests = {uuid: guest for uuid, guest in found if guest is not None}
    lock_holdings(tx, guests)
    return guests


def learn_guests(
    tx: Tx, engine: Engine, report: Report, stored: dict[str, Guest]
) -> tuple[Finding, ...]:
    """Correct the records of guests by a report that is stored already; gives its findings.

    A correction that cannot be claimed is a finding: what runs is what is, and the rest of the
    report stands.
    """
    if report.guests is None:
        return ()
    learnt = learn(
        host_in(tx, report.host),
        report.guests,
        stored=stored,
        held=read_holdings(tx, stored),
        new_id=engine.new_id,
        now=engine.clock(),
    )
    refused = [finding for one in learnt.corrections for finding in _write(tx, engine, one)]
    findings = (*learnt.findings, *refused)
    replace_findings(tx, report.host, CODES.keys(), findings)
    return findings


def host_in(tx: Tx, name: str) -> HostView:
    """Give a host as this transaction has it so far."""
    host = read_host(tx, name)
    if host is None:
        raise NotFound(what="host", name=name)
    fleet = Fleet()
    fleet.apply([*read_providers(tx, host=name), host])
    view = fleet.view.get(name)
    if view is None:
        raise NotFound(what="host", name=name)
    return view


def find_lost(engine: Engine, host: str) -> None:
    """End the lost migrations from or to a host, where reports tell by now where the guest is."""
    lost = engine.store.read(lambda tx: read_migrations(tx, host=host, states=("lost",)))
    for migration in lost:
        source = engine.store.read(lambda tx, m=migration: _runs(tx, m, m.source))  # type: ignore[misc]
        target = engine.store.read(lambda tx, m=migration: _runs(tx, m, m.target))  # type: ignore[misc]
        signal = settle(migration, on_source=source, on_target=target, now=engine.clock())
        if signal is None:
            continue
        try:
            take_step(engine, migration.uuid, signal)
        except (WrongState, TokenExpired, NotFound):
            # Somebody has told meanwhile.
            continue


def _write(tx: Tx, engine: Engine, correction: Correction) -> tuple[Finding, ...]:
    try:
        guest = claim_for(tx, engine, correction.guest, correction.claim)
    except REFUSED as error:
        return (make_finding("GUEST_CLAIM_REFUSED", f"{correction.guest.uuid}: {error}"),)
    if guest != correction.before:
        write_guest(tx, guest)
    return ()


def _runs(tx: Tx, migration: Migration, host: str) -> bool | None:
    """Tell whether a host runs the guest; None where it has not told since it was lost."""
    lost_at = migration.lease_until
    if read_last_seen(tx, names=[host]).get(host, 0.0) <= lost_at:
        return None
    report = read_report(tx, host)
    return None if report is None else runs_on(migration.guest, report.guests)
