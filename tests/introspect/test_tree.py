"""Values, absent and errno stay apart, and no link leads out of the root."""

import pytest

from introspect.trees import FOLDER, Link, tree_of
from wherry.introspect.tree import (
    ABSENT,
    LIMIT,
    link_name,
    list_names,
    parse_number,
    read_attribute,
    read_number,
    resolve,
)
from wherry.model.facts import Binary, Unread


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", ""),
        (b"19\n", "19"),
        (b"19\n\n", "19\n"),
        (b"  two blanks  \n", "  two blanks  "),
        (b"no newline", "no newline"),
        (b"\xff\xfe\n", Binary(hex="fffe0a")),
        (b"nul\0inside\n", Binary(hex=b"nul\0inside\n".hex())),
        ("grün\n".encode(), "grün"),
        (b"x" * LIMIT, "x" * LIMIT),
        (b"x" * (LIMIT + 1), Unread(errno="EFBIG")),
    ],
)
def test_an_attribute_is_text_without_its_last_newline_or_hex_or_too_big(data, value):
    assert read_attribute(tree_of({"/sys/a": data}), "/sys/a") == value


def test_absent_an_errno_and_an_empty_text_are_three_things():
    tree = tree_of({"/sys/e": Unread(errno="EINVAL"), "/sys/empty": ""})

    assert read_attribute(tree, "/sys/none") is ABSENT
    assert read_attribute(tree, "/sys/e") == Unread(errno="EINVAL")
    assert read_attribute(tree, "/sys/empty") == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("19\n", 19),
        ("-1\n", -1),
        ("0\n", 0),
        ("N/A\n", Unread(errno="EBADMSG")),
        ("", Unread(errno="EBADMSG")),
        (" 7\n", Unread(errno="EBADMSG")),
        ("1e3\n", Unread(errno="EBADMSG")),
        ("٣\n", Unread(errno="EBADMSG")),
        ("9" * 40, Unread(errno="EBADMSG")),
    ],
)
def test_a_number_is_decimal_or_it_is_none(text, number):
    """``N/A`` read as 0 would be a profile that exists."""
    assert read_number(tree_of({"/sys/n": text}), "/sys/n") == number


def test_a_number_keeps_the_errno_of_what_it_was_read_from():
    assert parse_number(Unread(errno="EIO")) == Unread(errno="EIO")


def test_links_are_followed_inside_the_root():
    tree = tree_of(
        {
            "/sys/class/dmi/id": Link("../../devices/virtual/dmi/id"),
            "/sys/devices/virtual/dmi/id/name": "x",
            "/sys/absolute": Link("/sys/class/dmi/id"),
        }
    )

    assert resolve(tree, "/sys/class/dmi/id/name") == "/sys/devices/virtual/dmi/id/name"
    assert resolve(tree, "/sys/absolute") == "/sys/devices/virtual/dmi/id"


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("../../../etc/passwd", Unread(errno="EXDEV")),
        ("../../..", Unread(errno="EXDEV")),
        ("loop", Unread(errno="ELOOP")),
        ("missing", ABSENT),
        ("/etc/passwd", ABSENT),
    ],
)
def test_links_that_lead_out_or_in_circles_or_nowhere_are_not_followed(target, answer):
    assert resolve(tree_of({"/sys/x/loop": Link(target)}), "/sys/x/loop") == answer


def test_an_attribute_that_is_a_link_is_not_read():
    tree = tree_of({"/sys/a": Link("b"), "/sys/b": "secret"})

    assert read_attribute(tree, "/sys/a") == Unread(errno="ELOOP")


def test_a_name_that_is_no_text_is_left_out():
    tree = tree_of({"/sys/f/good": "", "/sys/f/bad\udcff": ""})

    assert list_names(tree, "/sys/f") == ("good",)


def test_the_name_in_a_link_needs_no_target():
    tree = tree_of({"/sys/driver": Link("../../bus/pci/drivers/igb"), "/sys/f": FOLDER})

    assert link_name(tree, "/sys/driver") == "igb"
    assert link_name(tree, "/sys/f") == Unread(errno="EINVAL")
    assert link_name(tree, "/sys/none") is ABSENT


def test_a_folder_flooded_with_names_is_too_big():
    class Flood:
        def list(self, path):
            return tuple(map(str, range(100_001)))

    assert list_names(Flood(), "/sys") == Unread(errno="E2BIG")
