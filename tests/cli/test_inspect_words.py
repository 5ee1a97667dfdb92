"""How ``wherry inspect`` words what is unknown, in doubt, or about to go."""

import io

import pytest
from rich.console import Console

from wherry.cli.branches import Branch, draw, leaf, printable
from wherry.cli.pools import Derived, PoolLine, derive
from wherry.cli.render_facts import render_facts
from wherry.introspect.words import ranges
from wherry.inventory.words import unit_of
from wherry.model.facts import (
    Binary,
    Cpu,
    Device,
    Facts,
    Host,
    Instance,
    MdevType,
    MigrationProbe,
    Module,
    NumaNode,
    NvidiaVf,
    Sriov,
    Unread,
)
from wherry.profiles.builtin import builtin_profiles


def a_parent(**fields):
    own = {"available_instances": "19"}
    return Device(
        **{
            "name": "mtty",
            "bus": "virtual",
            "role": "mdev_parent",
            "path": "/sys/devices/virtual/mtty/mtty",
            "mdev_types": (MdevType(id="mtty-1", attributes=own),),
            **fields,
        }
    )


def a_pf(**fields):
    return Device(
        **{"name": "0000:01:00.0", "bus": "pci", "role": "pf", "path": "/sys/devices/x", **fields}
    )


def a_type(count):
    attributes = {} if count is None else {"available_instances": count}
    return MdevType(id="mtty-1", attributes=attributes)


def lines_of(branch):
    yield branch.text
    for one in branch.inside:
        yield from lines_of(one)


def shown(*devices, derived=None, **facts):
    said = Facts(devices=devices, **facts)
    return list(lines_of(render_facts(said, source="x", derived=derived or Derived())))


@pytest.mark.parametrize(
    ("count", "line"),
    [
        ("19", "mtty-1  19 left"),
        ("0", "mtty-1  0 left"),
        (None, "mtty-1  unknown (absent) left"),
        (Binary(hex="ff"), "mtty-1  unknown (binary) left"),
        (Unread(errno="ENODEV"), "mtty-1  unknown (ENODEV: the device went away; look again) left"),
        (Unread(errno="ENXIO"), "mtty-1  unknown (ENXIO) left"),
    ],
)
def test_a_count_that_is_not_known_is_not_0(count, line):
    assert line in shown(a_parent(mdev_types=(a_type(count),)))


def test_types_of_which_none_is_known_are_an_unknown_number():
    lines = shown(a_parent(mdev_types=(a_type(None),)))

    assert "can make an unknown number" in lines


@pytest.mark.parametrize(
    ("probe", "line"),
    [
        (
            MigrationProbe(flags=("stop_copy", "p2p"), stop_copy_bytes=60),
            "can migrate (stop_copy, p2p, 60 bytes of state)",
        ),
        (MigrationProbe(flags=("stop_copy",)), "can migrate (stop_copy)"),
        (MigrationProbe(flags=Unread(errno="ENOTTY")), "its driver cannot migrate it"),
        (
            MigrationProbe(flags=Unread(errno="EBUSY")),
            "ability to migrate unknown (EBUSY: something holds it)",
        ),
        (MigrationProbe(flags=Unread(errno="EACCES")), "ability to migrate unknown (EACCES)"),
    ],
)
def test_what_a_probe_answered_is_said_of_device_and_instance(probe, line):
    instance = Instance(id="u-1", parent="mtty", type="mtty-1", probe=probe)

    assert line in shown(a_pf(probe=probe))
    assert f"u-1  is a mtty-1, {line}" in shown(a_parent(), instances=(instance,))


@pytest.mark.parametrize(
    ("sriov", "line"),
    [
        (Sriov(total=7, enabled=0), "SR-IOV off: up to 7 VFs once they are enabled"),
        (
            Sriov(total=7, enabled=0, vf_device="10ca"),
            "SR-IOV off: up to 7 VFs once they are enabled, each a device 10ca",
        ),
        (Sriov(total=7, enabled=3), "SR-IOV on: 3 of 7 VFs"),
        (Sriov(total=0, enabled=0), "SR-IOV: its driver allows no VFs"),
        (
            Sriov(total=7, enabled=Unread(errno="EIO")),
            "SR-IOV: VFs enabled unknown (EIO), up to 7",
        ),
        (Sriov(total=Unread(errno="EIO"), enabled=3), "SR-IOV on: 3 of unknown (EIO) VFs"),
    ],
)
def test_sriov_is_on_off_or_unknown(sriov, line):
    assert line in shown(a_pf(sriov=sriov))


