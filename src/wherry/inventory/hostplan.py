"""What a host itself becomes: its own provider, its NUMA nodes, and what needs are held against."""

from collections.abc import Mapping

from msgspec import UNSET

from wherry.inventory.ids import provider_name, provider_uuid
from wherry.inventory.traits import host_traits
from wherry.model.checks import HostFacts
from wherry.model.facts import Device, Host
from wherry.model.inventory import Inventory, PlannedProvider

NUMA_TRAIT = "HW_NUMA_ROOT"


def plan_host_provider(name: str, host: Host) -> PlannedProvider:
    """Give the host's own provider, with what its facts tell of quantities."""
    amounts = {
        "VCPU": UNSET if host.cpu is UNSET else host.cpu.count,
        "MEMORY_MB": host.memory_mb,
        "DISK_GB": host.disk_gb,
    }
    return PlannedProvider(
        uuid=provider_uuid(name),
        name=name,
        traits=host_traits(host),
        inventories={
            class_: Inventory(total=amount, max_unit=amount)
            for class_, amount in amounts.items()
            if isinstance(amount, int) and amount > 0
        },
    )


def plan_numa_providers(name: str, host: Host) -> dict[int, PlannedProvider]:
    """Give a provider for each NUMA node, by the node's number."""
    nodes = () if host.numa is UNSET else host.numa
    return {
        node.id: PlannedProvider(
            uuid=provider_uuid(name, "numa", str(node.id)),
            name=provider_name(name, f"NUMA{node.id}"),
            parent=provider_uuid(name),
            traits=(NUMA_TRAIT,),
        )
        for node in sorted(nodes, key=lambda node: node.id)
    }


def place_of(device: Device, name: str, nodes: Mapping[int, PlannedProvider]) -> str:
    """Give the uuid of the provider that a device hangs below: its node where it is known."""
    if device.numa_node is not UNSET and device.numa_node in nodes:
        return nodes[device.numa_node].uuid
    return provider_uuid(name)


def plan_check(host: Host) -> HostFacts:
    """Give what a guest's needs are held against; texts that no record can hold are left out."""
    return HostFacts(
        arch=host.arch,
        machine_types=host.machine_types,
        cpu_models=host.cpu_models,
        cpu_features=host.cpu_features,
        versions={k: v[:200] for k, v in sorted(host.versions.items()) if v} or UNSET,
    )
