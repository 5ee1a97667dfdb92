"""A guest moves, over HTTP: claimed, confirmed by both ends, started, finished; or not."""

import threading
from typing import Any

import pytest

from acme_fleet import LEASE_S, PREFLIGHT_S, Fleet, a_report, name_of
from waiting import wait_until
from wherry.api.wherry.operations import GAUGES

ENDS = ("node-1", "node-2")


@pytest.fixture
def booted(fleet: Fleet) -> Fleet:
    """Guest g runs on node-1; node-2 takes it, and node-3 is of another driver."""
    fleet.report("node-1", version="2.0.1")
    fleet.report("node-2", version="2.1.1", features="X Y")
    fleet.report("node-3", driver="other")
    fleet.boot("g", "node-1")
    return fleet


def ask_both(fleet: Fleet, token: int) -> tuple[threading.Thread, list[Any]]:
    """Ask both ends to confirm, in a thread of its own; jobs are there on return."""
    told: list[Any] = []
    thread = threading.Thread(
        target=lambda: told.append(fleet.step("m", "preflight", {"token": token}))
    )
    thread.start()
    wait_until(lambda: all(fleet.jobs(host) for host in ENDS))
    return thread, told


def let_pass(fleet: Fleet, seconds: float) -> None:
    """Set the service's clock on."""
    engine = fleet.service.service.engine
    now = engine.clock
    engine.clock = lambda: now() + seconds


def confirm(fleet: Fleet, token: int) -> Any:
    """Let both ends confirm; gives the answer of the pre-flight."""
    thread, told = ask_both(fleet, token)
    for host in ENDS:
        for job in fleet.jobs(host):
            assert fleet.answer(job).status == 204
    thread.join(timeout=60)
    return told[0]


def free(fleet: Fleet) -> tuple[int | None, ...]:
    """What more fits on both ends."""
    return tuple(fleet.fits(host) for host in ENDS)


def test_from_report_to_finished(booted: Fleet) -> None:
    found = booted.targets("g")
    assert [target["host"] for target in found["targets"]] == ["node-2"]
    assert [each["host"] for each in found["refused"]["hosts"]] == ["node-1", "node-3"]
    assert found["targets"][0]["mapping"][0]["configure"]["mask_features"] == ["Y"]
    assert free(booted) == (3, 4)

    claimed = booted.claim("m", "g", "node-2").json
    assert (claimed["state"], claimed["source"], claimed["target"]) == ("claimed", *ENDS)
    assert free(booted) == (3, 3)  # both ends are held
    guest = booted.service.get(f"/wherry/guests/{name_of('g')}")
    assert guest["migration"] == name_of("m")

    confirmed = confirm(booted, claimed["token"])
    assert (confirmed.status, confirmed.json["state"]) == (200, "confirmed")

    token = {"token": confirmed.json["token"]}
    started = booted.step("m", "start", token)
    assert (started.status, started.json["state"]) == (200, "started")
    renewed = booted.step("m", "renew", {"token": started.json["token"], "lease_s": 600})
    assert renewed.status == 200

    token = {"token": renewed.json["token"]}
    finished = booted.step("m", "finish", {**token, "outcome": "finished"})
    assert (finished.status, finished.json["state"]) == (200, "finished")
    assert free(booted) == (4, 3)
    guest = booted.service.get(f"/wherry/guests/{name_of('g')}")
    assert guest["host"] == "node-2"
    assert "migration" not in guest
    assert guest["slots"]["gpu0"]["contract"]["interface"]["version"] == "2.0.1"
    assert guest["slots"]["gpu0"]["provider"] == booted.provider("node-2")


def test_the_history_tells_every_step_and_by_whom(booted: Fleet) -> None:
    token = booted.claim("m", "g", "node-2").json["token"]
    confirm(booted, token)
    told = booted.service.get(f"/wherry/migrations/{name_of('m')}")["history"]

    assert [step["event"] for step in told][1:] == ["confirm", "confirm"]
    assert [step["state"] for step in told] == ["claimed", "claimed", "confirmed"]
    assert all(step["at"] for step in told)


def test_the_best_target_is_taken_where_none_is_named(booted: Fleet) -> None:
    claimed = booted.claim("m", "g")

    assert (claimed.status, claimed.json["target"]) == (200, "node-2")


def test_the_same_claim_again_answers_what_was_begun(booted: Fleet) -> None:
    first = booted.claim("m", "g", "node-2")
    again = booted.claim("m", "g", "node-2")

    assert again.status == 200
    assert again.json == first.json
    assert free(booted) == (3, 3)


