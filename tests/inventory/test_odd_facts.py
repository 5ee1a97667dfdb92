"""Facts that a profile cannot make sense of: left out or null, shown, and never guessed."""

from typing import Any

import pytest
from msgspec import UNSET

from host_facts import (
    PF,
    a_function,
    a_pf,
    a_plan,
    a_type,
    a_vf,
    a_vgpu_vf,
    an_instance,
    an_mdev_parent,
    an_mtty,
    codes_of,
    providers_of,
    the_provider,
)
from wherry.model.device import Feature, Offer, Range
from wherry.model.facts import NvidiaVf, Unread
from wherry.model.inventory import HostPlan
from wherry.profiles.builtin import profiles_with
from wherry.profiles.library import Profiles

HEAD = """
    schema = "wherry.profile/1"
    id = "acme"
    about = "a made-up accelerator"
    match = { driver = "acme" }
    types_from = "mdev"
    device_class = "accelerator"
"""
LANES = "[pools.CUSTOM_ACME_LANE]\nunits = 1\n"
EIO = Unread(errno="EIO")


def acme_profile(text: str, name: str = "acme/{id}") -> Profiles:
    """Wherry's profiles and one for the made-up driver."""
    body = f'name = "{name}"\n{text}'
    if "interface" not in text:
        body = f'interface = {{ policy = "none" }}\n{body}'
    return profiles_with([("acme.toml", f"{HEAD}\n{body}")])


def acme_plan(profiles: Profiles, *types: Any, **fields: Any) -> HostPlan:
    """A host with one accelerator; without types it has one that publishes these fields."""
    several = types or (a_type("acme-1", 4, **fields),)
    return a_plan(an_mdev_parent("acme0", driver="acme", types=several), profiles=profiles)


def only_offer(plan: HostPlan) -> Offer:
    """The offer of the accelerator."""
    (offer,) = the_provider(plan, "acme0").offers
    return offer


VERSIONS = acme_profile(
    """
    [interface]
    policy = "range"
    min_from = { of = "type", attribute = "oldest" }
    max_from = { of = "type", attribute = "newest" }
    """
    + LANES
)


@pytest.mark.parametrize(
    ("published", "supports"),
    [
        ({"oldest": "1.0", "newest": "3.0"}, Range(min="1.0", max="3.0")),
        ({"newest": "3.0"}, Range(max="3.0")),
        ({}, UNSET),
        ({"oldest": EIO, "newest": "3.0"}, None),
    ],
)
def test_a_range_is_read_end_by_end(published: Any, supports: Any) -> None:
    assert only_offer(acme_plan(VERSIONS, **published)).interface.supports == supports


@pytest.mark.parametrize(
    ("published", "features"),
    [
        ({"features": "a, b"}, {"a": Feature(), "b": Feature()}),
        ({}, UNSET),
        ({"features": EIO}, None),
    ],
)
def test_features_that_cannot_be_read_are_null_and_not_none(published: Any, features: Any) -> None:
    profiles = acme_profile('features_from = { of = "type", attribute = "features" }\n' + LANES)

    assert only_offer(acme_plan(profiles, **published)).features == features


@pytest.mark.parametrize(
    ("published", "value"), [({"size": "7"}, 7), ({"size": EIO}, None), ({"size": "big"}, None)]
)
def test_a_parameter_that_does_not_read_is_null(published: Any, value: Any) -> None:
    profiles = acme_profile(
        'params.size = { type = "int", value = { of = "type", attribute = "size" } }\n' + LANES
    )

    assert only_offer(acme_plan(profiles, **published)).params["size"].value == value


def test_a_parameter_that_the_host_does_not_state_is_left_out() -> None:
    profiles = acme_profile(
        'params.size = { type = "int", value = { of = "type", attribute = "size" } }\n' + LANES
    )

    assert only_offer(acme_plan(profiles)).params is UNSET


@pytest.mark.parametrize("lanes", [EIO, "many", "99999999999"])
def test_a_type_whose_units_do_not_read_is_not_offered(lanes: Any) -> None:
    profiles = acme_profile(
        '[pools.CUSTOM_ACME_LANE]\nunits = { of = "type", attribute = "lanes" }\n'
    )
    types = a_type("acme-1", 4, lanes=lanes), a_type("acme-2", 2, lanes="2")

    plan = acme_plan(profiles, *types)

    assert [offer.type for offer in the_provider(plan, "acme0").offers] == ["acme/acme-2"]
    assert codes_of(plan) == ["TYPE_UNREADABLE"]


def test_a_type_that_states_no_units_takes_nothing_and_is_not_offered() -> None:
    profiles = acme_profile(
        '[pools.CUSTOM_ACME_LANE]\nunits = { of = "type", attribute = "lanes" }\n'
    )

    plan = acme_plan(profiles)

    assert codes_of(plan) == ["CAPACITY_UNKNOWN", "TYPE_UNREADABLE"]
    assert the_provider(plan, "acme0").note == "capacity unknown: no type is listed"


