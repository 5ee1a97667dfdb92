"""An operator's own profiles: laid beside Wherry's, over them, or in their place."""

from msgspec import UNSET

from host_facts import (
    PF,
    STREAM_1_0,
    a_function,
    a_host_with,
    a_plan,
    a_type,
    an_mdev_parent,
    an_mtty,
    the_provider,
)
from wherry.model.device import Param
from wherry.profiles.builtin import builtin_profiles, profiles_with
from wherry.profiles.wanted import device_attributes

HEAD = 'schema = "wherry.profile/1"\nid = "lab"\nabout = "the lab\'s own"\n'


def with_own(text: str) -> object:
    """Wherry's profiles and the operator's."""
    return profiles_with([("lab.toml", HEAD + text)])


def test_a_narrower_profile_goes_before_the_one_it_extends() -> None:
    """A build that the lab recorded: the built-in profile stays in force for all others."""
    own = with_own("""
        extends = "mtty"
        match = { srcversion = "1111111111111111111111F" }
        state = { policy = "exact", emits = "2.0", accepts = "2.0" }
    """)
    builds = ["1111111111111111111111F", STREAM_1_0]

    offers = [
        the_provider(
            a_plan(an_mtty(), profiles=own, host=a_host_with({"mtty": {"srcversion": build}})),
            "mtty",
        ).offers[0]
        for build in builds
    ]

    assert [offer.state.emits for offer in offers] == ["2.0", "1.0"]
    assert [offer.type for offer in offers] == ["mtty/mtty-1", "mtty/mtty-1"]


def test_where_none_is_narrower_the_operators_goes_before_the_built_in() -> None:
    """By vendor here and by class there: one board meets both."""
    own = with_own("""
        extends = "vfio-pci"
        match = { vendor = "1af4" }
        device_class = "accelerator"
    """)
    boards = [a_function(vendor="1af4"), a_function(vendor="8086")]

    classes = [
        the_provider(a_plan(board, profiles=own), PF).offers[0].device_class for board in boards
    ]

    assert classes == ["accelerator", "network"]


def test_a_profile_that_replaces_another_takes_its_place() -> None:
    own = with_own("""
        extends = "mtty"
        replaces = ["mtty"]
        name = "serial/{id}"
    """)

    assert "mtty" not in {one.id for one in own.all}
    mtty = the_provider(a_plan(an_mtty(), profiles=own), "mtty")
    assert [offer.type for offer in mtty.offers] == ["serial/mtty-1", "serial/mtty-2"]


def test_what_extends_takes_over_tables_key_by_key() -> None:
    own = with_own("""
        extends = "nvidia"
        replaces = ["nvidia"]
        params.num_heads = { rule = "ge" }
        interface = { supports = { min = "1.0", max = "3.0" } }
    """)
    (lab,) = [one for one in own.all if one.id == "lab"]
    (nvidia,) = [one for one in builtin_profiles().all if one.id == "nvidia"]

    assert lab.params["num_heads"].rule == "ge"
    assert lab.params["num_heads"].value == nvidia.params["num_heads"].value
    assert lab.params["fb_mb"] == nvidia.params["fb_mb"]
    assert (lab.interface.policy, lab.interface.supports.max) == ("range", "3.0")


def test_a_new_attribute_of_a_type_is_used_without_new_code() -> None:
    """A vendor publishes version, features and a sibling's name; a file says what they mean."""
    own = with_own("""
        match = { driver = "acme" }
        types_from = "mdev"
        name = "acme/{id}"
        device_class = "accelerator"
        interface = { policy = "semver", supports_from = { of = "type", attribute = "version" } }
        features_from = { of = "type", attribute = "features" }
        also_types = [{ kind = "mdev", type = "acme-old/{id}" }]
        [params.lanes]
        type = "int"
        rule = "ge"
        value = { of = "type", attribute = "lanes" }
        [pools.CUSTOM_ACME_LANE]
        units = { of = "type", attribute = "lanes" }
    """)
    published = {"version": "2.1.0", "features": "crypto zip", "lanes": "4"}
    device = an_mdev_parent("acme0", driver="acme", types=(a_type("acme-4", 2, **published),))

    acme = the_provider(a_plan(device, profiles=own), "acme0")

    (offer,) = acme.offers
    assert offer.interface.supports == "2.1.0"
    assert sorted(offer.features) == ["crypto", "zip"]
    assert offer.params == {"lanes": Param(type="int", rule="ge", value=4)}
    assert offer.also_types == ("acme-old/acme-4",)
    assert {name: one.total for name, one in acme.inventories.items()} == {"CUSTOM_ACME_LANE": 8}


def test_a_new_attribute_of_a_function_can_tell_firmware_state_and_profile() -> None:
    own = with_own("""
        extends = "vfio-pci"
        match = { vendor = "1af4", attributes = { "acme/board" = "rev-c*" } }
        firmware = { of = "device", attribute = "acme/firmware" }
        traits = ["CUSTOM_ACME_REV_C"]
        [state]
        policy = "exact"
        emits = { of = "device", attribute = "migration_version" }
        accepts_from = { of = "device", attribute = "migration_version" }
    """)
    published = {"acme/board": "rev-c2", "acme/firmware": "7.1", "migration_version": "acme-3"}

    new, old = (
        the_provider(a_plan(a_function(vendor="1af4", attributes=one), profiles=own), PF)
        for one in (published, {**published, "acme/board": "rev-b"})
    )

    assert new.traits == ("CUSTOM_ACME_REV_C",)
    assert new.offers[0].parent.firmware == "7.1"
    assert (new.offers[0].state.emits, new.offers[0].state.accepts) == ("acme-3", "acme-3")
    assert (old.traits, old.offers[0].state) == ((), UNSET)


def test_a_version_may_be_keyed_on_firmware() -> None:
    """Updating a ROM can change what a guest sees; only the operator or vendor knows."""
    own = with_own("""
        extends = "vfio-pci"
        match = { vendor = "8086" }
        interface = { policy = "semver" }
        [[cases]]
        case = "old"
        match = { firmware = "3.*" }
        interface = { supports = "1.0.0" }
        [[cases]]
        case = "new"
        match = { firmware = "4.*" }
        interface = { supports = "2.0.0" }
    """)

    versions = [
        the_provider(a_plan(a_function(class_="ff0000", attributes={"fw_version": text}),
                            profiles=own), PF).offers[0].interface.supports
        for text in ("3.7", "4.0", "5.0")
    ]  # fmt: skip

    assert versions == ["1.0.0", "2.0.0", UNSET]


def test_what_profiles_point_at_is_what_a_host_has_to_keep() -> None:
    own = with_own("""
        extends = "vfio-pci"
        match = { vendor = "1af4", attributes = { "acme/board" = "rev-c*" } }
        firmware = { of = "parent", attribute = "acme/firmware" }
        fields = { kernel = { of = "host", attribute = "kernel" } }
    """)

    more = set(device_attributes(own)) - set(device_attributes(builtin_profiles()))

    assert more == {"acme/board", "acme/firmware"}
    assert "bar_sizes" in device_attributes(builtin_profiles())


def test_an_operator_with_no_files_has_wherrys_profiles() -> None:
    assert profiles_with([]) is builtin_profiles()
