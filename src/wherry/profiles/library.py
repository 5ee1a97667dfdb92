"""All profiles that are in force, and the one that is meant for a device.

Raises nothing while it is asked: what could be wrong was refused when it was loaded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from wherry.model.errors import InvalidProfile
from wherry.profiles.expand import CannotExpand, Table, expand
from wherry.profiles.narrowness import (
    Conditions,
    conditions_of,
    find_ambiguity,
    is_narrower,
    meets,
)
from wherry.profiles.schema import SCHEMA, Profile
from wherry.profiles.toml import read_toml
from wherry.profiles.validate import find_fault


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """One file as read: where it came from, its tables, and whether an operator wrote it."""

    source: str
    table: Table
    own: bool = False

    @property
    def id(self) -> str:
        """Its id, which every file has."""
        return str(self.table["id"])


@dataclass(frozen=True, slots=True)
class _Known:
    profile: Profile
    conditions: Conditions
    own: bool

    def goes_before(self, other: "_Known") -> bool:
        narrower = is_narrower(self.conditions, other.conditions)
        if narrower != is_narrower(other.conditions, self.conditions):
            return narrower
        return self.own and not other.own


@dataclass(frozen=True)
class Profiles:
    """The profiles in force, in the order of their titles."""

    all: tuple[Profile, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    """Id of a profile to where it came from."""
    own: frozenset[str] = frozenset()
    """Ids of an operator's profiles."""

    @cached_property
    def _known(self) -> tuple[_Known, ...]:
        return tuple(
            _Known(profile, conditions_of(profile.match), profile.id in self.own)
            for profile in self.all
        )

    def find(self, types_from: str, facts: Mapping[str, str]) -> Profile | None:
        """Give the narrowest profile that a device's facts meet; None where none does.

        Where none of two is narrower, the operator's goes before a built-in one.

        Args:
            types_from: where the device's types come from.
            facts: key of a match to what the device states, ``@path`` for other attributes.
        """
        best: _Known | None = None
        for known in self._known:
            if known.profile.types_from != types_from or not meets(known.conditions, facts):
                continue
            if best is None or known.goes_before(best):
                best = known
        return None if best is None else best.profile


def parse_profile_file(text: str | bytes, source: str, *, own: bool = False) -> ProfileFile:
    """Read the tables of one file; *own* where an operator wrote it.

    Raises:
        InvalidProfile: no UTF-8, no TOML, of another schema, or without an id.
    """
    table = read_toml(text, source)
    if table.get("schema") != SCHEMA:
        message = f'`schema` is not "{SCHEMA}" - at `$.schema`'
        raise InvalidProfile(message, source=source)
    if not isinstance(table.get("id"), str):
        message = "the profile needs an `id` of its own - at `$.id`"
        raise InvalidProfile(message, source=source)
    return ProfileFile(source=source, table=table, own=own)


def build_profiles(files: Iterable[ProfileFile]) -> Profiles:
    """Make the profiles of all files, and refuse what is wrong or ambiguous.

    Raises:
        InvalidProfile: names the file, and the path in it.
    """
    by_id = _by_id(files)
    tables = {name: file.table for name, file in by_id.items()}
    found = [one for file in by_id.values() for one in _profiles_of(file, tables)]
    replaced = _replaced(found, by_id)
    kept = sorted((p for p in found if p.id not in replaced), key=lambda p: p.title)
    own = frozenset(name for name, file in by_id.items() if file.own)
    for layer in (True, False):
        _require_unambiguous([p for p in kept if (p.id in own) is layer], by_id)
    sources = {name: file.source for name, file in by_id.items()}
    return Profiles(all=tuple(kept), sources=sources, own=own)


def _require_unambiguous(profiles: Sequence[Profile], by_id: Mapping[str, ProfileFile]) -> None:
    clash = find_ambiguity(profiles)
    if clash is not None:
        first, second = clash
        message = (
            f"a device can meet `{first.title}` and `{second.title}`, and neither is narrower:"
            " let one match on more, or put the other into its `replaces` - at `$.match`"
        )
        raise InvalidProfile(message, source=by_id[second.id].source)


def _by_id(files: Iterable[ProfileFile]) -> dict[str, ProfileFile]:
    by_id: dict[str, ProfileFile] = {}
    for file in files:
        if file.id in by_id:
            message = (
                f"`{file.id}` is the id of {by_id[file.id].source} already: give it another, and"
                f' extend that one (`extends = "{file.id}"`) - at `$.id`'
            )
            raise InvalidProfile(message, source=file.source)
        by_id[file.id] = file
    return by_id


def _profiles_of(file: ProfileFile, tables: Mapping[str, Table]) -> list[Profile]:
    try:
        expanded = expand(file.table, tables)
    except CannotExpand as error:
        raise InvalidProfile(str(error), source=file.source) from error
    return [_profile(table, file.source) for table in expanded]


def _profile(table: Table, source: str) -> Profile:
    where = f"{source}, case {table['case']}" if "case" in table else source
    try:
        profile = msgspec.convert(table, Profile)
    except msgspec.ValidationError as error:
        message = f"{error} (docs/reference/profiles.md tells what may stand there)"
        raise InvalidProfile(message, source=where) from error
    fault = find_fault(profile)
    if fault is not None:
        raise InvalidProfile(fault, source=where)
    return profile


def _replaced(profiles: list[Profile], by_id: Mapping[str, ProfileFile]) -> frozenset[str]:
    for profile in profiles:
        wrong = [one for one in profile.replaces if one not in by_id or one == profile.id]
        if wrong:
            message = f"there is no other profile `{wrong[0]}` to replace - at `$.replaces`"
            raise InvalidProfile(message, source=by_id[profile.id].source)
    return frozenset(one for profile in profiles for one in profile.replaces)
