"""Device facts: what a host says about itself and its devices, and the report that carries them.

Every attribute is a value, absent, or an errno, and the three are kept apart all the way:
a field or key that is left out is absent, :class:`Unread` says that reading failed, and
:class:`Binary` holds bytes that are no text.  Unknown is never 0.

Facts only: nothing here says what a fact means.  Profiles do.

Source: design, section 3; notes on introspection of a real kernel (Linux 6.12).
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

HostName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}\Z")]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
SlotName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")]
Time = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})\Z"
    ),
]
Count = Annotated[int, Meta(ge=0)]


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all facts: frozen, unknown fields refused, absent fields left out."""


class Unread(Fact, frozen=True, kw_only=True, tag_field="is", tag="unread"):
    """An attribute that exists and could not be read: the errno's name, such as ``EINVAL``."""

    errno: Annotated[str, Meta(pattern=r"^E[A-Z0-9]{1,30}\Z")]


class Binary(Fact, frozen=True, kw_only=True, tag_field="is", tag="binary"):
    """An attribute whose bytes are not UTF-8, in hex (at most 64 KiB of them)."""

    hex: Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*\Z")]


Attribute = str | Unread | Binary
"""What reading one attribute gave: text without its last newline, or why there is none."""

Number = int | Unread
"""A number, or the errno with which reading it failed; absent is the field left out."""


class MdevType(Fact, frozen=True, kw_only=True):
    """One type that an mdev parent says it can make, with its attributes as read."""

    id: str
    attributes: dict[str, Attribute] = {}
    """``available_instances``, ``device_api``, ``name``, ``description`` and whatever else the
    driver publishes there, each as read."""
    creatable: bool | UnsetType = UNSET
    """Whether ``create`` is there and can be written; it is never written to find out."""


class Sriov(Fact, frozen=True, kw_only=True):
    """SR-IOV of a physical function: ``total`` > 0 and ``enabled`` 0 means "SR-IOV off"."""

    total: Number
    enabled: Number
    vf_device: Attribute | UnsetType = UNSET
    """Device id that VFs have, four hex digits without prefix; known before any VF exists."""
    vfs: tuple[str, ...] = ()
    """Addresses of the VFs in the order of their index."""


class VgpuType(Fact, frozen=True, kw_only=True):
    """A line of ``creatable_vgpu_types``."""

    number: Count
    name: str


class NvidiaVf(Fact, frozen=True, kw_only=True):
    """What NVIDIA's vendor VFIO driver says on a VF (no mdev bus there)."""

    creatable_types: tuple[VgpuType, ...] | Unread = ()
    """As listed now; shrinks with the siblings."""
    current_type: Attribute | UnsetType = UNSET
    """``0`` where none is set."""


class MigrationProbe(Fact, frozen=True, kw_only=True):
    """What the kernel answered to a read-only VFIO feature probe of an unassigned device."""

    flags: tuple[Literal["stop_copy", "p2p", "pre_copy"], ...] | Unread
    stop_copy_bytes: Count | UnsetType = UNSET


class Device(Fact, frozen=True, kw_only=True):
    """One device of a host: a PCI function, or the parent of mdevs that is no PCI function."""

    name: str
    """Name in sysfs: a PCI address in normal form (``0000:3b:00.0``), or the driver's name."""
    bus: Literal["pci", "virtual", "css", "ap", "vdpa", "other"]
    path: str | UnsetType = UNSET
    """Real path below the root it was read from."""
    role: Literal["function", "pf", "vf", "mdev_parent", "vdpa"]
    """``pf`` has SR-IOV; ``vf`` belongs to ``physfn``; ``function`` is any other PCI function."""
    driver: str | UnsetType = UNSET
    """Bound driver; absent is unbound."""
    physfn: str | UnsetType = UNSET
    vf_index: Count | UnsetType = UNSET
    numa_node: int | UnsetType = UNSET
    """Node of the nearest ancestor that states one; absent where that is -1 or nobody does."""
    iommu_group: str | UnsetType = UNSET
    iommu_group_type: Attribute | UnsetType = UNSET
    shares_iommu_group: tuple[str, ...] = ()
    """Other functions (no bridges) in the same IOMMU group: they move together."""
    attributes: dict[str, Attribute] = {}
    """vendor, device, subsystem_vendor, subsystem_device, class, revision, reset_method,
    driver_override, migration_version, …: each as read, paths relative to the device."""
    sriov: Sriov | UnsetType = UNSET
    mdev_types: tuple[MdevType, ...] | UnsetType = UNSET
    """Empty where the parent lists none; absent where the device is no mdev parent."""
    nvidia: NvidiaVf | UnsetType = UNSET
    probe: MigrationProbe | UnsetType = UNSET
    leaving: tuple[str, ...] = ()
    """Instances that are being removed: off the bus already, still counted as used."""
    settled: bool = True
    """False where instances and counts kept changing while they were read: offers nothing."""


