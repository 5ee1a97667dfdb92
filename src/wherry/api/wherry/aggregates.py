"""Calls on aggregates that are for some tenants alone."""

from wherry.api.call import Call
from wherry.api.routes import Route
from wherry.api.wherry import examples
from wherry.app import tenancy
from wherry.model import errors
from wherry.model.tenancy import Aggregate, AggregateList, AggregateRequest


def list_aggregates(call: Call) -> AggregateList:
    """List aggregates of some tenants."""
    return tenancy.list_aggregates(call.engine)


def get_aggregate(call: Call) -> Aggregate:
    """Show an aggregate of some tenants."""
    return tenancy.get_aggregate(call.engine, call.path["aggregate"])


def put_aggregate(call: Call) -> Aggregate:
    """Keep an aggregate for some tenants."""
    return tenancy.put_aggregate(call.engine, call.path["aggregate"], call.body)


def delete_aggregate(call: Call) -> None:
    """Let everybody in again."""
    tenancy.delete_aggregate(call.engine, call.path["aggregate"])


ROUTES = (
    Route(
        method="GET",
        path="/wherry/aggregates",
        handler=list_aggregates,
        tag="Hosts",
        summary="List aggregates that are for some tenants alone",
        answer=AggregateList,
    ),
    Route(
        method="GET",
        path="/wherry/aggregates/{aggregate}",
        handler=get_aggregate,
        tag="Hosts",
        summary="Show whom an aggregate is for, and its hosts",
        answer=Aggregate,
        errors=(errors.NotFound,),
    ),
    Route(
        method="PUT",
        path="/wherry/aggregates/{aggregate}",
        handler=put_aggregate,
        tag="Hosts",
        summary="Keep the hosts of an aggregate for some tenants",
        description="Hosts belong to an aggregate by their root provider, as the Placement API "
        "says. A host in several such aggregates takes guests of any of their tenants. Nobody is "
        "moved by it. It takes the place of what was said of the aggregate before.",
        body=AggregateRequest,
        answer=Aggregate,
        example=examples.AGGREGATE,
    ),
    Route(
        method="DELETE",
        path="/wherry/aggregates/{aggregate}",
        handler=delete_aggregate,
        tag="Hosts",
        summary="Let all tenants into an aggregate",
        description="The hosts stay in it.",
        errors=(errors.NotFound,),
    ),
)
