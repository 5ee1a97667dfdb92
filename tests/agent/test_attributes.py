"""An agent reports the attributes that a service's own profiles point at."""

from pathlib import Path

from introspect.trees import Link, tree_of
from wherry.agent.host import choose_host
from wherry.agent.settings import AgentSettings, load_agent_settings
from wherry.hosts.recorder import RecordingTree, render_recording
from wherry.hosts.snapshot import write_snapshot
from wherry.introspect.facts import read_facts

AT = "/sys/devices/pci0000:00/0000:01:00.0"
NODES = {
    "/sys/bus/pci/devices/0000:01:00.0": Link("../../../devices/pci0000:00/0000:01:00.0"),
    f"{AT}/vendor": "0x1af4\n",
    f"{AT}/driver": Link("../../../bus/pci/drivers/vfio-pci"),
    f"{AT}/acme/level": "3\n",
    f"{AT}/acme/other": "4\n",
}


def a_recording(folder: Path) -> Path:
    """A recorded host with an attribute that Wherry does not know."""
    tree = RecordingTree(tree_of(NODES))
    read_facts(tree, extra=("acme/level", "acme/other"))
    file = folder / "host9.ndjson"
    write_snapshot(file, render_recording(tree, note="constructed", machine="x86_64"))
    return file


def test_attributes_that_are_asked_for_are_reported(tmp_path: Path) -> None:
    file = a_recording(tmp_path)

    plain, asked = (
        choose_host(AgentSettings(snapshot=file, attributes=named)).look()
        for named in ((), ("acme/level", "acme/none"))
    )

    assert "acme/level" not in plain.facts.devices[0].attributes
    reported = asked.facts.devices[0].attributes
    assert reported["acme/level"] == "3"
    assert reported.keys() & {"acme/other", "acme/none"} == set()


def test_attributes_are_named_on_the_command_line_or_in_a_variable() -> None:
    given = load_agent_settings({"attributes": ("a/b", "c")}, environ={})
    said = load_agent_settings({}, environ={"WHERRY_ATTRIBUTES": "a/b:c"})

    assert (given.attributes, said.attributes) == (("a/b", "c"), ("a/b", "c"))
