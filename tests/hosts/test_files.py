"""Snapshot files on disk, recordings, and what identifies a host and its boot."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introspect.trees import ONE, TWO, ChangingTree, Link, mtty_nodes, tree_of
from wherry.hosts import recordings, snapshot
from wherry.hosts.boot import disk_gb, now, read_boot_id
from wherry.hosts.live import LiveTree
from wherry.hosts.look import look_at, look_at_host
from wherry.hosts.recorder import RecordingTree, render_recording
from wherry.hosts.snapshot import load_snapshot, read_text_file, write_snapshot
from wherry.introspect.facts import read_facts
from wherry.introspect.snapshot import parse_snapshot
from wherry.introspect.tree import MAX_NAMES, resolve
from wherry.model.errors import InvalidFile, NotFound
from wherry.model.facts import Unread


def test_a_snapshot_is_written_whole_or_not_at_all(tmp_path):
    file = tmp_path / "x.ndjson"
    file.write_text("before")
    with pytest.raises(InvalidFile, match="cannot be written"):
        write_snapshot(tmp_path / "none" / "x.ndjson", "text")

    write_snapshot(file, "after\n")

    assert file.read_text() == "after\n"
    assert [one.name for one in tmp_path.iterdir()] == ["x.ndjson"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    """A folder in the file's place cannot be replaced."""
    file = tmp_path / "x.ndjson"
    file.mkdir()

    with pytest.raises(InvalidFile, match="cannot be written"):
        write_snapshot(file, "text")

    assert [one.name for one in tmp_path.iterdir()] == ["x.ndjson"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda at: None, "there is no such file"),
        (lambda at: at.mkdir(), "there is no such file"),
        (os.mkfifo, "there is no such file"),
        (lambda at: at.write_bytes(b"x" * 101), "is larger than 100 bytes"),
        (lambda at: at.write_bytes(b"one\ntwo\xff"), "line 2: is no UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(tmp_path, make, says):
    make(tmp_path / "x")

    with pytest.raises(InvalidFile, match=says):
        read_text_file(tmp_path / "x", limit=100)


def test_a_file_larger_than_the_cap_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "MAX_BYTES", 10)
    (tmp_path / "x").write_text("x" * 11)

    with pytest.raises(InvalidFile, match="is it the right file"):
        load_snapshot(tmp_path / "x")


def test_a_recording_holds_what_was_read_and_no_more():
    tree = tree_of(
        mtty_nodes()
        | {
            "/sys/class/net/eth0": Link("../../devices/virtual/net/eth0"),
            "/sys/devices/virtual/net/eth0/address": "52:54:00:00:00:01\n",
            "/etc/machine-id": "secret\n",
            "/sys/devices/virtual/dmi/id/product_uuid": "secret\n",
        }
    )
    recording = RecordingTree(tree)
    facts = read_facts(recording)

    text = render_recording(recording)

    assert read_facts(parse_snapshot(text, file="x")) == facts
    assert "eth0" not in text
    assert "secret" not in text


def test_a_recording_keeps_errors_and_where_links_lead():
    tree = tree_of(
        mtty_nodes()
        | {"/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/name": Unread(errno="EIO")}
    )
    recording = RecordingTree(tree)
    facts = read_facts(recording)

    again = parse_snapshot(render_recording(recording), file="x")

    assert read_facts(again) == facts
    assert resolve(again, "/sys/class/mdev_bus/mtty") == "/sys/devices/virtual/mtty/mtty"


def test_a_recording_of_a_host_that_moved_is_of_its_last_moment():
    """An instance is removed while its parent is read: what was seen first is not kept."""
    worlds = [
        tree_of(mtty_nodes(made={ONE: "mtty-1"}, left=(9, 4))),
        tree_of(mtty_nodes(left=(10, 5))),
    ]
    count = "/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/available_instances"
    counted = 0

    def world(question, path):
        nonlocal counted
        counted += question == "read" and path == count
        return worlds[counted > 0]

    recording = RecordingTree(ChangingTree(world))
    facts = read_facts(recording)

    assert read_facts(parse_snapshot(render_recording(recording), file="x")) == facts
    assert facts.instances == ()
    assert facts.devices[0].mdev_types[0].attributes["available_instances"] == "10"


