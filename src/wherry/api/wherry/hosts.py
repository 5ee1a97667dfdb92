"""Calls on hosts, and on what is in force: offers, profiles, packs."""

from wherry.api.call import Call
from wherry.api.routes import Admin, Query, Route
from wherry.api.wherry import examples
from wherry.app import hosts, offers, packs
from wherry.app.fleet_map import draw_map, make_filter
from wherry.model import errors
from wherry.model.checks import Pack
from wherry.model.device import Name, Text, TypeName
from wherry.model.facts import HostName, Report
from wherry.model.fleet_map import FleetMap
from wherry.model.inventory import HostState
from wherry.model.wire import (
    HostDetail,
    HostList,
    HostPatch,
    LabelPair,
    OfferList,
    PackList,
    ProfileList,
    TypeLintList,
)


def list_hosts(call: Call) -> HostList:
    """List all hosts."""
    return hosts.list_hosts(call.engine)


def get_host(call: Call) -> HostDetail:
    """Show a host."""
    return hosts.get_host(call.engine, call.path["name"])


def get_report(call: Call) -> Report:
    """Show the report that a host stands on."""
    return hosts.get_report(call.engine, call.path["name"])


def patch_host(call: Call) -> HostDetail:
    """Change a host's state or labels."""
    return hosts.patch_host(call.engine, call.path["name"], call.body)


def get_fleet(call: Call) -> FleetMap:
    """Show the fleet at a glance."""
    return draw_map(call.engine, make_filter(call.query))


def list_offers(call: Call) -> OfferList:
    """List what is offered."""
    return offers.list_offers(call.engine, call.query.get("host"), call.query.get("type"))


def list_lints(call: Call) -> TypeLintList:
    """List the types whose offers differ."""
    return offers.list_lints(call.engine)


def list_profiles(call: Call) -> ProfileList:
    """List the driver profiles."""
    return offers.list_profiles(call.engine)


def list_packs(call: Call) -> PackList:
    """List the policy packs."""
    return packs.list_packs(call.engine)


def get_pack(call: Call) -> Pack:
    """Show a policy pack."""
    return packs.get_pack(call.engine, call.path["id"])


def put_pack(call: Call) -> Pack:
    """Put a policy pack in force."""
    pack: Pack = call.body
    if pack.id != call.path["id"]:
        message = f"the pack is {pack.id}, and was sent as {call.path['id']}"
        raise errors.InvalidRequest(message, path="$.id")
    return packs.put_pack(call.engine, pack)


ROUTES = (
    Route(
        method="GET",
        path="/wherry/hosts",
        handler=list_hosts,
        tag="Hosts",
        summary="List hosts",
        answer=HostList,
        example_answer=examples.HOSTS,
    ),
    Route(
        method="GET",
        path="/wherry/hosts/{name}",
        handler=get_host,
        tag="Hosts",
        summary="Show a host",
        description="The provider tree with capacity and use, who holds what of it, the guests, "
        "and what the derivation noticed.",
        answer=HostDetail,
        errors=(errors.NotFound,),
    ),
    Route(
        method="GET",
        path="/wherry/hosts/{name}/report",
        handler=get_report,
        tag="Hosts",
        summary="Show what was read of a host",
        description="The report that the host stands on: each attribute of each device as a value, "
        "left out where it is absent, or with the errno of reading it.",
        answer=Report,
        errors=(errors.NotFound,),
        example_answer=examples.REPORT,
    ),
    Route(
        method="PATCH",
        path="/wherry/hosts/{name}",
        handler=patch_host,
        tag="Hosts",
        summary="Set a host's state or labels",
        description="A host that is disabled or in maintenance is no target; what runs stays.",
        roles=Admin,
        body=HostPatch,
        answer=HostDetail,
        errors=(errors.NotFound,),
        example=examples.HOST_PATCH,
    ),
    Route(
        method="GET",
        path="/wherry/fleet",
        handler=get_fleet,
        tag="Hosts",
        summary="Show the fleet at a glance",
        description="Each host with its devices, and how much of each pool is held. A device is a "
        "list: number of its name, number of its kind, and units held by pool of the kind. A "
        "question about devices leaves out the hosts that have none such.",
        query=(
            Query(name="label", type=LabelPair, help="hosts with this label, such as `rack=r7`"),
            Query(name="state", type=HostState, help="hosts in this state"),
            Query(name="type", type=TypeName, help="devices that offer this type"),
            Query(name="feature", type=Name, help="devices that offer this feature"),
            Query(name="driver", type=Text, help="devices of this driver"),
        ),
        answer=FleetMap,
        example_answer=examples.FLEET,
    ),
    Route(
        method="GET",
        path="/wherry/offers",
        handler=list_offers,
        tag="Hosts",
        summary="List offers",
        query=(
            Query(name="host", type=HostName, help="only this host's"),
            Query(name="type", type=TypeName, help="only offers of this type"),
        ),
        answer=OfferList,
        errors=(errors.NotFound,),
    ),
    Route(
        method="GET",
        path="/wherry/lints",
        handler=list_lints,
        tag="Hosts",
        summary="List types that mean two things",
        description="Providers that offer one type differently, with what differs: a guest of the "
        "one may find the other to be another device.",
        answer=TypeLintList,
        example_answer=examples.LINTS,
    ),
    Route(
        method="GET",
        path="/wherry/profiles",
        handler=list_profiles,
        tag="Hosts",
        summary="List driver profiles in force",
        answer=ProfileList,
    ),
    Route(
        method="GET",
        path="/wherry/packs",
        handler=list_packs,
        tag="Hosts",
        summary="List policy packs in force",
        answer=PackList,
    ),
    Route(
        method="GET",
        path="/wherry/packs/{id}",
        handler=get_pack,
        tag="Hosts",
        summary="Show a policy pack",
        answer=Pack,
        errors=(errors.NotFound,),
        example_answer=examples.PACK,
    ),
    Route(
        method="PUT",
        path="/wherry/packs/{id}",
        handler=put_pack,
        tag="Hosts",
        summary="Put a policy pack in force",
        description="Applies to every check from then on; replaces the pack of the same id.",
        roles=Admin,
        body=Pack,
        answer=Pack,
        errors=(errors.InvalidProfile,),
        example=examples.PACK,
    ),
)
