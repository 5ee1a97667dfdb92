"""``/resource_providers/{uuid}/traits`` and ``…/aggregates``."""

from wherry.api.placement.calls import Answer, Ask
from wherry.app.placement import qualities as app
from wherry.app.placement.providers import find_provider
from wherry.app.placement.qualities import Aggregates, Traits


def get_traits(ask: Ask) -> Answer:
    """Show a provider's traits."""
    return _show_traits(ask, app.find_traits(ask.engine, ask.path["uuid"]))


def set_traits(ask: Ask) -> Answer:
    """Replace a provider's traits."""
    body = ask.body()
    done = app.set_traits(
        ask.engine,
        ask.path["uuid"],
        body["traits"],
        generation=body["resource_provider_generation"],
    )
    return _show_traits(ask, done)


def delete_traits(ask: Ask) -> Answer:
    """Take all traits of a provider away."""
    app.set_traits(ask.engine, ask.path["uuid"], (), generation=None)
    return Answer(status=204)


def get_aggregates(ask: Ask) -> Answer:
    """Show the aggregates that a provider belongs to."""
    return _show_aggregates(ask, app.find_aggregates(ask.engine, ask.path["uuid"]))


def set_aggregates(ask: Ask) -> Answer:
    """Replace the aggregates that a provider belongs to."""
    uuid = ask.path["uuid"]
    body = ask.body(first=lambda: find_provider(ask.engine, uuid))
    body = ask.lifted("aggregates", body)
    done = app.set_aggregates(
        ask.engine,
        uuid,
        body["aggregates"],
        generation=body.get("resource_provider_generation"),
    )
    return _show_aggregates(ask, done)


def _show_traits(ask: Ask, traits: Traits) -> Answer:
    times = [ask.now() if at is None else at for at in traits.names.values()]
    return Answer(
        body={
            "traits": list(traits.names),
            "resource_provider_generation": traits.generation,
        },
        modified=max(times, default=ask.now()),
    )


def _show_aggregates(ask: Ask, aggregates: Aggregates) -> Answer:
    return Answer(
        body={
            "aggregates": list(aggregates.uuids),
            "resource_provider_generation": aggregates.generation,
        },
        what="aggregates",
        modified=ask.now(),
    )
