"""What a profile points at is a value, absent, or unread, and the three stay apart."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from host_facts import a_function, a_host_with
from wherry.model.facts import Binary, Unread
from wherry.profiles.pairs import parse_pairs, parse_size_mb
from wherry.profiles.reading import (
    ABSENT,
    UNREAD,
    Look,
    firmware_of,
    hex_id,
    ids_of,
    read_number,
    read_text,
    read_value,
)
from wherry.profiles.schema import Source

DESCRIPTION = "num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=7680x4320"


def a_look(**attributes: Any) -> Look:
    """A type with these attributes, on a function of a PF."""
    return Look(
        host=a_host_with(
            {"acme": {"version": "1.2", "srcversion": "ABC", "parameters": {"mode": "2"}}},
            arch="x86_64",
            versions={"qemu": "10.0"},
            kernel_config={"CONFIG_IOMMUFD": "y"},
            dmi={"sys_vendor": "ACME"},
        ),
        device=a_function("0000:01:00.1", attributes={"own/level": "7", "fw_version": "3.1"}),
        parent=a_function("0000:01:00.0", device="abcd"),
        driver="acme",
        type_attributes={"id": "acme-2", "description": DESCRIPTION, **attributes},
    )


def a_source(of: str = "type", attribute: str = "description", **fields: Any) -> Source:
    """A source; fields as in a file."""
    return msgspec.convert({"of": of, "attribute": attribute, **fields}, Source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (a_source(attribute="id"), "acme-2"),
        (a_source(key="max_resolution"), "7680x4320"),
        (a_source(key="fence"), ABSENT),
        (a_source(attribute="nothing"), ABSENT),
        (a_source(attribute="id", form="acme-{n:number}"), "2"),
        (a_source(attribute="id", form=["{n}_{m}", "acme-{m}"], field="m"), "2"),
        (a_source(attribute="id", form="other-{n}"), ABSENT),
        (a_source(attribute="id", table={"acme-2": "two"}), "two"),
        (a_source(attribute="id", table={"acme-1": "one"}), UNREAD),
        (a_source("device", "own/level"), "7"),
        (a_source("device", "name"), "0000:01:00.1"),
        (a_source("device", "driver"), "acme"),
        (a_source("device", "class"), "020000"),
        (a_source("parent", "device"), "abcd"),
        (a_source("module", "version"), "1.2"),
        (a_source("module", "parameters.mode"), "2"),
        (a_source("module", "taint"), ABSENT),
        (a_source("host", "arch"), "x86_64"),
        (a_source("host", "versions.qemu"), "10.0"),
        (a_source("host", "kernel_config.CONFIG_IOMMUFD"), "y"),
        (a_source("host", "dmi.sys_vendor"), "ACME"),
        (a_source("host", "dmi.bios_version"), ABSENT),
        (a_source("host", "secrets.key"), ABSENT),
    ],
)
def test_a_source_reads_one_attribute_and_what_of_it(source: Source, value: Any) -> None:
    assert read_text(source, a_look()) == value


@pytest.mark.parametrize("unread", [Unread(errno="EIO"), Binary(hex="ff")])
def test_what_is_there_and_no_text_is_unread(unread: Any) -> None:
    assert read_text(a_source(), a_look(description=unread)) is UNREAD


def test_a_driver_without_a_module_states_nothing() -> None:
    look = a_look()
    bare = Look(look.host, look.device, look.parent, "other", look.type_attributes)

    assert read_text(a_source("module", "version"), bare) is ABSENT


@pytest.mark.parametrize(
    ("source", "number"),
    [
        (a_source(key="num_heads"), 4),
        (a_source(key="framebuffer", size="MB"), 2048),
        (a_source(key="framebuffer"), UNREAD),
        (a_source(key="num_heads", times=1024), 4096),
        (a_source(key="max_resolution"), UNREAD),
        (a_source(attribute="id", table={"acme-2": 96}), 96),
        (a_source(attribute="id", table={"acme-2": True}), UNREAD),
        (a_source(key="fence"), ABSENT),
    ],
)
def test_a_number_is_a_number_or_a_size(source: Source, number: Any) -> None:
    assert read_number(source, a_look()) == number


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("bool", "Y", True),
        ("bool", "0", False),
        ("bool", "maybe", UNREAD),
        ("set", "b, a b", ("a", "b")),
        ("mask", "0xff", "0xff"),
        ("mask", "ff", UNREAD),
        ("str", "0xff", "0xff"),
        ("int", "12", 12),
        ("int", "0x12", UNREAD),
        ("int", "-1", UNREAD),
    ],
)
def test_a_text_is_read_as_its_parameters_type(type_: Any, text: str, value: Any) -> None:
    assert read_value(a_source(attribute="it"), a_look(it=text), type_) == value


def test_firmware_is_found_under_the_names_that_drivers_give_it() -> None:
    assert firmware_of(a_look().device) == "3.1"
    assert firmware_of(a_look().parent) is None


@pytest.mark.parametrize(
    ("text", "id_"),
    [("0x10de", "10de"), ("10CA", "10ca"), ("0x2", "0002"), ("", None), ("0xzz", None)],
)
def test_an_id_has_one_spelling(text: str, id_: str | None) -> None:
    assert hex_id(text) == id_


def test_ids_that_cannot_be_read_are_left_out() -> None:
    device = a_function(attributes={"vendor": Unread(errno="EIO"), "revision": "0x1"})

    assert ids_of(device) == {"device": "1572", "class": "020000", "revision": "01"}


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (DESCRIPTION, {"num_heads": "4", "frl_config": "60", "framebuffer": "2048M",
                       "max_resolution": "7680x4320"}),
        ("low_gm_size: 128MB\nfence: 4\n", {"low_gm_size": "128MB", "fence": "4"}),
        ("low_gm_size: 128MB, fence: 4", {"low_gm_size": "128MB", "fence": "4"}),
        ("virtual display, 64 MB video memory", {}),
        ("2 heads, 512M FB, 2560x1600 maximum resolution", {}),
        ("a=1, a=2", {"a": "1"}),
        ("a=b=c", {"a": "b=c"}),
        ("", {}),
    ],
)  # fmt: skip
def test_pairs_of_every_maker_are_found(text: str, pairs: dict[str, str]) -> None:
    assert parse_pairs(text) == pairs


@pytest.mark.parametrize(
    ("text", "mb"),
    [
        ("2048M", 2048), ("128MB", 128), ("1GiB", 1024), ("1 T", 1048576), ("2048K", 2),
        ("1K", None), ("2048", None), ("-1M", None), ("1.5G", None), ("", None),
    ],
)  # fmt: skip
def test_a_size_is_whole_megabytes_or_none(text: str, mb: int | None) -> None:
    assert parse_size_mb(text) == mb


def test_a_source_that_states_nothing_more_is_the_text_itself() -> None:
    assert a_source().key is UNSET
    assert read_text(a_source(), a_look()) == DESCRIPTION
