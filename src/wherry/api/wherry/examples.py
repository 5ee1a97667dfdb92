"""Bodies for people to read: shown by OpenAPI and the page of calls.

Each is a JSON value; a test reads every one as the type of its route.
"""

from typing import Any

_GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
_PROVIDER = "a3c1e5d0-7b42-4f0e-8d6b-51f2a9c4e001"
_TARGET = "a3c1e5d0-7b42-4f0e-8d6b-51f2a9c4e002"
_ROOT = "a3c1e5d0-7b42-4f0e-8d6b-51f2a9c4e000"
_MIGRATION = "0d5e7a3c-2b1f-4c9d-8e6a-77b0f1c2d301"

REPORT: dict[str, Any] = {
    "schema": "wherry.report/1",
    "host": "node-17",
    "boot_id": "6b1f6f0e-8f4e-4a52-9c0e-2f6a4d1b7c11",
    "sequence": 41,
    "observed_at": "2026-11-22T10:15:00Z",
    "facts": {
        "host": {"arch": "x86_64", "kernel": "6.12.57", "iommu": True},
        "devices": [
            {
                "name": "mtty",
                "bus": "virtual",
                "role": "mdev_parent",
                "driver": "mtty",
                "mdev_types": [
                    {
                        "id": "mtty-2",
                        "attributes": {"available_instances": "12", "device_api": "vfio-pci"},
                    }
                ],
            }
        ],
    },
}
REPORT_ANSWER: dict[str, Any] = {
    "host": "node-17",
    "outcome": "stored",
    "sequence": 41,
    "generation": 3,
    "providers": 2,
    "findings": [],
}
JOBS: dict[str, Any] = {
    "jobs": [
        {
            "id": f"{_MIGRATION}.1.target",
            "host": "node-18",
            "migration": _MIGRATION,
            "token": 1,
            "side": "target",
            "deadline": 1795342510.0,
            "wait_s": 10.0,
            "guest": _GUEST,
            "slots": {
                "serial0": {"provider": _TARGET, "device_parent": "mtty", "type": "mtty/mtty-2"}
            },
        }
    ]
}
JOB_ANSWER: dict[str, Any] = {"token": 1, "side": "target", "ok": True}
HOSTS: dict[str, Any] = {
    "hosts": [
        {
            "name": "node-17",
            "state": "enabled",
            "labels": {"rack": "r3"},
            "observed_at": "2026-11-22T10:15:00Z",
            "last_seen": "2026-11-22T10:20:00Z",
            "generation": 3,
            "providers": 2,
            "guests": 1,
            "findings": 0,
        }
    ]
}
FLEET: dict[str, Any] = {
    "names": ["mtty"],
    "kinds": [
        {
            "driver": "mtty",
            "types": ["mtty/mtty-1", "mtty/mtty-2"],
            "features": [],
            "pools": [{"name": "CUSTOM_MTTY_PORT", "capacity": 24}],
            "note": None,
        }
    ],
    "hosts": [
        {
            "name": "node-17",
            "state": "enabled",
            "labels": {"rack": "r3"},
            "devices": [[0, 0, [2]]],
        }
    ],
}
TYPES: dict[str, Any] = {
    "types": [{"type": "mtty/mtty-1", "kinds": ["mdev"], "providers": 1, "hosts": 1}]
}
COMPOSITION_REQUEST: dict[str, Any] = {
    "uuid": "5b0f4a7e-2c1d-4e8b-9a6f-0d3c7b1e2f01",
    "name": "pair",
    "parts": [{"type": "mtty/mtty-2", "count": 2}],
}
COMPOSITION: dict[str, Any] = {
    "uuid": "5b0f4a7e-2c1d-4e8b-9a6f-0d3c7b1e2f01",
    "provider": _PROVIDER,
    "host": "node-17",
    "name": "pair",
    "type": "composed/pair",
    "resource_class": "CUSTOM_COMPOSED_PAIR",
    "count": 1,
    "parts": [{"type": "mtty/mtty-2", "units": {"CUSTOM_MTTY_PORT": 2}, "count": 2}],
    "units": {"CUSTOM_MTTY_PORT": 4},
    "description": "composed/pair = 2 x mtty/mtty-2 CUSTOM_MTTY_PORT:2",
}
HOST_PATCH: dict[str, Any] = {"state": "maintenance", "labels": {"rack": "r3", "old": None}}
AGGREGATE: dict[str, Any] = {"tenants": ["alpha", "beta"]}
GROUP: dict[str, Any] = {"policy": "anti-affinity", "most": 1, "guests": [_GUEST]}
CHANGES: dict[str, Any] = {
    "cursor": "812",
    "changes": [
        {"kind": "use", "ref": _TARGET, "generation": 7},
        {"kind": "migration", "ref": _MIGRATION, "generation": 2},
    ],
    "reload": False,
}
LINTS: dict[str, Any] = {
    "lints": [
        {
            "type": "acme/a1",
            "first": "node-17_0000:41:00.0",
            "other": "node-18_0000:41:00.0",
            "reasons": [
                {
                    "code": "LINT_FEATURE_ADDED",
                    "severity": "warn",
                    "stage": "filter",
                    "rule": "R26",
                    "detail": {"feature": "ray-tracing"},
                }
            ],
        }
    ]
}
PACK: dict[str, Any] = {
    "id": "vendor-2026-11",
    "rows": [
        {
            "id": "no-way-back-from-550",
            "types": ["nvidia/*"],
            "compare": {"host_branch": "ge"},
            "severity": "no",
            "because": "the vendor supports no move to an older branch",
        }
    ],
}
GUEST: dict[str, Any] = {
    "host": "node-17",
    "tenant": "alpha",
    "needs": {"arch": "x86_64"},
    "resources": {"VCPU": 4, "MEMORY_MB": 8192},
    "slots": {"serial0": {"provider": _PROVIDER, "type": "mtty/mtty-2"}},
}
REBOOT: dict[str, Any] = {"kind": "new_process"}
PLUG: dict[str, Any] = {
    "slot": "serial1",
    "device": {"provider": _PROVIDER, "type": "mtty/mtty-1"},
}
UNPLUG_STEP: dict[str, Any] = {"token": 1, "slot": "nic0"}
PLUG_STEP: dict[str, Any] = {"token": 1, "slot": "nic0", "where": "target"}
UNPLUG: dict[str, Any] = {"slot": "serial1"}
TARGETS: dict[str, Any] = {
    "policy": {"mode": "live"},
    "member_of": ["5e08ea53-c4c6-448e-9334-ac4953de3cfa"],
    "limit": 5,
    "remedies": True,
}
TARGETS_ANSWER: dict[str, Any] = {
    "guest": _GUEST,
    "source": "node-17",
    "targets": [
        {
            "host": "node-18",
            "root": _ROOT,
            "verdict": "ok",
            "accepted": True,
            "score": 1.75,
            "mapping": [
                {
                    "slot": "serial0",
                    "offer": 0,
                    "mode": "live",
                    "verdict": "ok",
                    "reasons": [],
                    "configure": {},
                }
            ],
            "providers": [_TARGET],
            "facts": {_TARGET: 2},
        }
    ],
    "total": 1,
    "refused": {
        "count": 61,
        "by_reason": {"NO_OFFER": 48, "CAPACITY": 11, "STATE_FORMAT_OLDER": 2},
        "remedies": [
            {
                "relax": [{"what": "room"}],
                "hosts": 11,
                "examples": ["node-20", "node-21", "node-24"],
                "labels": {"rack": {"7": 9, "8": 2}},
                "sentence": "free room on the devices there: 11 hosts",
            }
        ],
    },
}
QUERY_ANSWER: dict[str, Any] = {
    "guest": _GUEST,
    "source": "node-17",
    "microversion": "1.39",
    "query": "/allocation_candidates?resources=VCPU:2"
    "&resources_serial0=CUSTOM_MTTY_PORT:1"
    "&required_serial0=CUSTOM_WHERRY_2DFTKQ5ZV6M3XN7YHB4LCWEO"
    "&group_policy=none",
    "resources": {"VCPU": 2},
    "groups": [
        {
            "slot": "serial0",
            "suffix": "_serial0",
            "mode": "live",
            "resources": {"CUSTOM_MTTY_PORT": 1},
            "parts": [
                {
                    "rules": "R10-R12",
                    "how": "all",
                    "words": "serves mdev vfio-pci mtty/mtty-1",
                    "traits": ["CUSTOM_WHERRY_2DFTKQ5ZV6M3XN7YHB4LCWEO"],
                }
            ],
        }
    ],
    "rest": [{"rules": "R47", "words": "policy packs"}],
}
MIGRATION: dict[str, Any] = {"guest": _GUEST, "target": "node-18", "policy": {"mode": "live"}}
TOKEN: dict[str, Any] = {"token": 1}
RENEW: dict[str, Any] = {"token": 1, "lease_s": 600}
FINISH: dict[str, Any] = {"token": 1, "outcome": "finished"}
ABORT: dict[str, Any] = {"token": 1, "note": "the operator changed their mind"}
CHECK: dict[str, Any] = {
    "contract": {
        "schema": "wherry.device/1",
        "record": "contract",
        "consumer": _GUEST,
        "slot": "gpu0",
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"version": "1.0"},
        "features": ["X"],
        "migration": {"support": "yes"},
    },
    "offer": {
        "schema": "wherry.device/1",
        "record": "offer",
        "provider": _PROVIDER,
        "generation": 1,
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"supports": "2.0"},
        "features": {"Y": {}},
        "migration": {"support": "yes"},
    },
}
CHECK_ANSWER: dict[str, Any] = {
    "verdict": "no",
    "accepted": False,
    "modes": {"live": "no", "suspend": "no", "cold": "ok", "replug": "no"},
    "reasons": [
        {
            "code": "VERSION_MAJOR",
            "severity": "no",
            "stage": "filter",
            "rule": "R20",
            "detail": {"wanted": "1.0", "offered": "2.0"},
        },
        {
            "code": "FEATURE_MISSING",
            "severity": "no",
            "stage": "filter",
            "rule": "R30",
            "detail": {"feature": "X"},
        },
    ],
    "configure": {},
    "downtime_ms": None,
}
DEVICE_REQUEST: dict[str, Any] = {
    "alternatives": [
        {"vendor_id": "10de", "product_id": "20b0", "device_type": "type-PCI"},
        {"resource_class": "CUSTOM_BIG_GPU", "traits": ["CUSTOM_A100"]},
    ],
    "numa_policy": "preferred",
}
CANDIDATES: dict[str, Any] = {
    "resources": {"VCPU": 4, "MEMORY_MB": 8192},
    "required": ["HW_CPU_X86_AVX"],
    "devices": [{"name": "gpu", "count": 1}],
    "limit": 1,
}
CANDIDATES_ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "host": "node-18",
            "root": _ROOT,
            "score": 0.5,
            "numa": "one",
            "parts": [
                {
                    "group": "",
                    "request": None,
                    "provider": _ROOT,
                    "provider_name": "node-18",
                    "resources": {"MEMORY_MB": 8192, "VCPU": 4},
                    "device": None,
                    "addresses": [],
                },
                {
                    "group": "_gpu_0",
                    "request": "gpu",
                    "provider": _TARGET,
                    "provider_name": "node-18_0000:81:00.0",
                    "resources": {"CUSTOM_PCI_10DE_20B0": 1},
                    "device": "0000:81:00.0",
                    "addresses": ["0000:81:00.0"],
                },
            ],
            "allocations": {
                _ROOT: {"MEMORY_MB": 8192, "VCPU": 4},
                _TARGET: {"CUSTOM_PCI_10DE_20B0": 1},
            },
            "mappings": {"": [_ROOT], "_gpu_0": [_TARGET]},
            "query": 0,
        }
    ],
    "considered": 64,
    "is_all": False,
    "queries": [
        "resources=MEMORY_MB:8192,VCPU:4&required=HW_CPU_X86_AVX"  # noqa: ISC004, one query
        "&root_required=!COMPUTE_STATUS_DISABLED&resources_gpu_0=CUSTOM_PCI_10DE_20B0:1"
    ],
    "counts": [],
    "notes": [
        "device request gpu, alternative 2: nothing here is counted in CUSTOM_BIG_GPU",
    ],
    "claimed": None,
}
HEALTH: dict[str, Any] = {"status": "ok"}
READY: dict[str, Any] = {"ready": True, "checks": {"store": "ok", "running": "ok"}}
