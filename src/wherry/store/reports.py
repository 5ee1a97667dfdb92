"""Stores a host's report: one transaction, and nothing where nothing is new.

Source: design, section 3 ("A report").
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, exists, select, update

from wherry.model.errors import NotFound, ReportOutdated
from wherry.model.facts import Report
from wherry.model.inventory import Finding, HostPlan
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.changes import append_change
from wherry.store.gone import read_last_generation
from wherry.store.hosts import read_report
from wherry.store.locks import lock_name
from wherry.store.report_rows import host_values
from wherry.store.rows import upsert
from wherry.store.transaction import Tx
from wherry.store.trees import GONE, TreeOutcome, gone_finding, sweep_gone, write_tree

host = tables.host


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """What became of a report.

    Attributes:
        outcome: ``unchanged`` where facts and guests are as stored, and nothing moved but
            when the host was last seen.
        generation: the host's, after it.
        changed: uuids of providers whose generation moved.
        removed: uuids of providers that ended.
    """

    outcome: Literal["stored", "unchanged"]
    sequence: int
    generation: int
    findings: tuple[Finding, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def store_report(
    tx: Tx, report: Report, digest: str, plan: HostPlan, *, now: float
) -> ReportOutcome:
    """Make the stored host what a report says, if the report is newer than the stored one.

    *digest* is of facts and guests: a later report of the same boot with the stored digest, or
    the same report again, only moves when the host was last seen.  *plan* is what the report
    becomes under the present profiles.

    Raises:
        ReportOutdated: a later report of the host is stored, and kept.
        ReportContradicts: the plan says two things of one; nothing of it is stored.
    """
    lock_name(tx, report.host)
    stored = tx.execute(select(host).where(host.c.name == report.host).with_for_update()).first()
    if stored is not None and not _is_news(tx, stored, report, digest):
        return _touch(tx, stored, report, now)
    same_facts = stored is not None and stored.digest == digest
    tree = TreeOutcome((), (), ()) if same_facts else write_tree(tx, plan, now=now)
    generation = _write_host(tx, stored, report, digest, plan, now)
    findings = (*plan.findings, *tree.findings)
    if not same_facts:
        _write_body(tx, report.host, plan, findings, encode(report))
    append_change(tx, "host", report.host, generation)
    return ReportOutcome(
        "stored", report.sequence, generation, findings, tree.changed, tree.removed
    )


def touch_report(tx: Tx, report: Report, digest: str, *, now: float) -> ReportOutcome | None:
    """Note that a host was seen, if a report says what is stored; None where it is news.

    So that nobody plans what a report becomes only to learn that it is the same as before.
    """
    if read_digest(tx, report.host) != digest:
        return None
    lock_name(tx, report.host)
    stored = tx.execute(select(host).where(host.c.name == report.host).with_for_update()).first()
    if stored is None or _is_news(tx, stored, report, digest):
        return None
    return _touch(tx, stored, report, now)


def derive_stored(
    tx: Tx, name: str, derive: Callable[[Report], HostPlan], *, keep: Collection[str] = ()
) -> ReportOutcome:
    """Derive a host anew from its stored report, after profiles or packs have changed.

    The report is read under the host's lock: one that comes meanwhile is stored before, and
    is what is derived from, or after.

    Args:
        name: of the host.
        derive: makes a plan of its report.
        keep: codes of findings that come from elsewhere, and stay.

    Raises:
        NotFound: there is no such host.
        ReportContradicts: as `store_report`.
    """
    lock_name(tx, name)
    stored = tx.execute(select(host).where(host.c.name == name).with_for_update()).first()
    report = read_report(tx, name)
    if stored is None or report is None:
        raise NotFound(what="host", name=name)
    plan = derive(report)
    tree = write_tree(tx, plan, now=None)
    kept = (one for one in _read_findings(tx, name) if one.code in keep)
    findings = (*plan.findings, *tree.findings, *kept)
    if not _write_body(tx, name, plan, findings, None) and not tree.changed:
        return ReportOutcome("unchanged", stored.sequence, stored.generation, findings)
    generation = _move(tx, name)
    return ReportOutcome(
        "stored", stored.sequence, generation, findings, tree.changed, tree.removed
    )


def replace_findings(
    tx: Tx, name: str, codes: Collection[str], findings: Sequence[Finding]
) -> None:
    """Put a host's findings of some codes in place of those of before.

    Raises:
        NotFound: there is no such host.
    """
    before = _read_findings(tx, name)
    kept = (*(one for one in before if one.code not in codes), *findings)
    if kept != before:
        statement = update(tables.host_report).where(tables.host_report.c.host == name)
        tx.execute(statement.values(findings=encode(kept)))
        _move(tx, name)


def read_digest(tx: Tx, name: str) -> str | None:
    """Give the digest of a host's stored facts and guests; None without a host."""
    return tx.execute(select(host.c.digest).where(host.c.name == name)).scalar()


