"""What is done to migrations and counted, whichever door it comes by."""

from wherry.api.metrics import Metrics
from wherry.app import migrations
from wherry.app.engine import Engine
from wherry.migrate.states import has_ended
from wherry.model.caller import Caller
from wherry.model.migrations import Migration
from wherry.model.wire import AbortRequest, FinishRequest, MigrationRequest


def begin(
    engine: Engine, metrics: Metrics, uuid: str, asked: MigrationRequest, caller: Caller
) -> Migration:
    """Claim a target, as `migrations.begin`."""
    begun = migrations.begin(engine, uuid, asked, caller)
    metrics.count("wherry_claims_total")
    return begun


def finish(
    engine: Engine, metrics: Metrics, uuid: str, asked: FinishRequest, caller: Caller
) -> Migration:
    """Note how the move ended, as `migrations.finish`."""
    before = migrations.get(engine, uuid).state
    done = migrations.finish(engine, uuid, asked, caller)
    if has_ended(before):
        return done  # said again, as after a lost answer
    metrics.count("wherry_migrations_ended_total", (("outcome", asked.outcome),))
    if asked.outcome == "failed":
        metrics.count("wherry_refused_late_total")
    return done


def abort(
    engine: Engine, metrics: Metrics, uuid: str, asked: AbortRequest, caller: Caller
) -> Migration:
    """Give the target back, as `migrations.abort`."""
    before = migrations.get(engine, uuid).state
    done = migrations.abort(engine, uuid, asked, caller)
    if not has_ended(before):
        metrics.count("wherry_migrations_ended_total", (("outcome", "aborted"),))
    return done
