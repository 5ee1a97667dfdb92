"""The fleet: hosts and devices as a map, and as a table that says the same."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.app.fleet_map import MapFilter, draw_changed, draw_map, make_filter
from wherry.model.errors import InvalidRequest
from wherry.model.fleet_map import FleetMap, MapDevice, MapHost, MapKind
from wherry.web.rendering import here
from wherry.web.visits import Moved, Outcome, Page, Sent, Shown, Visit

PAGE = 100
"""Hosts on one page of the table."""
MOST_REFS = 400
"""Changes that a page asks for at once; with more it asks for everything."""
FILTERS = ("rack", "state", "type", "feature", "driver")
"""What can be asked for in the address, in the order in which it is shown."""


def show_fleet(visit: Visit) -> Outcome:
    """Show the map, or the table."""
    said = _said(visit)
    as_table = visit.asked("view") == "table"
    everything = draw_map(visit.engine)
    drawn = draw_map(visit.engine, _filter(said)) if said else everything
    values = {
        "said": said,
        "choices": choices(everything, said),
        "hosts": len(drawn.hosts),
        "devices": sum(len(host.devices) for host in drawn.hosts),
    }
    if not as_table:
        return Shown(template="fleet_map.html", values=values)
    return Shown(template="fleet_table.html", values={**values, **_table(visit, drawn, said)})


def send_map(visit: Visit) -> Sent:
    """Send the map as numbers; with ``changed``, of those hosts alone."""
    said = _said(visit)
    refs = [ref for part in visit.query.get("changed", ()) for ref in part.split(",") if ref]
    if len(refs) > MOST_REFS:
        raise InvalidRequest(f"at most {MOST_REFS} changes at once", path="$.changed")
    if refs:
        drawn, gone = draw_changed(visit.engine, refs, _filter(said))
        return Sent(body=msgspec.json.encode({"map": drawn, "gone": gone}))
    body = msgspec.json.encode({"map": draw_map(visit.engine, _filter(said)), "gone": ()})
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if visit.known == tag:
        return Sent(status=304, headers={"ETag": tag})
    return Sent(body=body, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def choices(everything: FleetMap, said: Mapping[str, str]) -> dict[str, list[str]]:
    """List what each filter can be set to in this fleet."""
    hosts, kinds = everything.hosts, everything.kinds
    found: dict[str, set[str]] = {
        "rack": {host.labels["rack"] for host in hosts if "rack" in host.labels},
        "state": {host.state for host in hosts},
        "type": {name for kind in kinds for name in kind.types},
        "feature": {name for kind in kinds for name in kind.features},
        "driver": {kind.driver for kind in kinds if kind.driver is not None},
    }
    return {
        name: sorted({*found[name], *([said[name]] if name in said else [])}) for name in FILTERS
    }


def _said(visit: Visit) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := visit.asked(name))}


def _filter(said: Mapping[str, str]) -> MapFilter:
    asked = {name: value for name, value in said.items() if name != "rack"}
    if "rack" in said:
        asked["label"] = f"rack={said['rack']}"
    try:
        return make_filter(asked)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the address asks for what there cannot be: {error}") from None


def _table(visit: Visit, drawn: FleetMap, said: Mapping[str, str]) -> dict[str, Any]:
    pages = max(1, -(-len(drawn.hosts) // PAGE))
    asked = visit.asked("page")
    page = min(pages, max(1, int(asked))) if asked.isdecimal() else 1
    first = (page - 1) * PAGE

    def link(number: int) -> str:
        return here("", view="table", page=str(number), **said)

    return {
        "page": page,
        "pages": pages,
        "rows": [table_row(host, drawn) for host in drawn.hosts[first : first + PAGE]],
        "previous": link(page - 1) if page > 1 else None,
        "next": link(page + 1) if page < pages else None,
    }


def table_row(host: MapHost, drawn: FleetMap) -> dict[str, Any]:
    """Give a host's line: its devices in words."""
    return {
        "name": host.name,
        "state": host.state,
        "rack": host.labels.get("rack", ""),
        "devices": [_device(each, drawn) for each in host.devices],
    }


def _device(device: MapDevice, drawn: FleetMap) -> dict[str, Any]:
    kind: MapKind = drawn.kinds[device.kind]
    pools = zip(kind.pools, device.held, strict=True)
    return {
        "name": drawn.names[device.name],
        "driver": kind.driver,
        "note": kind.note,
        "pools": [
            {
                "name": pool.name,
                "held": held,
                "free": max(0, pool.capacity - held),
                "of": pool.capacity,
            }
            for pool, held in pools
        ],
    }


def go_home(_visit: Visit) -> Moved:
    """Go to the first page."""
    return Moved("/ui/")


def go_to_guests(_visit: Visit) -> Moved:
    """Go to the first page that a project user has."""
    return Moved("/ui/guests")


PAGES = (
    Page(path="/ui/", view=show_fleet, user_view=go_to_guests),
    Page(path="/ui/fleet.json", view=send_map, is_followed=False),
    Page(path="/ui", view=go_home, is_open=True),
)
