"""Whether a device's state can move: what its profile says, a probe's word over it.

Agents report what will work: a kernel without CONFIG_IOMMUFD_DRIVER cannot serve the dirty
tracking that a device says it has.

Source: specification of compatibility, R60 to R62, R66; notes on introspection, 5.5,
findings 28 to 30.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from wherry.model.device import DeviceClass, Migration, Mode
from wherry.model.facts import Host, MigrationProbe, Unread
from wherry.profiles.reading import Look, Missing, read_number
from wherry.profiles.schema import MigrationData, Profile

LIVE: Final[tuple[Mode, ...]] = ("live", "suspend", "cold")
CANNOT: Final = frozenset({"ENOTTY", "EOPNOTSUPP", "ENOTSUP"})
"""What a kernel answers to the probe where the driver has no migration."""
DirtyTracking = Literal["device", "iommu", "none"]


def plan_migration(profile: Profile, look: Look, probes: Sequence[MigrationProbe]) -> Migration:
    """Give the ability to migrate of one type on some devices that are equal."""
    data = _probed(profile.migration, probes)
    return Migration(
        support=data.support,
        flags=data.flags if data.support in {"yes", "disabled"} else UNSET,
        dirty_tracking=_dirty_tracking(data, look.host),
        modes=_modes(data, profile.device_class),
        stop_copy_bytes=_stop_copy_bytes(data, look),
        bytes_per_s=data.bytes_per_s,
    )


def _probed(data: MigrationData, probes: Sequence[MigrationProbe]) -> MigrationData:
    """Let probes override; a device in use could not be asked, and says nothing."""
    told = [p for p in probes if isinstance(p.flags, tuple) or p.flags.errno in CANNOT]
    if not told:
        return data
    if any(isinstance(p.flags, Unread) or not p.flags for p in told):
        return msgspec.structs.replace(data, support="no", flags=UNSET, modes=_no_live(data))
    agreed = set.intersection(*(set(p.flags) for p in told if isinstance(p.flags, tuple)))
    sizes = [p.stop_copy_bytes for p in told if p.stop_copy_bytes is not UNSET]
    return msgspec.structs.replace(
        data,
        support="disabled" if data.support == "disabled" else "yes",
        flags=tuple(flag for flag in ("stop_copy", "p2p", "pre_copy") if flag in agreed),
        modes=data.modes if data.support != "no" else UNSET,
        stop_copy_bytes=max(sizes) if sizes else data.stop_copy_bytes,
    )


def _no_live(data: MigrationData) -> tuple[Mode, ...] | UnsetType:
    if data.modes is UNSET:
        return UNSET
    return tuple(mode for mode in data.modes if mode not in {"live", "suspend"})


def _dirty_tracking(data: MigrationData, host: Host) -> DirtyTracking | UnsetType:
    if data.support not in {"yes", "disabled"} or data.dirty_tracking != "device":
        return data.dirty_tracking if data.support in {"yes", "disabled"} else UNSET
    config = host.kernel_config.get("CONFIG_IOMMUFD_DRIVER")
    if config is None:
        # Nobody knows what the kernel can serve, so nothing is said of it.
        return UNSET
    return "device" if config in {"y", "m"} else "none"


def _modes(data: MigrationData, device_class: DeviceClass) -> tuple[Mode, ...]:
    if data.modes is not UNSET:
        return data.modes
    modes: tuple[Mode, ...] = ("cold",) if data.support == "no" else LIVE
    return (*modes, "replug") if device_class == "network" else modes


def _stop_copy_bytes(data: MigrationData, look: Look) -> int | UnsetType:
    stated = data.stop_copy_bytes
    if data.support not in {"yes", "disabled"} or stated is UNSET:
        return UNSET
    read = stated if isinstance(stated, int) else read_number(stated, look)
    return UNSET if isinstance(read, Missing) else read
