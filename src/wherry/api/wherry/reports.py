"""Calls of the agents: reports, and the work they wait for."""

from msgspec import UNSET

from wherry.api.call import Call
from wherry.api.errors import Busy
from wherry.api.routes import Query, Route
from wherry.api.wherry import examples
from wherry.app import jobs, reports
from wherry.model import errors
from wherry.model.facts import Report
from wherry.model.migrations import JobAnswer
from wherry.model.wire import JobList, ReportAnswer, WaitS


def put_report(call: Call) -> ReportAnswer:
    """Take a report of a host."""
    report: Report = call.body
    if report.host != call.path["name"]:
        message = (
            f"the report is of host {report.host}, and was sent as that of {call.path['name']}"
        )
        raise errors.InvalidRequest(message, path="$.host")
    try:
        answer = reports.put_report(call.engine, report)
    except (errors.ReportOutdated, errors.ReportContradicts):
        call.metrics.count("wherry_reports_total", (("outcome", "refused"),))
        raise
    call.metrics.count("wherry_reports_total", (("outcome", answer.outcome),))
    return answer


def get_jobs(call: Call) -> JobList:
    """Wait for work."""
    host = call.path["name"]
    wait_s = call.query.get("wait", 0)

    if not wait_s:
        return JobList(jobs=jobs.wait_for_jobs(call.engine, host, 0))
    with call.room.place():
        return JobList(jobs=jobs.wait_for_jobs(call.engine, host, wait_s))


def post_answer(call: Call) -> None:
    """Take the answer to a job."""
    answer: JobAnswer = call.body
    if answer.report is not UNSET and answer.report.host != call.path["name"]:
        message = f"the report is of host {answer.report.host}, and the job {call.path['name']}'s"
        raise errors.InvalidRequest(message, path="$.report.host")
    jobs.answer_job(call.engine, call.path["name"], call.path["job"], call.body)


ROUTES = (
    Route(
        method="PUT",
        path="/wherry/hosts/{name}/report",
        handler=put_report,
        tag="Agents",
        summary="Report what a host has",
        description="Facts only: profiles turn them into offers here. A report is taken as a whole "
        "or not at all; an equal one moves nothing but `last_seen`.",
        body=Report,
        answer=ReportAnswer,
        errors=(errors.ReportOutdated, errors.ReportContradicts),
        example=examples.REPORT,
        example_answer=examples.REPORT_ANSWER,
    ),
    Route(
        method="GET",
        path="/wherry/hosts/{name}/jobs",
        handler=get_jobs,
        tag="Agents",
        summary="Wait for work",
        description="A long-poll: answers as soon as a job waits, and after `wait` seconds with "
        "none. 503 where too many wait already.",
        query=(Query(name="wait", type=WaitS, help="seconds to wait; left out: look once"),),
        answer=JobList,
        errors=(errors.NotFound, Busy),
        example_answer=examples.JOBS,
    ),
    Route(
        method="POST",
        path="/wherry/hosts/{name}/jobs/{job}",
        handler=post_answer,
        tag="Agents",
        summary="Answer a job",
        description="The report of what was just read goes along, and is taken before the answer "
        "is looked at: the decision is made on stored facts.",
        body=JobAnswer,
        errors=(errors.NotFound, errors.TokenExpired),
        example=examples.JOB_ANSWER,
    ),
)
