"""Work for hosts' agents, and what they answer."""

from collections.abc import Iterable

from msgspec.structs import replace
from sqlalchemy import delete, select, update

from wherry.model.errors import AlreadyExists, NotFound
from wherry.model.migrations import JobAnswer, PreflightJob, Side
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.rows import upsert
from wherry.store.transaction import Tx

job = tables.job


def write_jobs(tx: Tx, jobs: Iterable[PreflightJob]) -> None:
    """Put work up for agents; a job that is there already is put up anew."""
    upsert(
        tx,
        job,
        [
            {
                "id": one.id,
                "host": one.host,
                "migration": one.migration,
                "deadline": one.deadline,
                "body": encode(one),
                "answer": None,
            }
            for one in jobs
        ],
    )


def read_open_jobs(tx: Tx, host: str, *, now: float) -> list[PreflightJob]:
    """Read what a host's agent has to do: not answered yet, deadline not passed; soonest first."""
    c = job.c
    query = select(c.body).where(c.host == host, c.deadline > now, c.answer.is_(None))
    bodies = tx.execute(query.order_by(c.deadline, c.id)).scalars()
    return [decode(body, PreflightJob) for body in bodies]


def hand_out(tx: Tx, job_id: str) -> bool:
    """Note that a job which must be done once at most is handed out; says whether it is now."""
    query = select(job.c.body).where(job.c.id == job_id).with_for_update()
    body = tx.execute(query).scalar()
    one = None if body is None else decode(body, PreflightJob)
    if one is None or one.handed:
        return False
    handed = encode(replace(one, handed=True))
    tx.execute(update(job).where(job.c.id == job_id).values(body=handed))
    return True


def read_jobs_of(
    tx: Tx, migration: str, *, token: int
) -> list[tuple[PreflightJob, JobAnswer | None]]:
    """Read all jobs of one attempt of a migration, each with its answer if there is one."""
    query = select(job.c.body, job.c.answer).where(job.c.migration == migration)
    found = [
        (decode(row.body, PreflightJob), decode(row.answer, JobAnswer) if row.answer else None)
        for row in tx.rows(query.order_by(job.c.id))
    ]
    return [(one, answer) for one, answer in found if one.token == token]


def read_busy_hosts(tx: Tx, *, now: float) -> frozenset[str]:
    """Name the hosts whose agents have something to do."""
    query = select(job.c.host).where(job.c.deadline > now, job.c.answer.is_(None)).distinct()
    return frozenset(tx.execute(query).scalars())


def read_job(tx: Tx, job_id: str) -> PreflightJob | None:
    """Read one job, answered or not; None where there is none."""
    body = tx.execute(select(job.c.body).where(job.c.id == job_id)).scalar()
    return None if body is None else decode(body, PreflightJob)


def write_answer(tx: Tx, job_id: str, answer: JobAnswer) -> bool:
    """Keep what an agent answers; says whether it is news, as an answer may be sent twice.

    Raises:
        NotFound: there is no such job.
        AlreadyExists: it was answered otherwise.
    """
    query = select(job.c.answer).where(job.c.id == job_id).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise NotFound(what="job", name=job_id)
    body = encode(answer)
    if row.answer is not None and row.answer != body:
        raise AlreadyExists(what="answer to job", name=job_id, why="it says something else")
    tx.execute(update(job).where(job.c.id == job_id).values(answer=body))
    return row.answer is None


def read_answers(tx: Tx, migration: str, *, token: int) -> dict[Side, JobAnswer]:
    """Read what both ends have answered to one attempt of a migration."""
    query = select(job.c.answer).where(job.c.migration == migration, job.c.answer.is_not(None))
    answers = [decode(body, JobAnswer) for body in tx.execute(query).scalars()]
    return {answer.side: answer for answer in answers if answer.token == token}


def remove_jobs(tx: Tx, migration: str) -> int:
    """Take down the jobs of a migration; says how many."""
    return tx.execute(delete(job).where(job.c.migration == migration)).rowcount
