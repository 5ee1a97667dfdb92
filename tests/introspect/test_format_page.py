"""docs/reference/snapshot-format.md says what the program takes."""

import re

import msgspec

from doc_tables import DOCS, read_table
from wherry.introspect.snapshot import Header, Node, parse_snapshot
from wherry.model.facts import Unread

PAGE = "reference/snapshot-format.md"


def test_the_page_names_every_key():
    header = [row["header key"] for row in read_table(PAGE, "header key")]
    node = [row["node key"] for row in read_table(PAGE, "node key")]

    assert header == [field.encode_name for field in msgspec.structs.fields(Header)]
    assert node == [field.encode_name for field in msgspec.structs.fields(Node)]


def test_the_page_s_example_is_a_snapshot():
    text = (DOCS / PAGE).read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)

    tree = parse_snapshot(example, file=PAGE)

    folder = "/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1"
    assert tree.read(f"{folder}/available_instances", 10) == b"2\n"
    assert tree.read(f"{folder}/create", 10) == Unread(errno="EACCES")
    assert tree.read(f"{folder}/name", 10) == Unread(errno="EIO")
    assert tree.note == "two ports left"