@given(
    st.lists(st.sampled_from([0, 1, 2]), max_size=60),
    st.sampled_from([("9", "4"), ("10", "5"), ("", "x")]),
)
def test_a_parent_that_holds_still_replays_as_it_was_read(turns, counts):
    """Whatever happened before it settled, the recording says what the facts say."""
    worlds = [
        tree_of(mtty_nodes(made={ONE: "mtty-1"}, left=counts)),
        tree_of(mtty_nodes(made={TWO: "mtty-2"}, left=(counts[1], counts[0]))),
        tree_of({"/sys/class/mdev_bus/mtty": Link("../../devices/virtual/mtty/mtty")}),
    ]
    left = list(turns)
    recording = RecordingTree(ChangingTree(lambda *_: worlds[left.pop() if left else 0]))

    facts = read_facts(recording)

    if all(one.settled for one in facts.devices):
        again = read_facts(parse_snapshot(render_recording(recording), file="x"))
        assert again.devices == facts.devices


def test_a_flooded_folder_is_recorded_as_one():
    class Flooded:
        def list(self, path):
            return tuple(map(str, range(MAX_NAMES + 1)))

    recording = RecordingTree(Flooded())
    recording.list("/sys/class/mdev_bus")

    (node,) = recording.nodes()
    assert (node.t, node.e) == ("d", "E2BIG")


def test_a_link_that_is_no_text_is_recorded_as_such(tmp_path):
    folder = tmp_path / "sys/class/mdev_bus"
    folder.mkdir(parents=True)
    (folder / "odd").symlink_to(os.fsdecode(b"../bad\xff"))
    recording = RecordingTree(LiveTree(tmp_path))
    facts = read_facts(recording)

    assert read_facts(parse_snapshot(render_recording(recording), file="x")) == facts
    assert facts.devices[0].attributes["mdev_supported_types"] == Unread(errno="EBADMSG")


def test_of_a_kernel_s_configuration_only_what_is_read_is_recorded():
    tree = tree_of(
        {
            "/proc/sys/kernel/osrelease": "6.12.1\n",
            "/boot/config-6.12.1": "CONFIG_PCI_IOV=y\nCONFIG_SECRET=y\n",
        }
    )
    recording = RecordingTree(tree)
    facts = read_facts(recording)

    text = render_recording(recording)

    assert read_facts(parse_snapshot(text, file="x")) == facts
    assert "SECRET" not in text


def test_the_recordings_that_come_with_wherry_load():
    assert "mtty-3mdevs" in recordings.names()
    assert all(recordings.load(name).list("/sys") for name in recordings.names())


def test_a_recording_that_does_not_exist_is_not_found():
    with pytest.raises(NotFound, match=r"no recording \.\./x"):
        recordings.read("../x")


def test_the_page_of_recordings_names_each():
    page = Path(str(recordings.__spec__.origin)).parents[1] / "data" / "recordings" / "README.md"

    assert [n for n in recordings.names() if f"| {n} |" not in page.read_text("utf-8")] == []


def test_a_boot_is_known_by_the_kernel_s_id():
    at = "/proc/sys/kernel/random/boot_id"

    assert read_boot_id(tree_of({at: "aa-bb\n"})) == "aa-bb"
    assert read_boot_id(tree_of({})) is None
    assert read_boot_id(tree_of({at: Unread(errno="EACCES")})) is None


def test_time_and_disk_are_told_in_a_report_s_units(tmp_path):
    assert now().endswith("Z")
    assert disk_gb(tmp_path) == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize >> 30
    assert disk_gb(tmp_path / "none") is None


def test_a_host_is_looked_at_with_what_profiles_point_at():
    """A profile may point at any attribute: those that come with Wherry are read by default."""
    folder = "/sys/devices/pci0000:00/0000:00:03.0"
    nodes = {
        "/sys/bus/pci/devices/0000:00:03.0": Link("../../../devices/pci0000:00/0000:00:03.0"),
        f"{folder}/sriov_totalvfs": "1\n",
        f"{folder}/firmware_rev": "1.2\n",
        f"{folder}/own": "x\n",
    }

    (device,) = look_at(tree_of(nodes), {}, extra=("own",)).devices

    assert (device.attributes["firmware_rev"], device.attributes["own"]) == ("1.2", "x")


def test_a_look_at_another_root_asks_no_tools(tmp_path):
    (tmp_path / "sys").mkdir()

    assert look_at_host(root=tmp_path, ask=False).devices == ()
