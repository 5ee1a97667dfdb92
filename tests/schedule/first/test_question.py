"""A question in plain words becomes queries of the Placement API."""

import pytest
from msgspec import UNSET, convert

from wherry.model.candidates import CandidatesAsked
from wherry.model.device_requests import Alternative, DeviceRequest
from wherry.model.errors import InvalidRequest
from wherry.schedule.first.devices import Kind, Wanted, classes_of, find_kinds
from wherry.schedule.first.question import make_queries, read_flavor

OPEN = "root_required=!COMPUTE_STATUS_DISABLED"
RED, BLUE = Kind("CUSTOM_RED"), Kind("CUSTOM_BLUE", ("CUSTOM_FAST",), ("CUSTOM_OLD",))


def wanted(name="gpu", count=1, kinds=(RED,), policy="legacy"):
    return Wanted(name=name, count=count, kinds=tuple(kinds), numa_policy=policy)


def texts(*devices, **said):
    asked = convert(said, CandidatesAsked)
    return [query.text for query in make_queries(asked, read_flavor(asked), devices)]


def test_resources_and_traits_are_the_group_without_a_suffix():
    required = ["HW_CPU_X86_AVX,!CUSTOM_OLD", "in:CUSTOM_RED,CUSTOM_BLUE"]

    (text,) = texts(resources={"VCPU": 4, "DISK_GB": 1}, required=required)

    assert text.split("&") == [
        "resources=DISK_GB:1,VCPU:4",
        "required=HW_CPU_X86_AVX,!CUSTOM_OLD",
        "required=in:CUSTOM_RED,CUSTOM_BLUE",
        OPEN,
    ]


def test_traits_without_resources_are_asked_of_the_host():
    assert texts(wanted(), required=["HW_CPU_X86_AVX"]) == [
        "root_required=HW_CPU_X86_AVX,!COMPUTE_STATUS_DISABLED&resources_gpu_0=CUSTOM_RED:1"
    ]
    with pytest.raises(InvalidRequest, match="asked of no resources"):
        texts(wanted(), required=["in:CUSTOM_RED,CUSTOM_BLUE"])


def test_resources_go_before_what_the_flavor_says_of_a_class():
    flavor = "resources:VCPU=4,resources:MEMORY_MB=512,resources1:VGPU=1,trait1:CUSTOM_RED=required"

    assert texts(resources={"VCPU": 8}, flavor=flavor) == [
        f"resources=MEMORY_MB:512,VCPU:8&{OPEN}&resources1=VGPU:1&required1=CUSTOM_RED"
    ]


def test_every_group_that_takes_something_is_held_to_aggregates():
    """The group that only names a NUMA node is above the others."""
    red, blue = (f"{number}" * 8 + "-0000-4000-8000-000000000000" for number in (1, 2))
    either = f"!in:{red},{blue}"

    (text,) = texts(wanted(policy="required"), resources={"VCPU": 1}, member_of=[red, either, red])
    assert [each for each in text.split("&") if each.startswith("member_of")] == [
        f"member_of={red}",
        f"member_of={either}",
        f"member_of_gpu_0={red}",
        f"member_of_gpu_0={either}",
    ]


def test_each_device_is_a_group_of_its_own():
    (text,) = texts(wanted(count=2), wanted("a.b", kinds=(BLUE,)))

    assert text.split("&") == [
        OPEN,
        "resources_gpu_0=CUSTOM_RED:1",
        "resources_gpu_1=CUSTOM_RED:1",
        "resources_a_b_0=CUSTOM_BLUE:1",
        "required_a_b_0=CUSTOM_FAST,!CUSTOM_OLD",
        "group_policy=none",
    ]


def test_names_that_would_be_one_suffix_get_two():
    (text,) = texts(wanted("a.b"), wanted("a_b"), flavor="resources_a_b_0:VGPU=1")

    assert "resources_a_b_0=VGPU:1&resources_a_b_1=CUSTOM_RED:1&resources_a_b_2=" in text


