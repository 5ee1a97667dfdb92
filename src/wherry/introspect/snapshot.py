"""``wherry-sysfs-snapshot/1``: a recorded tree as text, and the tree it stands for.

The first line is a header; each further line is one node, sorted by path.  Folders that
only appear inside longer paths are there too, without a line of their own.

Source: ``docs/reference/snapshot-format.md``.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from wherry.introspect.tree import ABSENT, Absent, Stat
from wherry.model import strictjson
from wherry.model.errors import InvalidFile, InvalidRequest
from wherry.model.facts import Unread

FORMAT: Final = "wherry-sysfs-snapshot/1"
_RELEASE: Final = "/proc/sys/kernel/osrelease"
_MACHINE: Final = "/proc/sys/kernel/arch"

NodePath = Annotated[str, Meta(pattern=r"^(/[^/]+)+$", max_length=4096)]
Errno = Annotated[str, Meta(pattern=r"^E[A-Z0-9]{1,30}$")]


class Header(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line; ``nodes`` is the number of lines that follow.  Other keys are ignored."""

    format: Literal["wherry-sysfs-snapshot/1"]
    kernel: str | None = None
    machine: str | None = None
    roots: tuple[str, ...] = ()
    skipped_dirs: tuple[str, ...] = ()
    note: str = ""
    nodes: Annotated[int, Meta(ge=0)] | None = None


