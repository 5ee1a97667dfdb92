"""The recordings that come with Wherry, for demonstrations and tests."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from wherry.introspect.snapshot import NodeTree, parse_snapshot
from wherry.model.errors import NotFound

_SUFFIX = ".ndjson"


def names() -> tuple[str, ...]:
    """Name the recordings, sorted."""
    found = (one.name for one in _folder().iterdir() if one.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found))


def load(name: str) -> NodeTree:
    """Give a recording as a tree.

    Raises:
        NotFound: there is no recording of that name.
    """
    return parse_snapshot(read(name), file=f"{name}{_SUFFIX}")


def read(name: str) -> str:
    """Give a recording as the text of a snapshot.

    Raises:
        NotFound: there is no recording of that name.
    """
    if name not in names():
        raise NotFound(what="recording", name=name)
    return (_folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def _folder() -> Traversable:
    return files("wherry") / "data" / "recordings"
