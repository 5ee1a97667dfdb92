"""A tree that remembers what was read through it, to be written down as a snapshot.

The snapshot holds exactly the nodes Wherry looks at: replayed, it gives the same facts.
"""

from typing import Final

from wherry.introspect.kernel import OPTIONS, parse_config, unpack
from wherry.introspect.snapshot import FORMAT, Header, Node, node_of_bytes, render_snapshot
from wherry.introspect.tree import ABSENT, MAX_NAMES, Absent, Stat, Tree, is_text
from wherry.model.facts import Unread

PACKED_CONFIG: Final = "/proc/config.gz"
_BOOT_CONFIG: Final = "/boot/config-"
_RELEASE: Final = "/proc/sys/kernel/osrelease"
_MACHINE: Final = "/proc/sys/kernel/arch"


class RecordingTree:
    """Hands every question on to *tree* and keeps the last answer about each node.

    What vanishes while it is read vanishes here too, with all that is below it.

    Args:
        tree: the tree that is recorded.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._stats: dict[str, Stat] = {}
        self._links: dict[str, str] = {}
        self._data: dict[str, tuple[int, bytes]] = {}  # with the limit it was read by
        self._folders: dict[str, frozenset[str]] = {}
        self._unlisted: dict[str, str] = {}  # folders, with why their names cannot be had
        self._errors: dict[str, str] = {}

    def stat(self, path: str) -> Stat | Unread | Absent:
        """Ask, and keep what kind of node it is, of a link also where it leads."""
        found = self._tree.stat(path)
        if found is ABSENT:
            self._forget(path)
        elif isinstance(found, Stat):
            self._stats[path] = found
            if found.kind == "l" and path not in self._links:
                self.readlink(path)
        return found

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        """Ask, and keep that there is a folder; names count once they are looked at."""
        found = self._tree.list(path)
        names = frozenset(found) if isinstance(found, tuple) else frozenset()
        for gone in self._folders.pop(path, frozenset()) - names:
            self._forget(f"{path}/{gone}")
        self._unlisted.pop(path, None)
        if found is ABSENT:
            self._forget(path)
        elif not isinstance(found, Unread) and len(names) <= MAX_NAMES:
            self._folders[path] = names
        elif found != Unread(errno="ENOTDIR"):  # that one: it is no folder
            self._unlisted[path] = found.errno if isinstance(found, Unread) else "E2BIG"
        return found

    def readlink(self, path: str) -> str | Unread | Absent:
        """Ask, and keep the target."""
        found = self._tree.readlink(path)
        if found is ABSENT:
            self._forget(path)
        elif isinstance(found, str):
            self._keep_target(path, found)
        elif found.errno != "EINVAL":  # that one: it is no link
            self._errors[path] = found.errno
        return found

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        """Ask, and keep the content, unless more of it was read before."""
        found = self._tree.read(path, limit)
        if found is ABSENT:
            self._forget(path)
        elif isinstance(found, Unread):
            self._errors[path] = found.errno
            self._data.pop(path, None)
        elif limit >= self._data.get(path, (0, b""))[0]:
            self._data[path] = limit, found
            self._errors.pop(path, None)
        return found

    def _keep_target(self, path: str, target: str) -> None:
        if is_text(target):
            self._links[path] = target
        else:
            self._errors[path] = "EBADMSG"

    def _forget(self, path: str) -> None:
        """Drop a node that has gone; below it are only those its list named."""
        for kept in (self._stats, self._links, self._data, self._errors, self._unlisted):
            kept.pop(path, None)
        for name in self._folders.pop(path, frozenset()):
            self._forget(f"{path}/{name}")

    def nodes(self) -> tuple[Node, ...]:
        """Give what was seen as nodes of a snapshot, none below a link."""
        kept = (self._stats, self._links, self._data, self._folders, self._errors, self._unlisted)
        paths = {path for one in kept for path in one}
        made = (self._node(path) for path in sorted(paths) if is_text(path))
        return tuple(node for node in made if node is not None)

    def _node(self, path: str) -> Node | None:
        seen = self._stats.get(path)
        if path in self._links:
            return Node(p=path, t="l", to=self._links[path])
        if path == PACKED_CONFIG or path.startswith(_BOOT_CONFIG):
            return self._config(path)
        if path in self._data:
            return node_of_bytes(path, self._content(path), seen.mode if seen else None)
        if path in self._folders or path in self._unlisted:
            return Node(p=path, t="d", m=_octal(seen), e=self._unlisted.get(path))
        return _bare_node(path, seen, self._errors.get(path))

    def _content(self, path: str) -> bytes:
        return self._data.get(path, (0, b""))[1]

    def _config(self, path: str) -> Node | None:
        """Keep of a kernel's configuration only the options that are read."""
        data = self._content(path)
        text = unpack(data) if path == PACKED_CONFIG else data.decode("ascii", "replace")
        release = self._content(_RELEASE).decode("utf-8", "replace").strip()
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


def _bare_node(path: str, seen: Stat | None, failed: str | None) -> Node | None:
    """Record what has neither names, target nor content; nothing where only that is known."""
    kind = "f" if seen is None else seen.kind
    if kind == "d":
        return Node(p=path, t="d", m=_octal(seen))
    if kind == "l":
        return Node(p=path, t="l", e=failed or "EINVAL")
    return Node(p=path, t="f", m=_octal(seen), e=failed) if seen is not None or failed else None


def _octal(seen: Stat | None) -> str | None:
    return None if seen is None else f"{seen.mode:04o}"


def _roots(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """Name the folders, three levels deep, below which the nodes are."""
    return tuple(sorted({"/".join(node.p.split("/")[:4]) for node in nodes}))
