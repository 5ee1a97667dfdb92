"""What NVIDIA's library says of its GPUs, as ``nvidia-smi -q -x`` prints it.

The library is not asked from here: it is absent without the driver and can hang with a
broken one, so its own tool asks it in a child process with a time limit.  Modes are state of
the driver that sysfs does not show: MIG, the host's vGPU mode, sizes mixed on one board.
Values are kept whole ("Not Supported" contains "Supported"), and ``N/A`` is absent.

Source: NVML; docs/reference/introspection.md, "Programs beside sysfs".
"""

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import structs

from wherry.introspect.address import parse_address
from wherry.introspect.xml import parse_xml, text_of
from wherry.model.errors import InvalidFile
from wherry.model.facts import Attribute, Facts

FILE: Final = "nvidia-smi.xml"
KEPT: Final = (
    "product_name",
    "product_architecture",
    "vbios_version",
    "gsp_firmware_version",
    "mig_mode/current_mig",
    "mig_mode/pending_mig",
    "ecc_mode/current_ecc",
    "gpu_virtualization_mode/virtualization_mode",
    "gpu_virtualization_mode/host_vgpu_mode",
    "gpu_virtualization_mode/vgpu_heterogeneous_mode",
    "vgpu_device_capability/fractional_multiVgpu",
    "vgpu_device_capability/heterogeneous_timeslice_profile",
    "vgpu_device_capability/heterogeneous_timeslice_sizes",
    "fb_memory_usage/total",
)
"""What is kept of a GPU, by path: kinds and modes, no serial numbers, loads or temperatures."""

_NONE = frozenset({"", "N/A", "[N/A]"})


def add_nvidia_smi(facts: Facts, files: Mapping[str, str]) -> Facts:
    """Add ``nvidia-smi/<path>`` to the functions that are GPUs, and the driver's version.

    Args:
        facts: a GPU that is not among them is left out.
        files: text by file name; all but ``nvidia-smi.xml`` are left alone.

    Raises:
        InvalidFile: no whole XML, or not of this tool.
    """
    if not files.get(FILE, "").strip():
        return facts
    # The tool's own document type names a file that is never read; entities are refused.
    root = parse_xml(files[FILE], file=FILE, doctype=True)
    if root.tag != "nvidia_smi_log":
        message = f"<{root.tag}> is not what nvidia-smi -q -x writes"
        raise InvalidFile(message, file=FILE)
    gpus = {parse_address(one.get("id", "")): _said(one) for one in root.iterfind("gpu")}
    driver = text_of(root, "driver_version")
    versions = {"nvidia": driver} if driver not in _NONE else {}
    return structs.replace(
        facts,
        host=structs.replace(facts.host, versions={**versions, **facts.host.versions}),
        devices=tuple(
            structs.replace(one, attributes={**gpus[one.name], **one.attributes})
            if one.name in gpus
            else one
            for one in facts.devices
        ),
    )


def _said(gpu: Element) -> dict[str, Attribute]:
    found = {path: text_of(gpu, path) for path in KEPT}
    return {f"nvidia-smi/{path}": text for path, text in found.items() if text not in _NONE}
