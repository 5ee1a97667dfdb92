"""Work for hosts' agents: they wait for it, do it, and answer."""

import time

from msgspec import UNSET
from msgspec.structs import replace

from wherry.app.deciding import decide
from wherry.app.engine import Engine
from wherry.app.hosts import require_host
from wherry.app.probing import begin_probing, go_on_probing
from wherry.app.reports import put_report
from wherry.app.steps import advance_by, read_fresh, require_guest, require_migration, settle
from wherry.inventory.fleet import FleetView
from wherry.migrate.preflight import judge_answer
from wherry.model.errors import InvalidRequest, NotFound, ReportOutdated
from wherry.model.migrations import JobAnswer, PreflightJob
from wherry.store.jobs import hand_out, read_busy_hosts, read_job, read_open_jobs, write_answer
from wherry.store.transaction import Tx


def wait_for_jobs(engine: Engine, host: str, wait_s: float) -> tuple[PreflightJob, ...]:
    """Give what a host's agent has to do, as soon as there is something; empty after the wait.

    Raises:
        NotFound: there is no such host: it has to report first.
    """
    engine.store.read(lambda tx: require_host(tx, host))
    until = time.monotonic() + wait_s
    rings = engine.moved.rings
    jobs = engine.store.read(lambda tx: read_open_jobs(tx, host, now=engine.clock()))
    while not jobs and (left := until - time.monotonic()) > 0 and not engine.closing:
        engine.moved.wait(rings, left)
        rings = engine.moved.rings
        if host in _hosts_with_work(engine, rings):
            jobs = engine.store.read(lambda tx: read_open_jobs(tx, host, now=engine.clock()))
    return tuple(job for job in jobs if _may_be_handed_out(engine, job))


def _may_be_handed_out(engine: Engine, job: PreflightJob) -> bool:
    """Whether an agent may have a job: what is to be written once is handed out once."""
    if job.kind != "probe write":
        return True
    return engine.store.write(lambda tx: hand_out(tx, job.id))


def _hosts_with_work(engine: Engine, rings: int) -> frozenset[str]:
    """Name the hosts that have work since so many rings: one look serves all who wait."""
    return engine.work.get(
        rings, lambda: engine.store.read(lambda tx: read_busy_hosts(tx, now=engine.clock()))
    )


def answer_job(engine: Engine, host: str, job_id: str, answer: JobAnswer) -> None:
    """Take an agent's answer: its report first, then the decision on stored facts.

    An answer that comes twice is taken once.

    Raises:
        NotFound: this host has no such job, or no more.
        InvalidRequest: the answer speaks for the other end, or brings another host's report.
        TokenExpired: the attempt it answers is over.
        ReportContradicts: its report says two things of one.
        AlreadyExists: the job was answered otherwise.
        ConsumerChanged: what the migration holds kept changing.
    """
    job = engine.store.read(lambda tx: read_job(tx, job_id))
    if job is None or job.host != host:
        raise NotFound(what=f"job of host {host}", name=job_id)
    if answer.report is not UNSET:
        _take_report(engine, host, answer)
    settle(engine, job.migration)

    def write(tx: Tx, view: FleetView) -> None:
        migration = require_migration(tx, job.migration, lock=True)
        guest = require_guest(tx, migration.guest, lock=True)
        if not write_answer(tx, job_id, replace(answer, report=UNSET)):
            return
        if job.kind != "preflight":
            go_on_probing(tx, engine, view, migration, job)
            return
        fresh = read_fresh(tx, engine, view, migration, guest)
        signal = judge_answer(migration, job, answer, fresh)
        moved = advance_by(tx, engine, view, migration, signal)
        if moved.probing and moved.state == "claimed":
            begin_probing(tx, engine, moved)

    decide(engine, write)
    engine.moved.ring()


def _take_report(engine: Engine, host: str, answer: JobAnswer) -> None:
    report = answer.report
    if report is UNSET:
        return
    if report.host != host:
        message = f"the report is of host {report.host}, and the job is of {host}"
        raise InvalidRequest(message, path="$.report.host")
    try:
        put_report(engine, report)
    except ReportOutdated:
        # A later one is stored, and the decision is made on that.
        return
