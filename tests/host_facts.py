"""Facts of hosts for tests: builders with defaults, a test names only what matters to it.

The default devices are those of the kernel's own drivers: mtty's ports, igb's functions.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from wherry.inventory.derive import plan_host
from wherry.model.facts import (
    Attribute,
    Device,
    Facts,
    Host,
    Instance,
    MdevType,
    Module,
    NvidiaVf,
    Report,
    Sriov,
    VgpuType,
)
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.profiles.builtin import builtin_profiles
from wherry.profiles.library import Profiles

STREAM_1_0 = "0CFBC3668084E605BBD06DA"
STREAM_1_1 = "A3D32749F2E581E77F8FD59"
PF = "0000:01:00.0"


def a_report(
    *devices: Device,
    instances: Sequence[Instance] = (),
    host: Host = Host(),  # noqa: B008
    name: str = "host1",
    **fields: Any,
) -> Report:
    """A report of some devices."""
    return Report(
        schema="wherry.report/1",
        host=name,
        boot_id=fields.get("boot_id", "boot-1"),
        sequence=fields.get("sequence", 1),
        observed_at=fields.get("observed_at", "2026-01-01T00:00:00Z"),
        facts=Facts(host=host, devices=devices, instances=tuple(instances)),
    )


def a_plan(
    *devices: Device,
    profiles: Profiles | None = None,
    **fields: Any,
) -> HostPlan:
    """What a report of some devices becomes; arguments as for `a_report`."""
    return plan_host(a_report(*devices, **fields), profiles or builtin_profiles())


def the_provider(plan: HostPlan, device: str) -> PlannedProvider:
    """The only provider of a device."""
    (found,) = [one for one in plan.providers if one.device == device]
    return found


def providers_of(plan: HostPlan, device: str) -> list[PlannedProvider]:
    """All providers of a device, its own first."""
    return [one for one in plan.providers if one.device == device]


def codes_of(plan: HostPlan) -> list[str]:
    """Codes of the findings, sorted."""
    return sorted(one.code for one in plan.findings)


def a_type(type_id: str, available: int | Attribute = 0, **attributes: Attribute) -> MdevType:
    """One type of an mdev parent."""
    count = str(available) if isinstance(available, int) else available
    return MdevType(
        id=type_id,
        attributes={"available_instances": count, "device_api": "vfio-pci", **attributes},
    )


def an_mdev_parent(
    name: str = "mtty", *, types: Iterable[MdevType] = (), driver: str = "mtty", **fields: Any
) -> Device:
    """A virtual device that makes mdevs."""
    return Device(
        name=name,
        bus="virtual",
        role="mdev_parent",
        driver=driver,
        mdev_types=tuple(types),
        **fields,
    )


def an_mtty(*, free: int = 24, **fields: Any) -> Device:
    """mtty's parent with so many ports free."""
    types = (a_type("mtty-1", free), a_type("mtty-2", free // 2))
    return an_mdev_parent(types=types, **fields)


def an_instance(number: int, type_id: str, *, parent: str = "mtty", **fields: Any) -> Instance:
    """An mdev with a uuid made of a number."""
    uuid = f"00000000-0000-4000-8000-{number:012d}"
    return Instance(id=uuid, parent=parent, type=type_id, **fields)


def a_host_with(modules: Mapping[str, Mapping[str, Attribute]] = {}, **fields: Any) -> Host:
    """A host with some modules loaded, such as ``{"mtty": {"srcversion": "…"}}``."""
    return Host(modules={name: Module(**one) for name, one in modules.items()}, **fields)


def a_function(
    name: str = PF,
    *,
    driver: str | None = "vfio-pci",
    vendor: str = "8086",
    device: str = "1572",
    class_: str = "020000",
    attributes: Mapping[str, Attribute] = {},
    **fields: Any,
) -> Device:
    """A PCI function that stands alone in its IOMMU group."""
    ids = {"vendor": f"0x{vendor}", "device": f"0x{device}", "class": f"0x{class_}"}
    return Device(
        name=name,
        bus="pci",
        **{
            "role": "function",
            "driver": UNSET if driver is None else driver,
            "iommu_group": name,
            "attributes": {**ids, "reset_method": "flr bus", **attributes},
            **fields,
        },
    )


def a_pf(name: str = PF, *, vfs: int = 0, total: int = 7, **fields: Any) -> Device:
    """An igb port, with so many VFs on."""
    sriov = Sriov(total=total, enabled=vfs, vfs=tuple(vf_name(name, i) for i in range(vfs)))
    given = {"driver": "igb", "device": "10c9", "role": "pf", "sriov": sriov}
    return a_function(name, **{**given, **fields})


def a_vf(index: int, *, of: str = PF, **fields: Any) -> Device:
    """A VF of an igb port, on vfio-pci."""
    given = {"device": "10ca", "role": "vf", "physfn": of, "vf_index": index}
    return a_function(vf_name(of, index), **{**given, **fields})


def vf_name(pf: str, index: int) -> str:
    """Address of a VF: on the slots behind its PF's."""
    return f"{pf.rpartition(':')[0]}:{0x10 + index // 8:02x}.{index % 8}"


def a_vgpu_vf(index: int, types: Mapping[int, str], current: int = 0, **fields: Any) -> Device:
    """A VF of NVIDIA's vendor VFIO driver with what it could be made now."""
    lines = tuple(VgpuType(number=number, name=name) for number, name in types.items())
    nvidia = NvidiaVf(creatable_types=lines, current_type=str(current))
    given = {"driver": "nvidia", "vendor": "10de", "device": "2335", "class_": "030200"}
    return a_vf(index, nvidia=nvidia, **{**given, **fields})


def a_vgpu(index: int, number: int) -> Instance:
    """The instance that such a VF is."""
    return Instance(id=vf_name(PF, index), parent=PF, type=str(number))
