"""The host's own facts as branches: kernel, processors, memory, NUMA, IOMMU, modules."""

from collections.abc import Iterator

from wherry.cli.branches import Branch, leaf
from wherry.introspect.words import ranges
from wherry.model.facts import Cpu, Host, Module, NumaNode

_FEW = 6


def host_branches(host: Host) -> Iterator[Branch]:
    """Say what a host told of itself, one line a subject; what nobody told is left out.

    An IOMMU nobody told of is said, since devices depend on it.
    """
    yield leaf(f"kernel {host.kernel or 'unknown'}{f', {host.arch}' if host.arch else ''}")
    if isinstance(host.cpu, Cpu):
        yield leaf(_cpu(host.cpu))
    if isinstance(host.memory_mb, int):
        yield leaf(f"memory {host.memory_mb} MB")
    for node in host.numa or ():
        yield leaf(_node(node))
    yield leaf(f"IOMMU {'not told' if not isinstance(host.iommu, bool) else _on(host.iommu)}")
    yield from _lists(host)
    if host.kernel_config:
        said = ", ".join(f"{k.removeprefix('CONFIG_')} {v}" for k, v in host.kernel_config.items())
        yield leaf(f"kernel configuration {said}")
    if host.modules:
        yield Branch("modules", tuple(_module(k, v) for k, v in host.modules.items()))
    machine = [host.dmi.get(name) for name in ("sys_vendor", "product_name", "bios_version")]
    if any(isinstance(one, str) for one in machine):
        yield leaf("machine " + ", ".join(one for one in machine if isinstance(one, str) and one))


def _cpu(cpu: Cpu) -> str:
    count = f"{cpu.count} online" if isinstance(cpu.count, int) else ""
    flags = f"{len(cpu.flags)} flags" if cpu.flags else ""
    parts = [cpu.vendor or "", cpu.model_name or "", count, flags]
    return "CPU " + ", ".join(part for part in parts if part)


def _node(node: NumaNode) -> str:
    cpus = "CPUs unknown"
    if isinstance(node.cpus, tuple):
        cpus = f"CPUs {ranges(node.cpus)}" if node.cpus else "no CPUs"
    memory = f", {node.memory_mb} MB" if isinstance(node.memory_mb, int) else ""
    far = f", distances {' '.join(map(str, node.distances))}" if node.distances else ""
    return f"NUMA node {node.id}: {cpus}{memory}{far}"


def _on(yes: bool) -> str:
    return "on" if yes else "off"


def _lists(host: Host) -> Iterator[Branch]:
    for name, values in (("machine types", host.machine_types), ("CPU models", host.cpu_models)):
        if isinstance(values, tuple):
            few = ", ".join(values[:_FEW])
            more = f" and {len(values) - _FEW} more" if len(values) > _FEW else ""
            yield leaf(f"{len(values)} {name if len(values) != 1 else name[:-1]}: {few}{more}")
    others = {k: v for k, v in host.versions.items() if k != "kernel"}
    if others:
        yield leaf("versions " + ", ".join(f"{k} {v}" for k, v in sorted(others.items())))


def _module(name: str, module: Module) -> Branch:
    said = {
        "version": module.version,
        "srcversion": module.srcversion,
        "taint": module.taint or "",
        **module.parameters,
    }
    words = [f"{key} {value}" for key, value in said.items() if isinstance(value, str) and value]
    return leaf(", ".join([name, *words]))
