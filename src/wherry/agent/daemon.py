"""The agent's round: look, report, wait for work, answer it, and so on.

It opens no port: the service is reached from here, by one long-poll at a time.
"""

import logging
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from wherry.agent.client import Client, part
from wherry.agent.host import Host
from wherry.agent.preflight import answer_source, answer_target
from wherry.agent.probe import Probe, not_made
from wherry.model.errors import ServiceUnavailable, WherryError
from wherry.model.facts import Report
from wherry.model.migrations import JobAnswer, PreflightJob
from wherry.model.wire import JobList, ReportAnswer

log = logging.getLogger("wherry.agent")

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
SHORT_TURN_S = 3.0
"""Time between two looks for work where the service has no place to wait: well below the
time that it gives both ends of a pre-flight."""

BUSY = "service.busy"
_PASSING = frozenset(
    {
        *("service.unavailable", BUSY, "store.unavailable", "internal"),
        *("report.outdated", "report.contradicts"),  # the next look is another report
        "not_found",  # the service has lost its state: it learns of this host anew
    }
)
"""Codes after which going on makes sense."""


class Stopped(BaseException):
    """Somebody asks the agent to stop: raised by the signal, wherever it waits."""


@dataclass(slots=True, kw_only=True)
class Agent:
    """One agent: a host and the service it reports to.

    Attributes:
        interval_s: seconds between two looks.
        wait_s: seconds for which a long-poll is held.
        probe: reads and writes for the last resort; None: not switched on.
        on_report: told of each report that was taken.
        on_answer: told of each job that was answered.
    """

    host: Host
    client: Client
    interval_s: float
    wait_s: float
    probe: Probe | None = None
    on_report: Callable[[Report, ReportAnswer], None] = lambda _report, _answer: None
    on_answer: Callable[[PreflightJob, JobAnswer], None] = lambda _job, _answer: None
    _next_look: float = field(default=0.0, init=False)

    def run(self) -> None:
        """Go round until a signal comes."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self.round()
                pause_s = FIRST_PAUSE_S
            except WherryError as error:
                if error.code not in _PASSING:
                    raise
                if error.code == "not_found":
                    self._next_look = 0.0
                log.warning("%s; next try in %.0f s", error, pause_s)
                # Many agents lose one service at once: they shall not come back at once.
                time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, no secret
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def round(self) -> None:
        """Report if it is time, then wait for work once and do it."""
        if time.monotonic() >= self._next_look:
            self.report()
        wait_s = int(min(self.wait_s, self._left_s()))
        try:
            found = self.work(wait_s=wait_s)
        except WherryError as error:
            if error.code != BUSY:
                raise
            self._look_in_short_turns()
            return
        if not found and wait_s == 0:
            # A wait of less than a second, or none, must not become a busy loop.
            time.sleep(min(1.0, self._left_s()))

    def _look_in_short_turns(self) -> None:
        """Go on without a place to wait: other agents hold them all."""
        if not self.work(wait_s=0):
            time.sleep(SHORT_TURN_S * random.uniform(0.5, 1.0))  # noqa: S311, no secret

    def _left_s(self) -> float:
        return max(0.0, self._next_look - time.monotonic())

    def once(self) -> None:
        """Report, do the work that waits already, and stop."""
        self.report()
        self.work(wait_s=0)

    def report(self) -> ReportAnswer:
        """Look at the host and report it."""
        report = self.host.look()
        answer = self.client.send("PUT", f"{self._path}/report", ReportAnswer, report)
        self._next_look = time.monotonic() + self.interval_s
        self.on_report(report, answer)
        return answer

    def work(self, *, wait_s: int) -> int:
        """Wait for jobs and answer them; gives how many there were."""
        found = self.client.get(f"{self._path}/jobs", JobList, wait=wait_s, wait_s=wait_s)
        for job in found.jobs:
            self._answer(job)
        return len(found.jobs)

    def _answer(self, job: PreflightJob) -> None:
        answer = self._look_for(job)
        try:
            self.client.send("POST", f"{self._path}/jobs/{part(job.id)}", bytes, answer)
        except WherryError as error:
            if isinstance(error, ServiceUnavailable):
                raise
            # The job may have run out, or its migration may have been given up.
            log.warning("job %s was not taken: %s", job.id, error)
            return
        self.on_answer(job, answer)

    def _look_for(self, job: PreflightJob) -> JobAnswer:
        if job.kind != "preflight":
            return not_made(job) if self.probe is None else self.probe.answer(job)
        report = self.host.look()
        if job.side == "target":
            return answer_target(job, report)
        hypervisor = self.host.hypervisor
        return answer_source(job, report, hypervisor.running(), hypervisor.objections(job.guest))

    @property
    def _path(self) -> str:
        return f"/wherry/hosts/{part(self.host.name)}"


@contextmanager
def stopping_by_signal() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the block, wherever it waits."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
