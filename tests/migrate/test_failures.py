"""Logs of failed migrations, explained: device, rule, what to do."""

import json
from pathlib import Path

import pytest

from cli.inspect_golden import run
from doc_tables import read_table
from wherry.compat.table import BY_CODE
from wherry.migrate.failures.explain import explain
from wherry.migrate.failures.signs import SIGNS

QEMU = "qemu-system-x86_64: "
VFIO = "0000:00:01.0"
MDEV = "5eed0000-0000-4000-8000-000000000011"

LINES = {
    QEMU + "error while loading state section id 37(0000:00:01.0/vfio)": (
        "device-state-refused", VFIO),
    QEMU + "error while loading state for instance 0x0 of device '0000:00:05.0/vfio'": (
        "device-state-refused", "0000:00:05.0"),
    QEMU + "Unknown savevm section or instance '0000:00:01.0/vfio' 0. Make sure that your current"
    " VM setup matches your saved VM setup, including any hotplugged devices": (
        "device-not-there", VFIO),
    QEMU + "Unknown section or instance '0000:00:02.0/virtio-rng' 0": (
        "model-not-there", "0000:00:02.0/virtio-rng"),
    QEMU + f"-device vfio-pci,id=hd0: vfio {MDEV}: {MDEV}: VFIO migration is not supported in"
    " kernel": ("driver-cannot", MDEV),
    f'{{"error": {{"desc": "{MDEV}: Migration is disabled for VFIO device"}}}}': (
        "migration-disabled", MDEV),
    f"{MDEV}: VFIO migration is not supported with postcopy migration": ("postcopy", MDEV),
    QEMU + f"{MDEV}: Failed to get DMA logging report, iova: 0x0, size: 0x4000000: Operation not"
    " supported": ("dirty-tracking", MDEV),
    QEMU + "ram_save_setup failed: Operation not supported": ("dirty-tracking", None),
    "Migration is currently not supported with multiple VFIO devices": ("peer-to-peer", None),
    "Migration is currently not supported with vIOMMU enabled": ("viommu", None),
    "0000:3b:00.4: Failed setting device state to RESUMING, err: Invalid argument": (
        "device-error", "0000:3b:00.4"),
    "error: Requested operation is not valid: domain has assigned non-USB host devices": (
        "hostdev-forbidden", None),
    "libvirt.libvirtError: operation failed: guest CPU doesn't match specification: missing"
    " features: avx512f,avx512vnni": ("cpu", "avx512f,avx512vnni"),
    QEMU + "Machine type received is 'pc-q35-9.1' and local is 'pc-q35-8.0'": (
        "machine-type", "pc-q35-9.1"),
    QEMU + "Features 0x130afffa7 unsupported. Allowed features: 0x179bfffe7": (
        "virtio-features", None),
    QEMU + "Length mismatch: 0000:00:03.0/virtio-net-pci.rom: 0x40000 in != 0x80000": (
        "memory-size", "0000:00:03.0/virtio-net-pci.rom"),
    QEMU + "load of migration failed: Bad address": ("load-failed", "Bad address"),
    QEMU + "Unable to write to socket: Broken pipe": ("broken-pipe", None),
    "nova.exception.NoValidHost: No valid host was found. There are not enough hosts": (
        "no-host", None),
    QEMU + "Not a migration stream": ("not-a-stream", None),
}  # fmt: skip


@pytest.mark.parametrize(("line", "meant"), LINES.items(), ids=[m[0] for m in LINES.values()])
def test_a_known_line_is_told_with_its_device(line, meant):
    """Also behind the time and module that a log puts before it."""
    (found,) = explain([f"2026-10-01T12:00:00.123456Z {line}"])

    assert (found.sign.id, found.device) == meant


def test_every_sign_is_tried():
    """Each row has a line here but the one whose words another QEMU version has."""
    tried = {sign for sign, _ in LINES.values()}

    assert {sign.id for sign in SIGNS} - tried == {"driver-cannot-old"}


def test_an_old_qemu_names_the_device_or_not():
    """QEMU 6 to 8 with a kernel of the other protocol."""
    named, bare = explain(
        ["0000:81:00.4: VFIO device doesn't support migration",
         "Error: VFIO device doesn't support migration"]
    )  # fmt: skip

    assert (named.sign.id, named.device) == ("driver-cannot-old", "0000:81:00.4")
    assert (bare.sign.id, bare.count) == ("driver-cannot-old", 1)


def test_a_warning_of_a_migration_that_works_is_no_cause():
    """QEMU says so of every device without tracking, and goes on."""
    warning = f"warning: {MDEV}: VFIO device doesn't support device and IOMMU dirty tracking"

    assert explain([QEMU + warning]) == ()


