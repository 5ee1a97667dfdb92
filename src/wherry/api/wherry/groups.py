"""Calls on groups of guests that keep together or apart."""

from wherry.api.call import Call
from wherry.api.routes import Route
from wherry.api.wherry import examples
from wherry.app import groups
from wherry.model import errors
from wherry.model.groups import Group, GroupList, GroupRequest


def list_groups(call: Call) -> GroupList:
    """List groups."""
    return groups.list_groups(call.engine)


def get_group(call: Call) -> Group:
    """Show a group."""
    return groups.get_group(call.engine, call.path["group"])


def put_group(call: Call) -> Group:
    """Store a group."""
    return groups.put_group(call.engine, call.path["group"], call.body)


def delete_group(call: Call) -> None:
    """Forget a group."""
    groups.delete_group(call.engine, call.path["group"])


ROUTES = (
    Route(
        method="GET",
        path="/wherry/groups",
        handler=list_groups,
        tag="Guests",
        summary="List groups of guests",
        answer=GroupList,
    ),
    Route(
        method="GET",
        path="/wherry/groups/{group}",
        handler=get_group,
        tag="Guests",
        summary="Show a group of guests",
        answer=Group,
        errors=(errors.NotFound,),
    ),
    Route(
        method="PUT",
        path="/wherry/groups/{group}",
        handler=put_group,
        tag="Guests",
        summary="Keep guests together or apart",
        description="Says for targets and claims on which hosts the guests of a group may be "
        "beside each other; the soft policies only rank. Nobody is moved by it. It takes the place "
        "of what had the id before.",
        body=GroupRequest,
        answer=Group,
        example=examples.GROUP,
    ),
    Route(
        method="DELETE",
        path="/wherry/groups/{group}",
        handler=delete_group,
        tag="Guests",
        summary="Forget a group of guests",
        description="Its guests stay where they are.",
        errors=(errors.NotFound,),
    ),
)
