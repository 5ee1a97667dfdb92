"""``wherry inspect``: what an operator reads, as text and as JSON."""

import json
import os
import platform

import msgspec
import pytest

from cli.inspect_golden import GOLDEN, assert_golden, run
from introspect.trees import write_tree
from wherry.hosts import recordings
from wherry.hosts.snapshot import load_snapshot
from wherry.introspect.facts import read_facts
from wherry.model.facts import Facts

NAMES = recordings.names()


@pytest.fixture(params=NAMES)
def recording(request, tmp_path):
    """Each recording that comes with Wherry, as a file."""
    file = tmp_path / f"{request.param}.ndjson"
    file.write_text(recordings.read(request.param), encoding="utf-8")
    return file


def file_of(name, folder):
    file = folder / f"{name}.ndjson"
    file.write_text(recordings.read(name), encoding="utf-8")
    return file


def test_a_recording_is_shown_as_a_tree(recording, capsys, monkeypatch):
    monkeypatch.chdir(recording.parent)

    status, out, err = run(capsys, "inspect", "--snapshot", recording.name)

    assert (status, err) == (0, "")
    assert_golden(f"{recording.stem}.txt", out)


def test_a_recording_is_given_as_facts(recording, capsys):
    status, out, err = run(capsys, "inspect", "--json", "--snapshot", recording)

    assert (status, err) == (0, "")
    assert_golden(f"{recording.stem}.json", out)
    assert msgspec.json.decode(out, type=Facts) == read_facts(recordings.load(recording.stem))


def test_every_checked_in_output_has_its_recording():
    assert {one.stem for one in GOLDEN.iterdir()} - {"help"} == set(NAMES)


def test_the_help_names_every_option(capsys):
    status, out, _ = run(capsys, "inspect", "--help")

    assert status == 0
    assert_golden("help.txt", out)


def test_types_of_one_pool_are_never_added_up(tmp_path, capsys):
    """19 of one type *or* 9 of the other are left of 24 ports: there is no 28 and no "19 + 9"."""
    _, out, _ = run(capsys, "inspect", "--snapshot", file_of("mtty-3mdevs", tmp_path))

    assert "24 ports, 19 free for either type" in out
    assert "19 of mtty-1 or 9 of mtty-2, from one pool" in out
    assert "28 " not in out
    assert "+" not in out.partition("devices")[2]


def test_sriov_that_is_off_is_said_to_be_off(tmp_path, capsys):
    _, out, _ = run(capsys, "inspect", "--snapshot", file_of("igb-novfs", tmp_path))

    assert out.count("SR-IOV off: up to 7 VFs once they are enabled") == 2


def test_a_folder_is_read_as_a_host_or_as_its_sysfs(recording, tmp_path, capsys):
    """Real files behind the same paths give the same facts as the recording they came from."""
    folder = write_tree(load_snapshot(recording), tmp_path / "host")

    _, wanted, _ = run(capsys, "inspect", "--json", "--snapshot", recording)
    _, whole, _ = run(capsys, "inspect", "--json", "--sysfs", folder)
    _, below, _ = run(capsys, "inspect", "--json", "--sysfs", folder / "sys")

    assert json.loads(whole) == json.loads(wanted)
    assert json.loads(below).get("devices") == json.loads(wanted).get("devices")


def test_this_host_recorded_reads_back_as_itself(tmp_path, capsys):
    """The facts of the live tree and of its recording are the same."""
    (tmp_path / "no-tools").mkdir()
    file = tmp_path / "host.ndjson"

    status, live, err = run(
        capsys, "inspect", "--json", "--beside", tmp_path / "no-tools", "--record", file
    )
    _, replayed, _ = run(capsys, "inspect", "--json", "--snapshot", file)

    assert (status, err) == (0, "")
    assert json.loads(replayed) == json.loads(live)
    assert json.loads(live)["host"]["kernel"] == platform.release()
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_recording_recorded_again_holds_the_same_facts(recording, tmp_path, capsys):
    again = tmp_path / "again.ndjson"
    run(capsys, "inspect", "--snapshot", recording, "--record", again)

    assert read_facts(load_snapshot(again)) == read_facts(load_snapshot(recording))
    if not recording.stem.startswith("constructed"):  # those were written by hand
        assert again.read_bytes() == recording.read_bytes()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--snapshot", "gone"], "there is no such file: name another"),
        (["--snapshot", "empty"], "line 1: no wherry-sysfs-snapshot/1 file"),
        (["--snapshot", "binary"], "is no UTF-8 text"),
        (["--sysfs", "gone"], "is no folder"),
        (["--sysfs", "bare"], "holds neither `sys` nor"),
        (["--sysfs", "bare", "--snapshot", "empty"], "exclude each other"),
        (["--beside", "gone", "--snapshot", "good"], "is no folder"),
        (["--snapshot", "good", "--record", "gone/x"], "cannot be written"),
        (["--snapshot", "good", "--beside", "odd"], "no whole XML"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, capsys, monkeypatch, args, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"\x7fELF\xff\n")
    (tmp_path / "good").write_text(recordings.read("mtty-fresh"), encoding="utf-8")
    (tmp_path / "bare").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "node.xml").write_text("<device>")

    status, out, err = run(capsys, "inspect", *args)

    assert (status, out) == (2, "")
    assert says in err
    assert err.startswith("wherry: ")
    assert err.count("\n") == 1