class Instance(Fact, frozen=True, kw_only=True):
    """One thing made of a type on this host: an mdev, or a VF with a vGPU type set."""

    id: str
    """mdev uuid in lower case, or the VF's address."""
    parent: str
    type: str
    driver: str | UnsetType = UNSET
    iommu_group: str | UnsetType = UNSET
    attributes: dict[str, Attribute] = {}
    probe: MigrationProbe | UnsetType = UNSET


class Module(Fact, frozen=True, kw_only=True):
    """Identity of a loaded module; neither field is a promise of compatibility."""

    version: Attribute | UnsetType = UNSET
    srcversion: Attribute | UnsetType = UNSET
    taint: Attribute | UnsetType = UNSET
    """``O`` out of tree, ``E`` unsigned, ``P`` proprietary, …; empty is none."""
    parameters: dict[str, Attribute] = {}


class NumaNode(Fact, frozen=True, kw_only=True):
    """One NUMA node: its CPUs as numbers, memory, and distances to the online nodes in order."""

    id: Count
    cpus: tuple[int, ...] | UnsetType = UNSET
    memory_mb: Count | UnsetType = UNSET
    distances: tuple[int, ...] = ()


class Cpu(Fact, frozen=True, kw_only=True):
    """The processors, as the kernel names them."""

    vendor: str | UnsetType = UNSET
    model_name: str | UnsetType = UNSET
    flags: tuple[str, ...] = ()
    count: Count | UnsetType = UNSET


class Host(Fact, frozen=True, kw_only=True):
    """What a host says of itself; lists are absent where no source told them."""

    arch: str | UnsetType = UNSET
    kernel: str | UnsetType = UNSET
    cpu: Cpu | UnsetType = UNSET
    memory_mb: Count | UnsetType = UNSET
    disk_gb: Count | UnsetType = UNSET
    numa: tuple[NumaNode, ...] | UnsetType = UNSET
    machine_types: tuple[str, ...] | UnsetType = UNSET
    cpu_models: tuple[str, ...] | UnsetType = UNSET
    """Usable ones only, from libvirt's domain capabilities."""
    cpu_features: tuple[str, ...] | UnsetType = UNSET
    """Features a guest can have: libvirt's host CPU, else the kernel's flags."""
    versions: dict[str, str] = {}
    """Component (``kernel``, ``qemu``, ``libvirt``, …) to version text."""
    modules: dict[str, Module] = {}
    iommu: bool | UnsetType = UNSET
    """Whether an IOMMU is on; absent where it could not be told."""
    kernel_config: dict[str, str] = {}
    """CONFIG_IOMMUFD, CONFIG_IOMMUFD_DRIVER, …: ``y``, ``m`` or ``n``; decide migrations."""
    dmi: dict[str, Attribute] = {}


class Difference(Fact, frozen=True, kw_only=True):
    """Two sources said different things; the first one's word was taken."""

    device: str
    attribute: str
    taken: str
    """What sysfs says."""
    other: str
    source: str


class Facts(Fact, frozen=True, kw_only=True):
    """All that one look at a host gave."""

    host: Host = Host()
    devices: tuple[Device, ...] = ()
    instances: tuple[Instance, ...] = ()
    differences: tuple[Difference, ...] = ()


class RunningSlot(Fact, frozen=True, kw_only=True):
    """One device of a running guest, as its host sees it."""

    device: str
    """mdev uuid or PCI address on the host."""
    guest_address: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    """Interface version that the guest has negotiated, where the driver tells."""
    blockers: tuple[str, ...] | UnsetType = UNSET
    """What keeps it from being moved now; left out: nobody looked."""


class RunningGuest(Fact, frozen=True, kw_only=True):
    """One guest that runs on the host; ``process`` changes when its QEMU process does."""

    consumer: Uuid
    process: str
    """Opaque identity of the QEMU process, such as pid and start time."""
    slots: dict[SlotName, RunningSlot] = {}


class Report(Fact, frozen=True, kw_only=True):
    """``wherry.report/1``: one look at a host, facts only.

    *Equal* is the same digest of ``facts`` and ``guests``; *older* is the same boot with a
    lower sequence, or a boot that another one has followed.

    Source: design, section 3.
    """

    schema: Literal["wherry.report/1"]
    host: HostName
    boot_id: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,64}\Z")]
    sequence: Count
    observed_at: Time
    facts: Facts
    guests: tuple[RunningGuest, ...] | None = None
    """Those that run now; None, or left out: nobody could tell."""
