"""Takes a host's report: what it becomes is derived here, and stored in one transaction."""

import hashlib

import msgspec

from wherry.app.engine import Engine
from wherry.inventory.derive import plan_host
from wherry.model.facts import Report
from wherry.model.wire import ReportAnswer
from wherry.store.providers import count_providers
from wherry.store.reports import ReportOutcome, store_report, touch_report
from wherry.store.transaction import Tx


def put_report(engine: Engine, report: Report) -> ReportAnswer:
    """Make the stored host what a report says.

    Raises:
        ReportOutdated: a later report of the host is stored, and kept.
        ReportContradicts: it says two things of one; nothing of it is stored.
    """
    digest, now = digest_of(report), engine.clock()
    seen = engine.store.write(lambda tx: touch_report(tx, report, digest, now=now))
    outcome = seen or _store(engine, report, digest)
    providers = engine.store.read(count_providers).get(report.host, 0)
    return ReportAnswer(
        host=report.host,
        outcome=outcome.outcome,
        sequence=outcome.sequence,
        generation=outcome.generation,
        providers=providers,
        findings=outcome.findings,
    )


def digest_of(report: Report) -> str:
    """Give the digest of facts and guests: equal reports, and only they, have equal ones."""
    body = msgspec.json.encode((report.facts, report.guests), order="deterministic")
    return hashlib.sha256(body).hexdigest()


def _store(engine: Engine, report: Report, digest: str) -> ReportOutcome:
    plan = plan_host(report, engine.profiles)

    def write(tx: Tx) -> ReportOutcome:
        return store_report(tx, report, digest, plan, now=engine.clock())

    return engine.store.write(write)
