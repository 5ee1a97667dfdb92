"""What a report changes, of a host, of guests that run there, and by other profiles."""

import logging
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from engines import GUEST, EngineMaker, Fleet, another, running
from reports import a_report
from wherry.app import guests, hosts, offers, packs, reports
from wherry.app.engine import Engine, load_profiles
from wherry.app.housekeeping import derive_anew, drop_old_rows
from wherry.app.settings import Settings
from wherry.model.checks import Pack
from wherry.model.errors import (
    BadConfiguration,
    ExclusiveConflict,
    InvalidProfile,
    NotFound,
    ReportContradicts,
    ReportOutdated,
)
from wherry.model.wire import HostPatch

MDEV = "b8c6a1f0-6c7c-4c3e-9a40-000000000001"


def test_an_equal_report_moves_nothing_but_last_seen(engine: Engine, clock: object) -> None:
    """No generation, no feed, no derivation."""
    fleet = Fleet(engine, a="mtty-fresh")
    before = hosts.get_host(engine, "a")
    clock.pass_by(60)  # type: ignore[attr-defined]

    answer = reports.put_report(engine, replace(fleet.reports["a"], sequence=7))

    after = hosts.get_host(engine, "a")
    assert (answer.outcome, answer.generation) == ("unchanged", before.host.generation)
    assert after.providers == before.providers
    assert str(after.last_seen) > str(before.last_seen)


def test_an_older_report_is_refused_and_the_stored_one_kept(engine: Engine) -> None:
    """Same boot with a lower sequence, or a boot that another has followed."""
    fleet = Fleet(engine, a="mtty-fresh")
    first = fleet.report("a", "mtty-3mdevs", sequence=5)
    fleet.report("a", "mtty-fresh", boot_id="second-boot", sequence=1)

    for older in (
        a_report("mtty-exhausted", host="a", boot_id="second-boot", sequence=0),
        replace(first, sequence=99),
    ):
        with pytest.raises(ReportOutdated):
            reports.put_report(engine, older)

    assert offers.list_offers(engine, "a", "mtty/mtty-1").offers[0].fits == 24


def test_a_report_that_contradicts_itself_leaves_nothing(engine: Engine) -> None:
    """One device listed twice: nothing of it is stored."""
    report = a_report("mtty-fresh", host="a")
    devices = (*report.facts.devices, report.facts.devices[0])
    with pytest.raises(ReportContradicts, match="listed twice"):
        reports.put_report(engine, replace(report, facts=replace(report.facts, devices=devices)))

    assert hosts.list_hosts(engine).hosts == ()


def test_a_running_guest_tells_its_process_and_its_device(engine: Engine) -> None:
    """The later source corrects the earlier: the record learns what the host sees."""
    fleet = Fleet(engine, a="mtty-3mdevs")
    fleet.boot("a", type_name="mtty/mtty-1")
    device = next(
        one.id for one in fleet.reports["a"].facts.instances if one.type.endswith("mtty-1")
    )

    fleet.report("a", "mtty-3mdevs", guests=(running(port=device),))

    guest = guests.get_guest(engine, GUEST)
    assert guest.process == "100-1"
    assert guest.slots["port"].device == device
    # The instance is the guest's now, and counts no longer as nobody's.
    assert offers.list_offers(engine, "a", "mtty/mtty-1").offers[0].fits == 19


def test_an_instance_that_nobody_allocated_fixes_the_size_of_a_board(engine: Engine) -> None:
    """One vGPU of 2 GB runs there: others of that size fit, a larger one is refused."""
    fleet = Fleet(engine, gpu="constructed-nvidia-a6000")
    with pytest.raises(ExclusiveConflict) as told:
        fleet.boot("gpu", another(GUEST, 1), "nvidia/RTXA6000-4Q")
    fleet.boot("gpu", another(GUEST, 2), "nvidia/RTXA6000-2Q")

    assert told.value.in_use == (2048,)
    assert fleet.used("gpu", "CUSTOM_GPU_FB_MB") == 2048


def test_a_guest_that_is_not_on_record_is_a_finding(engine: Engine) -> None:
    """Nothing is refused and nothing is lost: the operator sees it with the host."""
    fleet = Fleet(engine, a="mtty-fresh")
    fleet.report("a", "mtty-fresh", guests=(running(),))
    codes = [each.code for each in hosts.get_host(engine, "a").host.findings]
    assert "GUEST_UNKNOWN" in codes

    fleet.boot("a")
    fleet.report("a", "mtty-fresh", guests=(running(),))
    codes = [each.code for each in hosts.get_host(engine, "a").host.findings]
    assert "GUEST_UNKNOWN" not in codes


