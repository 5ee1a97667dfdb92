"""Resource classes and traits: the standard ones, and those that clients and reports made."""

from collections.abc import Iterable, Mapping, Sequence

from wherry.app.engine import Engine
from wherry.app.owning import settle_counts
from wherry.app.placement.refusals import (
    Managed,
    NameTaken,
    NameUsed,
    NoSuchClass,
    NoSuchTrait,
    StandardName,
)
from wherry.profiles.tables import standard_classes, standard_traits
from wherry.store import placement_names as store
from wherry.store.adoption import lock_roots
from wherry.store.placement_names import CLASSES, TRAITS
from wherry.store.placement_plans import move_silently
from wherry.store.placement_providers import ProviderRow, lock_providers
from wherry.store.rows import intern, read_ids
from wherry.store.transaction import Tx

Times = Mapping[str, float | None]
"""Name to the time at which it was made; None for the standard ones."""


def in_order(names: Iterable[str]) -> list[str]:
    """Put resource classes in the order of the standard ones, custom ones after them."""
    place = {name: number for number, name in enumerate(standard_classes())}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


def require_classes(tx: Tx, names: Iterable[str]) -> None:
    """Make sure that resource classes exist.

    Raises:
        NoSuchClass: one does not.
    """
    asked = dict.fromkeys(names)
    unknown = [name for name in asked if name not in standard_classes()]
    known = store.read_names(tx, CLASSES, unknown) if unknown else {}
    for name in unknown:
        if name not in known:
            raise NoSuchClass(name)


def intern_classes(
    tx: Tx, names: Iterable[str], *, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Give the ids of resource classes; standard ones get theirs when they are first asked for.

    Args:
        known: ids of all of these that have one; None: they are read.

    Raises:
        NoSuchClass: one does not exist.
    """
    asked = tuple(dict.fromkeys(names))
    if known is None:
        known = read_ids(tx, CLASSES, asked)
    for name in asked:
        if name not in known and name not in standard_classes():
            raise NoSuchClass(name)
    return intern(tx, CLASSES, asked, known=known)


def intern_traits(
    tx: Tx, names: Iterable[str], found: Mapping[str, tuple[int, float | None]]
) -> tuple[dict[str, int], Times]:
    """Give the ids of traits, as `intern_classes` does, and the times at which they were made.

    Args:
        found: id and time of all of these that have one.

    Raises:
        NoSuchTrait: some do not exist; it names them all.
    """
    asked = sorted(set(names))
    missing = [name for name in asked if name not in found and name not in standard_traits()]
    if missing:
        raise NoSuchTrait(missing)
    known = {name: number for name, (number, _) in found.items()}
    times = {name: created_at for name, (_, created_at) in found.items()}
    return intern(tx, TRAITS, asked, known=known), {**dict.fromkeys(asked), **times}


def require_traits(tx: Tx, names: Iterable[str]) -> None:
    """Make sure that traits exist.

    Raises:
        NoSuchTrait: some do not; it names them all.
    """
    unknown = sorted(set(names) - standard_traits())
    known = store.read_names(tx, TRAITS, unknown) if unknown else {}
    missing = [name for name in unknown if name not in known]
    if missing:
        raise NoSuchTrait(missing)


def list_classes(engine: Engine) -> Times:
    """Name every resource class."""
    stored = engine.store.read(lambda tx: store.read_names(tx, CLASSES))
    return {name: stored.get(name) for name in (*standard_classes(), *stored)}


def find_class(engine: Engine, name: str) -> float | None:
    """Say when a resource class was made.

    Raises:
        NoSuchClass: there is none of this name.
    """
    classes = list_classes(engine)
    if name not in classes:
        raise NoSuchClass(name)
    return classes[name]


def create_class(engine: Engine, name: str) -> bool:
    """Make a custom resource class; says whether it is new."""
    return engine.store.write(lambda tx: store.add_name(tx, CLASSES, name, now=engine.clock()))


def rename_class(engine: Engine, name: str, new: str) -> None:
    """Give a custom resource class another name.

    Raises:
        NoSuchClass, StandardName, NameTaken.
        Managed: a report has providers of this class.
    """

    def write(tx: Tx) -> None:
        require_classes(tx, [name])
        if name in standard_classes():
            raise StandardName("resource class", name)
        if new != name and store.read_names(tx, CLASSES, [new]):
            raise NameTaken(new)
        _lock_havers(tx, name)
        if not store.rename(tx, CLASSES, name, new):
            raise NoSuchClass(name)
        # Who was about to have the class has it by now, and nobody else can come to it.
        havers = _lock_havers(tx, new)
        for row in havers.values():
            if row.owner == "report":
                raise Managed(row.uuid)
        move_silently(tx, sorted(havers))
        settle_counts(tx, engine, havers)

    engine.store.write(write)


def _lock_havers(tx: Tx, name: str) -> dict[str, ProviderRow]:
    uuids = store.read_havers(tx, name)
    lock_roots(tx, uuids)
    return lock_providers(tx, uuids)


def delete_class(engine: Engine, name: str) -> None:
    """Forget a custom resource class that no provider has.

    Raises:
        NoSuchClass, StandardName, NameUsed.
    """

    def write(tx: Tx) -> None:
        require_classes(tx, [name])
        if name in standard_classes():
            raise StandardName("resource class", name)
        if store.is_class_used(tx, name):
            raise NameUsed(f"Cannot delete resource class {name}. Class is in use in inventory.")
        if not store.drop_name(tx, CLASSES, name):
            raise NoSuchClass(name)

    engine.store.write(write)


def list_traits(
    engine: Engine,
    *,
    names: Sequence[str] | None = None,
    prefix: str = "",
    associated: bool | None = None,
) -> Times:
    """Name traits.

    Args:
        names: only these; None: all.
        prefix: only those that begin so.
        associated: only those that some provider has, or that none has; None: both.
    """

    def read(tx: Tx) -> tuple[Times, Times]:
        return store.read_names(tx, TRAITS), store.read_used_traits(tx)

    stored, used = engine.store.read(read)
    every = {name: stored.get(name) for name in (*sorted(standard_traits()), *stored)}
    return {
        name: at
        for name, at in every.items()
        if (names is None or name in names)
        and name.startswith(prefix)
        and associated in (None, name in used)
    }


def find_trait(engine: Engine, name: str) -> float | None:
    """Say when a trait was made.

    Raises:
        NoSuchTrait: there is none of this name.
    """
    if name in standard_traits():
        return None
    found = engine.store.read(lambda tx: store.read_names(tx, TRAITS, [name]))
    if name not in found:
        raise NoSuchTrait([name])
    return found[name]


def create_trait(engine: Engine, name: str) -> bool:
    """Make a custom trait; says whether it is new."""
    return engine.store.write(lambda tx: store.add_name(tx, TRAITS, name, now=engine.clock()))


def delete_trait(engine: Engine, name: str) -> None:
    """Forget a custom trait that no provider has.

    Raises:
        NoSuchTrait, StandardName, NameUsed.
    """

    def write(tx: Tx) -> None:
        require_traits(tx, [name])
        if name in standard_traits():
            raise StandardName("trait", name)
        if store.is_trait_used(tx, name):
            raise NameUsed(f"The trait {name} is in use by a resource provider.")
        if not store.drop_name(tx, TRAITS, name):
            raise NoSuchTrait([name])

    engine.store.write(write)
