"""The host has what the guest needs of it: architecture, machine type, CPU, software.

The CPU is asked early, together with the devices.

Source: docs/reference/compat.md, R63, R67 and R68; section 10.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET

from wherry.compat.conditions import at_least
from wherry.compat.table import Finding, cause
from wherry.model.checks import HostFacts, Needs

RULES: Final = ("R63", "R67", "R68")

_ARCH = cause("ARCH")
_MACHINE_TYPE = cause("MACHINE_TYPE")
_TOO_OLD = cause("STACK_TOO_OLD")
_CPU_MODEL = cause("CPU_MODEL")
_CPU_FEATURE = cause("CPU_FEATURE_MISSING")
# A guest that is shut down may boot on another CPU and another QEMU, not on another machine.
_ABSENT = cause("HOST_FACT_ABSENT", modes="LS")
_ABSENT_COLD_TOO = cause("HOST_FACT_ABSENT", modes="LSC")


def check(needs: Needs, host: HostFacts) -> list[Finding]:
    """Name all that the host lacks or does not state."""
    return [*_machine(needs, host), *_cpu(needs, host), *_software(needs, host)]


def _machine(needs: Needs, host: HostFacts) -> Iterator[Finding]:
    if needs.arch is not UNSET:
        if host.arch is UNSET:
            yield _ABSENT_COLD_TOO, {"fact": "arch", "wanted": needs.arch}
        elif host.arch != needs.arch:
            yield _ARCH, {"wanted": needs.arch, "offered": host.arch}
    if needs.machine_type is not UNSET:
        if host.machine_types is UNSET:
            yield _ABSENT_COLD_TOO, {"fact": "machine_types", "wanted": needs.machine_type}
        elif needs.machine_type not in host.machine_types:
            yield _MACHINE_TYPE, {"wanted": needs.machine_type, "offered": host.machine_types}


def _cpu(needs: Needs, host: HostFacts) -> Iterator[Finding]:
    if needs.cpu_model is not UNSET:
        if host.cpu_models is UNSET:
            yield _ABSENT, {"fact": "cpu_models", "wanted": needs.cpu_model}
        elif needs.cpu_model not in host.cpu_models:
            yield _CPU_MODEL, {"wanted": needs.cpu_model, "offered": host.cpu_models}
    if needs.cpu_features:
        if host.cpu_features is UNSET:
            yield _ABSENT, {"fact": "cpu_features", "wanted": needs.cpu_features}
        else:
            has = frozenset(host.cpu_features)
            for feature in needs.cpu_features:
                if feature not in has:
                    yield _CPU_FEATURE, {"feature": feature}


def _software(needs: Needs, host: HostFacts) -> Iterator[Finding]:
    versions = host.versions or {}
    for component, wanted in (needs.min_versions or {}).items():
        offered = versions.get(component)
        enough = None if offered is None else at_least(offered, wanted)
        if enough is None:
            yield _ABSENT, {"fact": f"versions.{component}", "wanted": wanted, "offered": offered}
        elif not enough:
            yield _TOO_OLD, {"component": component, "wanted": wanted, "offered": offered}
