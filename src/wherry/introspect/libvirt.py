"""libvirt's capabilities and domain capabilities: machine types, CPU models, versions, NUMA.

libvirt names CPU features beside a model that implies more, so the features a guest can
have are those plus the kernel's flags.

Source: libvirt, formatcaps and formatdomaincaps.
"""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from msgspec import UNSET, UnsetType

from wherry.introspect.tree import parse_number
from wherry.introspect.xml import attribute_of, text_of
from wherry.model.facts import Cpu, Host, NumaNode

_VERSION = re.compile(
    r"(?:Using library: libvirt|Running hypervisor: QEMU|Running against daemon:)"
    r" ([0-9]+(?:\.[0-9]+)*)"
)


def host_of_capabilities(root: Element) -> Host:
    """Read the ``<capabilities>`` of a connection."""
    arch = text_of(root, "host/cpu/arch")
    cpu, iommu = root.find("host/cpu"), attribute_of(root, "host/iommu", "support")
    cells = [_cell(one) for one in root.iterfind("host/topology/cells/cell")]
    return Host(
        arch=arch or UNSET,
        cpu=_cpu(cpu),
        cpu_features=_features(cpu) if cpu is not None else UNSET,
        numa=tuple(one for one in cells if one is not None) if cells else UNSET,
        machine_types=_machines(root, arch),
        iommu=UNSET if iommu not in {"yes", "no"} else iommu == "yes",
    )


def host_of_domain_capabilities(roots: Iterable[Element]) -> Host:
    """Read ``<domainCapabilities>`` documents, one for each machine type or emulator asked.

    Models are those that at least one of them calls usable.
    """
    models: set[str] = set()
    machines: set[str] = set()
    features: set[str] = set()
    arches: set[str] = set()
    for root in roots:
        arches |= {text_of(root, "arch")} - {""}
        machines |= {text_of(root, "machine")} - {""}
        models |= set(_usable(root))
        features |= set(_features(root.find("cpu/mode[@name='host-model']")))
    return Host(
        arch=arches.pop() if len(arches) == 1 else UNSET,
        machine_types=tuple(sorted(machines)) or UNSET,
        cpu_models=tuple(sorted(models)) or UNSET,
        cpu_features=tuple(sorted(features)) or UNSET,
    )


def parse_versions(text: str) -> dict[str, str]:
    """Read the versions of libvirt and QEMU from what ``virsh version --daemon`` prints."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        said = _VERSION.match(line.strip())
        if said:
            found["qemu" if "QEMU" in line else "libvirt"] = said[1]
    return found


def _usable(root: Element) -> list[str]:
    cpu = root.find("cpu")
    if cpu is None:
        return []
    custom = cpu.find("mode[@name='custom']")
    models = [] if custom is None else custom.findall("model[@usable='yes']")
    return [one.text.strip() for one in models if one.text]


def _features(cpu: Element | None) -> tuple[str, ...]:
    features = [] if cpu is None else cpu.findall("feature")
    named = {one.get("name", "") for one in features if one.get("policy") != "disable"}
    return tuple(sorted(named - {""}))


def _cpu(cpu: Element | None) -> Cpu | UnsetType:
    vendor, model = text_of(cpu, "vendor"), text_of(cpu, "model")
    return Cpu(vendor=vendor or UNSET, model_name=model or UNSET) if vendor or model else UNSET


def _machines(root: Element, arch: str) -> tuple[str, ...] | UnsetType:
    names = {
        (machine.text or "").strip()
        for guest in root.iterfind("guest/arch")
        if not arch or guest.get("name") == arch
        for machine in guest.iter("machine")
    }
    return tuple(sorted(names - {""})) or UNSET


def _cell(cell: Element) -> NumaNode | None:
    number = parse_number(cell.get("id", ""))
    if not isinstance(number, int) or number < 0:
        return None
    memory = parse_number(text_of(cell, "memory"))
    cpus = [parse_number(one.get("id", "")) for one in cell.iterfind("cpus/cpu")]
    far = [parse_number(one.get("value", "")) for one in cell.iterfind("distances/sibling")]
    return NumaNode(
        id=number,
        cpus=tuple(sorted(n for n in cpus if isinstance(n, int))),
        memory_mb=memory // 1024 if isinstance(memory, int) and memory >= 0 else UNSET,
        distances=tuple(n for n in far if isinstance(n, int)),
    )
