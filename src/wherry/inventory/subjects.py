"""A device as a profile meets it: what its driver is, where its types come from.

Source: notes on introspection, 5.6 ("detection"), findings 6, 7, 10.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from msgspec import UNSET

from wherry.model.facts import Attribute, Device, Facts, Host, Instance
from wherry.profiles.library import Profiles
from wherry.profiles.reading import Look, firmware_of, ids_of
from wherry.profiles.schema import Profile

_HEX = re.compile(r"[0-9a-f]{1,8}", re.ASCII)


@dataclass(frozen=True)
class Subject:
    """One device with its PF (itself where it is no VF) and the profile that covers it."""

    host: Host
    device: Device
    parent: Device
    types_from: str
    driver: str
    """Bound driver, or what the ids of its types begin with; empty where there is none."""
    profile: Profile | None

    @property
    def name(self) -> str:
        """Its name in sysfs."""
        return self.device.name

    @property
    def assigned_driver(self) -> str:
        """Driver that serves a guest: a host's own lets the device go for it."""
        stated = UNSET if self.profile is None else self.profile.assigned_driver
        return self.driver if stated is UNSET else stated

    def look(self, type_attributes: dict[str, Attribute]) -> Look:
        """Open it for reading, with the attributes of one of its types."""
        return Look(
            host=self.host,
            device=self.device,
            parent=self.parent,
            driver=self.driver,
            type_attributes=type_attributes,
        )


@dataclass(frozen=True)
class Scene:
    """All subjects of a host, by what belongs together."""

    facts: Facts
    profiles: Profiles

    @cached_property
    def devices(self) -> dict[str, Device]:
        """Devices by name."""
        return {device.name: device for device in self.facts.devices}

    @cached_property
    def instances(self) -> dict[str, tuple[Instance, ...]]:
        """Instances by the name of their parent, each in the order of ids."""
        found: dict[str, list[Instance]] = {}
        for instance in sorted(self.facts.instances, key=lambda one: one.id):
            found.setdefault(instance.parent, []).append(instance)
        return {parent: tuple(several) for parent, several in found.items()}

    @cached_property
    def roots(self) -> tuple[Device, ...]:
        """Devices that are no VF of another one here, in order."""
        return tuple(d for d in sorted(self.facts.devices, key=device_order) if not self._pf(d))

    def vfs_of(self, pf: Device) -> tuple[Device, ...]:
        """Give the VFs of a PF in the numeric order of their addresses."""
        return self._vfs.get(pf.name, ())

    def subject(self, device: Device) -> Subject:
        """Look a device's profile up."""
        driver, source = self._driver(device), types_from(device)
        return Subject(
            host=self.facts.host,
            device=device,
            parent=self._pf(device) or device,
            types_from=source,
            driver=driver,
            profile=self.profiles.find(source, match_facts(device, self.facts.host, driver)),
        )

    @cached_property
    def _vfs(self) -> dict[str, tuple[Device, ...]]:
        found: dict[str, list[Device]] = {}
        for device in sorted(self.facts.devices, key=device_order):
            pf = self._pf(device)
            if pf is not None:
                found.setdefault(pf.name, []).append(device)
        return {pf: tuple(several) for pf, several in found.items()}

    def _pf(self, device: Device) -> Device | None:
        if device.role != "vf" or device.physfn is UNSET:
            return None
        return self.devices.get(device.physfn)

    def _driver(self, device: Device) -> str:
        if device.driver is not UNSET:
            return device.driver
        for instance in self.instances.get(device.name, ()):
            if instance.driver is not UNSET:
                return instance.driver
        types = () if device.mdev_types is UNSET else device.mdev_types
        prefixes = {one.id.partition("-")[0] for one in types}
        return prefixes.pop() if len(prefixes) == 1 else ""


def types_from(device: Device) -> str:
    """Say where a device's types come from: the vendor's list, the mdev bus, or itself."""
    if device.nvidia is not UNSET:
        return "creatable"
    if device.mdev_types is not UNSET:
        return "mdev"
    return "function" if device.bus in {"pci", "vdpa"} else device.role


def match_facts(device: Device, host: Host, driver: str) -> dict[str, str]:
    """Give what a profile's match may ask of a device; what is not known is left out."""
    module = host.modules.get(driver.replace("-", "_"))
    facts: dict[str, object] = {"driver": driver, "bus": device.bus, "role": device.role}
    facts |= ids_of(device) | {"firmware": firmware_of(device)}
    if module is not None:
        facts |= {"version": module.version, "srcversion": module.srcversion}
    facts |= {f"@{path}": value for path, value in device.attributes.items()}
    return {key: value for key, value in facts.items() if isinstance(value, str)}


def device_order(device: Device) -> tuple[object, ...]:
    """Order devices by bus, then by the numbers in their names (``0a`` is hex on PCI)."""
    return device.bus, *name_order(device.name)


def name_order(name: str) -> tuple[tuple[int, str], ...]:
    """Order names part by part: PCI addresses as numbers, anything else as text."""
    parts = name.replace(".", ":").split(":")
    return tuple((int(part, 16), "") if is_hex(part) else (-1, part) for part in parts)


def is_hex(text: str) -> bool:
    """Tell whether a part of an address is a number."""
    return _HEX.fullmatch(text) is not None
