"""Lines that say why a migration failed: one row for each, with what it means.

A row's pattern is searched in a line; its group ``device`` names what the line speaks of: a
place in the guest, a vfio device, a device model.  Where several rows match one line, the first
counts.  What is only an echo of a failure elsewhere is told apart from a cause.

Source: QEMU 10.0 and its older versions, libvirt, Nova: their messages; recordings of real
failures with QEMU 10.0.13 (docs/reference/explain.md).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["cause", "echo"]
Side = Literal["source", "target", "either"]

_VFIO: Final = r"(?P<device>[0-9A-Za-z:.-]+): "
_PLACE: Final = r"(?P<device>[0-9A-Za-z:./_-]+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One line that is known.

    Attributes:
        id: how answers name the row.
        kind: ``echo`` where the cause stands in another log.
        side: in whose log the line stands.
        pattern: searched in a line.
        codes: reasons by which a check would have said so before; empty where none would.
        cause: what happened, a sentence.
        remedy: what to do, a sentence.
    """

    id: str
    kind: Kind = "cause"
    side: Side
    pattern: re.Pattern[str]
    codes: tuple[str, ...] = ()
    cause: str
    remedy: str


def _sign(
    id_: str,
    side: Side,
    pattern: str,
    cause: str,
    remedy: str,
    *codes: str,
    kind: Kind = "cause",
) -> Sign:
    return Sign(
        id=id_,
        kind=kind,
        side=side,
        pattern=re.compile(pattern),
        codes=codes,
        cause=cause,
        remedy=remedy,
    )


