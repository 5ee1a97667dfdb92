"""A flavor is read as Nova's scheduler reads it."""

import json

import pytest

from wherry.model.errors import InvalidRequest
from wherry.schedule.first.flavor import Asked, parse_flavor


def test_extra_specs_are_read_as_they_stand():
    text = """
        resources:VCPU=4, trait:HW_CPU_X86_AVX=required,trait:CUSTOM_OLD=forbidden
        resources1:VGPU=1, trait1:CUSTOM_RED=required; resources_NIC:SRIOV_NET_VF='2'
        group_policy=isolate, pci_passthrough:alias=A:2,B:1,A:1
        hw:pci_numa_affinity_policy=required, hw:cpu_policy="shared"
    """
    flavor = parse_flavor(text)

    assert flavor.groups == {
        "": Asked({"VCPU": 4}, ["HW_CPU_X86_AVX"], ["CUSTOM_OLD"]),
        "1": Asked({"VGPU": 1}, ["CUSTOM_RED"], []),
        "_NIC": Asked({"SRIOV_NET_VF": 2}, [], []),
    }
    assert (flavor.group_policy, flavor.numa_policy) == ("isolate", "required")
    assert flavor.devices == {"A": 3, "B": 1}
    assert flavor.ignored == ["hw:cpu_policy"]


def test_the_words_of_a_shell_are_read_as_well():
    text = "--property resources:VCPU=4 --property trait:HW_CPU_X86_AVX=required"

    assert parse_flavor(text) == parse_flavor("resources:VCPU=4,trait:HW_CPU_X86_AVX=required")


@pytest.mark.parametrize(
    ("specs", "resources"),
    [
        ("", {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 13}),
        (",resources:VCPU=0", {"MEMORY_MB": 512, "DISK_GB": 13}),
        (",resources:PCPU=2", {"PCPU": 2, "MEMORY_MB": 512, "DISK_GB": 13}),
        (",resources:MEMORY_MB=1024", {"VCPU": 2, "MEMORY_MB": 1024, "DISK_GB": 13}),
        (",resources:DISK_GB=0", {"VCPU": 2, "MEMORY_MB": 512}),
    ],
)
def test_sizes_count_where_no_extra_spec_says_otherwise(specs, resources):
    flavor = parse_flavor(f"vcpus=2,ram=512,disk=10,ephemeral=1,swap=1025{specs}")

    assert flavor.groups[""].resources == resources


def test_what_the_openstack_client_prints_is_a_flavor():
    shown = {
        "name": "g1",
        "vcpus": 2,
        "ram": 512,
        "disk": 10,
        "swap": "",
        "OS-FLV-EXT-DATA:ephemeral": 3,
        "properties": {"resources:VGPU": "1", "hw:cpu_policy": "shared"},
    }
    flavor = parse_flavor(json.dumps(shown))

    assert flavor.groups[""].resources == {"VGPU": 1, "VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 13}
    assert flavor.ignored == ["hw:cpu_policy"]
    specs = {"resources:VCPU": 2, "trait:CUSTOM_RED": "required"}
    assert parse_flavor(json.dumps(specs)).groups == {"": Asked({"VCPU": 2}, ["CUSTOM_RED"], [])}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resource:VCPU=4", "did you mean resources:VCPU"),
        ("trate1:CUSTOM_RED=required", "did you mean trait1:CUSTOM_RED"),
        ("pci_passthru:alias=A:1", "did you mean pci_passthrough:alias"),
        ("resources:VCPU=four", "takes a number"),
        ("resources:VCPU=-1", "takes a number"),
        ("trait:CUSTOM_RED=wanted", "takes required or forbidden"),
        ("group_policy=some", "takes none or isolate"),
        ("hw:pci_numa_affinity_policy=near", "takes required or preferred"),
        ("pci_passthrough:alias=A", "takes NAME:COUNT"),
        ("pci_passthrough:alias=A:0", "takes NAME:COUNT"),
        ("resources:VCPU=4,resources:VCPU=5", "is given twice"),
        ("VCPU", "no KEY=VALUE"),
        ("resources:VCPU='4", "cannot be read"),
        ("{", "begins like JSON"),
        ('{"properties": 3}', "no object"),
        ('{"resources:VCPU": [4]}', "no text or number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(text, said):
    with pytest.raises(InvalidRequest, match=said) as refused:
        parse_flavor(text)

    assert refused.value.path == "$.flavor"
