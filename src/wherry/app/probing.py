"""The probe of a pre-flight, carried out: both ends read, the target writes once, and that decides.

Source: specification of compatibility, section 17.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from wherry.app.engine import Engine, log
from wherry.app.steps import advance_by
from wherry.inventory.fleet import FleetView
from wherry.migrate.probing import judge_probe, plan_reads, plan_write
from wherry.model.errors import TokenExpired
from wherry.model.migrations import Migration, PreflightJob
from wherry.store.jobs import read_jobs_of, write_jobs
from wherry.store.migrations import write_migration
from wherry.store.transaction import Tx


def begin_probing(tx: Tx, engine: Engine, migration: Migration) -> None:
    """Ask both ends to read."""
    jobs = [job for job, _ in read_jobs_of(tx, migration.uuid, token=migration.attempt)]
    asked = [job for job in jobs if job.kind == "preflight"]
    now, wait_s = engine.clock(), float(engine.settings.preflight_s)
    _wait_for(tx, migration, plan_reads(migration, asked, now=now, wait_s=wait_s))


def go_on_probing(
    tx: Tx, engine: Engine, view: FleetView, migration: Migration, answered: PreflightJob
) -> None:
    """Take the next step once a job is answered: wait for the other end, write, or decide."""
    if answered.token != migration.attempt:
        raise TokenExpired(migration=migration.uuid, token=answered.token)
    rows = read_jobs_of(tx, migration.uuid, token=migration.attempt)
    reads = {
        job.side: answer for job, answer in rows if job.kind == "probe read" and answer is not None
    }
    if len(reads) < 2:  # noqa: PLR2004, both ends
        return
    now, written = engine.clock(), None
    if answered.kind == "probe read":
        target = next(job for job, _ in rows if (job.kind, job.side) == ("probe read", "target"))
        wait_s = float(engine.settings.preflight_s)
        job = plan_write(migration, reads, target, now=now, wait_s=wait_s)
        if job is not None:
            _wait_for(tx, migration, (job,))
            return
    else:
        written = next(answer for job, answer in rows if job.kind == "probe write")
    by = f"agent of {answered.host}"
    told, signal = judge_probe(migration, reads, written, now=now, by=by)
    _log(told, [job for job, _ in rows if job.kind == "probe read"], reads["source"].texts)
    advance_by(tx, engine, view, told, signal)


def _log(told: Migration, reads: Sequence[PreflightJob], texts: Mapping[str, str]) -> None:
    """Tell administrators of each slot: both instances, the source's text, what came of it."""
    devices = {(job.side, slot): asked.device for job in reads for slot, asked in job.slots.items()}
    for slot in told.probing:
        log.warning(
            "probe of migration %s for guest %s: %r of %s on %s for %s on %s: %s",
            *(told.uuid, told.guest, bytes.fromhex(texts.get(slot, ""))),
            *(devices.get(("source", slot)), told.source),
            *(devices.get(("target", slot)), told.target),
            told.probe.get(slot, "not made"),
        )


def _wait_for(tx: Tx, migration: Migration, jobs: tuple[PreflightJob, ...]) -> None:
    write_jobs(tx, jobs)
    until = min(job.deadline for job in jobs)
    write_migration(tx, replace(migration, preflight_until=until))
