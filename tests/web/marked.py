"""A small fleet whose every text that somebody else may choose holds markup.

node-1 and node-2 are alike, node-3 has an older version, node-4 lacks a feature.
"""

from pathlib import Path
from typing import Any

from acme_fleet import PROFILES, Fleet, a_report, name_of
from service import run_service
from wherry.app.settings import Settings

MARKUP = '<img src=x onerror="alert(1)">\'"&lt;'
TYPE = "<img/src=x/onerror=alert(1)>"
STRAY = name_of("stray")
LONG = "x" * 190


def open_fleet(folder: Path, token: str | None = None, **settings: Any) -> Fleet:
    """Start a service with four hosts and two guests, one of them of a marked tenant."""
    fleet = Fleet(
        run_service(
            Settings(
                database=f"sqlite:///{folder}/fleet.db",
                state_dir=folder,
                profile_dirs=(PROFILES,),
                lease_s=600,
                **settings,
            ),
            token=token,
        )
    )
    for host, said in {
        "node-1": {"instances": (STRAY,)},
        "node-2": {},
        "node-3": {"version": "1.0"},
        "node-4": {"features": "Y"},
    }.items():
        send(fleet, host, **{"version": "1.2", "features": "X Y", **said})
    labels = {"labels": {"note": MARKUP, "rack": LONG}}
    assert fleet.service.ask("PATCH", "/wherry/hosts/node-1", labels).status == 200
    fleet.boot("g", "node-1", version="1.1", features=["X"], tenant=MARKUP)
    fleet.boot("h", "node-2", version="1.1", features=["X"])
    return fleet


def send(fleet: Fleet, host: str, sequence: int = 1, **said: Any) -> None:
    """Report a host of which not everything could be read."""
    report = a_report(host, sequence=sequence, **said)
    device = report["facts"]["devices"][0]
    device["attributes"] |= {
        "local_cpulist": MARKUP,
        "reset_method": {"is": "unread", "errno": "EACCES"},
        "modalias": {"is": "binary", "hex": "00ff"},
    }
    (type_,) = device["mdev_types"]
    device["mdev_types"] += [{**type_, "id": TYPE}]
    fleet.service.put(f"/wherry/hosts/{host}/report", report)
