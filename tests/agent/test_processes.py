"""QEMU processes found in /proc by what they were started with."""

import pytest
from msgspec import UNSET, UnsetType

from introspect.trees import tree_of
from wherry.agent.processes import find_guests, may_read, parse_slots
from wherry.model.facts import RunningGuest, RunningSlot, Unread

GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
MDEV = "5eed0000-0000-4000-8000-000000000001"


def stat(pid: int, start: int, name: str = "qemu-system-x86") -> str:
    fields = ["S", "1", *("0" for _ in range(17)), str(start), "0"]
    return f"{pid} ({name}) {' '.join(fields)}"


def cmdline(*words: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def qemu(pid: int, *words: str, uuid: str = GUEST, start: int = 4711) -> dict[str, object]:
    return {
        f"/proc/{pid}/cmdline": cmdline("qemu-system-x86_64", "-uuid", uuid, *words),
        f"/proc/{pid}/stat": stat(pid, start),
    }


def test_a_guest_is_named_by_its_uuid_and_its_process_by_pid_and_start() -> None:
    found = find_guests(tree_of(qemu(812)))

    assert found == (RunningGuest(consumer=GUEST, process="812.4711"),)


def test_another_process_with_a_pid_used_anew_is_another_process() -> None:
    before, after = (find_guests(tree_of(qemu(812, start=start))) for start in (1, 2))

    assert before is not None
    assert after is not None
    assert before[0].process != after[0].process


def test_a_name_with_blanks_and_parentheses_does_not_move_the_fields() -> None:
    nodes = {**qemu(812), "/proc/812/stat": stat(812, 99, name="a) (b c")}
    found = find_guests(tree_of(nodes))

    assert found is not None
    assert found[0].process == "812.99"


def test_other_processes_are_passed_over() -> None:
    nodes = {
        "/proc/1/cmdline": cmdline("/sbin/init"),
        "/proc/1/stat": stat(1, 1, "init"),
        "/proc/2/cmdline": b"",
        "/proc/self/cmdline": cmdline("qemu", "-uuid", GUEST),
        "/proc/9/cmdline": cmdline("vi", "notes-about-uuid", "-uuid"),
        "/proc/9/stat": stat(9, 1, "vi"),
        "/proc/10/cmdline": cmdline("qemu", "-uuid", "no-uuid-at-all"),
        "/proc/10/stat": stat(10, 1),
    }

    assert find_guests(tree_of(nodes)) == ()


@pytest.mark.parametrize("gone", ["cmdline", "stat"])
def test_a_process_that_may_not_be_seen_or_ends_meanwhile_is_not_there(gone: str) -> None:
    nodes = {**qemu(812), f"/proc/812/{gone}": Unread(errno="ESRCH")}

    assert find_guests(tree_of(nodes)) == ()


def test_where_processes_cannot_be_listed_nothing_is_known() -> None:
    assert find_guests(tree_of({"/sys/kernel": "x"})) is None


@pytest.mark.parametrize(
    ("words", "slots"),
    [
        (
            ("-device", f"vfio-pci,sysfsdev=/sys/bus/mdev/devices/{MDEV},id=hostdev0"),
            {"hostdev0": MDEV},
        ),
        (
            ("-device", '{"driver":"vfio-pci","host":"0000:3b:00.4","id":"ua-nic0"}'),
            {"ua-nic0": "0000:3b:00.4"},
        ),
        (("-device", "vfio-pci,host=3b:00.4"), {"0000:3b:00.4": "0000:3b:00.4"}),
        (("--device", "vfio-pci-nohotplug,host=0000:3b:00.4,id=a"), {"a": "0000:3b:00.4"}),
        (("-device", "virtio-net-pci,id=net0"), {}),
        (("-device", "vfio-pci,id=hostdev0"), {}),
        (("-device", "vfio-pci,host=nonsense"), {}),
        (("-device",), {}),
        (("-device", '{"driver":"vfio-pci","host'), {}),
    ],
)
def test_host_devices_are_read_from_the_command_line(
    words: tuple[str, ...], slots: dict[str, str]
) -> None:
    assert parse_slots(words) == {
        name: RunningSlot(device=device) for name, device in slots.items()
    }


@pytest.mark.parametrize(
    ("option", "blockers"),
    [
        ("vfio-pci,host=0000:01:10.0,enable-migration=off", ("enable-migration=off",)),
        ('{"driver": "vfio-pci", "host": "0000:01:10.0", "enable-migration": "off"}',
         ("enable-migration=off",)),
        ("vfio-pci,host=0000:01:10.0,enable-migration=on", UNSET),
        ("vfio-pci,host=0000:01:10.0", UNSET),
    ],
)  # fmt: skip
def test_a_device_that_was_started_without_migration_says_so(
    option: str, blockers: tuple[str, ...] | UnsetType
) -> None:
    """QEMU refuses when it is told to move it; the command line knows before."""
    slots = parse_slots(("-device", option))

    assert slots["0000:01:10.0"].blockers == blockers


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/proc/812/cmdline", True),
        ("/proc/812/stat", True),
        ("/proc/812/environ", False),
        ("/proc/812/mem", False),
        ("/proc/812/fd/3", False),
        ("/proc/812/../1/cmdline", False),
        ("/etc/shadow", False),
    ],
)
def test_nothing_but_command_line_and_start_time_is_opened(path: str, may: bool) -> None:
    assert may_read(path) is may
