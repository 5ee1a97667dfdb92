"""Takes a host's report: what it becomes is derived here, and stored in one transaction."""

import hashlib
from typing import Literal

import msgspec

from wherry.app.engine import Engine
from wherry.app.hosts import require_host
from wherry.app.owning import own_part, settle_owners
from wherry.app.pinning import pin_held
from wherry.app.publishing import hold_salt, publish
from wherry.app.running import find_lost, learn_guests, lock_guests
from wherry.inventory.adoption import adopt
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Report
from wherry.model.guests import Guest
from wherry.model.inventory import Finding
from wherry.model.wire import ReportAnswer
from wherry.store.adoption import has_gone
from wherry.store.providers import count_providers
from wherry.store.report_rows import Seen, Sighting, new_host
from wherry.store.reports import ReportOutcome, read_digest, store_report, touch_report
from wherry.store.transaction import Tx


def put_report(engine: Engine, report: Report) -> ReportAnswer:
    """Make the stored host what a report says.

    Raises:
        ReportOutdated: a later report of the host is stored, and kept.
        ReportContradicts: it says two things of one; nothing of it is stored.
    """
    digest = digest_of(report)
    # What guests are and hold is to be read and locked first.
    quick = None if report.guests else _put_quickly(engine, report, digest)
    return quick or _put_with_care(engine, report, digest)


def _put_quickly(engine: Engine, report: Report, digest: str) -> ReportAnswer | None:
    """Take the report of a host that is as it was, or was never there; None of any other."""
    now = engine.clock()
    # Who is not in the picture of the fleet is new, but for what was written a moment ago.
    is_known = engine.fleet.view.get(report.host) is not None
    added = None if is_known else _add(engine, report, digest, now)
    if added is not None:
        return added
    said = (report.host, report.boot_id, digest, report.sequence, report.observed_at, now)
    sight = engine.store.see(Sighting(*said))
    if isinstance(sight, Seen):
        if sight.has_lost:
            find_lost(engine, report.host)
        return _answer(report, "unchanged", sight.generation, sight.providers)
    return _add(engine, report, digest, now) if is_known and sight == "absent" else None


def _add(engine: Engine, report: Report, digest: str, now: float) -> ReportAnswer | None:
    """Write a host that was never there; None where that is not so, or is not to be said."""
    # Labels are of the salt of the transaction that writes them.
    if engine.settings.publish_traits == "yes":
        return None
    try:
        plan = adopt(engine.planner.plan(report), None, engine.settings.roots)
        host = new_host(report, digest, plan, now=now)
    except ReportContradicts:
        # Whether that counts, what is stored tells.
        return None
    if not engine.store.add(host):
        return None
    return _answer(report, "stored", 1, len(plan.providers), plan.findings)


def _put_with_care(engine: Engine, report: Report, digest: str) -> ReportAnswer:
    is_same = engine.store.read(lambda tx: read_digest(tx, report.host)) == digest
    outcome = (_touch(engine, report, digest) if is_same else None) or _store(
        engine, report, digest
    )
    if outcome.outcome == "stored":
        pin_held(engine, report.host)
    find_lost(engine, report.host)
    return outcome


def digest_of(report: Report) -> str:
    """Give the digest of facts and guests: equal reports, and only they, have equal ones."""
    body = msgspec.json.encode((report.facts, report.guests), order="deterministic")
    return hashlib.sha256(body).hexdigest()


def _touch(engine: Engine, report: Report, digest: str) -> ReportAnswer | None:
    """Note that nothing is new, so that nothing is derived; None where something is."""

    def write(tx: Tx) -> ReportAnswer | None:
        guests = lock_guests(tx, report)
        outcome = touch_report(tx, report, digest, now=engine.clock())
        if outcome is None:
            return None
        if outcome.removed or has_gone(tx, report.host):
            # What is let go of a provider that has gone is to be had where it is counted now.
            settle_owners(tx, engine, [report.host])
        return _finish(tx, engine, report, outcome, guests)

    return engine.store.write(write)


def _store(engine: Engine, report: Report, digest: str) -> ReportAnswer:
    plan = engine.planner.plan(report)

    def write(tx: Tx) -> ReportAnswer:
        guests = lock_guests(tx, report)
        labeller = hold_salt(tx, engine)
        own = own_part(tx, engine, plan)
        outcome = store_report(tx, report, digest, own, now=engine.clock())
        if labeller is not None and outcome.outcome == "stored":
            publish(tx, own, labeller, outcome.changed)
        return _finish(tx, engine, report, outcome, guests)

    return engine.store.write(write)


def _finish(
    tx: Tx, engine: Engine, report: Report, outcome: ReportOutcome, guests: dict[str, Guest]
) -> ReportAnswer:
    learnt = learn_guests(tx, engine, report, guests)
    return _answer(
        report,
        outcome.outcome,
        require_host(tx, report.host).generation,
        count_providers(tx, host=report.host),
        (*outcome.findings, *learnt),
    )


def _answer(
    report: Report,
    outcome: Literal["stored", "unchanged"],
    generation: int,
    providers: int,
    findings: tuple[Finding, ...] = (),
) -> ReportAnswer:
    return ReportAnswer(
        host=report.host,
        outcome=outcome,
        sequence=report.sequence,
        generation=generation,
        providers=providers,
        findings=findings,
    )
