"""Discovery reads and nothing else: nothing is written, woken, blocked on, or left the root."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from hosts.opens import Event, is_change, listening
from introspect.trees import write_tree
from wherry.hosts import recordings
from wherry.hosts.live import LiveTree
from wherry.hosts.look import look_at, look_at_host
from wherry.hosts.recorder import RecordingTree, render_recording
from wherry.introspect.facts import read_facts
from wherry.introspect.readable import is_readable
from wherry.model.facts import Facts

NEVER = (
    "config", "vpd", "rom", "resource0", "resource2_wc", "resource0_resize", "msi_irqs/2401",
    "aer_dev_fatal", "remove", "rescan", "reset", "driver/unbind", "driver/bind",
    "driver/new_id", "p2pmem/allocate", "current_link_speed", "current_link_width",
    "mdev_supported_types/x-1/create", "of_node/model",
)  # fmt: skip
"""What wakes a device, blocks the reader, or is a command (relative to a device)."""


def trap(folder: Path) -> None:
    """Put everything that must never be opened beside each device's own attributes.

    A named pipe has no writer: whoever opens it for reading the ordinary way would hang.
    """
    for name in NEVER:
        at = folder / name
        if os.path.lexists(at) or any(one.is_symlink() for one in at.parents):
            continue
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text("never read\n")
        at.chmod(0o644)


def devices_below(root: Path) -> Iterable[Path]:
    return [one for one in root.rglob("*") if one.is_dir() and (one / "vendor").is_file()] + [
        one.parent for one in root.rglob("mdev_supported_types") if one.is_dir()
    ]


def state_of(root: Path) -> dict[str, tuple[int, int, int, bytes | str]]:
    """Everything about each node that a write would change."""
    found = {}
    for one in sorted(root.rglob("*")):
        seen = one.lstat()
        inside: bytes | str = b""
        if one.is_symlink():
            inside = str(one.readlink())
        elif one.is_file():
            inside = one.read_bytes()
        found[str(one)] = (seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, inside)
    return found


@pytest.fixture(params=["mtty-3mdevs", "igb-vfs", "constructed-nvidia-vfio", "host-numa2"])
def root(request, tmp_path):
    """A real folder of a recording, with traps in it."""
    folder = write_tree(recordings.load(request.param), tmp_path / "host")
    for device in devices_below(folder):
        trap(device)
    return folder


@pytest.fixture(scope="module")
def hear():
    with listening() as listener:
        yield listener.hear


def record_facts(root: Path) -> Facts:
    return read_facts(RecordingTree(LiveTree(root)), extra=NEVER)


def read(root: Path, extra: tuple[str, ...] = ()) -> Facts:
    return read_facts(LiveTree(root), extra=extra)


def record_this_host() -> str:
    tree = RecordingTree(LiveTree(Path("/")))
    return render_recording(tree) if look_at(tree, {}) else ""


def look(root: Path) -> bool:
    return look_at_host(root=root, ask=False) is not None


def write_and_remove(file: Path) -> None:
    file.write_text("x")
    file.unlink()


def opened_files(events: list[Event], root: Path) -> set[str]:
    """Names of the files that were opened below the tree's root, by their last component."""
    return {str(args[0]) for name, args in events if name == "open"} - {str(root)}


def test_a_host_is_read_without_changing_anything(hear, root):
    before = state_of(root)

    facts, events = hear(record_facts, root)

    assert facts.host.kernel
    assert [one for one in events if is_change(one)] == []
    assert state_of(root) == before


def test_what_wakes_or_blocks_is_never_opened(hear, root):
    """Also where a profile points at it: the live tree has a lock of its own."""
    _, events = hear(read, root, NEVER)

    files = {name.rpartition("/")[2] for name in NEVER}
    assert files.isdisjoint(opened_files(events, root))
    assert len(events) > 100


def test_every_path_is_opened_from_the_root_down(hear, root):
    """Only the root is opened by its path: all else by one name, relative to an open folder."""
    _, events = hear(read, root)

    names = opened_files(events, root)
    assert [name for name in names if "/" in name or name in {".", ".."}] == []


def test_this_host_is_read_without_changing_anything(hear):
    text, events = hear(record_this_host)

    assert text
    assert [one for one in events if is_change(one)] == []


def test_no_program_is_run_where_none_is_asked(hear, tmp_path):
    (tmp_path / "sys").mkdir()

    looked, events = hear(look, tmp_path)

    assert looked
    assert [one for one in events if is_change(one)] == []


def test_the_hook_hears_what_changes_files(hear, tmp_path):
    """The check can fail."""
    _, events = hear(write_and_remove, tmp_path / "a")

    assert [name for name, _ in events if is_change((name, _))] == ["open", "os.remove"]


DEVICE = "/sys/devices/pci0000:00/0000:00:02.0"


@pytest.mark.parametrize("name", NEVER)
def test_the_live_tree_refuses_what_is_never_read(name):
    assert not is_readable(f"{DEVICE}/{name}")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow", "/etc/machine-id", "/proc/kcore", "/proc/self/environ", "/dev/vfio/1",
        "/boot/config-../../x", "/boot/vmlinuz", "/sys/kernel/debug/tracing/trace_pipe",
        "relative", "", "/sysx/a",
    ],
)  # fmt: skip
def test_nothing_outside_sysfs_and_a_few_files_is_read(path):
    assert not is_readable(path)


@pytest.mark.parametrize(
    "path",
    [
        f"{DEVICE}/vendor", f"{DEVICE}/mdev_supported_types/x-1/available_instances",
        f"{DEVICE}/nvidia/creatable_vgpu_types", "/proc/meminfo", "/proc/config.gz",
        "/boot/config-6.12.107+deb13-amd64", "/sys/kernel/iommu_groups/1/type",
    ],
)  # fmt: skip
def test_what_discovery_needs_may_be_read(path):
    assert is_readable(path)
