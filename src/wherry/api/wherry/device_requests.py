"""Calls on device requests: what flavors call by a name."""

from wherry.api.call import Call
from wherry.api.routes import Route
from wherry.api.wherry import examples
from wherry.app import device_requests
from wherry.model import errors
from wherry.model.device_requests import DeviceRequest, DeviceRequestList, StoredDeviceRequest


def list_device_requests(call: Call) -> DeviceRequestList:
    """List device requests."""
    return device_requests.list_device_requests(call.engine)


def get_device_request(call: Call) -> StoredDeviceRequest:
    """Show a device request."""
    return device_requests.get_device_request(call.engine, call.path["request"])


def put_device_request(call: Call) -> StoredDeviceRequest:
    """Store a device request."""
    return device_requests.put_device_request(call.engine, call.path["request"], call.body)


def delete_device_request(call: Call) -> None:
    """Forget a device request."""
    device_requests.delete_device_request(call.engine, call.path["request"])


ROUTES = (
    Route(
        method="GET",
        path="/wherry/device-requests",
        handler=list_device_requests,
        tag="First placement",
        summary="List device requests",
        answer=DeviceRequestList,
    ),
    Route(
        method="GET",
        path="/wherry/device-requests/{request}",
        handler=get_device_request,
        tag="First placement",
        summary="Show a device request",
        answer=StoredDeviceRequest,
        errors=(errors.NotFound,),
    ),
    Route(
        method="PUT",
        path="/wherry/device-requests/{request}",
        handler=put_device_request,
        tag="First placement",
        summary="Store a device request",
        description="What Nova calls an alias: kinds of devices that serve alike. It takes the "
        "place of what had the name before.",
        body=DeviceRequest,
        answer=StoredDeviceRequest,
        example=examples.DEVICE_REQUEST,
    ),
    Route(
        method="DELETE",
        path="/wherry/device-requests/{request}",
        handler=delete_device_request,
        tag="First placement",
        summary="Forget a device request",
        description="What was placed by it stays.",
        errors=(errors.NotFound,),
    ),
)
