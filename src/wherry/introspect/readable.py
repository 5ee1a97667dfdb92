"""What a live tree may read: nothing that wakes a device, blocks, or is a command.

Discovery asks for named attributes only (the lists in the modules beside this one).  This
is the second lock: a live tree asks here before it opens a file, so that neither a profile
that points at an attribute nor a driver's odd file can make Wherry open the wrong one.

Source: docs/reference/introspection.md, "Never read".
"""

import re

_ROOTS = ("/sys/",)
_FILES = frozenset(
    {
        "/proc/config.gz",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/sys/kernel/arch",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/kernel/random/boot_id",
    }
)
_KERNEL_CONFIG = re.compile(r"/boot/config-[A-Za-z0-9_.+~-]+", re.ASCII)

# Wakes: config, rom, current_link_*; blocks: vpd, msi_irqs; the rest are commands or memory.
_NEVER = re.compile(
    r"config|vpd|rom|resource\d+(_wc)?|resource\d*_resize|current_link_(speed|width)|aer_\w+"
    r"|remove|rescan|reset|create|bind|unbind|new_id|remove_id|drivers_probe|uevent_helper"
    r"|compact|probe|doe_features",
    re.ASCII,
)
_NEVER_BELOW = frozenset({"msi_irqs", "p2pmem", "of_node"})
_DEBUG_ONLY = "/sys/kernel/debug/vfio/"


def is_readable(path: str) -> bool:
    """Tell whether the attribute at the real path *path* may be opened for reading."""
    if path in _FILES or _KERNEL_CONFIG.fullmatch(path):
        return True
    if not path.startswith(_ROOTS):
        return False
    if path.startswith("/sys/kernel/debug/") and not path.startswith(_DEBUG_ONLY):
        return False
    *folders, name = path.split("/")
    return not _NEVER.fullmatch(name) and _NEVER_BELOW.isdisjoint(folders)
