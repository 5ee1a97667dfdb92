"""What was read of a device as rows: nothing is left out, and unknown is never 0."""

from wherry.model.facts import (
    Binary,
    Device,
    Host,
    MdevType,
    Module,
    NvidiaVf,
    Sriov,
    Unread,
    VgpuType,
)
from wherry.web.facts import Row, count_unread, groups_of, groups_of_host
from wherry.web.provider_tree import alike


def rows(device: Device) -> dict[str, Row]:
    return {row.name: row for group in groups_of(device) for row in group.rows}


def a_device(name: str = "0000:3b:00.0", **said: object) -> Device:
    return Device(**{"name": name, "bus": "pci", "role": "pf", **said})  # type: ignore[arg-type] # a test's words


def test_a_value_what_is_absent_and_what_cannot_be_read_are_three_things() -> None:
    device = a_device(
        attributes={"vendor": "0x8086", "device": Unread(errno="EIO"), "class": Binary(hex="00ff")},
        sriov=Sriov(total=7, enabled=Unread(errno="EACCES")),
    )
    found = rows(device)

    assert found["vendor"] == Row("vendor", "value", "0x8086")
    assert found["device"] == Row("device", "unreadable", "EIO")
    assert found["class"].read == "binary"
    assert found["revision"] == Row("revision", "absent", "absent")
    assert found["driver"] == Row("driver", "absent", "no driver is bound")
    assert found["VFs that can be"].text == "7"
    assert found["VFs enabled"].text == "EACCES: run as root, or it is write-only"
    assert count_unread(groups_of(device)) == 2


def test_a_type_tells_what_it_does_not_publish() -> None:
    kind = MdevType(id="t1", attributes={"device_api": "vfio-pci", "odd": "1"})
    (group,) = (each for each in groups_of(a_device(mdev_types=(kind,))) if "t1" in each.title)

    assert {row.name: row.read for row in group.rows} == {
        "name": "absent",
        "device_api": "value",
        "available_instances": "absent",
        "description": "absent",
        "odd": "value",
    }


def test_a_list_that_could_not_be_read_is_not_an_empty_one() -> None:
    unread = rows(a_device(nvidia=NvidiaVf(creatable_types=Unread(errno="EBUSY"))))
    empty = rows(a_device(nvidia=NvidiaVf()))
    some = rows(a_device(nvidia=NvidiaVf(creatable_types=(VgpuType(number=1, name="A"),))))

    assert unread["creatable types"] == Row("creatable types", "unreadable", "EBUSY")
    assert empty["creatable types"] == Row("creatable types", "value", "none")
    assert some["creatable types"].text == "A (1)"


def test_equal_vfs_are_told_once_with_what_tells_them_apart() -> None:
    vfs = [
        a_device(f"v{n}", role="vf", vf_index=n, iommu_group=str(9 + n), driver="d" if n else "e")
        for n in range(4)
    ]
    one, three = alike(vfs)

    assert (one.names, three.names) == (("v0",), ("v1", "v2", "v3"))
    assert three.own[0] == ("v1", "VF index 1, IOMMU group 10")
    assert "VF index" in {row.name for group in one.groups for row in group.rows}
    assert "VF index" not in {row.name for group in three.groups for row in group.rows}


def test_a_host_that_nobody_asked_has_absent_facts_and_no_zeros() -> None:
    found = {row.name: row for group in groups_of_host(Host()) for row in group.rows}

    assert {row.read for row in found.values()} == {"absent"}
    module = Host(modules={"m": Module(version="1", parameters={"p": "on"})})
    told = {row.name: row.text for group in groups_of_host(module) for row in group.rows}
    assert (told["m version"], told["m srcversion"], told["m p"]) == ("1", "absent", "on")
