"""A tree that remembers what was read through it, to be written down as a snapshot.

The snapshot holds exactly the nodes Wherry looks at: replayed, it gives the same facts.
"""

from typing import Final

from wherry.introspect.kernel import OPTIONS, parse_config, unpack
from wherry.introspect.snapshot import FORMAT, Header, Node, node_of_bytes, render_snapshot
from wherry.introspect.tree import Absent, Stat, Tree, is_text
from wherry.model.facts import Unread

PACKED_CONFIG: Final = "/proc/config.gz"
_BOOT_CONFIG: Final = "/boot/config-"
_RELEASE: Final = "/proc/sys/kernel/osrelease"
_MACHINE: Final = "/proc/sys/kernel/arch"


class RecordingTree:
    """Hands every question on to *tree* and keeps the last answer about each node.

    Args:
        tree: the tree that is recorded.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._stats: dict[str, Stat] = {}
        self._links: dict[str, str] = {}
        self._data: dict[str, bytes] = {}
        self._folders: set[str] = set()
        self._errors: dict[str, str] = {}

    def stat(self, path: str) -> Stat | Unread | Absent:
        """Ask, and keep what kind of node it is, of a link also where it leads."""
        found = self._tree.stat(path)
        if isinstance(found, Stat):
            self._stats[path] = found
            if found.kind == "l" and path not in self._links:
                self.readlink(path)
        return found

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        """Ask, and keep that there is a folder; names count once they are looked at."""
        found = self._tree.list(path)
        if isinstance(found, tuple):
            self._folders.add(path)
        elif isinstance(found, Unread):
            self._errors[path] = found.errno
        return found

    def readlink(self, path: str) -> str | Unread | Absent:
        """Ask, and keep the target."""
        found = self._tree.readlink(path)
        if isinstance(found, str) and is_text(found):
            self._links[path] = found
        elif isinstance(found, str):
            self._errors[path] = "EBADMSG"
        elif isinstance(found, Unread) and found.errno != "EINVAL":  # that one: it is no link
            self._errors[path] = found.errno
        return found

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        """Ask, and keep the longest content read."""
        found = self._tree.read(path, limit)
        if isinstance(found, bytes):
            self._data[path] = max(found, self._data.get(path, b""), key=len)
        elif isinstance(found, Unread):
            self._errors[path] = found.errno
        return found

    def nodes(self) -> tuple[Node, ...]:
        """Give what was seen as nodes of a snapshot, none below a link."""
        paths = {*self._stats, *self._links, *self._data, *self._folders, *self._errors}
        made = (self._node(path) for path in sorted(paths) if is_text(path))
        return tuple(node for node in made if node is not None)

    def _node(self, path: str) -> Node | None:
        seen = self._stats.get(path)
        if path in self._links:
            return Node(p=path, t="l", to=self._links[path])
        if path == PACKED_CONFIG or path.startswith(_BOOT_CONFIG):
            return self._config(path)
        if path in self._data:
            return node_of_bytes(path, self._data[path], seen.mode if seen else None)
        return _bare_node(path, seen, self._errors.get(path), is_folder=path in self._folders)

    def _config(self, path: str) -> Node | None:
        """Keep of a kernel's configuration only the options that are read."""
        data = self._data.get(path, b"")
        text = unpack(data) if path == PACKED_CONFIG else data.decode("ascii", "replace")
        release = self._data.get(_RELEASE, b"").decode("utf-8", "replace").strip()
        kept = parse_config(text) if text and release else {}
        if not kept:
            return None
        lines = [f"# {o} is not set" if kept[o] == "n" else f"{o}={kept[o]}" for o in OPTIONS]
        return Node(p=f"{_BOOT_CONFIG}{release}", t="f", m="0444", s="\n".join(lines) + "\n")


def render_recording(recording: RecordingTree, *, note: str = "", machine: str = "") -> str:
    """Write down what was read through *recording* as the text of a snapshot.

    Args:
        recording: the tree, after everything was read through it.
        note: what the header says of it.
        machine: what the header names where the kernel does not publish it (before 6.1).
    """
    nodes = recording.nodes()
    said = {node.p: (node.s or "").strip() for node in nodes if node.p in {_RELEASE, _MACHINE}}
    header = Header(
        format=FORMAT,
        kernel=said.get(_RELEASE),
        machine=said.get(_MACHINE) or machine or None,
        roots=_roots(nodes),
        note=note,
    )
    return render_snapshot(header, nodes)


def _bare_node(path: str, seen: Stat | None, failed: str | None, *, is_folder: bool) -> Node | None:
    mode = None if seen is None else f"{seen.mode:04o}"
    if is_folder or (seen is not None and seen.kind == "d"):
        return Node(p=path, t="d", m=mode, e=failed if not is_folder else None)
    if seen is not None and seen.kind == "l":
        return Node(p=path, t="l", e=failed or "EINVAL")
    return Node(p=path, t="f", m=mode, e=failed) if seen is not None or failed else None


def _roots(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """Name the folders, three levels deep, below which the nodes are."""
    return tuple(sorted({"/".join(node.p.split("/")[:4]) for node in nodes}))
