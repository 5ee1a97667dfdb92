"""Work for agents and their answers."""

import pytest
from msgspec.structs import replace

from builders import a_uuid
from wherry.model.errors import AlreadyExists, NotFound
from wherry.model.migrations import JobAnswer, JobSlot, PreflightJob
from wherry.store.jobs import (
    read_answers,
    read_job,
    read_open_jobs,
    remove_jobs,
    write_answer,
    write_jobs,
)


def a_job(name="job", **fields):
    defaults = {
        "id": a_uuid(name),
        "host": "host1",
        "migration": a_uuid("move"),
        "token": 1,
        "side": "source",
        "deadline": 100.0,
        "wait_s": 20.0,
        "guest": a_uuid("guest"),
        "slots": {"gpu0": JobSlot(provider=a_uuid("gpu0"), type="acme/gpu-a")},
    }
    return PreflightJob(**{**defaults, **fields})


def an_answer(**fields):
    return JobAnswer(**{"token": 1, "side": "source", "ok": True, **fields})


def put(store, *jobs):
    store.write(lambda tx: write_jobs(tx, jobs))


def answer(store, name="job", **fields):
    return store.write(lambda tx: write_answer(tx, a_uuid(name), an_answer(**fields)))


def waiting(store, host="host1", now=0.0):
    return store.read(lambda tx: read_open_jobs(tx, host, now=now))


def test_a_hosts_work_is_its_own_soonest_first(store):
    late, soon = a_job("late", deadline=200.0), a_job("soon", deadline=100.0)
    put(store, late, soon, a_job("elsewhere", host="host2"))

    assert waiting(store) == [soon, late]
    assert waiting(store, "host3") == []


def test_work_whose_deadline_has_passed_is_work_no_more(store):
    put(store, a_job(deadline=100.0))

    assert waiting(store, now=99.9) == [a_job()]
    assert waiting(store, now=100.0) == []
    assert store.read(lambda tx: read_job(tx, a_uuid("job"))) == a_job()


def test_no_work_at_all_is_written_as_nothing(store):
    put(store)

    assert waiting(store) == []


def test_an_answered_job_is_work_no_more(store):
    put(store, a_job())

    assert answer(store)
    assert waiting(store) == []
    assert store.read(lambda tx: read_answers(tx, a_uuid("move"), token=1)) == {
        "source": an_answer()
    }


def test_an_answer_may_be_sent_twice_and_not_changed(store):
    put(store, a_job())
    answer(store)

    assert not answer(store)
    with pytest.raises(AlreadyExists, match="says something else"):
        answer(store, ok=False)


def test_an_answer_to_no_job_is_refused(store):
    with pytest.raises(NotFound, match=f"no job {a_uuid('nothing')}"):
        answer(store, "nothing")


def test_answers_are_those_of_the_attempt_that_is_asked_for(store):
    put(store, a_job("one"), a_job("two", side="target", host="host2"), a_job("old", token=7))
    answer(store, "one")
    answer(store, "two", side="target", ok=False, objections=("no such type",))
    answer(store, "old", token=7)

    found = store.read(lambda tx: read_answers(tx, a_uuid("move"), token=1))

    assert {side: one.ok for side, one in found.items()} == {"source": True, "target": False}
    assert store.read(lambda tx: read_answers(tx, a_uuid("move"), token=8)) == {}


def test_a_job_that_is_put_up_anew_waits_again(store):
    put(store, a_job())
    answer(store)

    put(store, replace(a_job(), token=2))

    assert [job.token for job in waiting(store)] == [2]


def test_the_jobs_of_a_migration_are_taken_down_together(store):
    put(store, a_job("one"), a_job("two"), a_job("other", migration=a_uuid("other")))

    assert store.write(lambda tx: remove_jobs(tx, a_uuid("move"))) == 2
    assert [job.id for job in waiting(store)] == [a_uuid("other")]
    assert store.read(lambda tx: read_job(tx, a_uuid("one"))) is None