def test_the_same_uuid_for_something_else_is_refused(booted: Fleet) -> None:
    booted.claim("m", "g", "node-2")
    booted.boot("h", "node-1")
    other = booted.claim("m", "h", "node-2")

    assert (other.status, other.error["code"]) == (409, "already_exists")


def test_one_guest_is_moved_by_one_migration_at_a_time(booted: Fleet) -> None:
    booted.claim("m", "g", "node-2")
    second = booted.claim("n", "g", "node-2")

    assert (second.status, second.error["code"]) == (409, "already_exists")
    body = booted.a_guest("node-1")
    held = booted.service.ask("PUT", f"/wherry/guests/{name_of('g')}", body)
    assert held.status == 409
    gone = booted.service.ask("DELETE", f"/wherry/guests/{name_of('g')}")
    assert gone.status == 409


def test_an_abort_gives_the_target_back(booted: Fleet) -> None:
    token = booted.claim("m", "g", "node-2").json["token"]
    aborted = booted.step("m", "abort", {"token": token, "note": "changed our minds"})

    assert (aborted.status, aborted.json["state"]) == (200, "aborted")
    assert aborted.json["history"][-1]["note"] == "changed our minds"
    assert free(booted) == (3, 4)
    assert booted.service.get(f"/wherry/guests/{name_of('g')}")["host"] == "node-1"


def test_a_move_that_fails_gives_the_target_back_and_keeps_the_words(booted: Fleet) -> None:
    token = confirm(booted, booted.claim("m", "g", "node-2").json["token"]).json["token"]
    token = booted.step("m", "start", {"token": token}).json["token"]
    failed = booted.step(
        "m", "finish", {"token": token, "outcome": "failed", "error": "Broken pipe"}
    )

    assert failed.status == 200
    assert (failed.json["outcome"], failed.json["error"]) == ("failed", "Broken pipe")
    assert free(booted) == (3, 4)
    metrics = booted.service.ask("GET", "/metrics").body.decode()
    assert "wherry_refused_late_total 1" in metrics


def test_steps_out_of_turn_change_nothing(booted: Fleet) -> None:
    token = booted.claim("m", "g", "node-2").json["token"]

    early = booted.step("m", "start", {"token": token})
    assert (early.status, early.error["code"]) == (409, "migration.state")
    stale = booted.step("m", "abort", {"token": token + 7})
    assert (stale.status, stale.error["code"]) == (409, "migration.token")
    nobody = booted.service.ask(
        "POST", f"/wherry/migrations/{name_of('nobody')}/start", {"token": 1}
    )
    assert (nobody.status, nobody.error["code"]) == (404, "not_found")
    assert booted.state("m") == "claimed"


def test_no_target_is_409_with_the_counts(booted: Fleet) -> None:
    refused = booted.claim("m", "g", "node-3")

    assert (refused.status, refused.error["code"]) == (409, "no_target")
    assert refused.error["detail"]["refused"]["by_reason"]
    assert booted.service.ask("GET", f"/wherry/migrations/{name_of('m')}").status == 404
    assert free(booted) == (3, 4)


def test_silence_is_a_refusal(sqlite_fleet: Fleet) -> None:
    sqlite_fleet.report("node-1")
    sqlite_fleet.report("node-2")
    sqlite_fleet.boot("g", "node-1")
    token = sqlite_fleet.claim("m", "g", "node-2").json["token"]
    thread, told = ask_both(sqlite_fleet, token)
    (job,) = sqlite_fleet.jobs("node-1")
    assert sqlite_fleet.answer(job).status == 204
    let_pass(sqlite_fleet, PREFLIGHT_S)
    thread.join(timeout=60)

    assert told[0].json["state"] == "refused"
    reasons = [r for step in told[0].json["history"] for r in step.get("reasons", [])]
    assert "PREFLIGHT_TIMEOUT" in {reason["code"] for reason in reasons}
    assert free(sqlite_fleet) == (3, 4)


def test_a_target_whose_facts_moved_refuses(booted: Fleet) -> None:
    thread, told = ask_both(booted, booted.claim("m", "g", "node-2").json["token"])
    (job,) = booted.jobs("node-2")
    moved = a_report("node-2", version="3.0.0", features="X Y", sequence=2)
    assert booted.answer(job, report=moved).status == 204
    for job in booted.jobs("node-1"):
        booted.answer(job)
    thread.join(timeout=60)

    assert told[0].json["state"] == "refused"
    reasons = [r for step in told[0].json["history"] for r in step.get("reasons", [])]
    assert "VERSION_MAJOR" in {reason["code"] for reason in reasons}
    assert free(booted) == (3, 4)


