"""The probe of one host: an attribute of an instance, read and written once."""

from pathlib import Path

import pytest

from wherry.agent.probe import ATTRIBUTE, Probe, not_made
from wherry.model.migrations import JobSlot, PreflightJob

MDEV = "5eed0000-0000-4000-8000-000000000001"
TEXT = b"i915-v1-8086-591d-i915-GVTg_V5_8-1\n"


def a_job(kind: str, device: str = MDEV, **slot: str) -> PreflightJob:
    asked = JobSlot(provider="p", type="t", device=device, **slot)  # type: ignore[arg-type]
    return PreflightJob(
        id="j", kind=kind, host="h", migration="m", token=1, side="target",  # type: ignore[arg-type]
        deadline=1.0, wait_s=1.0, guest="g", slots={"gpu0": asked},
    )  # fmt: skip


def an_attribute(root: Path, device: str = MDEV, bus: str = "mdev") -> Path:
    folder = root / "sys/bus" / bus / "devices" / device
    folder.mkdir(parents=True)
    return folder / ATTRIBUTE


@pytest.mark.parametrize(("device", "bus"), [(MDEV, "mdev"), ("0000:3b:00.4", "pci")])
def test_the_text_is_handed_over_byte_for_byte(tmp_path: Path, device: str, bus: str) -> None:
    file = an_attribute(tmp_path, device, bus)
    file.write_bytes(TEXT)
    probe = Probe(root=tmp_path)

    read = probe.answer(a_job("probe read", device))
    assert (read.probe, read.texts) == ({"gpu0": "read"}, {"gpu0": TEXT.hex()})

    file.write_bytes(b"")
    written = probe.answer(a_job("probe write", device, text=read.texts["gpu0"]))
    assert (written.probe, written.texts) == ({"gpu0": "accepted"}, {})
    assert file.read_bytes() == TEXT


def test_what_is_missing_and_what_cannot_be_read_are_told_apart(tmp_path: Path) -> None:
    file = an_attribute(tmp_path)
    probe = Probe(root=tmp_path)

    assert probe.answer(a_job("probe read")).probe == {"gpu0": "absent"}
    file.mkdir()
    assert probe.answer(a_job("probe read")).probe == {"gpu0": "EISDIR"}
    assert probe.answer(a_job("probe write", text="00")).probe == {"gpu0": "EISDIR"}


@pytest.mark.parametrize("device", ["../../etc/passwd", "0000:3b:00.4/../../x", "eth0", ""])
def test_nothing_but_an_instance_is_touched(tmp_path: Path, device: str) -> None:
    probe = Probe(root=tmp_path)

    assert probe.answer(a_job("probe read", device)).probe == {"gpu0": "absent"}
    assert probe.answer(a_job("probe write", device, text="00")).probe == {"gpu0": "ENOENT"}
    assert list(tmp_path.rglob("*")) == []


def test_a_host_whose_operator_has_not_switched_it_on_says_nothing() -> None:
    assert not_made(a_job("probe read")).probe == {}
