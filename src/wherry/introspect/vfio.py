"""What VFIO shows of a bound device without opening it.

Source: Linux ABI sysfs-devices-vfio-dev (6.1), debugfs-vfio (6.8);
docs/reference/introspection.md, "The host".
"""

from wherry.introspect.tree import ABSENT, Tree, list_names
from wherry.model.facts import Attribute


def read_vfio(tree: Tree, folder: str) -> dict[str, Attribute]:
    """Tell how the device at the real path *folder* is bound to VFIO; empty where it is not.

    ``vfio-dev``: name of its character device's folder.  ``vfio-dev/dev``: ``present`` where
    the kernel makes a character device of it (CONFIG_VFIO_DEVICE_CDEV).
    ``debugfs/migration``: ``present`` where the kernel shows a migration state, which it
    does only for devices that can migrate; the state itself is not read.
    """
    found: dict[str, Attribute] = {}
    names = list_names(tree, f"{folder}/vfio-dev", lambda name: name.startswith("vfio"))
    if isinstance(names, tuple) and names:
        found["vfio-dev"] = names[0]
        if tree.stat(f"{folder}/vfio-dev/{names[0]}/dev") is not ABSENT:
            found["vfio-dev/dev"] = "present"
        debug = f"/sys/kernel/debug/vfio/{folder.rpartition('/')[2]}/migration"
        if isinstance(tree.stat(debug), tuple):
            found["debugfs/migration"] = "present"
    return found
