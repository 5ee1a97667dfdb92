"""Documents that hold every field of the Schema, and what can be done to spoil them."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

Json = Any
Path = tuple[str | int, ...]

UUID = "00000000-0000-4000-8000-00000000000a"
MIGRATION = {
    "support": "yes", "flags": ["stop_copy", "p2p"], "dirty_tracking": "device",
    "modes": ["live", "cold"], "stop_copy_bytes": 1024, "bytes_per_s": 1, "blockers": ["cuda"],
}  # fmt: skip
IDENTITY = {
    "schema": "wherry.device/1", "kind": "mdev", "device_api": "vfio-pci", "type": "acme/a",
    "device_class": "display", "description": "num_heads: 4", "model": "acme/a;1",
    "parent": {
        "vendor": "10de", "device": "1", "subvendor": "2", "subdevice": "3", "revision": "a1",
        "driver": "acme", "driver_version": "1.2", "firmware": "3", "address": "0000:01:00.0",
    },
    "units": {"CUSTOM_FB_MB": 4}, "migration": MIGRATION,
    "composition": [{"type": "a/b", "units": {"VGPU": 0}, "count": 1}],
    "env": {"host_os": "el 9"}, "assumed": ["migration", "params.ecc"],
}  # fmt: skip
CONTRACT = {
    **IDENTITY, "record": "contract", "consumer": UUID, "slot": "gpu0", "keep": True,
    "pinned_at": "2026-02-28T23:59:59.5+01:00", "guest_address": "0000:00:01.0",
    "interface": {"policy": "semver", "version": "1.0"}, "features": ["x", "y"],
    "params": {"ecc": True, "heads": 4, "mode": "a", "kinds": ["b", "b"], "lost": None},
    "state": {"policy": "exact", "emits": "1", "tags": {"t": "required", "u": "optional"}},
}  # fmt: skip
OFFER = {
    **IDENTITY, "record": "offer", "provider": UUID, "generation": 3,
    "observed_at": "2024-02-29T00:00:00Z",
    "also_types": ["acme/b", {"kind": "vf", "type": "acme/c"}],
    "interface": {"policy": "range", "supports": {"min": "1", "max": "2"}},
    "features": {"x": {"maskable": False, "guest_visible": True}, "y": {}},
    "params": {
        "ecc": {"type": "bool", "rule": "eq", "value": True, "severity": "warn"},
        "heads": {"type": "int", "rule": "in", "value": 4, "allowed": [1, "2-8"], "settable": True,
                  "off_value": 1},
        "slice": {"type": "int", "qos": True, "value": 2},
        "caps": {"type": "mask", "rule": "subset", "value": "0xff", "bits": {"0": "sym"}},
        "kinds": {"type": "set", "value": ["b"], "off_value": []},
    },
    "constraints": [
        {"name": "c", "if": {"ecc": {"eq": True, "in": [True, "1-3"]}},
         "then": {"heads": {"ge": 1, "le": "2.0"}}}
    ],
    "pools": {"CUSTOM_FB_MB": {"total": 16, "reserved": 0, "used": 4, "provider": UUID}},
    "exclusive": {"by": "heads", "in_use": [4, True, "a"]},
    "positions": {"places": ["0:4", "4:4"], "taken": ["0:1"]},
    "state": {"policy": "accepts", "accepts": ["1", "2"], "emits": None, "tags": ["t"]},
}  # fmt: skip
PACK = {
    "id": "p", "version": "1", "expires": "2028-02-29",
    "rows": [
        {"id": "r", "types": ["acme/*"], "when": {"source.os": {"eq": "el"}},
         "require": {"target.branch": {"in": ["1"]}}, "compare": {"branch": "ge", "os": "eq"},
         "severity": "warn", "because": "tested"},
    ],
}  # fmt: skip
POLICY = {
    "mode": "suspend", "accept": ["ok", "unknown"], "postcopy": True, "allow_untracked_dma": False,
    "downtime": {"budget_ms": 0, "bytes_per_s": 1, "strict": True}, "offer_generation": 3,
    "replug": ["nic0"], "guest_address": "0000:00:01.0", "guest_addresses": {"gpu0": "a"},
    "packs": [PACK], "probe": "last_resort",
}  # fmt: skip
NEEDS = {
    "arch": "x86_64", "machine_type": "q35", "cpu_model": "EPYC", "cpu_features": ["avx2"],
    "min_versions": {"qemu": "8.1"},
}  # fmt: skip
HOST = {
    "arch": "x86_64", "machine_types": ["q35", "q35"], "cpu_models": ["EPYC"],
    "cpu_features": ["avx2"], "versions": {"qemu": "9.0"},
}  # fmt: skip
OUTCOME = {"source": "read", "target": "EACCES", "write": None}
CHECK = {"contract": CONTRACT, "offer": OFFER, "source_offer": OFFER, "policy": POLICY}
GUEST = {
    "guest": {"contracts": [CONTRACT], "needs": NEEDS},
    "target": {"offers": [OFFER], "host": HOST},
    "policy": POLICY,
}
LINT = {"before": OFFER, "after": {**OFFER, "features": None, "type": None}}

STRANGE: tuple[Json, ...] = (
    None, True, False, 0, 1, -1, 1.0, 1.5, 2**63 - 1, 2**63, 10**30,
    "", "a", "1", "no", "é", "a b", "a\n", "A" * 101, "é" * 201, "x" * 4097,
    "0x1", "1-8", "vfio-pci", "EINVAL", "read", "replug",
    "2026-02-30T00:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01t00:00:00z", "2025-02-29",
    [], ["a"], ["a", "a"], [1, "a"], [None], {}, {"a": 1}, {"a": None}, {"min": "1"}, {"eq": 1},
    {"kind": "vf", "type": "a"},
)  # fmt: skip
"""Values that are right in some places and wrong in most."""
KEYS = ("unknown", "schema", "a b", "", "a\n", "é", "x" * 101, "x" * 256, "CUSTOM_X", "source.x")

Spoil = Callable[[], Json]


def places(document: Json, path: Path = ()) -> Iterator[Path]:
    """All places in a document, the whole of it first."""
    yield path
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            yield from places(document[key], (*path, key))


def at(document: Json, path: Path) -> Json:
    """What stands at a place."""
    for key in path:
        document = document[key]
    return document


def put(document: Json, path: Path, value: Json) -> Json:
    """The document with another value at a place."""
    if not path:
        return value
    changed = json.loads(json.dumps(document))  # nothing is shared within it
    at(changed, path[:-1])[path[-1]] = value
    return changed


def without(document: Json, path: Path) -> Json:
    """The document without what stands at a place."""
    changed = json.loads(json.dumps(document))  # nothing is shared within it
    del at(changed, path[:-1])[path[-1]]
    return changed


def spoils(document: Json, path: Path) -> Iterator[Spoil]:
    """Every way that is known here to change one thing at a place."""
    for value in STRANGE:
        yield partial(put, document, path, value)
    if path:
        yield partial(without, document, path)
    here = at(document, path)
    if isinstance(here, dict):
        for key in KEYS:
            yield partial(put, document, (*path, key), next(iter(here.values()), "a"))
    elif isinstance(here, list) and here:
        yield partial(put, document, path, [*here, here[0]])
    elif isinstance(here, str):
        for value in (here + "\n", " " + here, here.swapcase()):
            yield partial(put, document, path, value)
