"""A driver's own attributes are kept as they are, within bounds; VFIO is looked at, not opened."""

import pytest

from introspect.trees import FOLDER, WRITE_ONLY, Link, tree_of
from wherry.introspect.opaque import MAX_FILES, read_opaque
from wherry.introspect.vfio import read_vfio
from wherry.model.facts import Unread

AT = "/sys/devices/x/0000:00:02.0"


def test_files_are_kept_one_folder_deep_and_no_deeper():
    nodes = {
        f"{AT}/plain": "1\n",
        f"{AT}/own/inside": "2\n",
        f"{AT}/own/uevent": "DRIVER=x\n",
        f"{AT}/own/deep/deeper": "3\n",
        f"{AT}/uevent": "DRIVER=x\n",
        f"{AT}/power/control": "auto\n",
        f"{AT}/subsystem": Link("../../../bus/pci"),
        f"{AT}/link": Link("plain"),
        f"{AT}/skipped": "4\n",
    }

    assert read_opaque(tree_of(nodes), AT, skip=frozenset({"skipped"})) == {
        "plain": "1",
        "own/inside": "2",
    }


def test_commands_and_what_is_never_read_are_left_alone():
    nodes = {
        f"{AT}/poke": WRITE_ONLY,
        f"{AT}/config": "x",
        f"{AT}/resource0": "x",
        f"{AT}/msi_irqs/24": "msi\n",
    }

    assert read_opaque(tree_of(nodes), AT) == {}


def test_an_attribute_that_fails_is_kept_with_its_errno():
    nodes = {f"{AT}/odd": Unread(errno="EIO"), f"{AT}/fine": "1\n"}

    assert read_opaque(tree_of(nodes), AT) == {"odd": Unread(errno="EIO"), "fine": "1"}


def test_a_driver_that_publishes_without_end_is_cut():
    nodes = {f"{AT}/a{n:03}": f"{n}\n" for n in range(2 * MAX_FILES)}

    found = read_opaque(tree_of(nodes), AT)

    assert len(found) == MAX_FILES
    assert min(found) == "a000"


def test_a_folder_that_is_not_there_has_nothing():
    assert read_opaque(tree_of({}), AT) == {}


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ({}, {}),
        ({f"{AT}/vfio-dev": FOLDER}, {}),
        ({f"{AT}/vfio-dev/vfio3": FOLDER}, {"vfio-dev": "vfio3"}),
        (
            {f"{AT}/vfio-dev/vfio3/dev": "511:3\n"},
            {"vfio-dev": "vfio3", "vfio-dev/dev": "present"},
        ),
        (
            {
                f"{AT}/vfio-dev/vfio3": FOLDER,
                "/sys/kernel/debug/vfio/0000:00:02.0/migration/state": WRITE_ONLY,
            },
            {"vfio-dev": "vfio3", "debugfs/migration": "present"},
        ),
    ],
)
def test_a_binding_to_vfio_is_seen_without_opening_the_device(nodes, said):
    """The kernel shows a migration state only of devices that can migrate."""
    assert read_vfio(tree_of(nodes), AT) == said
