"""Calls on composed devices."""

from wherry.api.call import Call
from wherry.api.routes import Admin, Route
from wherry.api.wherry import examples
from wherry.app import compositions
from wherry.model import errors
from wherry.model.compositions import Composition, CompositionRequest
from wherry.model.wire import CompositionList

PATH = "/wherry/providers/{uuid}/compositions"


def create(call: Call) -> Composition:
    """Compose devices of a parent."""
    return compositions.create(call.engine, call.path["uuid"], call.body)


def list_all(call: Call) -> CompositionList:
    """List what is composed of a parent."""
    return compositions.list_compositions(call.engine, call.path["uuid"])


def get(call: Call) -> Composition:
    """Show a composition."""
    return compositions.get(call.engine, call.path["uuid"], call.path["composition"])


def dissolve(call: Call) -> None:
    """Dissolve a composition."""
    compositions.dissolve(call.engine, call.path["uuid"], call.path["composition"])


ROUTES = (
    Route(
        method="POST",
        path=PATH,
        handler=create,
        tag="Compositions",
        summary="Compose devices of a parent",
        description="Sets types of the parent aside as devices of a composed type, which is "
        "inventory at once: a provider below the parent.  Said again with the same uuid, it is "
        "done once.",
        roles=Admin,
        body=CompositionRequest,
        answer=Composition,
        errors=(
            errors.NotFound,
            errors.AlreadyExists,
            errors.Unsettled,
            errors.CapacityExceeded,
            errors.ExclusiveConflict,
            errors.NoPlace,
            errors.SlotTaken,
            errors.UnitsNotTaken,
        ),
        example=examples.COMPOSITION_REQUEST,
        example_answer=examples.COMPOSITION,
    ),
    Route(
        method="GET",
        path=PATH,
        handler=list_all,
        tag="Compositions",
        summary="List what is composed of a parent",
        answer=CompositionList,
        errors=(errors.NotFound,),
    ),
    Route(
        method="GET",
        path=PATH + "/{composition}",
        handler=get,
        tag="Compositions",
        summary="Show a composition",
        answer=Composition,
        errors=(errors.NotFound,),
    ),
    Route(
        method="DELETE",
        path=PATH + "/{composition}",
        handler=dissolve,
        tag="Compositions",
        summary="Dissolve a composition",
        description="Gives the parts back to the parent; refused while a device is held.",
        roles=Admin,
        errors=(errors.NotFound, errors.CompositionHeld),
    ),
)