def test_a_device_that_does_not_hold_still_offers_nothing():
    assert "offers nothing until it holds still: it changed while it was read" in shown(
        a_parent(settled=False)
    )


def test_an_instance_on_its_way_out_still_counts():
    lines = shown(a_parent(leaving=("u-1",), mdev_types=(a_type("0"),)))

    assert "u-1 is being removed and still counted as used" in lines
    assert "can make none now" in lines


def test_what_could_not_be_read_is_listed_with_what_to_do():
    lines = shown(a_pf(attributes={"revision": Unread(errno="EACCES")}))

    assert "revision could not be read (EACCES: run as root, or it is write-only)" in lines


@pytest.mark.parametrize(
    ("numa", "said"), [((), True), ((NumaNode(id=0),), False), ((NumaNode(id=0),) * 2, True)]
)
def test_an_unknown_node_is_said_where_there_is_a_choice(numa, said):
    heads = [one for one in shown(a_pf(), host=Host(numa=numa)) if one.startswith("0000:01:00.0")]

    assert ["NUMA node unknown" in head for head in heads] == [said]


def test_vgpu_types_that_cannot_be_read_are_unknown():
    vf = a_pf(role="vf", nvidia=NvidiaVf(creatable_types=Unread(errno="EIO")))

    assert "vGPU types unknown (EIO)" in shown(vf)


def test_facts_that_contradict_themselves_are_shown_and_make_no_inventory():
    facts = Facts(devices=(a_parent(), a_parent()))

    lines = list(
        lines_of(render_facts(facts, source="x", derived=derive(facts, builtin_profiles())))
    )

    assert lines[-1].startswith("no inventory can be made of this: ")
    assert "mtty is listed twice" in lines[-1]
    assert sum(line.startswith("mtty  mdev parent") for line in lines) == 2


@pytest.mark.parametrize(
    ("pool", "line"),
    [
        (
            PoolLine("CUSTOM_MTTY_PORT", 24, 0, 19, ("a", "b")),
            "pool CUSTOM_MTTY_PORT: 24 ports, 19 free for either type",
        ),
        (
            PoolLine("CUSTOM_X_MB", 256, 64, 192, ("a", "b", "c")),
            "pool CUSTOM_X_MB: 256 MB, 64 reserved, 192 free for any type",
        ),
        (
            PoolLine("CUSTOM_X_MB", 256, 0, 192, ("a", "b", "c"), closed=2),
            "pool CUSTOM_X_MB: 256 MB, 192 free for 1 of 3 types",
        ),
        (PoolLine("SRIOV_NET_VF", 7, 0, 7, ("a",)), "pool SRIOV_NET_VF: 7 VFs, 7 free for a"),
        (PoolLine("VGPU", 7, 0, 0, ("a",)), "pool VGPU: 7 vgpus, 0 free"),
    ],
)
def test_a_pool_is_said_with_its_unit_and_for_whom_it_is_free(pool, line):
    assert line in shown(a_parent(), derived=Derived(pools={"mtty": (pool,)}))


def test_the_unit_of_a_class_is_its_last_word():
    assert [unit_of(one) for one in ("CUSTOM_GPU_FB_MB", "SRIOV_NET_VF", "PCI_DEVICE")] == [
        "MB",
        "VFs",
        "devices",
    ]


def test_a_host_says_what_is_not_told():
    lines = shown(host=Host(arch="x86_64", cpu=Cpu(vendor="AMD", count=8)))

    assert lines[2:5] == ["kernel unknown, x86_64", "CPU AMD, 8 online", "IOMMU not told"]
    assert "none that a guest could get" in lines[-1]


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([0, 1, 2, 5], "0-2,5"), ([0, 2, 4], "0,2,4")]
)
def test_numbers_in_a_row_become_a_range(numbers, text):
    assert ranges(numbers) == text


