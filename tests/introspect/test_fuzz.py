"""Whatever a host says, facts come out of it, and they are facts: they encode and decode."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from introspect.trees import MTTY, ONE, PF, TWO, Link, function_nodes, mtty_nodes, tree_of
from wherry.cli.pools import derive
from wherry.cli.render_facts import render_facts
from wherry.introspect.answers import flatten
from wherry.introspect.facts import read_facts
from wherry.introspect.host import parse_cpuinfo
from wherry.introspect.kernel import unpack
from wherry.introspect.libvirt import parse_versions
from wherry.introspect.numa import parse_cpulist
from wherry.introspect.nvidia import parse_creatable_types
from wherry.introspect.pci import parse_bar_sizes
from wherry.introspect.readable import is_readable
from wherry.introspect.sides import add_sides, facts_of_libvirt
from wherry.introspect.snapshot import Header, parse_snapshot, render_snapshot
from wherry.model.errors import InvalidFile
from wherry.model.facts import Facts, Unread
from wherry.profiles.builtin import builtin_profiles

CONTENT = st.one_of(
    st.binary(max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["-1\n", "0\n", "4294967296\n", "N/A\n", "0x\n", "(null)\n", "\n", "1 : x\n"]),
    st.sampled_from([Unread(errno=name) for name in ("EINVAL", "EACCES", "ENODEV", "EIO")]),
)
TARGETS = st.sampled_from(
    [
        "..",
        "../..",
        "../../../../../..",
        ".",
        "",
        "/",
        "/etc",
        "x",
        "../virtfn0",
        "../../devices/virtual/mtty/mtty",
    ]
)
VALUES = st.one_of(CONTENT, TARGETS.map(Link))


def base():
    nodes = mtty_nodes(made={ONE: "mtty-1", TWO: "mtty-2"}) | function_nodes(
        PF, sriov_totalvfs="7", sriov_numvfs="1", numa_node="0", resource="0x0 0x0 0x0"
    )
    vf = PF.replace("01:00.0", "01:10.0")
    return (
        nodes
        | function_nodes(vf)
        | {
            f"{PF}/virtfn0": Link("../0000:01:10.0"),
            f"{vf}/physfn": Link("../0000:01:00.0"),
            f"{vf}/nvidia/creatable_vgpu_types": "1 : x\n",
            f"{vf}/nvidia/current_vgpu_type": "1\n",
            f"{PF}/iommu_group": Link("../../../../kernel/iommu_groups/7"),
            "/sys/kernel/iommu_groups/7/type": "DMA\n",
            "/sys/devices/system/node/node0/cpulist": "0-1\n",
            "/sys/devices/system/node/node0/distance": "10\n",
            "/proc/cpuinfo": "flags : a b\n",
            "/proc/config.gz": b"\x1f\x8b",
            "/sys/module/mtty/version": "0.1\n",
            f"{MTTY}/mdev_supported_types/mtty-1/description": "a=1\n",
        }
    )


PATHS = sorted(base())


@given(st.dictionaries(st.sampled_from(PATHS), VALUES, max_size=8))
def test_facts_come_out_of_any_tree(changes):
    nodes = base() | changes
    inside = {p for p in nodes if any(f"{q}/" in f"{p}/" and q != p for q in changes)}
    facts = read_facts(tree_of({p: v for p, v in nodes.items() if p not in inside}))

    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts
    assert render_facts(facts, source="x", derived=derive(facts, builtin_profiles())).inside


@given(st.text(), st.binary())
def test_parsers_take_any_text(text, data):
    parse_cpulist(text)
    parse_cpuinfo(text)
    parse_bar_sizes(text)
    parse_versions(text)
    is_readable(text)
    unpack(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)


@given(JSON)
def test_any_json_is_taken_apart(value):
    assert all(isinstance(one, str) for one in flatten(value).values())


@given(
    st.sampled_from(
        [
            "a.xml",
            "mdevctl-list.json",
            "mdevctl-types.json",
            "vdpa-dev.json",
            "devlink-info.json",
            "devlink-ports.json",
            "devlink-eswitch.json",
            "nvidia-smi.xml",
            "vfio-probe.jsonl",
        ]
    ),
    st.one_of(
        st.text(),
        JSON.map(msgspec.json.encode).map(bytes.decode),
        JSON.map(lambda j: msgspec.json.encode([j]).decode()),
    ),
)
def test_any_side_file_is_taken_or_refused(file, text):
    assert file_refused({file: text}) in {None, file}


def file_refused(files):
    """Which side file is refused; None where all are taken."""
    try:
        add_sides(Facts(), files)
    except InvalidFile as error:
        return error.file
    return None


SHAPES = {
    "device": {
        "device", "capability", "type", "address", "name", "uuid", "path", "numa", "driver",
        "iommuGroup", "domain", "bus", "slot", "function", "product", "vendor", "class",
        "parent_addr", "attr", "availableInstances", "deviceAPI",
    },
    "capabilities": {
        "host", "cpu", "arch", "model", "vendor", "feature", "iommu", "topology", "cells", "cell",
        "memory", "cpus", "distances", "sibling", "guest", "machine",
    },
    "domainCapabilities": {"machine", "arch", "cpu", "mode", "model", "feature"},
    "nvidia_smi_log": {
        "driver_version", "gpu", "product_name", "mig_mode", "current_mig", "ecc_mode",
        "current_ecc", "fb_memory_usage", "total",
    },
}  # fmt: skip
"""The words of each kind of document, by its root."""
NUMBERS = ["0", "1", "31", "0x01", "-1", "99999999999999999999", "zz", ""]
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["type", "id", "domain", "bus", "slot", "function", "number", "node", "name", "value",
         "maxCount", "support", "usable", "policy", "supported", "unit"]
    ),
    st.sampled_from(
        ["pci", "mdev", "mdev_types", "virt_functions", "phys_function", "yes", "custom",
         "host-model", "KiB", "disable", ONE, "mtty-1", "00000000:01:00.0", *NUMBERS]
    ),
    max_size=4,
)  # fmt: skip
TEXTS = st.sampled_from([*NUMBERS, "N/A", "mtty", ONE, "/sys/devices/x/y", "x86_64", "\u2028"])


@st.composite
def elements(draw, words, depth=3):
    name = draw(st.sampled_from(words))
    said = "".join(f' {k}="{v}"' for k, v in draw(ATTRIBUTES).items())
    inside = draw(st.lists(elements(words, depth - 1), max_size=2)) if depth else []
    return f"<{name}{said}>{draw(TEXTS)}{''.join(inside)}</{name}>"


@given(st.data(), st.sampled_from(sorted(SHAPES)))
def test_any_document_of_a_known_kind_is_taken(data, kind):
    """Odd numbers, missing parts and parts in odd places give facts, and never a device."""
    inside = data.draw(st.lists(elements(sorted(SHAPES[kind])), max_size=5))
    file = "nvidia-smi.xml" if kind == "nvidia_smi_log" else "a.xml"

    files = {file: f"<{kind}>{''.join(inside)}</{kind}>"}
    facts, alone = add_sides(Facts(), files), facts_of_libvirt(files)

    assert facts.devices == ()
    for one in (facts, alone):
        assert msgspec.json.decode(msgspec.json.encode(one), type=Facts) == one


@given(st.data(), st.sampled_from(sorted(SHAPES)), st.integers(1, 400))
def test_a_document_cut_anywhere_is_refused_with_its_file(data, kind, end):
    file = "nvidia-smi.xml" if kind == "nvidia_smi_log" else "a.xml"
    inside = data.draw(st.lists(elements(sorted(SHAPES[kind]), 2), min_size=1, max_size=4))
    text = f"<{kind}>{''.join(inside)}</{kind}>"

    assert file_refused({file: text[: min(end, len(text) - 1)]}) == file


NAMES = [
    "mtty",
    "0000:01:00.0",
    "mtty-1",
    ONE,
    "mdev_type",
    "dev",
    "info",
    "port",
    "pci/0000:01:00.0",
]
KNOWN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(NAMES) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
)


@given(
    st.sampled_from(
        ["mdevctl-list.json", "mdevctl-types.json", "devlink-info.json", "devlink-ports.json",
         "devlink-eswitch.json", "vdpa-dev.json", "vdpa-config.json", "vdpa-mgmtdev.json"]
    ),
    KNOWN_JSON,
)  # fmt: skip
def test_any_answer_with_the_right_words_is_taken_or_refused(file, value):
    """A real host beside it stays as sysfs says."""
    before = read_facts(tree_of(base()))
    text = json.dumps(value)
    if file_refused({file: text}):
        return

    facts = add_sides(before, {file: text})

    assert [one.name for one in facts.devices] == [one.name for one in before.devices]
    assert facts.instances == before.instances
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


WHOLE = render_snapshot(
    Header(format="wherry-sysfs-snapshot/1"),
    tree_of(mtty_nodes(made={ONE: "mtty-1"})).nodes.values(),
)
BAD_LINES = st.sampled_from(
    ["", "{}", "[]", "null", '{"p":"/sys/a"}', '{"p":"/sys/a","t":"x"}', '{"p":"a","t":"f"}',
     '{"p":"/sys/../b","t":"f"}', '{"p":"/sys/class/mdev_bus/mtty/x","t":"f"}', '{"p":"/s"',
     '{"p":"/sys/a","t":"f","s":"1","e":"EIO"}', '{"p":"/sys/a","t":"l"}']
)  # fmt: skip


@given(st.integers(1, len(WHOLE.split("\n")) - 2), BAD_LINES)
def test_a_bad_line_anywhere_in_a_snapshot_is_named(at, bad):
    lines = WHOLE.split("\n")
    text = "\n".join([*lines[:at], bad, *lines[at:]])

    with pytest.raises(InvalidFile) as caught:
        parse_snapshot(text, file="x.ndjson")

    assert caught.value.line == at + 1
    assert str(caught.value).startswith(f"x.ndjson, line {at + 1}: ")


@given(st.integers(1, len(WHOLE.split("\n")) - 2), st.integers(1, len(WHOLE.split("\n")) - 2))
def test_a_line_that_is_there_twice_is_named(first, second):
    lines = WHOLE.split("\n")
    text = "\n".join([*lines[:second], lines[first], *lines[second:]])

    with pytest.raises(InvalidFile, match="is there twice"):
        parse_snapshot(text, file="x")


@given(st.permutations(WHOLE.split("\n")[1:-1]))
def test_the_order_of_lines_says_nothing(rows):
    text = "\n".join([WHOLE.split("\n")[0], *rows]) + "\n"

    assert read_facts(parse_snapshot(text, file="x")) == read_facts(parse_snapshot(WHOLE, file="x"))


@given(st.binary(max_size=200))
def test_any_uevent_gives_a_driver_or_none(data):
    nodes = mtty_nodes(made={ONE: "mtty-1"}) | {f"{MTTY}/{ONE}/uevent": data}
    del nodes[f"{MTTY}/{ONE}/driver"]

    (instance,) = read_facts(tree_of(nodes)).instances

    assert instance.driver or b"DRIVER=" not in data.split(b"\n", 1)[0]


@given(st.text(), st.text())
def test_any_creatable_list_gives_numbers_and_names(text, number):
    for one in parse_creatable_types(f"{text}\n{number} : x"):
        assert one.number >= 0
        assert one.name


@given(
    st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.sampled_from('{}":,/lfd\\0\n\u2028 x')),
        min_size=1,
        max_size=6,
    )
)
def test_a_snapshot_with_wrong_letters_is_refused_with_a_line_or_gives_facts(changes):
    letters = list(WHOLE)
    for at, letter in changes:
        letters[at] = letter

    try:
        tree = parse_snapshot("".join(letters), file="x")
    except InvalidFile as error:
        named = error.line is not None
    else:
        named = msgspec.json.encode(read_facts(tree)) != b""

    assert named
