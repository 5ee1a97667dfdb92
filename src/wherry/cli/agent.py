"""``wherry agent``: report a host and answer pre-flights."""

import logging
from pathlib import Path
from typing import Any

import click

from wherry.agent.client import Client, read_token
from wherry.agent.daemon import Agent, stopping_by_signal
from wherry.agent.host import choose_host
from wherry.agent.probe import Probe
from wherry.agent.settings import TABLE, load_agent_settings
from wherry.cli.options import takes
from wherry.cli.output import say
from wherry.model.facts import Report
from wherry.model.migrations import JobAnswer, PreflightJob
from wherry.model.wire import ReportAnswer


@click.command(short_help="Report this host and answer pre-flights.")
@click.option("--once", is_flag=True, help="Report, do the work that waits, and stop.")
@takes(TABLE)
def agent(*, once: bool, config: Path | None, **options: Any) -> None:
    """Report this host, then wait for work and answer pre-flights, until SIGTERM or Ctrl-C.

    Reads only (but for --probe), and opens no port. Each option can also be given as a
    variable, such as WHERRY_INTERVAL_S, or as a line below [agent] of the file that --config
    names.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # The retries of single requests are nobody's business; what fails in the end is said.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    settings = load_agent_settings(options, file=config)
    worker = Agent(
        host=choose_host(settings),
        client=Client(settings.url, token=read_token(settings.token_file)),
        interval_s=settings.interval_s,
        wait_s=settings.wait_s,
        probe=Probe() if settings.probe == "last_resort" and not settings.snapshot else None,
        on_report=_say_report,
        on_answer=_say_answer,
    )
    with stopping_by_signal():
        worker.once() if once else worker.run()


def _say_report(report: Report, answer: ReportAnswer) -> None:
    devices = len(report.facts.devices)
    say(f"{report.host}: report {report.sequence} {answer.outcome}, {devices} devices")
    if answer.outcome == "stored":
        for finding in answer.findings:
            say(f"  {finding.code}: {finding.message}")


def _say_answer(job: PreflightJob, answer: JobAnswer) -> None:
    word = "confirmed" if answer.ok else "objected"
    say(f"{job.host}: {word} as {job.side} of migration {job.migration}")
    for objection in (*answer.objections, *(f"{slot} is missing" for slot in answer.missing)):
        say(f"  {objection}")