SIGNS: Final[tuple[Sign, ...]] = (
    _sign(
        "device-state-refused",
        "target",
        rf"error while loading state (?:section id \d+\({_PLACE}/vfio\)"
        rf"|for instance 0x[0-9a-f]+ of device '{_PLACE.replace('device', 'other')}/vfio')",
        "The target's driver refused the state of this device, which is made for another type, "
        "version or stream format.",
        "Compare the contract with the target's offer (wherry check), and choose a target whose "
        "driver loads the source's state format.",
        "TYPE_MISMATCH",
        "VERSION_MAJOR",
        "VERSION_MINOR_OLDER",
        "STATE_FORMAT_MAJOR",
        "STATE_FORMAT_MINOR_OLDER",
        "STATE_FORMAT_NOT_EQUAL",
        "STATE_FORMAT_OLDER",
        "STATE_FORMAT_NOT_ACCEPTED",
        "STATE_FORMAT_OUT_OF_RANGE",
        "STATE_TAG_UNKNOWN",
    ),
    _sign(
        "device-not-there",
        "target",
        rf"Unknown (?:savevm )?section or instance '{_PLACE}/vfio'",
        "The stream has a device at this place of the guest, and the prepared target has none "
        "there: it is missing, or it was given another address.",
        "Prepare the target with the device at the guest's own address; state the address in "
        "the contract.",
        "GUEST_ADDRESS",
        "MAPPING",
    ),
    _sign(
        "model-not-there",
        "target",
        rf"Unknown (?:savevm )?section or instance '{_PLACE}'",
        "The stream has a device model that the target was started without.",
        "Start the target with the same devices at the same addresses, on the same machine type.",
        "MACHINE_TYPE",
    ),
    _sign(
        "driver-cannot",
        "either",
        rf"{_VFIO}VFIO migration is not supported in kernel",
        "The kernel driver of this device cannot move its state.",
        "Bind the device to a driver that can migrate (a variant driver of vfio-pci), or move "
        "the guest by shutting it down, or by replug if it is a NIC.",
        "MIGRATION_UNSUPPORTED",
    ),
    _sign(
        "driver-cannot-old",
        "either",
        rf"(?:{_VFIO})?VFIO device doesn't support migration",
        "The kernel driver of this device cannot move its state in the way that this QEMU asks.",
        "Bind the device to a driver that can migrate, with a QEMU of the same interface "
        "(version 2 of VFIO migration since QEMU 8.0).",
        "MIGRATION_UNSUPPORTED",
    ),
    _sign(
        "migration-disabled",
        "either",
        rf"{_VFIO}Migration is disabled for VFIO device",
        "The guest was started with enable-migration=off for this device.",
        "Start the guest anew with enable-migration=auto or on; until then it can only be shut "
        "down and moved.",
        "MIGRATION_DISABLED",
    ),
    _sign(
        "postcopy",
        "source",
        rf"(?:{_VFIO})?VFIO migration is not supported with postcopy migration",
        "Post-copy was asked for, and the guest has a vfio device.",
        "Migrate without post-copy (libvirt: no VIR_MIGRATE_POSTCOPY; Nova: "
        "live_migration_permit_post_copy = false).",
        "POSTCOPY_REQUESTED",
    ),
    _sign(
        "peer-to-peer",
        "source",
        "Multiple VFIO devices migration is supported only if all of them support P2P migration"
        "|Migration is currently not supported with multiple VFIO devices",
        "The guest has several vfio devices, and not all of them can stop peer-to-peer traffic.",
        "Use drivers that have the P2P states for all of the guest's devices, or detach all but "
        "one of them before the move.",
        "P2P_REQUIRED",
    ),
    _sign(
        "dirty-tracking",
        "source",
        rf"{_VFIO}(?:Failed to get DMA logging report|Failed to start DMA logging)"
        "|ram_save_setup failed: Operation not supported",
        "Nobody can track what this device writes to memory while the guest runs: the host's "
        "kernel serves no device dirty tracking.",
        "Use a host kernel with CONFIG_IOMMUFD_DRIVER or an IOMMU that tracks, or let the "
        "hypervisor take all pages as dirty (x-device-dirty-page-tracking=off).",
        "DIRTY_TRACKING_ABSENT",
    ),
    _sign(
        "viommu",
        "source",
        "Migration is currently not supported with vIOMMU enabled",
        "The guest has a virtual IOMMU in front of a vfio device.",
        "Start the guest without the virtual IOMMU, or move it by shutting it down.",
        "BLOCKER",
    ),
    _sign(
        "device-error",
        "either",
        rf"{_VFIO}(?:Failed setting device state to \w+|Device in error state)",
        "The driver refused to change the state of this device.",
        "Look for the driver's own words in the kernel log of this host at that time, then "
        "reset the device.",
    ),
    _sign(
        "hostdev-forbidden",
        "source",
        r"domain has assigned non-USB host devices"
        r"|cannot migrate a domain with <hostdev mode='subsystem' type='(?P<device>\w+)'>",
        "This libvirt moves no guest that has a host device.",
        "Use a libvirt that passes VFIO migration on to QEMU (8.6 or newer), or detach the "
        "device before the move.",
        "MIGRATION_UNSUPPORTED",
    ),
    _sign(
        "cpu",
        "target",
        r"[Gg]uest CPU doesn't match specification: missing features: (?P<device>[\w.,-]+)"
        r"|host doesn't support requested feature: (?P<other>.+)"
        r"|Unacceptable CPU info|CPU is incompatible with host CPU",
        "The target's processor lacks what the guest was given.",
        "Choose a target with the CPU model and features of the guest, or pin a model that all "
        "hosts of the cluster have.",
        "CPU_MODEL",
        "CPU_FEATURE_MISSING",
    ),
    _sign(
        "machine-type",
        "target",
        r"unsupported machine type:? '?(?P<device>[\w.-]+)'?"
        r"|Machine type received is '(?P<other>[\w.-]+)' and local is '[\w.-]+'",
        "The target's QEMU does not have the guest's machine type, or was started with another.",
        "Choose a target whose QEMU has the machine type, or shut the guest down and give it a "
        "machine type that both have.",
        "MACHINE_TYPE",
        "STACK_TOO_OLD",
    ),
    _sign(
        "virtio-features",
        "target",
        r"Features 0x[0-9a-f]+ unsupported\. Allowed features: 0x[0-9a-f]+",
        "A virtio device of the guest uses features that the target does not offer.",
        "Use the same versions of QEMU, vhost backend and host kernel on both ends, or a "
        "machine type that masks the difference.",
        "FEATURE_MISSING",
    ),
    _sign(
        "memory-size",
        "target",
        r"Length mismatch: (?P<device>[\w./:-]+): 0x[0-9a-f]+ in != 0x[0-9a-f]+",
        "A region of memory has another size on the target: other firmware, other option ROM, "
        "or another amount of memory.",
        "Start the target with the same sizes, and the same firmware and ROM files.",
    ),
    _sign(
        "no-host",
        "either",
        r"No valid host was found|NoValidHost",
        "The scheduler found no host for the guest.",
        "Ask for the targets with every reason: wherry targets GUEST --explain.",
        kind="echo",
    ),
    _sign(
        "load-failed",
        "target",
        r"load of migration failed: (?P<device>[A-Z][\w /]+)",
        "The target's QEMU gave up loading the stream; the line above it says at which device.",
        "Read the lines of the same process just before this one.",
        kind="echo",
    ),
    _sign(
        "not-a-stream",
        "target",
        "Not a migration stream",
        "The source gave up before it had sent the head of the stream.",
        "Read the source's log of the same moment: the cause stands there.",
        kind="echo",
    ),
    _sign(
        "broken-pipe",
        "source",
        r"Unable to write to socket: (?:Broken pipe|Connection reset by peer)"
        r"|failed to save SaveStateEntry with id\(name\): \d+\((?P<device>[\w./:-]+)\): -\d+"
        r"|unexpectedly closed the monitor",
        "The other end went away; the guest runs on where it was.",
        "Read the target's QEMU log (libvirt: /var/log/libvirt/qemu/GUEST.log there) and its "
        "kernel log of the same moment.",
        kind="echo",
    ),
)