def test_another_process_is_a_reboot(engine: Engine) -> None:
    """A new QEMU process sees the device as the present driver gives it."""
    fleet = Fleet(engine, a="mtty-fresh")
    fleet.boot("a")
    fleet.report("a", "mtty-fresh", guests=(running(process="100-1"),))
    before = guests.get_guest(engine, GUEST).slots["port"].contract
    fleet.report("a", "mtty-stream-minor1", guests=(running(process="100-1"),))
    assert guests.get_guest(engine, GUEST).slots["port"].contract == before

    fleet.report("a", "mtty-stream-minor1", guests=(running(process="200-1"),))

    after = guests.get_guest(engine, GUEST)
    assert after.process == "200-1"
    assert [each.state.emits for each in (before, after.slots["port"].contract)] == ["1.0", "1.1"]


def test_a_new_profile_derives_every_host_anew(
    make: EngineMaker, store_url: str, tmp_path: Path
) -> None:
    """Facts are stored, what they mean is not: a restart with an operator's profile suffices."""
    first = make(store_url)
    Fleet(first, a="mtty-fresh", b="mtty-3mdevs")
    assert derive_anew(first) == 2
    assert derive_anew(first) == 0
    generation = hosts.get_host(first, "a").host.generation
    first.close()
    tmp_path.joinpath("ours.toml").write_text(
        'schema = "wherry.profile/1"\nid = "ours"\nextends = "mtty"\n'
        'about = "Serial ports of ours"\n[match]\ndriver = "mtty"\nversion = "1.0"\n'
    )

    profiles = load_profiles(Settings(profile_dirs=(tmp_path,)))
    second = make(store_url, profiles)

    assert derive_anew(second) == 2
    assert derive_anew(second) == 0
    assert hosts.get_host(second, "a").host.generation >= generation
    assert any(row.id.startswith("ours") for row in offers.list_profiles(second).profiles)


def test_a_profile_that_does_not_validate_keeps_the_service_from_starting(tmp_path: Path) -> None:
    """The file and the place in it are named."""
    tmp_path.joinpath("broken.toml").write_text('schema = "wherry.profile/1"\nid = 3\n')
    with pytest.raises(BadConfiguration, match=r"broken\.toml"):
        load_profiles(Settings(profile_dirs=(tmp_path,)))
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_profiles(Settings(profile_dirs=(tmp_path / "absent",)))


def test_a_host_in_maintenance_is_told_and_labelled(engine: Engine) -> None:
    """State and labels are the operator's; a report does not touch them."""
    fleet = Fleet(engine, a="mtty-fresh")
    hosts.patch_host(engine, "a", HostPatch(state="maintenance", labels={"rack": "7", "row": "b"}))
    fleet.report("a", "mtty-3mdevs")

    detail = hosts.patch_host(engine, "a", HostPatch(labels={"row": None}))

    assert (detail.host.state, detail.host.labels) == ("maintenance", {"rack": "7"})
    with pytest.raises(NotFound, match="nowhere"):
        hosts.patch_host(engine, "nowhere", HostPatch(state="enabled"))


def test_a_pack_of_an_operator_goes_before_the_one_that_came_along(engine: Engine) -> None:
    """Same id, another content: the stored one is in force."""
    known = packs.list_packs(engine).packs[0]
    ours = replace(known, version="ours")
    packs.put_pack(engine, ours)

    assert packs.get_pack(engine, known.id) == ours
    assert [pack.id for pack in packs.list_packs(engine).packs].count(known.id) == 1
    with pytest.raises(InvalidProfile, match="twice"):
        packs.put_pack(engine, Pack(id="p", version="1", rows=(known.rows[0], known.rows[0])))
    with pytest.raises(NotFound):
        packs.get_pack(engine, "p")


def test_housekeeping_keeps_what_is_needed(
    engine: Engine, clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Ids of old claims go, what is held stays."""
    fleet = Fleet(engine, a="mtty-fresh")
    fleet.boot("a")
    clock.pass_by(30 * 86_400)  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING):
        drop_old_rows(engine)

    assert fleet.used("a") == 1
    assert guests.get_guest(engine, GUEST).slots["port"].device is UNSET
    fleet.boot("a", another(GUEST, 1))
    assert fleet.used("a") == 2
    assert not caplog.records
