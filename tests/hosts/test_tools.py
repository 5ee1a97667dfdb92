"""What is asked of the tools and of libvirt: only what reads, and silence is left out."""

import json

import pytest

from introspect.trees import tree_of
from wherry.hosts.libvirt import ask_virsh, read_side_files
from wherry.hosts.look import look_and_ask
from wherry.hosts.tools import COMMANDS, ask_tools
from wherry.introspect.sides import add_sides, sound_answers
from wherry.model.errors import InvalidFile
from wherry.model.facts import Facts

READING = frozenset({"show", "info", "types", "list", "-q"})


class Programs:
    """Answers by the beginning of a command; keeps what was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, command):
        self.asked.append(command)
        line = " ".join(command)
        return next((text for begin, text in self.answers.items() if line.startswith(begin)), None)


def test_tools_that_are_absent_say_nothing():
    assert ask_tools(Programs({})) == {}


def test_only_commands_that_read_are_asked():
    programs = Programs({"devlink -j dev info": '{"info": {"pci/0000:01:00.0": {}}}'})

    ask_tools(programs)

    assert len(programs.asked) == len(COMMANDS) + 1
    assert all(READING & set(command) for command in programs.asked)


def test_the_switch_of_each_device_is_asked_for():
    programs = Programs(
        {
            "devlink -j dev info": json.dumps(
                {"info": {"pci/0000:01:00.0": {}, "pci/0000:02:00.0": {}, "netdevsim/x": {}}}
            ),
            "devlink -j dev eswitch show pci/0000:01:00.0": json.dumps(
                {"dev": {"pci/0000:01:00.0": {"mode": "switchdev"}}}
            ),
        }
    )

    answers = ask_tools(programs)

    assert json.loads(answers["devlink-eswitch.json"]) == {
        "dev": {"pci/0000:01:00.0": {"mode": "switchdev"}}
    }
    assert ("devlink", "-j", "dev", "eswitch", "show", "netdevsim/x") not in programs.asked


def test_an_answer_of_another_shape_is_left_out_and_listed():
    """One broken program does not cost what sysfs and the others say."""
    answers = ask_tools(
        Programs(
            {
                "devlink -j dev info": "nonsense",
                "vdpa -j dev show": '{"dev": {"vdpa0": {"type": "network"}}}',
            }
        )
    )

    sound, broken = sound_answers(answers)

    assert sorted(sound) == ["vdpa-dev.json"]
    assert [(one.device, one.attribute, one.source) for one in broken] == [
        ("host", "answer", "devlink-info.json")
    ]
    assert broken[0].other.startswith("no JSON")


def test_a_switch_that_answers_nonsense_is_listed_too():
    answers = ask_tools(
        Programs(
            {
                "devlink -j dev info": '{"info": {"pci/0000:01:00.0": {}}}',
                "devlink -j dev eswitch": "[]",
            }
        )
    )

    _, broken = sound_answers(answers)

    assert [one.source for one in broken] == ["devlink-eswitch.json"]


def test_a_host_whose_tools_are_broken_is_reported_all_the_same(tmp_path, monkeypatch):
    """A program of that name that prints something else: the kernel's word stands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "vdpa").write_text("#!/bin/sh\necho broken\n")
    (folder / "vdpa").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")

    facts = look_and_ask(tree_of({"/proc/sys/kernel/osrelease": "6.12\n"}))

    assert facts.host.kernel == "6.12"
    assert [one.source for one in facts.differences if one.source.startswith("vdpa")] == [
        "vdpa-mgmtdev.json",
        "vdpa-dev.json",
        "vdpa-config.json",
    ]


def test_without_libvirt_nothing_more_is_asked():
    programs = Programs({})

    assert ask_virsh(programs) == {}
    assert len(programs.asked) == 1


def test_libvirt_is_asked_read_only_for_all_its_devices():
    programs = Programs(
        {
            "virsh -r capabilities": "<capabilities/>",
            "virsh -r nodedev-list --cap mdev_types": "mtty_mtty\n\n--evil\n",
            "virsh -r nodedev-list --cap pci": "pci_0000_01_00_0\n",
            "virsh -r nodedev-dumpxml mtty_mtty": "<device><name>mtty_mtty</name></device>",
        }
    )

    answers = ask_virsh(programs)

    assert sorted(answers) == ["capabilities.xml", "mtty_mtty.xml"]
    assert all(command[:2] == ("virsh", "-r") for command in programs.asked)
    assert not any("--evil" in command for command in programs.asked)
    assert add_sides(Facts(), answers).differences == ()


def test_files_beside_a_recording_are_found_one_folder_deep(tmp_path):
    (tmp_path / "nodedev").mkdir()
    (tmp_path / "nodedev" / "a.xml").write_text("<device/>")
    (tmp_path / "nodedev" / "twice.xml").write_text("<inner/>")
    (tmp_path / "twice.xml").write_text("<device/>")
    (tmp_path / "virsh-version.txt").write_text("Running hypervisor: QEMU 10.0.13")
    (tmp_path / "notes.txt").write_text("not read")
    (tmp_path / "snapshot.ndjson").write_text("not read")

    files = read_side_files(tmp_path)

    assert sorted(files) == ["a.xml", "twice.xml", "virsh-version.txt"]
    assert files["twice.xml"] == "<device/>"


def test_a_file_that_is_no_text_is_refused_with_its_line(tmp_path):
    (tmp_path / "a.xml").write_bytes(b"<device>\n\xff</device>")

    with pytest.raises(InvalidFile, match=r"a\.xml, line 2: is no UTF-8 text"):
        read_side_files(tmp_path)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(InvalidFile, match="is no folder"):
        read_side_files(tmp_path / "none")
