"""The snapshot format: whole files load, damaged ones say which line and what to do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introspect.trees import mtty_nodes, tree_of
from wherry.introspect.facts import read_facts
from wherry.introspect.snapshot import Header, Node, parse_snapshot, render_snapshot
from wherry.introspect.tree import ABSENT
from wherry.model.errors import InvalidFile
from wherry.model.facts import Unread

HEADER = '{"format":"wherry-sysfs-snapshot/1","kernel":"6.12","machine":"x86_64"}'


def lines(*nodes, header=HEADER):
    return "\n".join([header, *(n if isinstance(n, str) else json.dumps(n) for n in nodes)]) + "\n"


def whole():
    tree = tree_of(mtty_nodes())
    return render_snapshot(Header(format="wherry-sysfs-snapshot/1"), tree.nodes.values())


def test_what_was_written_reads_back():
    tree = parse_snapshot(whole(), file="x")

    assert read_facts(tree) == read_facts(tree_of(mtty_nodes()))


def test_folders_inside_longer_paths_are_there():
    tree = parse_snapshot(lines({"p": "/sys/a/b/c", "t": "f", "s": "1"}), file="x")

    assert tree.stat("/sys/a").kind == "d"
    assert tree.list("/sys/a") == ("b",)
    assert tree.list("/sys/none") is ABSENT


def test_the_header_tells_kernel_and_machine_where_nothing_else_does():
    host = read_facts(parse_snapshot(lines(), file="x")).host

    assert (host.kernel, host.arch) == ("6.12", "x86_64")


def test_what_was_not_read_when_recorded_cannot_be_read_now():
    tree = parse_snapshot(lines({"p": "/sys/a", "t": "f", "m": "0200"}), file="x")

    assert tree.read("/sys/a", 10) == Unread(errno="EACCES")


def test_a_separator_inside_a_text_is_no_end_of_line():
    text = "one\u2028two\x85three"
    line = json.dumps({"p": "/sys/a", "t": "f", "s": text}, ensure_ascii=False)

    assert parse_snapshot(lines(line), file="x").read("/sys/a", 99) == text.encode()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "first line is no header"),
        ("\x7fELF", 1, "first line is no header"),
        ("[1]\n", 1, "first line is no header"),
        ('{"format":"other/1"}\n', 1, "first line is no header"),
        (lines({"p": "/sys/a", "t": "q"}), 2, "no node"),
        (lines({"p": "sys/a", "t": "f"}), 2, "no node"),
        (lines({"p": "/sys/a/", "t": "f"}), 2, "no node"),
        (lines({"p": "/sys/../etc", "t": "f"}), 2, "is no plain path"),
        (lines({"p": "/sys/a", "t": "f", "x": "0g"}), 2, "no node"),
        (lines({"p": "/sys/a", "t": "f", "z": 1}), 2, "no node"),
        (lines({"p": "/sys/a", "t": "f", "e": "boom"}), 2, "no node"),
        (lines('{"p":"/sys/a","t":"f","p":"/sys/b"}'), 2, "contains key `p` twice"),
        (
            lines(header=HEADER.replace('"kernel"', '"kernel":"6.1","kernel"')),
            1,
            "key `kernel` twice",
        ),
        (lines(header=HEADER.replace('"kernel"', '"own":1,"own"')), 1, "key `own` twice"),
        (lines({"p": "/sys/a", "t": "l"}), 2, "link without a target"),
        (lines({"p": "/sys/a", "t": "f", "to": "b"}), 2, "is no link"),
        (lines({"p": "/sys/a", "t": "f", "s": "", "e": "EIO"}), 2, "more than one"),
        (lines({"p": "/sys/a", "t": "d", "s": ""}), 2, "has content"),
        (lines({"p": "/sys/a", "t": "f"}, {"p": "/sys/a", "t": "f"}), 3, "there twice"),
        (
            lines({"p": "/sys/a", "t": "f"}, {"p": "/sys/a/b/c", "t": "f"}),
            3,
            "cannot be inside /sys/a",
        ),
        (
            lines({"p": "/sys/a", "t": "l", "to": "b"}, {"p": "/sys/a/b", "t": "f"}),
            3,
            "which is a link",
        ),
        (lines('{"p":"/sys/a","t":"f"', {"p": "/sys/b", "t": "f"}), 2, "no JSON"),
    ],
)
def test_a_damaged_file_says_which_line_and_what_to_do(text, line, says):
    with pytest.raises(InvalidFile) as caught:
        parse_snapshot(text, file="x.ndjson")

    assert caught.value.line == line
    assert says in str(caught.value)
    assert "record it again" in str(caught.value)


def test_a_file_cut_anywhere_is_refused_and_never_half_taken():
    text = whole()

    for end in range(len(text) - 1):
        with pytest.raises(InvalidFile):
            parse_snapshot(text[:end], file="x")


def test_a_file_cut_between_lines_is_noticed_by_its_count():
    text = "\n".join(whole().split("\n")[:5]) + "\n"

    with pytest.raises(InvalidFile, match="4 follow: it was cut"):
        parse_snapshot(text, file="x")


@given(st.text())
def test_any_text_is_a_snapshot_or_refused(text):
    for candidate in (text, HEADER + "\n" + text):
        assert line_refused(candidate) != 0


def line_refused(text):
    """Which line a snapshot is refused for; None where it is taken, 0 where no line is named."""
    try:
        parse_snapshot(text, file="x")
    except InvalidFile as error:
        return error.line or 0
    return None


NODES = st.builds(
    Node,
    p=st.from_regex(r"(/[a-z]{1,2}){1,4}", fullmatch=True),
    t=st.just("f"),
    s=st.text(st.characters(exclude_categories=["Cs"])),
)


@given(st.lists(NODES, unique_by=lambda node: node.p))
def test_nodes_survive_being_written(nodes):
    paths = {node.p for node in nodes}
    flat = [n for n in nodes if not any(n.p.startswith(f"{p}/") for p in paths)]
    text = render_snapshot(Header(format="wherry-sysfs-snapshot/1"), flat)

    assert dict(parse_snapshot(text, file="x").nodes) == {node.p: node for node in flat}
