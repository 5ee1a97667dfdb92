"""The profiles and packs that come with Wherry, and those with an operator's laid beside them."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from wherry.model.checks import Pack
from wherry.profiles.library import (
    ProfileFile,
    Profiles,
    build_profiles,
    parse_profile_file,
)
from wherry.profiles.packs import parse_pack


@cache
def builtin_profiles() -> Profiles:
    """Give the profiles that come with Wherry."""
    return build_profiles(_builtin_files())


def profiles_with(texts: Iterable[tuple[str, str | bytes]]) -> Profiles:
    """Give Wherry's profiles and an operator's, which may extend or replace them.

    Args:
        texts: source name and text of each file of the operator.

    Raises:
        InvalidProfile: names the file, and the path in it.
    """
    own = [parse_profile_file(text, source, own=True) for source, text in texts]
    return build_profiles([*_builtin_files(), *own]) if own else builtin_profiles()


@cache
def builtin_packs() -> tuple[Pack, ...]:
    """Give the policy packs that come with Wherry, by id."""
    packs = (parse_pack(text, source) for source, text in _texts("packs"))
    return tuple(sorted(packs, key=lambda pack: pack.id))


@cache
def _builtin_files() -> tuple[ProfileFile, ...]:
    return tuple(parse_profile_file(text, source) for source, text in _texts("drivers"))


def _texts(folder: str) -> list[tuple[str, str]]:
    at = files("wherry.profiles").joinpath("data", folder)
    found = [one for one in at.iterdir() if one.name.endswith(".toml")]
    return [(f"built-in {one.name}", one.read_text("utf-8")) for one in sorted(found, key=_name)]


def _name(one: Traversable) -> str:
    return one.name
