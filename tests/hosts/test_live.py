"""The live tree: what is there, what is not, and nothing outside the root."""

import os
import socket
import threading
from pathlib import Path

import pytest

from wherry.hosts.live import LiveTree, open_folder
from wherry.introspect.facts import read_facts
from wherry.introspect.tree import ABSENT, LIMIT, link_name, read_attribute, resolve
from wherry.model.errors import InvalidFile
from wherry.model.facts import Binary, Unread

AT = "/sys/devices/x"


@pytest.fixture
def device(tmp_path):
    """The folder of one device below a root that stands for ``/``."""
    folder = tmp_path / "root" / AT.lstrip("/")
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def tree(tmp_path):
    return LiveTree(tmp_path / "root")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"19\n", "19"),
        (b"", ""),
        (b"\xff\x00\n", Binary(hex="ff000a")),
        (b"x" * LIMIT, "x" * LIMIT),
        (b"x" * (LIMIT + 1), Unread(errno="EFBIG")),
        (b"x" * (8 << 20), Unread(errno="EFBIG")),
    ],
)
def test_an_attribute_is_text_hex_or_too_large(device, tree, data, value):
    (device / "a").write_bytes(data)

    assert read_attribute(tree, f"{AT}/a") == value


def test_what_is_not_there_is_absent(tree, device):
    (device / "a").write_text("1\n")

    for path in (f"{AT}/none", f"{AT}/a/inside", "/sys/none/of/it"):
        assert tree.read(path, 10) is ABSENT
        assert tree.stat(path) is ABSENT
        assert tree.list(path) is ABSENT
        assert tree.readlink(path) is ABSENT


@pytest.mark.parametrize(
    ("make", "errno"),
    [
        (lambda at: at.mkdir(), "EISDIR"),
        (lambda at: at.symlink_to("other"), "ELOOP"),
        (os.mkfifo, "ENOTSUP"),
    ],
)
def test_only_plain_files_are_read(device, tree, make, errno):
    """A pipe would hold the reader until somebody writes."""
    make(device / "a")

    assert tree.read(f"{AT}/a", 10) == Unread(errno=errno)


def test_a_socket_is_not_read(device, tree, monkeypatch):
    monkeypatch.chdir(device)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("a")

        assert tree.read(f"{AT}/a", 10) == Unread(errno="ENOTSUP")


def test_a_read_that_fails_is_an_errno():
    """The start of a process's memory is never mapped: a plain file that gives EIO."""
    tree = LiveTree(Path("/proc/self"), mount=AT)

    assert read_attribute(tree, f"{AT}/mem") == Unread(errno="EIO")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads what nobody may read")
def test_what_may_not_be_read_is_an_errno(device, tree):
    (device / "a").write_text("secret")
    (device / "a").chmod(0o200)

    assert tree.read(f"{AT}/a", 10) == Unread(errno="EACCES")


def test_a_link_in_the_middle_of_a_path_is_never_followed(tmp_path, device, tree):
    """Whoever asks for a path through a link gets nothing: links are resolved by name only."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a").write_text("secret")
    (device / "way").symlink_to(tmp_path / "outside")

    assert tree.read(f"{AT}/way/a", 10) is ABSENT
    assert resolve(tree, f"{AT}/way/a") is ABSENT


@pytest.mark.parametrize("target", ["../../../../outside", "../../../../../../../../etc"])
def test_a_link_out_of_the_root_is_exdev(device, tree, target):
    (device / "way").symlink_to(target)

    assert resolve(tree, f"{AT}/way") == Unread(errno="EXDEV")


def test_a_link_that_is_no_text_or_names_nothing_is_no_name(device, tree):
    (device / "odd").symlink_to(os.fsdecode(b"/sys/bad\xff/good"))
    (device / "up").symlink_to("../..")

    for name in ("odd", "up"):
        assert link_name(tree, f"{AT}/{name}") == Unread(errno="EBADMSG")
    assert resolve(tree, f"{AT}/odd") == Unread(errno="EBADMSG")


def test_two_dots_in_a_path_lead_nowhere(tmp_path, tree, device):
    (tmp_path / "secret").write_text("secret")

    assert resolve(tree, "/../secret") == Unread(errno="EXDEV")
    assert tree.read("/sys/../../secret", 10) == Unread(errno="EXDEV")


def test_a_folder_swapped_for_a_link_while_reading_leads_nowhere(tmp_path, device, tree):
    """No sequence of swaps makes the reader leave the root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("secret")
    folder, link = device / "d", device / "l"
    folder.mkdir()
    (folder / "a").write_text("inside")
    link.symlink_to(outside)
    stop = threading.Event()

    def swap():
        spare = device / "s"
        while not stop.is_set():
            folder.rename(spare)
            link.rename(folder)
            folder.rename(link)
            spare.rename(folder)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        seen = {tree.read(f"{AT}/d/a", 10) for _ in range(2000)}
    finally:
        stop.set()
        swapper.join()

    assert seen <= {b"inside", ABSENT}


def test_what_vanishes_between_look_and_read_is_absent_or_an_errno(device, tree):
    """A driver that unbinds takes its attributes away while we read."""
    stop = threading.Event()

    def flicker():
        while not stop.is_set():
            (device / "a").write_text("1\n")
            (device / "a").unlink()

    flickering = threading.Thread(target=flicker)
    flickering.start()
    try:
        seen = {read_attribute(tree, f"{AT}/a") for _ in range(2000)}
    finally:
        stop.set()
        flickering.join()

    assert seen <= {ABSENT, "", "1"}


def test_names_that_are_no_text_do_not_stop_the_others(device, tree):
    (device / "good").write_text("1")
    (device / os.fsdecode(b"bad\xff")).mkdir()

    assert "good" in tree.list(AT)
    assert tree.stat(f"{AT}/nul\0inside") == Unread(errno="EINVAL")


def test_the_tree_of_this_machine_gives_facts():
    """Whatever runs the tests has a kernel, and it says which."""
    facts = read_facts(LiveTree(Path("/")))

    assert facts.host.kernel == os.uname().release


def test_a_folder_is_a_root_or_a_sysfs(tmp_path, device):
    assert open_folder(tmp_path / "root").list("/sys") == ("devices",)
    assert open_folder(tmp_path / "root" / "sys").list("/sys") == ("devices",)
    assert open_folder(tmp_path / "root" / "sys").list("/") is ABSENT


@pytest.mark.parametrize("name", ["none", "bare"])
def test_a_folder_that_is_neither_is_refused(tmp_path, name):
    (tmp_path / "bare").mkdir()

    with pytest.raises(InvalidFile, match=name):
        open_folder(tmp_path / name)
