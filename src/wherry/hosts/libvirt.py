"""What libvirt says, as XML text: from a folder of files, or asked of ``virsh``.

Read-only connections only (``virsh -r``): nothing is created, started or defined.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wherry.hosts.children import ask
from wherry.hosts.snapshot import read_text_file
from wherry.introspect.sides import VERSIONS
from wherry.model.errors import InvalidFile

MAX_FILES: Final = 20_000
MAX_BYTES: Final = 16 * 1024 * 1024
_SUFFIXES = (".xml", ".json", ".jsonl")
_CAPABILITIES = ("mdev_types", "mdev", "pci")

Ask = Callable[[tuple[str, ...]], str | None]


def read_side_files(folder: Path) -> Mapping[str, str]:
    """Read what lies beside a recording: XML of libvirt, JSON of mdevctl, vdpa and devlink.

    Files directly in the folder and in the folders in it, by their name; of a name that
    is there twice, the outer one.

    Raises:
        InvalidFile: no folder, too many files, or one that cannot be read as text.
    """
    if not folder.is_dir():
        raise InvalidFile("is no folder: name one that holds libvirt's XML", file=str(folder))
    found = [
        one
        for pattern in ("*/*", "*")
        for one in sorted(folder.glob(pattern))
        if (one.suffix in _SUFFIXES or one.name == VERSIONS) and one.is_file()
    ]
    if len(found) > MAX_FILES:
        message = f"holds {len(found)} files, more than {MAX_FILES}: name the folder of one host"
        raise InvalidFile(message, file=str(folder))
    return {one.name: read_text_file(one, limit=MAX_BYTES) for one in found}


def ask_virsh(ask_one: Ask = ask) -> Mapping[str, str]:
    """Ask the local libvirt for capabilities, domain capabilities and node devices.

    Empty where there is no ``virsh`` or no daemon; each silent answer is left out.

    Args:
        ask_one: runs one command; a test gives its own.
    """
    capabilities = ask_one(("virsh", "-r", "capabilities"))
    if capabilities is None:
        return {}
    asked = {
        "capabilities.xml": capabilities,
        "domcapabilities.xml": ask_one(("virsh", "-r", "domcapabilities")),
        VERSIONS: ask_one(("virsh", "-r", "version", "--daemon")),
    }
    for name in sorted(_device_names(ask_one)):
        asked[f"{name}.xml"] = ask_one(("virsh", "-r", "nodedev-dumpxml", name))
    return {name: text for name, text in asked.items() if text}


def _device_names(ask_one: Ask) -> set[str]:
    names: set[str] = set()
    for capability in _CAPABILITIES:
        listed = ask_one(("virsh", "-r", "nodedev-list", "--cap", capability)) or ""
        # A name becomes an argument: what looks like an option is none of libvirt's.
        names |= {n for line in listed.split("\n") if (n := line.strip()) and n[0] != "-"}
    return names
