"""``wherry place`` and ``wherry device-requests``: the pages show what the commands print."""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from cli.inspect_golden import run
from reports import recorded_report
from service import Running
from wherry.model.candidates import CandidatesAnswer
from wherry.model.device_requests import DeviceRequestList, StoredDeviceRequest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INI = re.compile(r"^```ini\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NIC = {"alternatives": [{"vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}]}
C = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"

Wherry = Callable[..., tuple[int, str, str]]


@pytest.fixture
def wherry(
    service: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Wherry:
    """Run a command against a fleet of two recorded hosts and one device request."""
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WHERRY_URL", service.url)
    for host in ("igb-vfs", "mtty-fresh"):
        service.put(f"/wherry/hosts/{host}/report", recorded_report(host))
    service.put("/wherry/device-requests/nic", NIC)

    def call(*words: object) -> tuple[int, str, str]:
        return run(capsys, *words)

    return call


def exchanges(page: str) -> Iterator[tuple[list[str], str]]:
    """Commands of a page, each with what it prints there."""
    for block in CONSOLE.findall((HOW_TO / page).read_text(encoding="utf-8")):
        for part in re.split(r"^\$ wherry ", block, flags=re.MULTILINE)[1:]:
            words, _, printed = part.partition("\n")
            yield shlex.split(words), printed


def test_the_page_on_placing_a_guest_shows_what_is_printed(wherry: Wherry) -> None:
    shown = list(exchanges("place-a-guest.md"))
    assert len(shown) == 5

    for words, expected in shown:
        status, out, err = wherry(*words)
        assert (err, out) == ("", expected)
        assert status == (1 if "no host" in expected else 0)


def test_the_page_on_importing_shows_what_is_printed(
    wherry: Wherry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (HOW_TO / "import-device-requests.md").read_text(encoding="utf-8")
    (ini,) = INI.findall(page)
    (tmp_path / "nova.conf").write_text(ini)
    monkeypatch.chdir(tmp_path)
    shown = list(exchanges("import-device-requests.md"))
    assert len(shown) == 4

    for words, expected in shown:
        assert wherry(*words) == (0, expected, "")


def test_a_dry_run_stores_nothing_and_a_bad_file_neither(wherry: Wherry, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.conf", tmp_path / "bad.conf"
    line = 'alias = {"name": "qat", "vendor_id": "8086", "product_id": "0443"}\n'
    good.write_text(f"[pci]\n{line}")
    bad.write_text(f"[pci]\n{line}alias = {{}}\n")

    assert wherry("device-requests", "import", good, "--dry-run")[0] == 0
    status, _, err = wherry("device-requests", "import", bad)
    assert (status, err) == (
        2,
        f"wherry: {bad}, line 3: an alias is a JSON object with a name\n",
    )
    (bad).write_bytes(b"[pci]\n\xff")
    assert wherry("device-requests", "import", bad)[0] == 2
    _, out, _ = wherry("device-requests", "--json")
    assert [
        one.name for one in msgspec.json.decode(out, type=DeviceRequestList).device_requests
    ] == ["nic"]


def test_a_device_request_is_put_shown_and_removed(wherry: Wherry, tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    alternatives = [
        {"resource_class": "VGPU", "traits": ["CUSTOM_RED"], "live_migratable": True},
        {"vendor_id": "10de", "product_id": "20b0"},
    ]
    file.write_text(json.dumps({"alternatives": alternatives, "numa_policy": "required"}))

    shown = "device request gpu, NUMA policy required\n"
    shown += "  1: VGPU with CUSTOM_RED movable\n  2: 10de:20b0\n"
    assert wherry("device-requests", "put", "gpu", "--file", file) == (
        0,
        shown,
        "",
    )
    _, out, _ = wherry("device-requests", "show", "gpu", "--json")
    assert msgspec.json.decode(out, type=StoredDeviceRequest).numa_policy == "required"
    assert wherry("device-requests", "remove", "gpu")[0] == 0
    status, _, err = wherry("device-requests", "show", "gpx")
    assert (status, err) == (2, "wherry: no device request gpx\n")
    status, _, err = wherry("device-requests", "show", "nik")
    assert (status, err) == (2, "wherry: no device request nik: did you mean nic?\n")


def test_every_option_reaches_the_service(wherry: Wherry, tmp_path: Path) -> None:
    flavor = tmp_path / "flavor"
    flavor.write_text("pci_passthrough:alias=nic:1\nhw:cpu_policy=shared\n")
    status, out, _ = wherry(
        *("place", "--flavor-file", flavor, "--resources", "SRIOV_NET_VF=1", "--limit", 1),
        *("--required", "HW_NIC_SRIOV", "--group-policy", "none"),
        *("--numa-policy", "socket", "--order", "pack", "--explain", "--json"),
    )
    found = msgspec.json.decode(out, type=CandidatesAnswer)

    assert status == 0
    assert "resources=SRIOV_NET_VF:1&required=HW_NIC_SRIOV" in found.queries[0]
    assert (found.counts[0].fitting, found.counts[0].refused) == (1, 1)
    assert found.notes == (
        "device request nic: sockets are not known; taken as `preferred`",
        "flavor: hw:cpu_policy is not looked at",
    )
    _, out, _ = wherry("place", "--device", "nic", "--explain")
    assert "1 host could take it, 1 could not" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resources", "VCPU"), "takes CLASS=N"),
        (("--resources", "VCPU=0"), "Expected `int` >= 1"),
        (("--device", "nic:x"), "takes NAME or NAME:N"),
        (("--device", "nic:65"), "Expected `int` <= 64"),
        (("--flavor", "a=b", "--flavor-file", "-"), "give one of them"),
        (("--device", "nic", "--claim", "me"), "regex"),
        ((), "nothing is asked for"),
        (("--resources", "VCPU=1", "--required", "HW_NIC_SRIOVV"), "did you mean HW_NIC_SRIOV"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    wherry: Wherry, words: tuple[str, ...], said: str
) -> None:
    status, out, err = wherry("place", *words)

    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_claim_that_cannot_be_had_ends_with_no(wherry: Wherry) -> None:
    status, out, err = wherry("place", "--device", "nic:11", "--claim", C)

    assert (status, out) == (1, "")
    assert err.startswith("wherry: no host takes it")


def test_a_host_that_is_closed_or_for_others_takes_no_new_guest(wherry: Wherry) -> None:
    place = ("place", "--device", "nic")
    assert wherry(*place)[0] == 0
    wherry("hosts", "set", "igb-vfs", "--state", "maintenance")
    status, out, _ = wherry(*place)
    assert (status, "1       state" in out) == (1, True)
    wherry("hosts", "set", "igb-vfs", "--state", "enabled", "--label", "tenants=alpha,beta")
    assert wherry(*place)[0] == 1
    assert wherry(*place, "--tenant", "beta")[0] == 0
    assert wherry(*place, "--claim", C, "--project", "gamma")[0] == 1
    assert wherry(*place, "--claim", C, "--project", "alpha")[0] == 0