def test_alternatives_make_a_query_for_each_choice_the_first_ones_first():
    found = texts(wanted(count=2, kinds=(RED, Kind("CUSTOM_BLUE"))), wanted("nic"))

    assert [text.replace(f"{OPEN}&", "").split("&")[:2] for text in found] == [
        ["resources_gpu_0=CUSTOM_RED:1", "resources_gpu_1=CUSTOM_RED:1"],
        ["resources_gpu_0=CUSTOM_RED:1", "resources_gpu_1=CUSTOM_BLUE:1"],
        ["resources_gpu_0=CUSTOM_BLUE:1", "resources_gpu_1=CUSTOM_BLUE:1"],
    ]


def test_too_many_choices_are_refused_before_any_is_asked():
    kinds = [Kind(f"CUSTOM_{n}") for n in range(8)]
    with pytest.raises(InvalidRequest, match="in 330 ways"):
        texts(wanted(count=4, kinds=kinds))


def test_required_numa_affinity_puts_devices_below_one_node():
    (text,) = texts(wanted(policy="required"), wanted("nic", policy="required"), wanted("any"))

    assert "&required_NUMA=HW_NUMA_ROOT&same_subtree=_NUMA,_gpu_0,_nic_0&" in text


@pytest.mark.parametrize("policy", ["preferred", "legacy", "socket"])
def test_other_numa_policies_ask_nothing(policy):
    assert "NUMA" not in texts(wanted(policy=policy))[0]


def test_the_policy_of_groups_is_the_questions_or_the_flavors():
    flavor = "resources1:VGPU=1,resources2:VGPU=1,group_policy=isolate"

    assert texts(flavor=flavor)[0].endswith("&group_policy=isolate")
    assert texts(flavor=flavor, group_policy="none")[0].endswith("&group_policy=none")


def test_a_question_for_nothing_is_refused():
    for said in ({}, {"required": ["HW_CPU_X86_AVX"]}, {"flavor": "hw:cpu_policy=shared"}):
        with pytest.raises(InvalidRequest, match="nothing is asked for"):
            texts(**said)


IDS = {"vendor_id": "10DE", "product_id": "20b0"}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (IDS, ("CUSTOM_PCI_10DE_20B0", "CUSTOM_PCI_VF_10DE_20B0")),
        ({**IDS, "device_type": "type-VF"}, ("CUSTOM_PCI_10DE_20B0", "CUSTOM_PCI_VF_10DE_20B0")),
        ({**IDS, "device_type": "type-PCI"}, ("CUSTOM_PCI_10DE_20B0",)),
        ({**IDS, "device_type": "type-PF"}, ("CUSTOM_PCI_10DE_20B0",)),
        ({**IDS, "resource_class": "CUSTOM_GPU"}, ("CUSTOM_GPU",)),
    ],
)
def test_ids_are_looked_for_in_the_classes_that_are_made_of_them(said, names):
    assert classes_of(convert(said, Alternative)) == names


def test_movable_devices_have_a_trait():
    def kind(movable):
        one = Alternative(
            resource_class="VGPU", traits=("CUSTOM_B", "CUSTOM_A"), live_migratable=movable
        )
        return find_kinds("gpu", DeviceRequest(alternatives=(one,)), {"VGPU"})[0][0]

    trait = "HW_PCI_LIVE_MIGRATABLE"
    assert kind(UNSET) == Kind("VGPU", ("CUSTOM_A", "CUSTOM_B"))
    assert kind(True) == Kind("VGPU", ("CUSTOM_A", "CUSTOM_B", trait))
    assert kind(False) == Kind("VGPU", ("CUSTOM_A", "CUSTOM_B"), (trait,))


def test_alternatives_that_nothing_is_counted_in_are_told():
    request = convert(
        {"alternatives": [{"resource_class": "CUSTOM_GPUS"}, IDS, {"resource_class": "VGPU"}]},
        DeviceRequest,
    )
    kinds, notes = find_kinds("gpu", request, {"CUSTOM_GPU", "VGPU"})

    assert kinds == (Kind("VGPU"),)
    begin = "device request gpu, alternative"
    assert notes == (
        f"{begin} 1: nothing here is counted in CUSTOM_GPUS: did you mean CUSTOM_GPU?",
        f"{begin} 2: nothing here is counted in CUSTOM_PCI_10DE_20B0 or CUSTOM_PCI_VF_10DE_20B0",
    )
