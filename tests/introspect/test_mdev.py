"""mdev parents, types and instances, whatever the kernel does while we look."""

import pytest

from introspect.trees import MTTY, ONE, TWO, WRITE_ONLY, ChangingTree, Link, mtty_nodes, tree_of
from wherry.introspect.facts import read_facts
from wherry.introspect.mdev import read_types
from wherry.model.facts import MdevType, Unread

COUNT = f"{MTTY}/mdev_supported_types/mtty-1/available_instances"


def parent_of(tree):
    (device,) = read_facts(tree).devices
    return device


def test_types_are_listed_with_what_each_attribute_gave():
    nodes = mtty_nodes()
    del nodes[f"{MTTY}/mdev_supported_types/mtty-2/name"]
    nodes[COUNT] = Unread(errno="EIO")

    first, second = read_types(tree_of(nodes), MTTY)

    assert first.attributes["available_instances"] == Unread(errno="EIO")
    assert second == MdevType(
        id="mtty-2",
        attributes={"available_instances": "12", "device_api": "vfio-pci"},
        creatable=True,
    )


def test_unknown_attributes_of_a_type_are_kept_and_commands_are_not_read():
    folder = f"{MTTY}/mdev_supported_types/mtty-1"
    nodes = mtty_nodes() | {
        f"{folder}/ap_extra": "0x00ff\n",
        f"{folder}/nested/aggregation": "4\n",
        f"{folder}/poke": WRITE_ONLY,
    }

    attributes = read_types(tree_of(nodes), MTTY)[0].attributes

    assert attributes["ap_extra"] == "0x00ff"
    assert attributes["nested/aggregation"] == "4"
    assert {"create", "poke"}.isdisjoint(attributes)


@pytest.mark.parametrize(("mode", "creatable"), [(WRITE_ONLY, True), ("", False)])
def test_whether_a_type_can_be_made_is_seen_from_the_mode_alone(mode, creatable):
    nodes = mtty_nodes() | {f"{MTTY}/mdev_supported_types/mtty-1/create": mode}

    assert read_types(tree_of(nodes), MTTY)[0].creatable is creatable


def test_an_instance_is_known_by_its_uuid_in_lower_case():
    upper = "AABBCCDD-0011-4000-8000-0000000000FF"
    facts = read_facts(tree_of(mtty_nodes(made={upper: "mtty-1"}, left=(23, 11))))

    (instance,) = facts.instances
    assert (instance.id, instance.parent, instance.type) == (upper.lower(), "mtty", "mtty-1")


def test_an_instance_s_own_attributes_are_kept():
    nodes = mtty_nodes(made={ONE: "mtty-1"}) | {
        f"{MTTY}/{ONE}/vendor/sample_mdev_dev": "This is MDEV\n",
        f"{MTTY}/{ONE}/power/runtime_status": "active\n",
        f"{MTTY}/{ONE}/vfio-dev/vfio0/dev": "511:0\n",
    }

    (instance,) = read_facts(tree_of(nodes)).instances

    assert instance.attributes == {
        "vendor/sample_mdev_dev": "This is MDEV",
        "vfio-dev": "vfio0",
        "vfio-dev/dev": "present",
    }


def test_the_driver_of_an_instance_without_a_link_is_in_its_uevent():
    nodes = mtty_nodes(made={ONE: "mtty-1"}) | {f"{MTTY}/{ONE}/uevent": "DRIVER=mtty\n"}
    del nodes[f"{MTTY}/{ONE}/driver"]

    assert read_facts(tree_of(nodes)).instances[0].driver == "mtty"


@pytest.mark.parametrize(
    ("subsystem", "types", "driver"),
    [
        ("mtty", ["mtty-1"], "mtty"),
        ("vfio-odd", ["vfio-odd-1", "vfio-odd-2"], "vfio-odd"),
        (None, ["i915-GVTg_V5_4", "i915-GVTg_V5_8"], "i915"),
        (None, ["vfio_ap-passthrough"], "vfio_ap"),
        ("other", ["a-1", "b-2"], None),
        (None, ["nodash"], None),
    ],
)
def test_a_parent_without_a_driver_link_is_its_types_driver(subsystem, types, driver):
    """A driver's name may hold a dash, its types' own words too."""
    folder = "/sys/devices/virtual/x/x"
    nodes = {"/sys/class/mdev_bus/x": Link("../../devices/virtual/x/x")}
    nodes |= {f"{folder}/mdev_supported_types/{t}/device_api": "vfio-pci\n" for t in types}
    if subsystem:
        nodes[f"{folder}/subsystem"] = Link(f"../../../../class/{subsystem}")

    assert (parent_of(tree_of(nodes)).driver or None) == driver


