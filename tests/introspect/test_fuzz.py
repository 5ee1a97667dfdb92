"""Whatever a host says, facts come out of it, and they are facts: they encode and decode."""

import msgspec
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
from wherry.introspect.pci import parse_bar_sizes
from wherry.introspect.readable import is_readable
from wherry.introspect.sides import add_sides
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


WORDS = st.sampled_from(
    ["device", "capability", "type", "address", "name", "uuid", "path", "numa", "x"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["type", "id", "domain", "bus", "slot", "function", "number", "node"]),
    st.sampled_from(
        ["pci", "mdev", "mdev_types", "virt_functions", "phys_function", "0x01", "zz", ""]
    ),
    max_size=4,
)


@st.composite
def elements(draw, depth=3):
    name = draw(WORDS)
    said = "".join(f' {k}="{v}"' for k, v in draw(ATTRIBUTES).items())
    inside = (
        draw(st.lists(elements(depth - 1), max_size=3))
        if depth
        else [draw(st.sampled_from(["1", "0x1", "", "pci"]))]
    )
    return f"<{name}{said}>{''.join(inside)}</{name}>"


@given(st.lists(elements(), max_size=4))
def test_any_node_device_is_taken(inside):
    facts = add_sides(Facts(), {"a.xml": f"<device>{''.join(inside)}</device>"})

    assert facts.devices == ()


def test_reading_writes_nothing():
    """A tree has no way to write, and a live one opens for reading only."""
    assert not any(name.startswith(("write", "remove", "create")) for name in dir(tree_of({})))