def test_odd_attributes_of_a_real_folder_are_each_said_and_stop_nothing(tmp_path, capsys):
    """Huge, binary, linked out of the root, a pipe: all but the odd one are read as usual."""
    folder = write_tree(recordings.load("mtty-fresh"), tmp_path / "host")
    (tmp_path / "secret").write_text("7\n")
    first = folder / "sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1"
    second = first.parent / "mtty-2"
    for name in ("name", "device_api"):
        (first / name).unlink()
    (first / "name").write_bytes(b"x" * 70_000)
    (first / "device_api").write_bytes(b"\xff\xfe")
    (second / "available_instances").unlink()
    (second / "available_instances").symlink_to(tmp_path / "secret")
    (second / "name").unlink()
    os.mkfifo(second / "name")
    (folder / "sys/class/mdev_bus/out").symlink_to("../../../../secret")

    status, text, _ = run(capsys, "inspect", "--sysfs", folder)
    _, out, _ = run(capsys, "inspect", "--json", "--sysfs", folder)

    mtty, outside = json.loads(out)["devices"]
    one, two = (kind["attributes"] for kind in mtty["mdev_types"])
    assert status == 0
    assert one["available_instances"] == "24"
    assert one["name"] == {"is": "unread", "errno": "EFBIG"}
    assert one["device_api"] == {"is": "binary", "hex": "fffe"}
    assert two["available_instances"] == {"is": "unread", "errno": "ELOOP"}
    assert two["name"] == {"is": "unread", "errno": "ENOTSUP"}
    assert outside["attributes"]["mdev_supported_types"] == {"is": "unread", "errno": "EXDEV"}
    assert "unknown (ELOOP: a link where none belongs; it was not followed) left" in text
    assert "name unknown (EFBIG: larger than 64 KiB; not kept), device_api unknown (binary)" in text
    assert "EXDEV: a link leads out of the root; it was not followed" in text


def test_a_snapshot_cut_in_half_is_refused_with_its_line(tmp_path, capsys):
    text = recordings.read("igb-vfs")
    file = tmp_path / "half.ndjson"
    file.write_text(text[: len(text) // 2], encoding="utf-8")

    status, _, err = run(capsys, "inspect", "--snapshot", file)

    assert status == 2
    assert f"half.ndjson, line {text[: len(text) // 2].count(chr(10)) + 1}: " in err
    assert "record it again" in err


def test_what_a_driver_writes_cannot_steer_the_terminal(tmp_path, capsys):
    """A type's name with an escape sequence is spelled out."""
    file = tmp_path / "odd.ndjson"
    text = recordings.read("mtty-fresh").replace("Single port serial", "\\u001b[2Jgone")
    file.write_text(text, encoding="utf-8")

    _, out, _ = run(capsys, "inspect", "--snapshot", file)

    assert "\x1b" not in out
    assert r"\x1b[2Jgone" in out


def test_differences_between_sysfs_and_libvirt_are_shown(tmp_path, capsys):
    (tmp_path / "mtty.xml").write_text(
        "<device><name>mtty_mtty</name><path>/sys/devices/virtual/mtty/mtty</path>"
        "<capability type='mdev_types'><type id='mtty-1'>"
        "<availableInstances>24</availableInstances></type></capability></device>"
    )

    snapshot = file_of("mtty-3mdevs", tmp_path)
    _, out, _ = run(capsys, "inspect", "--snapshot", snapshot, "--beside", tmp_path)

    assert "sources differ (sysfs is taken)" in out
    assert "mtty mtty-1.available_instances: 19, and libvirt says 24" in out


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("constructed")])
def test_whole_recordings_give_what_their_reduced_ones_give(name, shared, tmp_path, capsys):
    """The project's recordings hold what is read of the whole trees, and nothing else."""
    whole = shared / "data" / "sysfs" / name / "snapshot.ndjson"

    _, reduced, _ = run(capsys, "inspect", "--json", "--snapshot", file_of(name, tmp_path))
    _, out, _ = run(capsys, "inspect", "--json", "--snapshot", whole)

    assert json.loads(out) == json.loads(reduced)
