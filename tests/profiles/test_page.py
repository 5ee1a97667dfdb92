"""The reference of profiles names every key and every word that may stand there."""

import re
import types
import typing
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from wherry.profiles import schema

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "profiles.md").read_text("utf-8")
SECTIONS: dict[str, Any] = {
    "The file": schema.Profile,
    "Match": schema.Match,
    "Source": schema.Source,
    "Interface": schema.Interface,
    "State": schema.State,
    "Parameter": schema.ParamData,
    "Pool": schema.PoolData,
    "Positions": schema.PositionData,
    "Migration": schema.MigrationData,
    "Door": schema.AlsoType,
    "Trait rule": schema.TraitData,
}
WORKED_IN = {"extends", "cases"}
"""Keys of files that are gone when a profile is finished."""


def section(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows_of(title: str) -> dict[str, str]:
    """Key to the rest of its row; a row may tell of several keys."""
    rows = re.findall(r"^\| (`[^|]*?) \|(.*)\|$", section(title), re.MULTILINE)
    return {key: rest for keys, rest in rows for key in re.findall(r"`([^`]+)`", keys)}


def words_in(hint: Any) -> set[str]:
    """Texts that a type allows by name."""
    hint = getattr(hint, "__value__", hint)
    if typing.get_origin(hint) is Literal:
        return {word for word in typing.get_args(hint) if isinstance(word, str)}
    if isinstance(hint, types.UnionType) or typing.get_origin(hint):
        return {word for inner in typing.get_args(hint) for word in words_in(inner)}
    return set()


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_has_its_row(title: str) -> None:
    keys = {field.encode_name for field in msgspec.structs.fields(SECTIONS[title])}

    assert rows_of(title).keys() == keys | (WORKED_IN if title == "The file" else set())


@pytest.mark.parametrize("title", SECTIONS)
def test_every_word_that_may_stand_in_a_key_is_named(title: str) -> None:
    text = section(title)
    for field in msgspec.structs.fields(SECTIONS[title]):
        if title == "State" and field.name == "policy":
            continue  # the words are an interface's
        for word in words_in(field.type):
            assert f'"{word}"' in text, (field.name, word)


def test_the_fields_of_templates_are_named() -> None:
    from wherry.profiles.validate import FUNCTION_FIELDS, TYPE_FIELDS

    text = section("The file")

    assert all(f"`{field}`" in text for field in FUNCTION_FIELDS | TYPE_FIELDS)


def test_the_attributes_that_tell_firmware_are_named() -> None:
    from wherry.profiles.reading import FIRMWARE

    assert ", ".join(f"`{name}`" for name in FIRMWARE) in section("The file")
