"""Profile files for tests: a small one that is right, to be changed in one place."""

from collections.abc import Mapping
from typing import Any

from wherry.profiles.library import ProfileFile, Profiles, build_profiles

PROFILE: Mapping[str, Any] = {
    "schema": "wherry.profile/1",
    "id": "acme",
    "about": "a made-up accelerator",
    "match": {"driver": "acme"},
    "types_from": "mdev",
    "name": "acme/{id}",
    "device_class": "accelerator",
    "interface": {"policy": "none"},
    "pools": {"CUSTOM_ACME_LANE": {"units": 1}},
}
FUNCTION: Mapping[str, Any] = {
    **{key: value for key, value in PROFILE.items() if key != "pools"},
    "types_from": "function",
    "name": "pci/{vendor}:{device}",
}


def a_file(
    base: Mapping[str, Any] = PROFILE, /, source: str = "acme.toml", **keys: Any
) -> ProfileFile:
    """A file with some keys changed; ``None`` takes one away."""
    table = {key: value for key, value in {**base, **keys}.items() if value is not None}
    return ProfileFile(source=source, table=table)


def some_profiles(*files: ProfileFile) -> Profiles:
    """The profiles of some files, without the built-in ones."""
    return build_profiles(files)