def test_a_parent_whose_folder_has_gone_offers_nothing_and_says_why():
    device = parent_of(tree_of({"/sys/class/mdev_bus/mtty": Link("../../devices/gone")}))

    assert (device.name, device.mdev_types, device.settled) == ("mtty", (), False)
    assert device.attributes == {"mdev_supported_types": Unread(errno="ENOENT")}


def test_a_parent_that_leads_out_of_the_root_offers_nothing():
    device = parent_of(tree_of({"/sys/class/mdev_bus/evil": Link("../../../../etc")}))

    assert device.attributes == {"mdev_supported_types": Unread(errno="EXDEV")}


@pytest.mark.parametrize("where", ["css", "ap", "virtual"])
def test_the_bus_of_a_parent_is_read_off_its_path(where):
    paths = {
        "css": "/sys/devices/css0/0.0.0313",
        "ap": "/sys/devices/vfio_ap/matrix",
        "virtual": "/sys/devices/virtual/mdpy/mdpy",
    }
    path = paths[where]
    name = path.rpartition("/")[2]
    nodes = {
        f"/sys/class/mdev_bus/{name}": Link(f"../..{path.removeprefix('/sys')}"),
        f"{path}/mdev_supported_types/x-y/device_api": "vfio-ccw\n",
    }

    device = parent_of(tree_of(nodes))

    assert (device.bus, device.name, device.role) == (where, name, "mdev_parent")


def test_counts_and_instances_that_moved_once_are_read_again():
    """A create between the first list and the counts: the second look holds still."""
    before = tree_of(mtty_nodes())
    after = tree_of(mtty_nodes(made={ONE: "mtty-1"}, left=(23, 11)))
    counts_read = 0

    def world(question, path):
        nonlocal counts_read
        counts_read += question == "read" and path == COUNT
        return after if counts_read else before

    facts = read_facts(ChangingTree(world))

    assert facts.devices[0].settled
    assert facts.devices[0].mdev_types[0].attributes["available_instances"] == "23"
    assert [one.id for one in facts.instances] == [ONE]
    assert counts_read == 2


def test_a_parent_that_never_holds_still_is_unsettled():
    worlds = [tree_of(mtty_nodes(made={ONE: "mtty-1"})), tree_of(mtty_nodes(made={TWO: "mtty-1"}))]
    turns = 0

    def world(question, path):
        nonlocal turns
        turns += question == "list" and path == f"{MTTY}/mdev_supported_types"
        return worlds[turns // 2 % 2]

    device = parent_of(ChangingTree(world))

    assert not device.settled
    assert turns < 20, "the reads are bounded"


def test_an_instance_that_is_being_removed_is_leaving():
    """Off the bus, its folder still there, its port still counted."""
    nodes = mtty_nodes(left=(23, 11)) | {f"{MTTY}/{ONE}/remove": WRITE_ONLY}

    facts = read_facts(tree_of(nodes))

    assert facts.devices[0].leaving == (ONE,)
    assert facts.instances == ()
    assert facts.devices[0].settled


def test_an_instance_that_only_the_bus_shows_is_listed():
    nodes = {
        f"/sys/bus/mdev/devices/{ONE}": Link(f"../../../devices/virtual/mtty/mtty/{ONE}"),
        f"{MTTY}/{ONE}/mdev_type": Link("../mdev_supported_types/mtty-1"),
    }

    (instance,) = read_facts(tree_of(nodes)).instances

    assert (instance.id, instance.parent, instance.type) == (ONE, "mtty", "mtty-1")


def test_vfs_of_one_pf_are_read_as_one_family():
    """A vGPU made on one VF moves its siblings' counts, so all are read again."""
    vfs = [f"/sys/devices/pci0000:80/0000:81:00.{n}" for n in (4, 5)]

    def world_with(left, made):
        nodes = {}
        for at in vfs:
            name = at.rpartition("/")[2]
            types = f"{at}/mdev_supported_types/nvidia-1"
            nodes |= {
                f"/sys/class/mdev_bus/{name}": Link(f"../..{at.removeprefix('/sys')}"),
                f"{at}/physfn": Link("../0000:81:00.0"),
                f"{types}/available_instances": left,
                f"{types}/devices/{ONE}" if made and at == vfs[0] else f"{types}/devices": (
                    Link(f"../../../{ONE}") if made and at == vfs[0] else ""
                ),
            }
        return tree_of({k: v for k, v in nodes.items() if v != ""})

    before, after = world_with("1\n", made=False), world_with("0\n", made=True)
    last = f"{vfs[1]}/mdev_supported_types/nvidia-1/available_instances"
    seen = 0

    def world(question, path):
        nonlocal seen
        seen += question == "read" and path == last
        return after if seen else before

    facts = read_facts(ChangingTree(world))

    counts = [one.mdev_types[0].attributes["available_instances"] for one in facts.devices]
    assert counts == ["0", "0"]
    assert [one.id for one in facts.instances] == [ONE]