def test_on_a_narrow_terminal_lines_are_folded_and_none_is_lost():
    out = io.StringIO()
    words = [f"word{n}" for n in range(30)]

    draw(Branch("top", (leaf(" ".join(words)),)), Console(file=out, width=40))

    assert max(len(line) for line in out.getvalue().split("\n")) <= 40
    assert [word for word in words if word not in out.getvalue()] == []


@pytest.mark.parametrize(
    ("text", "safe"), [("a\x1b[2J", r"a\x1b[2J"), ("tab\t", r"tab\t"), ("grün ✓", "grün ✓")]
)
def test_letters_that_steer_a_terminal_are_spelled_out(text, safe):
    assert printable(text) == safe


def test_a_host_s_lists_are_shortened_and_its_module_parameters_shown():
    host = Host(
        machine_types=tuple(f"pc-{n}" for n in range(9)),
        cpu_models=("EPYC",),
        versions={"kernel": "6.12", "qemu": "10.0.13", "libvirt": "11.3.0"},
        modules={"vfio": Module(taint="", parameters={"enable_unsafe_noiommu_mode": "Y"})},
        kernel_config={"CONFIG_IOMMUFD": "n"},
        dmi={"sys_vendor": "QEMU", "product_name": "", "bios_version": Unread(errno="EACCES")},
    )

    lines = shown(host=host)

    assert "9 machine types: pc-0, pc-1, pc-2, pc-3, pc-4, pc-5 and 3 more" in lines
    assert "1 CPU model: EPYC" in lines
    assert "versions libvirt 11.3.0, qemu 10.0.13" in lines
    assert "vfio, enable_unsafe_noiommu_mode Y" in lines
    assert "kernel configuration IOMMUFD n" in lines
    assert "machine QEMU" in lines


def test_running_firmware_is_shown_and_the_rest_of_devlink_is_in_the_facts():
    attributes = {
        "devlink/versions/running/fw": "22.1",
        "devlink/versions/stored/fw": "22.2",
        "libvirt/product_name": "82576",
        "vendor": "0x8086",
        "device": "0x10c9",
    }

    lines = shown(a_pf(attributes=attributes))

    assert "firmware: fw 22.1" in lines
    assert any("8086:10c9 82576" in line for line in lines)


def test_what_tools_told_of_a_device_is_one_line_a_tool():
    attributes = {
        "devlink/eswitch/mode": "switchdev",
        "devlink/port/netdev": "eth0r0",
        "vdpa/type": "network",
        "vdpa/max_vqs": "3",
        "vdpa/mgmtdev/dev_features": "MTU MAC",
        "nvidia-smi/gpu_virtualization_mode/host_vgpu_mode": "SR-IOV",
    }

    lines = shown(a_pf(attributes=attributes))

    assert lines[-4:] == [
        "switch: mode switchdev",
        "port: netdev eth0r0",
        "vdpa: max_vqs 3, type network",
        "nvidia-smi: gpu_virtualization_mode/host_vgpu_mode SR-IOV",
    ]


def test_functions_that_share_an_iommu_group_are_named():
    lines = shown(a_pf(iommu_group="7", shares_iommu_group=("0000:00:04.0", "0000:00:05.0")))

    assert any(
        line.endswith("IOMMU group 7 shared with 0000:00:04.0, 0000:00:05.0") for line in lines
    )
    assert any(line.endswith("no IOMMU group") for line in shown(a_pf()))


def test_many_vfs_without_a_group_or_in_one_are_told_apart():
    vfs = [
        a_pf(
            name=f"0000:01:{2 + n // 8:02x}.{n % 8}",
            role="vf",
            physfn="0000:01:00.0",
            vf_index=n,
            **({"iommu_group": "9", "shares_iommu_group": ("x",)} if n < 10 else {}),
        )
        for n in range(20)
    ]

    lines = shown(a_pf(), *vfs)

    assert any("VFs 0-9, 10 alike" in line and "which they share" in line for line in lines)
    assert any("VFs 10-19, 10 alike" in line and "no IOMMU group" in line for line in lines)
