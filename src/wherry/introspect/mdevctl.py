"""What ``mdevctl`` prints as JSON, as the same facts that sysfs gives.

``types`` is a list of one object: parent to list of one-key objects, type to attributes;
newlines of a description have become ``, ``.  ``list`` has instances in their place.

Source: mdevctl 1.4, environment.rs; docs/reference/introspection.md, "Programs beside sysfs".
"""

from collections.abc import Iterator

from wherry.introspect.address import parse_address
from wherry.introspect.answers import flatten, parse_json
from wherry.introspect.mdev import is_uuid
from wherry.model.errors import InvalidFile
from wherry.model.facts import Device, Instance, MdevType


def parse_types(text: str, *, file: str) -> tuple[Device, ...]:
    """Read ``mdevctl types --dumpjson``: parents with their types.

    Raises:
        InvalidFile: no JSON, or another shape.
    """
    types: dict[str, list[MdevType]] = {}
    for parent, type_id, said in _rows(text, file):
        types.setdefault(parent, []).append(MdevType(id=type_id, attributes=flatten(said)))
    return tuple(
        Device(
            name=name,
            bus="pci" if parse_address(name) else "other",
            role="mdev_parent",
            mdev_types=tuple(found),
        )
        for name, found in types.items()
    )


def parse_list(text: str, *, file: str) -> tuple[Instance, ...]:
    """Read ``mdevctl list --dumpjson``: instances that are there, whoever made them.

    Raises:
        InvalidFile: no JSON, or another shape.
    """
    return tuple(
        Instance(id=uuid.lower(), parent=parent, type=str(said["mdev_type"]))
        for parent, uuid, said in _rows(text, file)
        if is_uuid(uuid) and "mdev_type" in said
    )


def _rows(text: str, file: str) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Give (parent, key, what is said of it), the parent's address in normal form."""
    answer = parse_json(text, file=file) if text.strip() else []
    for parents in _list(answer, file):
        for parent, entries in _object(parents, file).items():
            for entry in _list(entries, file):
                for key, said in _object(entry, file).items():
                    yield parse_address(parent) or parent, key, _object(said, file)


def _list(value: object, file: str) -> list[object]:
    if not isinstance(value, list):
        raise InvalidFile("not what mdevctl writes: expected a list", file=file)
    return value


def _object(value: object, file: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidFile("not what mdevctl writes: expected an object", file=file)
    return value