def test_causes_come_before_echoes_and_repetitions_are_counted():
    """The first line of each is shown."""
    log = [
        QEMU + "load of migration failed: Bad address",
        QEMU + "error while loading state section id 37(0000:00:01.0/vfio)",
        QEMU + "error while loading state section id 37(0000:00:01.0/vfio)",
    ]

    first, second = explain(log)
    assert (first.sign.kind, first.number, first.count) == ("cause", 2, 2)
    assert (second.sign.kind, second.number) == ("echo", 1)
    assert "R27" in first.rules


def test_a_long_or_coloured_line_is_read():
    """What is behind the first few thousand characters is not."""
    coloured = "\x1b[01;31mUnable to write to socket: Broken pipe\x1b[00m"

    assert [one.sign.id for one in explain([coloured])] == ["broken-pipe"]
    assert explain(["x" * 10_000 + coloured]) == ()


def test_codes_are_reasons_that_there_are():
    """Rules follow from them."""
    assert {code for sign in SIGNS for code in sign.codes} <= BY_CODE.keys()


def test_the_page_lists_every_sign():
    """In the order in which they are looked for."""
    rows = read_table("reference/explain.md", "sign")

    assert [(row["sign"], row["means"], row["do"], row["a check says before"]) for row in rows] == [
        (s.id, s.cause, s.remedy, ", ".join(s.codes)) for s in SIGNS
    ]
    assert [row["in the log of"].split(",")[0] for row in rows] == [s.side for s in SIGNS]
    assert [row["in the log of"].endswith(", echo") for row in rows] == [
        s.kind == "echo" for s in SIGNS
    ]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_names_device_and_remedy(capsys, tmp_path, as_json):
    """0 where a cause was found, 1 where only its echo was."""
    log = tmp_path / "guest.log"
    log.write_bytes(b"\xff\n" + (QEMU + "Unable to write to socket: Broken pipe\n").encode())
    options = ["--json"] if as_json else []
    echo = run(capsys, "explain", log, *options)
    log.write_text(next(iter(LINES)), encoding="utf-8")
    cause = run(capsys, "explain", log, *options)

    assert (echo[0], cause[0]) == (1, 0)
    if as_json:
        (found,) = json.loads(cause[1])["found"]
        assert (found["device"], found["kind"], found["side"]) == (VFIO, "cause", "target")
        assert found["line"] == {"number": 1, "text": next(iter(LINES)), "count": 1}
    else:
        assert "log of the other side" in echo[1]
        assert cause[1].startswith(f"cause {VFIO} (device-state-refused; line 1)\n")
        assert "STATE_FORMAT_MAJOR" in cause[1]


def test_a_log_that_says_nothing_known(capsys, tmp_path):
    """It says which logs to give."""
    log = tmp_path / "guest.log"
    log.write_text("all is well\n", encoding="utf-8")
    status, out, _ = run(capsys, "explain", log)

    assert status == 1
    assert "give QEMU's log of the target" in out


CASES = {
    "kernel without iova_bitmap, device dirty tracking": "dirty-tracking",
    "two ports to one port": "device-state-refused",
    "one port to two ports": "device-state-refused",
    "driver without migration support, enable-migration=on": "driver-cannot",
    "driver without migration support, enable-migration=auto": "driver-cannot",
    "enable-migration=off on both": "migration-disabled",
    "igb VF to igb VF, enable-migration=on": "driver-cannot",
    "igb VF to igb VF, enable-migration=auto": "driver-cannot",
    "target has no such device": "device-not-there",
    "target puts the device in another PCI slot": "device-not-there",
    "post-copy asked for": "postcopy",
    "version 1.0 stream into a version 1.1 driver": "device-state-refused",
    "version 1.0 two-port stream into a version 1.1 driver": "device-state-refused",
}
"""Recorded failures to what explains them; the other five recordings completed."""


def test_each_recorded_failure_is_explained_and_no_success_is(shared: Path):
    """QEMU's own words of both sides and its answer to `migrate`, as recorded."""
    lines = (shared / "data/migration/mtty/cases.ndjson").read_text(encoding="utf-8").splitlines()
    causes = {}
    for case in map(json.loads, lines):
        sides = [case.get(side) or {} for side in ("source", "target")]
        text = "\n".join(_text(side.get("stderr")) for side in sides)
        log = [*text.splitlines(), json.dumps(case.get("migrate_answer"))]
        causes[case["case"]] = {one.sign.id for one in explain(log) if one.sign.kind == "cause"}

    assert len(causes) == 18
    assert {name: {sign} for name, sign in CASES.items()} == {
        name: signs for name, signs in causes.items() if signs
    }


def _text(stderr: list[str] | str | None) -> str:
    return "\n".join(stderr) if isinstance(stderr, list) else stderr or ""