def _is_news(tx: Tx, stored: Row[Any], report: Report, digest: str) -> bool:
    """Tell news from repetition; what is older is refused."""
    if report.boot_id == stored.boot_id:
        is_news: bool = digest != stored.digest
        # The same number twice is the same report sent again, or nothing to go by.
        if report.sequence < stored.sequence + is_news:
            why = f"sequence {report.sequence} after {stored.sequence} of the same boot"
            raise ReportOutdated(host=report.host, why=why)
        return is_news
    boot = tables.boot.c
    query = select(exists().where(boot.host == report.host, boot.boot_id == report.boot_id))
    if tx.execute(query).scalar():
        why = f"boot {report.boot_id} has been followed by {stored.boot_id}"
        raise ReportOutdated(host=report.host, why=why)
    return True


def _touch(tx: Tx, stored: Row[Any], report: Report, now: float) -> ReportOutcome:
    """Move when a host was last seen, and let go of what nobody holds any more."""
    removed = sweep_gone(tx, report.host)
    tx.execute(
        update(host)
        .where(host.c.name == report.host)
        .values(
            last_seen=max(stored.last_seen, now),
            sequence=report.sequence,
            observed_at=report.observed_at,
        )
    )
    generation = stored.generation
    if removed:
        _drop_gone_findings(tx, report.host)
        generation = _move(tx, report.host)
    return ReportOutcome("unchanged", report.sequence, generation, removed=removed)


def _move(tx: Tx, name: str) -> int:
    statement = update(host).where(host.c.name == name).values(generation=host.c.generation + 1)
    generation: int = tx.execute(statement.returning(host.c.generation)).scalar_one()
    append_change(tx, "host", name, generation)
    return generation


def _write_host(
    tx: Tx, stored: Row[Any] | None, report: Report, digest: str, plan: HostPlan, now: float
) -> int:
    """Write the narrow row of a host; gives its new generation."""
    last = stored.generation if stored else read_last_generation(tx, "host", report.host)
    if stored is not None and stored.boot_id != report.boot_id:
        row = {"host": report.host, "boot_id": stored.boot_id, "followed_at": now}
        upsert(tx, tables.boot, [row])
    values = host_values(report, digest, plan, now, last + 1)
    if stored is not None:
        values |= {"state": stored.state, "labels": stored.labels}
    upsert(tx, host, [values])
    return last + 1


def _write_body(
    tx: Tx, name: str, plan: HostPlan, findings: tuple[Finding, ...], report: str | None
) -> bool:
    """Write the wide row of a host; says whether what derives from the report differs."""
    body = tables.host_report.c
    derived = (encode(plan.check), encode(findings))
    query = select(body.check_facts, body.findings, body.report).where(body.host == name)
    old = tx.execute(query).first()
    if old is not None and report is None:
        report = old.report
        if derived == (old.check_facts, old.findings):
            return False
    row = {"host": name, "report": report, "check_facts": derived[0], "findings": derived[1]}
    upsert(tx, tables.host_report, [row])
    return True


def _read_findings(tx: Tx, name: str) -> tuple[Finding, ...]:
    body = tables.host_report.c
    written = tx.execute(select(body.findings).where(body.host == name)).scalar()
    if written is None:
        raise NotFound(what="host", name=name)
    return decode(written, tuple[Finding, ...])


def _drop_gone_findings(tx: Tx, name: str) -> None:
    """Say no longer of providers that ended that they are still held."""
    body, p = tables.host_report.c, tables.provider.c
    gone = tx.execute(select(p.name).where(p.host == name, p.gone)).scalars()
    still = {gone_finding(one) for one in gone}
    kept = tuple(one for one in _read_findings(tx, name) if one.code != GONE or one in still)
    tx.execute(update(tables.host_report).where(body.host == name).values(findings=encode(kept)))
