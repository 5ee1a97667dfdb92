"""The last resort, over HTTP: versions that nobody can compare, and what the target says of them.

Source: S. Mooney, 2020-07-14: "an option of last resourt if we have no other way".
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from acme_fleet import Fleet, name_of
from wherry.model.checks import ProbeOutcome

ENDS = ("node-1", "node-2")
MDEV = "5eed0000-0000-4000-8000-000000000001"
POLICY = {"probe": "last_resort"}
TEXT = b"i915-v1-8086-591d-i915-GVTg_V5_8-1".hex()
Say = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def unknown(fleet: Fleet) -> Fleet:
    """A guest on node-1, and node-2 whose version is of no known form."""
    for host, version in zip(ENDS, ("first", "second"), strict=True):
        fleet.report(host, version=version)
    body = fleet.a_guest("node-1")
    body["slots"]["gpu0"]["device"] = MDEV
    fleet.service.put(f"/wherry/guests/{name_of('g')}", body)
    return fleet


def saying(source: str, target: str, write: str | None) -> Say:
    """An agent's part of the probe."""

    def say(job: dict[str, Any]) -> dict[str, Any]:
        if job["kind"] == "probe write":
            assert job["slots"]["gpu0"]["text"] == TEXT
            return {} if write is None else {"probe": {"gpu0": write}}
        assert job["slots"]["gpu0"]["device"] == MDEV
        said = source if job["side"] == "source" else target
        texts = {"gpu0": TEXT} if (job["side"], said) == ("source", "read") else {}
        return {"probe": {"gpu0": said} if said else {}, "texts": texts}

    return say


def run(fleet: Fleet, say: Say, **policy: Any) -> tuple[dict[str, Any], list[str]]:
    """Claim and ask; gives the migration and the kinds of jobs that agents were given."""
    claimed = fleet.claim("m", "g", "node-2", policy={**POLICY, **policy})
    assert claimed.status == 200, claimed.body
    told: list[Any] = []
    body = {"token": claimed.json["token"]}
    asking = threading.Thread(target=lambda: told.append(fleet.step("m", "preflight", body)))
    asking.start()
    kinds = []
    until = time.monotonic() + 60
    while asking.is_alive() and time.monotonic() < until:
        for host in ENDS:
            for job in fleet.jobs(host):
                kinds.append(job.get("kind", "preflight"))
                more = say(job) if "kind" in job else {}
                assert fleet.answer(job, **more).status == 204
        time.sleep(0.05)
    asking.join()
    return told[0].json, kinds


def test_a_probe_settles_what_nobody_knows(
    unknown: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    """Both ends read, the target writes once, and that is kept beside the verdict.

    Section 17, point 4: administrators find both instances, the text and the outcome in the log.
    """
    assert unknown.claim("n", "g", "node-2").status == 409

    move, kinds = run(unknown, saying("read", "read", "accepted"))

    assert move["state"] == "confirmed"
    assert sorted(kinds) == [*["preflight"] * 2, *["probe read"] * 2, "probe write"]
    outcome = ProbeOutcome(source="read", target="read", write="accepted")
    assert move["probe"] == {"gpu0": msgspec.to_builtins(outcome)}
    assert (move["answer"]["verdict"], move["answer"]["accepted"]) == ("ok", True)
    assert TEXT not in str(move)
    (told,) = (each for each in caplog.messages if each.startswith("probe of migration"))
    text = f"{bytes.fromhex(TEXT)!r} of {MDEV} on node-1 for {MDEV} on node-2"
    assert f"{name_of('m')} for guest {name_of('g')}: {text}: ProbeOutcome(" in told
    started = unknown.step("m", "start", {"token": move["token"]})
    assert started.json["state"] == "started"
    story = unknown.service.get(f"/wherry/migrations/{name_of('m')}")["story"]
    assert any("settled by a probe what nobody knew of gpu0" in line for line in story)


@pytest.mark.parametrize(
    ("say", "codes"),
    [
        (saying("absent", "read", None), {"PROBE_ABSENT", "VERSION_INCOMPARABLE"}),
        (saying("read", "EIO", None), {"PROBE_READ_ERROR", "VERSION_INCOMPARABLE"}),
        (saying("read", "read", "EINVAL"), {"PROBE_REFUSED", "VERSION_INCOMPARABLE"}),
        (saying("", "", None), {"VERSION_INCOMPARABLE"}),  # no operator has switched it on
        (saying("read", "read", None), {"VERSION_INCOMPARABLE"}),  # what came of it is not known
    ],
)
def test_a_probe_that_is_refused_or_not_made_settles_nothing(
    unknown: Fleet, say: Say, codes: set[str]
) -> None:
    move, _ = run(unknown, say)

    assert move["state"] == "refused"
    assert {reason["code"] for reason in move["history"][-1]["reasons"]} == codes


def test_the_write_is_handed_out_once(unknown: Fleet) -> None:
    """An agent that asks again, since it has died meanwhile, must not write a second time."""
    seen: list[str] = []

    def say(job: dict[str, Any]) -> dict[str, Any]:
        if job["kind"] == "probe write":
            seen.extend(again["id"] for again in unknown.jobs("node-2"))
        return saying("read", "read", "accepted")(job)

    move, _ = run(unknown, say)

    assert (move["state"], seen) == ("confirmed", [])


def test_a_no_is_never_probed(unknown: Fleet) -> None:
    """The target's features are others: there is nothing that a probe could settle."""
    unknown.report("node-2", version="second", features="Y", sequence=2)

    assert unknown.claim("m", "g", "node-2", policy=POLICY).status == 409
