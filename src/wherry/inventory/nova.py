"""The names that nova-compute gives to the providers of devices.

``HOST_0000:3B:00.0``, in capitals, for PCI devices: a function, or a PF for all its VFs together;
``HOST_pci_0000_81_00_0`` for parents of vGPUs, which are also VFs, after the node devices of
libvirt (``HOST_mtty_mtty`` for what is on no bus).

Source: Nova, "PCI passthrough" and "Virtual GPU" of its administrator's guide; libvirt, node
devices.
"""

import re

from msgspec import UNSET

from wherry.model.inventory import PlannedProvider


def device_names(host: str, device: str) -> set[str]:
    """Give the names that Nova has for one device of a host."""
    plain = re.sub("[:.]", "_", device)
    names = device, device.upper(), f"pci_{plain}", f"{plain}_{plain}"
    return {f"{host}_{name}" for name in names}


def provider_names(host: str, provider: PlannedProvider) -> set[str]:
    """Give the names that Nova has for the devices of a provider: itself, and its VFs."""
    own = () if provider.device is UNSET else (provider.device,)
    devices = (*own, *provider.slots, *provider.parents)
    return {name for device in devices for name in device_names(host, device)}
