"""A migration under way between two hosts, for tests; every part has a default.

`Move` plays the use case: it reads all that a step looks at, takes the step, and writes all
that it decides into a ledger of who holds what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from builders import a_fleet, a_guest, a_holding, a_host, a_uuid
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_view import HostView
from wherry.migrate.attempts import Chosen, exhaust, may_help, move_on, pass_over
from wherry.migrate.life import Decision, Ends, Start, advance, begin, due
from wherry.migrate.preflight import Fresh, expect_answers, judge_answer, plan_jobs
from wherry.migrate.signal import Signal
from wherry.model.checks import Policy, Reason, Side
from wherry.model.claims import Claim, Holding
from wherry.model.guests import Guest
from wherry.model.migrations import JobAnswer, Migration, PreflightJob
from wherry.model.targets import Refusal, Target, TargetsRequest
from wherry.model.tenancy import EVERYWHERE_OPEN
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import ask, judge_host

MIGRATION = a_uuid("migration")
LEASE_S = 100


@dataclass(kw_only=True)
class Move:
    """A migration with all that stands around it."""

    fleet: Fleet
    guest: Guest
    migration: Migration
    ledger: dict[str, Holding]
    """Consumer to what it holds; who holds nothing is not in it."""
    claims: list[Claim] = field(default_factory=list)

    def signal(self, event: str, now: float = 1.0, **fields: Any) -> Decision:
        """Take a step and write down what it decides."""
        held = self.ledger.get(self.migration.uuid, Holding(consumer=self.migration.uuid))
        ends = Ends(
            guest=self.guest,
            held=held,
            target=self.view(self.migration.target),
            source=self.view(self.migration.source),
            guest_held=self.ledger.get(self.guest.uuid),
        )
        decision = advance(self.migration, Signal(event=event, now=now, **fields), ends)
        self.write(decision)
        return decision

    def settle(self, now: float) -> None:
        """Take every step that is due by the clock alone."""
        while (signal := due(self.migration, now)) is not None:
            if signal.event == "refuse":
                self.refuse(now, reasons=signal.reasons)
            else:
                self.signal(signal.event, now)

    def refuse(self, now: float = 1.0, **fields: Any) -> None:
        """Have the target refused: the next alternate is claimed, if one takes the guest."""
        signal = Signal(event="refuse", now=now, **fields)
        for name in self.migration.alternates if may_help(signal) else ():
            chosen = self.choose(name)
            if isinstance(chosen, Chosen):
                held = self.ledger[self.guest.uuid]
                self.write(move_on(self.migration, signal, chosen, self.guest, held=held))
                return
            self.migration = pass_over(self.migration, name, chosen, now=now)
        self.signal("refuse", now, **{**fields, "reasons": exhaust(self.migration, signal).reasons})

    def choose(self, name: str) -> Chosen | Refusal:
        """Judge a host anew."""
        host = self.view(name)
        assert host is not None
        question = ask(self.guest, TargetsRequest(policy=self.migration.policy), JudgementCache())
        judged, answer = judge_host(question, self.view(self.guest.host), host)
        if isinstance(judged, Refusal):
            return judged
        return Chosen(target=judged, answer=answer, host=host)

    def confirm(self, now: float = 1.0) -> None:
        """Have both ends confirm."""
        for side in ("source", "target"):
            self.signal("confirm", now, side=side, token=self.migration.attempt)

    def start(self, now: float = 1.0) -> None:
        """Have both ends confirm, and begin to move."""
        self.confirm(now)
        self.signal("start", now, token=self.migration.token)

    def write(self, decision: Decision) -> None:
        self.migration, self.guest = decision.migration, decision.guest
        if decision.claim is not None:
            self.claims.append(decision.claim)
            for holding in decision.claim.holdings:
                self.ledger.pop(holding.consumer, None)
                if holding.allocations:
                    self.ledger[holding.consumer] = holding

    def held_by(self, consumer: str) -> set[str]:
        """Hosts of which a consumer holds something."""
        held = self.ledger.get(consumer)
        homes = () if held is None else map(self.fleet.home_of, held.allocations)
        return {home for home in homes if home is not None}

    def view(self, host: str) -> HostView | None:
        return self.fleet.view.get(host)

    def ask(self, *, now: float = 1.0, wait_s: float = 10.0) -> dict[Side, PreflightJob]:
        """Put the jobs up, and wait for both."""
        source, target = plan_jobs(
            self.migration,
            self.guest,
            self.view(self.migration.source),
            self.view(self.migration.target),
            now=now,
            wait_s=wait_s,
        )
        self.migration = expect_answers(self.migration, (source, target))
        return {"source": source, "target": target}

    def judge(self, job: PreflightJob, *, now: float = 2.0, **answer: Any) -> Signal:
        """Judge what an agent answers to a job; without more it answers that all is well."""
        process = {"process": job.process} if job.process is not UNSET else {}
        defaults = {"token": job.token, "side": job.side, "ok": True, **process}
        fresh = Fresh(
            guest=self.guest,
            source=self.view(self.migration.source),
            target=self.view(self.migration.target),
            neighbours=(),
            closed=EVERYWHERE_OPEN,
            now=now,
        )
        return judge_answer(self.migration, job, JobAnswer(**{**defaults, **answer}), fresh)


def a_move(
    guest: Guest | None = None,
    *,
    fleet: Fleet | None = None,
    policy: Policy = Policy(),  # noqa: B008
    target: str = "host2",
    now: float = 0.0,
    lease_s: int = LEASE_S,
    alternates: tuple[str, ...] = (),
) -> Move:
    """A guest on ``host1`` for which ``host2`` has just been claimed."""
    guest = a_guest(process="4711:1") if guest is None else guest
    fleet = a_fleet(a_host("host1"), a_host("host2")) if fleet is None else fleet
    there = fleet.view.get(target)
    assert there is not None
    question = ask(guest, TargetsRequest(policy=policy), JudgementCache())
    found, answer = judge_host(question, fleet.view.get(guest.host), there)
    assert isinstance(found, Target), found
    held = a_holding(guest)
    start = Start(
        uuid=MIGRATION,
        policy=policy,
        answer=answer,
        held=held,
        now=now,
        lease_s=lease_s,
        by="ann",
        alternates=alternates,
    )
    decision = begin(guest, found, there, start)
    move = Move(fleet=fleet, guest=guest, migration=decision.migration, ledger={guest.uuid: held})
    move.write(decision)
    return move


def named(reasons: tuple[Reason, ...]) -> list[tuple[str, Mapping[str, Any]]]:
    """Code and detail of each reason."""
    return [(reason.code, reason.detail) for reason in reasons]