class Node(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One node; a file with none of ``s``, ``x``, ``e`` was not read."""

    p: NodePath
    t: Literal["d", "l", "f"]
    to: str | None = None
    m: Annotated[str, Meta(pattern=r"^[0-7]{1,5}$")] | None = None
    s: str | None = None
    x: Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$")] | None = None
    e: Errno | None = None


class _Broken(InvalidFile):
    """A snapshot that cannot be taken; the message ends with what to do."""

    def __init__(self, message: str, *, file: str, line: int) -> None:
        super().__init__(f"{message}; record it again, or name another file", file=file, line=line)


class NodeTree:
    """A tree made of nodes: a snapshot that was read, or what a test wrote down.

    Args:
        nodes: unlike in path, and none below a link or a file (:func:`parse_snapshot` checks).
        note: what the header says of the recording.
    """

    def __init__(self, nodes: Iterable[Node], *, note: str = "") -> None:
        self.note = note
        self.nodes: Mapping[str, Node] = {node.p: node for node in nodes}
        self._names = _names_by_folder(self.nodes)

    def stat(self, path: str) -> Stat | Unread | Absent:
        """Tell what is recorded at *path*; a folder with no line has mode 0755."""
        node = self.nodes.get(path)
        if node is None:
            return Stat("d", 0o755) if path in self._names else ABSENT
        mode = {"d": 0o755, "l": 0o777, "f": 0o444}[node.t] if node.m is None else int(node.m, 8)
        return Stat(node.t, mode & 0o7777)

    def list(self, path: str) -> tuple[str, ...] | Unread | Absent:
        """Name what is recorded in the folder *path*."""
        node = self.nodes.get(path)
        if node is not None and node.t != "d":
            return Unread(errno="ENOTDIR")
        if node is not None and node.e is not None:
            return Unread(errno=node.e)
        if node is None and path not in self._names:
            return ABSENT
        return tuple(sorted(self._names.get(path, ())))

    def readlink(self, path: str) -> str | Unread | Absent:
        """Give the recorded target of a link."""
        node = self.nodes.get(path)
        if node is None:
            return Unread(errno="EINVAL") if path in self._names else ABSENT
        if node.t != "l":
            return Unread(errno="EINVAL")
        return Unread(errno=node.e or "EINVAL") if node.to is None else node.to

    def read(self, path: str, limit: int) -> bytes | Unread | Absent:
        """Give recorded content; ``EACCES`` where it was not read when it was recorded."""
        node = self.nodes.get(path)
        if node is None:
            return Unread(errno="EISDIR") if path in self._names else ABSENT
        if node.t != "f":
            return Unread(errno="EISDIR" if node.t == "d" else "ELOOP")
        if node.s is not None:
            return node.s.encode()[:limit]
        if node.x is not None:
            return bytes.fromhex(node.x)[:limit]
        return Unread(errno=node.e or "EACCES")


def parse_snapshot(text: str, *, file: str) -> NodeTree:
    """Make a tree of a snapshot's text.

    The header's kernel release and machine appear where a host shows them, unless they
    were recorded there.

    Raises:
        InvalidFile: not a snapshot, cut off, or a line that is no node: with the line.
    """
    lines = text.removesuffix("\n").split("\n")
    header = _parse_header(lines[0], file)
    nodes = _parse_nodes(lines[1:], file)
    if header.nodes is not None and len(nodes) != header.nodes:
        cut = f"the header promises {header.nodes} nodes and {len(nodes)} follow: it was cut"
        raise _Broken(cut, file=file, line=len(lines))
    for path, value in ((_RELEASE, header.kernel), (_MACHINE, header.machine)):
        if value and path not in nodes:
            nodes[path] = Node(p=path, t="f", m="0444", s=f"{value}\n")
    return NodeTree(nodes.values(), note=header.note)


def render_snapshot(header: Header, nodes: Iterable[Node]) -> str:
    """Write a header and nodes as the text of a snapshot, sorted by path."""
    rows = sorted(nodes, key=lambda node: node.p)
    head = msgspec.to_builtins(msgspec.structs.replace(header, nodes=len(rows)))
    first = json.dumps({"format": FORMAT, **head}, separators=(",", ":"), ensure_ascii=False)
    lines = [first, *(msgspec.json.encode(node).decode() for node in rows)]
    return "\n".join(lines) + "\n"


def node_of_bytes(path: str, data: bytes, mode: int | None = None) -> Node:
    """Record an attribute's bytes: as text where they are UTF-8, else as hex."""
    octal = None if mode is None else f"{mode:04o}"
    try:
        return Node(p=path, t="f", m=octal, s=data.decode())
    except UnicodeDecodeError:
        return Node(p=path, t="f", m=octal, x=data.hex())


def _parse_header(line: str, file: str) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
        strictjson.require_no_key_twice(line.encode(), header)
    except (msgspec.DecodeError, InvalidRequest) as error:
        message = f"no {FORMAT} file: its first line is no header ({error})"
        raise _Broken(message, file=file, line=1) from None
    return header


def _parse_nodes(lines: list[str], file: str) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for number, line in enumerate(lines, start=2):
        node = _parse_node(line, file, number, last=number == len(lines) + 1)
        if node.p in nodes:
            twice = f"{node.p} is there twice"
            raise _Broken(twice, file=file, line=number)
        nodes[node.p] = node
    for number, node in enumerate(nodes.values(), start=2):
        above = nodes.get(_misplaced(node.p, nodes))
        if above is not None:
            kind = "a link" if above.t == "l" else "an attribute"
            inside = f"{node.p} cannot be inside {above.p}, which is {kind}"
            raise _Broken(inside, file=file, line=number)
    return nodes


def _parse_node(line: str, file: str, number: int, *, last: bool) -> Node:
    try:
        node = msgspec.json.decode(line, type=Node)
        strictjson.require_no_key_twice(line.encode(), node)
    except (msgspec.ValidationError, InvalidRequest) as error:
        message = f"no node: {error}"
        raise _Broken(message, file=file, line=number) from None
    except msgspec.DecodeError as error:
        message = "the line is cut in the middle" if last else f"no JSON: {error}"
        raise _Broken(message, file=file, line=number) from None
    wrong = _contradiction(node)
    if wrong:
        message = f"{node.p} {wrong}"
        raise _Broken(message, file=file, line=number)
    return node


def _contradiction(node: Node) -> str | None:
    if not {".", ".."}.isdisjoint(node.p.split("/")):
        return "is no plain path"
    if node.t == "l" and node.to is None and node.e is None:
        return "is a link without a target (`to`)"
    if node.t != "l" and node.to is not None:
        return "has a target (`to`) and is no link"
    if sum(part is not None for part in (node.s, node.x, node.e)) > 1:
        return "has more than one of `s`, `x`, `e`"
    if node.t != "f" and (node.s is not None or node.x is not None):
        return "has content and is no attribute"
    return None


def _misplaced(path: str, nodes: Mapping[str, Node]) -> str:
    """Give the nearest folder of *path* that is recorded as something else, or nothing."""
    folder = path.rpartition("/")[0]
    while folder:
        if folder in nodes:
            return "" if nodes[folder].t == "d" else folder
        folder = folder.rpartition("/")[0]
    return ""


def _names_by_folder(paths: Iterable[str]) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for path in paths:
        rest = path
        while rest:
            rest, _, name = rest.rpartition("/")
            inside = names.setdefault(rest or "/", set())
            if name in inside:
                break
            inside.add(name)
    return names