def test_two_types_of_one_name_are_told_apart_by_nobody() -> None:
    profiles = acme_profile(LANES, name="acme/any")

    plan = acme_plan(profiles, a_type("acme-1", 4), a_type("acme-2", 4))

    assert only_offer(plan).type == "acme/any"
    assert codes_of(plan) == ["TYPE_TWICE"]


def test_what_excludes_others_has_to_be_readable() -> None:
    profiles = acme_profile(
        """
        exclusive = "size"
        params.size = { type = "int", value = { of = "type", attribute = "size" } }
        """
        + LANES
    )

    plan = acme_plan(profiles, a_type("acme-1", 4), a_type("acme-2", 4, size="2"))

    assert only_offer(plan).type == "acme/acme-2"
    assert codes_of(plan) == ["TYPE_UNREADABLE"]


def test_more_than_an_inventory_holds_is_unknown() -> None:
    profiles = acme_profile("[pools.CUSTOM_ACME_LANE]\nunits = 1000000000\n")

    plan = acme_plan(profiles)

    assert the_provider(plan, "acme0").note == (
        "capacity unknown: more of CUSTOM_ACME_LANE than an inventory holds"
    )


def test_an_interface_that_cannot_be_read_makes_no_offer() -> None:
    profiles = acme_profile(LANES)

    plan = acme_plan(profiles, device_api=EIO)

    assert the_provider(plan, "acme0").offers == ()
    assert codes_of(plan) == ["OFFER_REFUSED"]
    assert "a device_api that cannot be read" in plan.findings[0].message


def test_traits_may_be_looked_up_by_a_value() -> None:
    profiles = acme_profile(
        LANES
        + """
        [[trait_rules]]
        value = { of = "type", attribute = "speed" }
        traits = { fast = ["CUSTOM_FAST", "HW_NIC_OFFLOAD_TSO"], slow = "CUSTOM_SLOW" }
        """
    )

    traits = [
        the_provider(acme_plan(profiles, **published), "acme0").traits
        for published in ({"speed": "fast"}, {"speed": "slow"}, {"speed": "odd"}, {})
    ]

    assert traits == [("CUSTOM_FAST", "HW_NIC_OFFLOAD_TSO"), ("CUSTOM_SLOW",), (), ()]


def test_a_virtual_parent_has_the_driver_of_its_instances_or_of_its_types_ids() -> None:
    bare = an_mtty(driver=UNSET)
    odd = an_mdev_parent("odd", driver=UNSET, types=(a_type("card-1", 1), a_type("other-1", 1)))

    by_ids = a_plan(bare, odd)
    by_instance = a_plan(
        an_mdev_parent("odd", driver=UNSET, types=(a_type("mtty-1", 22), a_type("x-1", 22))),
        instances=[an_instance(1, "mtty-1", parent="odd", driver="mtty")],
    )

    assert the_provider(by_ids, "mtty").offers != ()
    assert the_provider(by_ids, "odd").note == "no profile covers it"
    assert [offer.type for offer in the_provider(by_instance, "odd").offers] == ["mtty/mtty-1"]


def test_while_the_number_of_vfs_changes_none_is_offered() -> None:
    plan = a_plan(a_pf(vfs=2, settled=False), a_vf(0), a_vf(1))

    (port,) = providers_of(plan, PF)
    assert (port.note, port.offers, port.inventories) == ("unsettled", (), {})
    assert codes_of(plan) == ["UNSETTLED"]


def test_a_list_of_types_that_cannot_be_read_is_unknown_capacity() -> None:
    pf = a_pf(vfs=1, driver="nvidia", vendor="10de", device="2335", class_="030200")
    vf = a_vgpu_vf(0, {})
    unread = a_vf(
        0, driver="nvidia", vendor="10de", device="2335", nvidia=NvidiaVf(creatable_types=EIO)
    )

    notes = [the_provider(a_plan(pf, one), PF).note for one in (vf, unread)]

    assert notes == ["capacity unknown: no type is listed"] * 2


def test_the_vendors_names_that_make_no_framebuffer_are_not_offered() -> None:
    pf = a_pf(vfs=1, driver="nvidia", vendor="10de", device="2335", class_="030200")

    plan = a_plan(pf, a_vgpu_vf(0, {7: "NVIDIA Something Else", 1414: "NVIDIA H200X-1-18C"}))

    names = [offer.type for offer in the_provider(plan, PF).offers]
    assert names[0] == "nvidia/H200X-1-18C"
    assert "nvidia/Something-Else" not in names


def test_a_pf_bound_to_a_vfio_driver_with_vfs_off_is_given_whole() -> None:
    plan = a_plan(a_pf(driver="vfio-pci"), a_function("0000:02:00.0", driver="vfio-pci"))

    offers = [the_provider(plan, name).offers[0].kind for name in (PF, "0000:02:00.0")]

    assert offers == ["pf", "pf"]
