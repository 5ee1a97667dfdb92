"""Whether a device's state can move: the profile's word, and a probe's over it."""

from typing import Any

import pytest
from msgspec import UNSET

from host_facts import PF, a_function, a_host_with, a_plan, an_mtty, the_provider
from wherry.model.device import Migration
from wherry.model.facts import Device, Host, MigrationProbe, Unread


def ability_of(device: Device, host: Host = Host()) -> Migration:  # noqa: B008
    """The ability to migrate of a device's first offer."""
    return the_provider(a_plan(device, host=host), device.name).offers[0].migration


@pytest.mark.parametrize(
    ("config", "tracking"), [("y", "device"), ("m", "device"), ("n", "none"), (None, UNSET)]
)
def test_a_kernel_that_cannot_read_the_log_serves_no_dirty_tracking(
    config: str | None, tracking: Any
) -> None:
    """The device says that it can log; without the option reading the log fails."""
    host = a_host_with(kernel_config={"CONFIG_IOMMUFD_DRIVER": config} if config else {})

    assert ability_of(an_mtty(), host).dirty_tracking == tracking


@pytest.mark.parametrize(
    ("flags", "support", "modes"),
    [
        (("stop_copy", "p2p"), "yes", ("live", "suspend", "cold", "replug")),
        ((), "no", ("cold", "replug")),
        (Unread(errno="ENOTTY"), "no", ("cold", "replug")),
        (Unread(errno="EBUSY"), "yes", ("live", "suspend", "cold", "replug")),
    ],
)
def test_a_probe_overrides_the_profile_unless_the_device_was_in_use(
    flags: Any, support: str, modes: Any
) -> None:
    ability = ability_of(a_function(driver="mlx5_vfio_pci", probe=MigrationProbe(flags=flags)))

    assert (ability.support, ability.modes) == (support, modes)


def test_a_probe_finds_what_a_table_does_not_know() -> None:
    probe = MigrationProbe(flags=("stop_copy", "pre_copy"), stop_copy_bytes=60)

    ability = ability_of(a_function(probe=probe))

    assert (ability.support, ability.flags) == ("yes", ("stop_copy", "pre_copy"))
    assert ability.stop_copy_bytes == 60


def test_the_size_of_a_state_may_be_known_by_type() -> None:
    sizes = [o.migration.stop_copy_bytes for o in the_provider(a_plan(an_mtty()), "mtty").offers]

    assert sizes == [60, 96]


def test_what_can_move_is_marked_for_clients_that_ask_by_trait() -> None:
    movable = the_provider(a_plan(a_function(driver="mlx5_vfio_pci")), PF)
    plain = the_provider(a_plan(a_function()), PF)

    assert movable.traits == ("HW_PCI_LIVE_MIGRATABLE",)
    assert plain.traits == ()
