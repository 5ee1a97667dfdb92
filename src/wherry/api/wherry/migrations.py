"""Calls on migrations: claim, confirm, start, renew, finish, abort.

Source: design, section 7.
"""

from wherry.api import counted
from wherry.api.call import Call
from wherry.api.errors import Busy
from wherry.api.routes import Query, Route
from wherry.api.wherry import examples
from wherry.api.wherry.guests import CLAIM_ERRORS
from wherry.app import migrations
from wherry.model import errors
from wherry.model.facts import HostName, Uuid
from wherry.model.migrations import Migration, States
from wherry.model.wire import (
    AbortRequest,
    FinishRequest,
    MigrationList,
    MigrationRequest,
    MigrationStory,
    PageLimit,
    PlugStep,
    RenewRequest,
    TokenRequest,
    UnplugStep,
)


def begin(call: Call) -> Migration:
    """Claim a target."""
    return counted.begin(call.engine, call.metrics, call.path["uuid"], call.body, call.caller)


def get(call: Call) -> MigrationStory:
    """Show a migration."""
    return migrations.get_story(call.engine, call.path["uuid"])


def list_all(call: Call) -> MigrationList:
    """List migrations."""
    return migrations.list_migrations(
        call.engine,
        guest=call.query.get("guest"),
        host=call.query.get("host"),
        state=call.query.get("state"),
        limit=call.query.get("limit", 100),
        marker=call.query.get("marker"),
    )


def preflight(call: Call) -> Migration:
    """Have both ends confirm."""
    with call.preflights.place():
        done = migrations.preflight(call.engine, call.path["uuid"], call.body.token)
    outcome = "confirmed" if done.state == "confirmed" else "refused"
    call.metrics.count("wherry_preflights_total", (("outcome", outcome),))
    return done


def start(call: Call) -> Migration:
    """Say that the move has begun."""
    return migrations.start(call.engine, call.path["uuid"], call.body.token, call.caller)


def unplug(call: Call) -> Migration:
    """Say that a NIC is out of the guest."""
    return migrations.unplug(call.engine, call.path["uuid"], call.body, call.caller)


def plug(call: Call) -> Migration:
    """Say where a NIC is plugged now."""
    return migrations.plug(call.engine, call.path["uuid"], call.body, call.caller)


def renew(call: Call) -> Migration:
    """Ask for more time."""
    return migrations.renew(call.engine, call.path["uuid"], call.body, call.caller)


def finish(call: Call) -> Migration:
    """Say how the move ended."""
    return counted.finish(call.engine, call.metrics, call.path["uuid"], call.body, call.caller)


def abort(call: Call) -> Migration:
    """Give the target back."""
    return counted.abort(call.engine, call.metrics, call.path["uuid"], call.body, call.caller)


STEP_ERRORS = (errors.NotFound, errors.WrongState, errors.TokenExpired)

ROUTES = (
    Route(
        method="PUT",
        path="/wherry/migrations/{uuid}",
        handler=begin,
        tag="Migrations",
        summary="Claim a target for a guest",
        description="One transaction passes the source to the migration and gives the guest the "
        "target. Sent again with the same uuid, it answers what was begun.",
        body=MigrationRequest,
        answer=Migration,
        errors=(errors.NotFound, errors.NoTarget, errors.AlreadyExists, *CLAIM_ERRORS),
        example=examples.MIGRATION,
    ),
    Route(
        method="GET",
        path="/wherry/migrations",
        handler=list_all,
        tag="Migrations",
        summary="List migrations",
        description="The latest first, a page at a time.",
        query=(
            Query(name="guest", type=Uuid, help="only those of this guest"),
            Query(name="host", type=HostName, help="only those from or to this host"),
            Query(
                name="state",
                type=States,
                help="only those in this state, or in any that is `running` or `ended`",
            ),
            Query(name="limit", type=PageLimit, help="how many at most (100)"),
            Query(name="marker", type=Uuid, help="`next` of the page before"),
        ),
        answer=MigrationList,
        errors=(errors.NotFound,),
    ),
    Route(
        method="GET",
        path="/wherry/migrations/{uuid}",
        handler=get,
        tag="Migrations",
        summary="Show a migration",
        description="With its history, and the same told as a story.",
        answer=MigrationStory,
        errors=(errors.NotFound,),
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/preflight",
        handler=preflight,
        tag="Migrations",
        summary="Have both ends confirm",
        description="Both hosts' agents read anew and answer; silence is a refusal. If one "
        "refuses, the target is given back, with the reasons.",
        body=TokenRequest,
        answer=Migration,
        errors=(*STEP_ERRORS, Busy),
        example=examples.TOKEN,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/start",
        handler=start,
        tag="Migrations",
        summary="Say that the move has begun",
        description="From here on, a lease that runs out releases nothing. Where facts have moved "
        "since both ends confirmed, the guest must not be moved.",
        body=TokenRequest,
        answer=Migration,
        errors=(*STEP_ERRORS, errors.NotStarted),
        example=examples.TOKEN,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/unplug",
        handler=unplug,
        tag="Migrations",
        summary="Say that a NIC is out of the guest",
        description="Only of a slot for which the migration was begun with `replug`. Its device on "
        "the source stays held until the migration ends.",
        body=UnplugStep,
        answer=Migration,
        errors=STEP_ERRORS,
        example=examples.UNPLUG_STEP,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/plug",
        handler=plug,
        tag="Migrations",
        summary="Say where a NIC is plugged now",
        description="On the target its contract is pinned from what is offered now; `nowhere` says "
        "that the plug failed, and the guest ends without it.",
        body=PlugStep,
        answer=Migration,
        errors=STEP_ERRORS,
        example=examples.PLUG_STEP,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/renew",
        handler=renew,
        tag="Migrations",
        summary="Ask for more time",
        body=RenewRequest,
        answer=Migration,
        errors=STEP_ERRORS,
        example=examples.RENEW,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/finish",
        handler=finish,
        tag="Migrations",
        summary="Say how the move ended",
        description="`finished` frees the source; `failed` gives the target back and keeps the "
        "error beside the verdict.",
        body=FinishRequest,
        answer=Migration,
        errors=STEP_ERRORS,
        example=examples.FINISH,
    ),
    Route(
        method="POST",
        path="/wherry/migrations/{uuid}/abort",
        handler=abort,
        tag="Migrations",
        summary="Give the target back",
        description="An administrator may leave the token out, to end a migration that is lost.",
        body=AbortRequest,
        answer=Migration,
        errors=STEP_ERRORS,
        example=examples.ABORT,
    ),
)
