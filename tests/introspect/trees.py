"""Trees for tests: written down as a dict, or changing while they are read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from wherry.introspect.snapshot import Node, NodeTree, node_of_bytes
from wherry.introspect.tree import Absent, Stat, Tree
from wherry.model.facts import Unread


class Link(NamedTuple):
    """A link and its target."""

    to: str


WRITE_ONLY = object()
FOLDER = object()


def tree_of(nodes: Mapping[str, object]) -> NodeTree:
    """Make a tree: text or bytes for an attribute, Link, Unread, WRITE_ONLY or FOLDER."""
    return NodeTree(_node(path, value) for path, value in nodes.items())


def _node(path: str, value: object) -> Node:
    if isinstance(value, Link):
        return Node(p=path, t="l", to=value.to)
    if isinstance(value, Unread):
        return Node(p=path, t="f", m="0444", e=value.errno)
    if value is WRITE_ONLY:
        return Node(p=path, t="f", m="0200")
    if value is FOLDER:
        return Node(p=path, t="d", m="0755")
    data = value if isinstance(value, bytes) else str(value).encode()
    return node_of_bytes(path, data, 0o444)


def write_tree(tree: NodeTree, folder: Path) -> Path:
    """Make real folders, files and links of a tree's nodes; what failed to read is left out."""
    for node in tree.nodes.values():
        at = folder / node.p.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        if node.t == "d":
            at.mkdir(exist_ok=True)
        elif node.t == "l" and node.to is not None:
            at.symlink_to(node.to)
        elif node.t == "f" and node.e is None:
            at.write_bytes(bytes.fromhex(node.x) if node.x is not None else (node.s or "").encode())
            at.chmod(int(node.m or "0444", 8))
    return folder


class ChangingTree:
    """Asks *before* each question which tree answers it: the world moves while we look."""

    def __init__(self, answers: Callable[[str, str], Tree]) -> None:
        self._answers = answers

    def stat(self, path: str) -> Stat | Unread | Absent:
        return self._answers("stat", path).stat(path)

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        return self._answers("list", path).list(path)

    def readlink(self, path: str) -> str | Unread | Absent:
        return self._answers("readlink", path).readlink(path)

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        return self._answers("read", path).read(path, limit)


MTTY = "/sys/devices/virtual/mtty/mtty"
ONE = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
TWO = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"


def mtty_nodes(
    *, made: Mapping[str, str] | None = None, left: tuple[int, int] = (24, 12)
) -> dict[str, object]:
    """The nodes of an mtty parent: *made* is uuid to type id, *left* the two counts."""
    nodes: dict[str, object] = {
        "/sys/class/mdev_bus/mtty": Link("../../devices/virtual/mtty/mtty"),
        f"{MTTY}/subsystem": Link("../../../../class/mtty"),
    }
    for type_id, count in zip(("mtty-1", "mtty-2"), left, strict=True):
        folder = f"{MTTY}/mdev_supported_types/{type_id}"
        nodes |= {
            f"{folder}/available_instances": f"{count}\n",
            f"{folder}/create": WRITE_ONLY,
            f"{folder}/device_api": "vfio-pci\n",
            f"{folder}/devices": FOLDER,
            f"{folder}/name": f"{type_id} name\n",
        }
    for uuid, type_id in (made or {}).items():
        nodes |= {
            f"{MTTY}/{uuid}/mdev_type": Link(f"../mdev_supported_types/{type_id}"),
            f"{MTTY}/{uuid}/driver": Link("../../../../../bus/mdev/drivers/mtty"),
            f"{MTTY}/{uuid}/remove": WRITE_ONLY,
            f"{MTTY}/mdev_supported_types/{type_id}/devices/{uuid}": Link(f"../../../{uuid}"),
            f"/sys/bus/mdev/devices/{uuid}": Link(f"../../../devices/virtual/mtty/mtty/{uuid}"),
        }
    return nodes


PF = "/sys/devices/pci0000:00/0000:00:03.0/0000:01:00.0"


def function_nodes(folder: str = PF, **attributes: str) -> dict[str, object]:
    """The nodes of a PCI function: its link on the bus, and attributes as text."""
    name = folder.rpartition("/")[2]
    nodes: dict[str, object] = {
        f"/sys/bus/pci/devices/{name}": Link(f"../../..{folder.removeprefix('/sys')}"),
        f"{folder}/vendor": "0x8086\n",
        f"{folder}/device": "0x10c9\n",
        f"{folder}/class": "0x020000\n",
    }
    return nodes | {f"{folder}/{key}": f"{value}\n" for key, value in attributes.items()}