def test_an_answer_with_another_hosts_report_is_refused(booted: Fleet) -> None:
    thread, _ = ask_both(booted, booted.claim("m", "g", "node-2").json["token"])
    (job,) = booted.jobs("node-2")
    wrong = booted.answer(job, report=a_report("node-3", sequence=9))

    assert (wrong.status, wrong.error["path"]) == (400, "$.report.host")
    booted.step("m", "abort", {"token": 1})
    thread.join(timeout=60)


def test_a_job_is_its_hosts_own(booted: Fleet) -> None:
    thread, _ = ask_both(booted, booted.claim("m", "g", "node-2").json["token"])
    (job,) = booted.jobs("node-2")
    stolen = booted.answer({**job, "host": "node-3"})

    assert stolen.status == 404
    booted.step("m", "abort", {"token": 1})
    thread.join(timeout=60)


def test_a_lease_that_runs_out_before_the_move_gives_the_target_back(booted: Fleet) -> None:
    booted.claim("m", "g", "node-2", lease_s=1)
    wait_until(lambda: booted.state("m") != "claimed")

    assert booted.state("m") == "expired"
    assert free(booted) == (3, 4)


def test_a_lease_that_runs_out_during_the_move_gives_nothing_back(booted: Fleet) -> None:
    token = booted.claim("m", "g", "node-2").json["token"]
    token = confirm(booted, token).json["token"]
    started = booted.step("m", "start", {"token": token})
    assert started.json["state"] == "started"
    let_pass(booted, LEASE_S)
    wait_until(lambda: booted.state("m") != "started")

    assert booted.state("m") == "lost"
    assert free(booted) == (3, 3)
    ended = booted.step("m", "abort", {"note": "we looked: it is on node-1"})
    assert (ended.status, ended.json["state"]) == (200, "aborted")
    assert free(booted) == (3, 4)


def test_migrations_are_listed_the_latest_first_by_guest_and_state(booted: Fleet) -> None:
    booted.boot("h", "node-1")
    token = booted.claim("m", "g", "node-2").json["token"]
    booted.step("m", "abort", {"token": token})
    booted.claim("n", "h", "node-2")

    def uuids(query: str = "") -> set[str]:
        found = booted.service.get(f"/wherry/migrations{query}")["migrations"]
        return {migration["uuid"] for migration in found}

    assert uuids() == {name_of("m"), name_of("n")}
    assert uuids(f"?guest={name_of('h')}") == {name_of("n")}
    assert uuids("?state=aborted") == {name_of("m")}
    assert uuids("?state=lost") == set()
    assert uuids("?state=running") == {name_of("n")}
    assert uuids("?state=ended") == {name_of("m")}
    assert booted.service.ask("GET", "/wherry/migrations?state=gone").status == 400


def test_what_happens_is_counted(booted: Fleet) -> None:
    token = booted.claim("m", "g", "node-2").json["token"]
    confirm(booted, token)
    text = booted.service.ask("GET", "/metrics").body.decode().splitlines()

    assert 'wherry_reports_total{outcome="stored"} 3' in text
    assert "wherry_claims_total 2" in text
    assert 'wherry_preflights_total{outcome="confirmed"} 1' in text
    assert 'wherry_hosts{state="enabled"} 3' in text
    assert "wherry_guests 1" in text
    assert 'wherry_migrations{state="confirmed"} 1' in text
    assert all(f"# TYPE {name} gauge" in text for name in GAUGES)


def test_a_move_that_fails_late_is_counted_once_however_often_it_is_said(booted: Fleet) -> None:
    """Refused late though allowed early: the orchestrator's answer was lost, and it asks again."""
    token = booted.claim("m", "g", "node-2").json["token"]
    token = confirm(booted, token).json["token"]
    booted.step("m", "start", {"token": token})
    failed = {"token": token, "outcome": "failed", "error": "Broken pipe"}
    for _ in range(2):
        assert booted.step("m", "finish", failed).json["state"] == "aborted"

    text = booted.service.ask("GET", "/metrics").body.decode().splitlines()
    assert "wherry_refused_late_total 1" in text
    assert 'wherry_migrations_ended_total{outcome="failed"} 1' in text
    shown = booted.service.get(f"/wherry/migrations/{name_of('m')}")
    assert (shown["answer"]["verdict"], shown["error"]) == ("ok", "Broken pipe")
    assert "failed (Broken pipe), after it had been allowed with verdict ok" in shown["story"][-1]
