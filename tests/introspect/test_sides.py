"""libvirt, mdevctl, vdpa and devlink beside sysfs: sysfs wins, differences are listed."""

import json

import pytest

from introspect.trees import MTTY, ONE, TWO, Link, function_nodes, mtty_nodes, tree_of
from wherry.introspect.address import parse_address
from wherry.introspect.facts import read_facts
from wherry.introspect.libvirt import parse_versions
from wherry.introspect.nodedev import nodedev_of
from wherry.introspect.sides import add_sides, facts_of_libvirt, facts_of_mdevctl
from wherry.introspect.xml import parse_xml
from wherry.model.errors import InvalidFile
from wherry.model.facts import Difference, MigrationProbe, Sriov, Unread

MTTY_XML = """<device><name>mtty_mtty</name><path>/sys/devices/virtual/mtty/mtty</path>
<capability type='mdev_types'><capability type='mdev_types'><type id='mtty-1'>
<name>mtty-1 name</name><deviceAPI>vfio-pci</deviceAPI>
<availableInstances>{left}</availableInstances></type></capability></capability></device>"""
INSTANCE_XML = """<device><name>mdev_x</name><capability type='mdev'><type id='mtty-1'/>
<uuid>{uuid}</uuid><parent_addr>mtty</parent_addr></capability></device>"""
PF_XML = """<device><name>pci_0000_01_00_0</name><driver><name>{driver}</name></driver>
<capability type='pci'><class>0x020000</class><domain>0</domain><bus>1</bus><slot>0</slot>
<function>0</function><product id='0x10c9'>82576</product><vendor id='0x8086'>Intel</vendor>
<capability type='virt_functions' maxCount='7'>
<address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></capability>
</capability></device>"""
PF = "/sys/devices/pci0000:00/0000:01:00.0"


def parse_nodedev(xml):
    return nodedev_of(parse_xml(xml, file="x"))


def mtty(**kwargs):
    return read_facts(tree_of(mtty_nodes(**kwargs)))


def test_sysfs_wins_and_the_difference_is_listed():
    facts = add_sides(mtty(left=(19, 9)), {"a.xml": MTTY_XML.format(left=24)})

    assert facts.devices[0].mdev_types[0].attributes["available_instances"] == "19"
    assert facts.differences == (
        Difference(
            device="mtty",
            attribute="mtty-1.available_instances",
            taken="19",
            other="24",
            source="libvirt",
        ),
    )


def test_what_another_source_alone_shows_is_a_difference_and_no_capacity():
    facts = add_sides(mtty(made={ONE: "mtty-1"}), {"a.xml": INSTANCE_XML.format(uuid=TWO)})

    assert [one.id for one in facts.instances] == [ONE]
    assert [(d.device, d.attribute, d.taken, d.other) for d in facts.differences] == [
        (TWO, "present", "no", "yes")
    ]


def test_silence_of_another_source_is_no_difference():
    """Libvirt leaves out parents, descriptions and ids."""
    assert add_sides(mtty(), {"a.xml": "<device><name>computer</name></device>"}).differences == ()


def test_the_names_of_products_come_from_libvirt():
    nodes = function_nodes(PF, sriov_totalvfs="7", sriov_numvfs="1") | {
        f"{PF}/driver": Link("../../../bus/pci/drivers/igb")
    }

    facts = add_sides(read_facts(tree_of(nodes)), {"a.xml": PF_XML.format(driver="vfio-pci")})

    assert facts.devices[0].attributes["libvirt/product_name"] == "82576"
    assert [(d.attribute, d.taken, d.other) for d in facts.differences] == [
        ("driver", "igb", "vfio-pci")
    ]


def test_a_pf_in_xml_gives_the_same_facts():
    device = parse_nodedev(PF_XML.format(driver="igb")).device

    assert (device.name, device.role, device.driver) == ("0000:01:00.0", "pf", "igb")
    assert device.sriov == Sriov(total=7, enabled=1, vfs=("0000:01:10.0",))


def test_a_pf_without_maxcount_has_an_unknown_total():
    xml = PF_XML.format(driver="igb").replace(" maxCount='7'", "")

    assert parse_nodedev(xml).device.sriov.total == Unread(errno="ENODATA")


@pytest.mark.parametrize(
    ("parent", "name"),
    [
        ("pci_0000_3b_00_0", "0000:3b:00.0"),
        ("css_0_0_0052", "0.0.0052"),
        ("mtty_mtty", "mtty_mtty"),
    ],
)
def test_an_old_instance_without_uuid_and_parent_address_is_still_known(parent, name):
    xml = (
        f"<device><name>mdev_{ONE.replace('-', '_')}</name><parent>{parent}</parent>"
        "<capability type='mdev'><type id='a-1'/></capability></device>"
    )

    instance = parse_nodedev(xml).instance

    assert (instance.id, instance.parent) == (ONE, name)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<device>",
        "<a/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><device>&x;</device>",
        "<!DOCTYPE device SYSTEM 'file:///etc/passwd'><device/>",
        "<device>\0</device>",
        "<device" + "/" * 3 + ">",
    ],
)
def test_xml_that_is_cut_or_up_to_something_is_refused_with_its_file(xml):
    with pytest.raises(InvalidFile, match=r"^odd\.xml"):
        add_sides(mtty(), {"odd.xml": xml})


CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch><model>EPYC</model>
<vendor>AMD</vendor><feature name='sse4.1'/></cpu><iommu support='yes'/><topology>
<cells num='1'><cell id='0'><memory unit='KiB'>2097152</memory><cpus num='2'><cpu id='1'/>
<cpu id='0'/></cpus></cell></cells></topology></host><guest><arch name='x86_64'>
<machine>pc-q35-10.0</machine><machine canonical='pc-q35-10.0'>q35</machine></arch></guest>
<guest><arch name='i686'><machine>isapc</machine></arch></guest></capabilities>"""
DOMAIN = """<domainCapabilities><machine>pc-i440fx-10.0</machine><arch>x86_64</arch><cpu>
<mode name='host-model' supported='yes'><model>EPYC</model><feature policy='require' name='x2apic'/>
<feature policy='disable' name='svm'/></mode><mode name='custom' supported='yes'>
<model usable='yes'>EPYC-v1</model><model usable='no'>Broadwell</model></mode></cpu>
</domainCapabilities>"""
VERSIONS = """Compiled against library: libvirt 11.3.0
Using library: libvirt 11.3.0
Using API: QEMU 11.3.0
Running hypervisor: QEMU 10.0.13
Running against daemon: 11.3.0
"""


def test_libvirt_tells_machine_types_models_features_and_versions():
    files = {"c.xml": CAPABILITIES, "d.xml": DOMAIN, "virsh-version.txt": VERSIONS}
    host = add_sides(mtty(), files).host

    assert host.machine_types == ("pc-i440fx-10.0", "pc-q35-10.0", "q35")
    assert host.cpu_models == ("EPYC-v1",)
    assert host.cpu_features == ("sse4.1", "x2apic")
    assert host.versions == {"libvirt": "11.3.0", "qemu": "10.0.13"}
    assert (host.arch, host.iommu, host.numa[0].cpus) == ("x86_64", True, (0, 1))


def test_versions_are_read_from_the_lines_that_say_what_runs():
    assert parse_versions("Running hypervisor: QEMU 10\nnonsense") == {"qemu": "10"}
    assert parse_versions("") == {}


TYPES = [{"mtty": [{"mtty-1": {"available_instances": 24, "device_api": "vfio-pci"}}]}]
LIST = [{"mtty": [{ONE.upper(): {"mdev_type": "mtty-1", "start": "manual", "attrs": []}}]}]


def test_mdevctl_says_the_same_in_its_own_shape():
    facts = facts_of_mdevctl(
        {"mdevctl-types.json": json.dumps(TYPES), "mdevctl-list.json": json.dumps(LIST)}
    )

    assert facts.devices[0].mdev_types[0].attributes["available_instances"] == "24"
    assert [(one.id, one.parent, one.type) for one in facts.instances] == [(ONE, "mtty", "mtty-1")]


def test_a_description_that_mdevctl_joined_by_commas_is_no_difference():
    nodes = mtty_nodes() | {f"{MTTY}/mdev_supported_types/mtty-1/description": "a: 1\nb: 2\n"}
    said = [{"mtty": [{"mtty-1": {"description": "a: 1, b: 2"}}]}]

    facts = add_sides(read_facts(tree_of(nodes)), {"mdevctl-types.json": json.dumps(said)})

    assert facts.differences == ()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[1]",
        '[{"a": [], "a": []}]',
        '["\\ud800"]',
        "[NaN]",
        "[" * 100_000,
        '[{"a": 1}]',
        '[{"a": [1]}]',
        '[{"a": [{"b": 1}]}]',
    ],
)
@pytest.mark.parametrize("file", ["mdevctl-types.json", "mdevctl-list.json"])
def test_json_of_another_shape_is_refused_with_its_file(file, text):
    with pytest.raises(InvalidFile, match=f"^{file}"):
        add_sides(mtty(), {file: text})


@pytest.mark.parametrize("text", ["", "[]", "[{}]"])
def test_nothing_listed_is_nothing(text):
    assert facts_of_mdevctl({"mdevctl-list.json": text}).instances == ()


def test_keys_of_vdpa_lose_their_blanks():
    """iproute2 writes ``"link "``."""
    nodes = {
        "/sys/bus/vdpa/devices/vdpa0": Link("../../../devices/vdpa0"),
        "/sys/devices/vdpa0/driver_override": "(null)\n",
    }
    files = {
        "vdpa-dev.json": '{"dev": {"vdpa0": {"mgmtdev": "sim", "max_vqs": 3}}}',
        "vdpa-config.json": '{"config": {"vdpa0": {"link ": "up", "link_announce ": false}}}',
        "vdpa-mgmtdev.json": '{"mgmtdev": {"sim": {"dev_features": ["MTU", "MAC"]}}}',
    }

    device = add_sides(read_facts(tree_of(nodes)), files).devices[0]

    assert device.attributes == {
        "vdpa/mgmtdev": "sim",
        "vdpa/max_vqs": "3",
        "vdpa/link": "up",
        "vdpa/link_announce": "false",
        "vdpa/mgmtdev/dev_features": "MTU MAC",
    }


def test_firmware_of_devlink_goes_to_the_function_it_names():
    info = {
        "driver": "mlx5_core",
        "versions": {"running": {"fw.version": "22.1", "fw": "22.1"}, "stored": {"fw": "22.2"}},
    }
    files = {
        "devlink-info.json": json.dumps({"info": {"pci/0000:01:00.0": info, "netdevsim/x": {}}})
    }

    attributes = (
        add_sides(read_facts(tree_of(function_nodes(PF, sriov_totalvfs="1"))), files)
        .devices[0]
        .attributes
    )

    assert attributes["firmware_version"] == "22.1"
    assert attributes["devlink/versions/stored/fw"] == "22.2"


VF = "/sys/devices/pci0000:00/0000:01:10.2"
PORTS = {
    "pci/0000:01:00.0/1": {"flavour": "physical", "netdev": "eth0"},
    "pci/0000:01:00.0/129": {
        "flavour": "pcivf",
        "vfnum": 0,
        "pfnum": 0,
        "netdev": "eth0r0",
        "function": {"state": "active"},
    },
    "pci/0000:01:00.0/130": {"flavour": "pcivf", "vfnum": 0, "external": True, "netdev": "other"},
    "netdevsim/netdevsim1/128": {"flavour": "pcivf", "vfnum": 0, "netdev": "sim"},
    "pci/0000:01:00.0/131": {"flavour": "pcivf", "vfnum": True, "netdev": "odd"},
}


def test_a_vf_of_a_switch_knows_its_port():
    """The VFs that a DPU shows of the host it serves are not this host's."""
    nodes = function_nodes(PF, sriov_totalvfs="7", sriov_numvfs="1") | function_nodes(VF)
    nodes |= {f"{PF}/virtfn0": Link("../0000:01:10.2"), f"{VF}/physfn": Link("../0000:01:00.0")}
    files = {
        "devlink-ports.json": json.dumps({"port": PORTS}),
        "devlink-eswitch.json": json.dumps({"dev": {"pci/0000:01:00.0": {"mode": "switchdev"}}}),
    }

    pf, vf = add_sides(read_facts(tree_of(nodes)), files).devices

    assert vf.attributes["devlink/port/netdev"] == "eth0r0"
    assert vf.attributes["devlink/port/function/state"] == "active"
    assert pf.attributes["devlink/eswitch/mode"] == "switchdev"
    assert not any(name.startswith("devlink/port") for name in pf.attributes)


SMI = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><driver_version>535.54.03</driver_version>
<gpu id="00000000:01:00.0"><product_name>NVIDIA A40</product_name><serial>123</serial>
<mig_mode><current_mig>N/A</current_mig></mig_mode>
<gpu_virtualization_mode><virtualization_mode>Host VGPU</virtualization_mode>
<host_vgpu_mode>SR-IOV</host_vgpu_mode><vgpu_heterogeneous_mode>Not Supported
</vgpu_heterogeneous_mode></gpu_virtualization_mode></gpu>
<gpu id="00000000:FF:00.0"><product_name>elsewhere</product_name></gpu></nvidia_smi_log>"""


def test_modes_of_a_gpu_come_from_nvidia_smi_whole():
    """ "Not Supported" contains "Supported"; N/A is absent; 8-digit domain."""
    nodes = function_nodes(PF, sriov_totalvfs="7")

    facts = add_sides(read_facts(tree_of(nodes)), {"nvidia-smi.xml": SMI})

    said = {k: v for k, v in facts.devices[0].attributes.items() if k.startswith("nvidia-smi/")}
    assert said == {
        "nvidia-smi/product_name": "NVIDIA A40",
        "nvidia-smi/gpu_virtualization_mode/virtualization_mode": "Host VGPU",
        "nvidia-smi/gpu_virtualization_mode/host_vgpu_mode": "SR-IOV",
        "nvidia-smi/gpu_virtualization_mode/vgpu_heterogeneous_mode": "Not Supported",
    }
    assert facts.host.versions["nvidia"] == "535.54.03"
    assert len(facts.devices) == 1


@pytest.mark.parametrize(
    "xml",
    [
        SMI[:200],
        "<other/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><nvidia_smi_log>&x;</nvidia_smi_log>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><nvidia_smi_log>&x;</nvidia_smi_log>",
    ],
)
def test_what_nvidia_smi_never_writes_is_refused(xml):
    with pytest.raises(InvalidFile, match=r"^nvidia-smi\.xml"):
        add_sides(mtty(), {"nvidia-smi.xml": xml})


@pytest.mark.parametrize("name", ["a100-sxm4-v12", "a10g", "tesla-t4"])
def test_answers_of_real_boards_are_taken(shared, name):
    text = (shared / "data/recorded/telegraf-nvidia-smi" / f"{name}.xml").read_text("utf-8")
    folder = "/sys/devices/pci0000:00/0000:01:00.0"
    at = text.partition('gpu id="')[2].partition('"')[0]
    nodes = function_nodes(folder.replace("0000:01:00.0", parse_address(at)), sriov_totalvfs="1")

    facts = add_sides(read_facts(tree_of(nodes)), {"nvidia-smi.xml": text})

    attributes = facts.devices[0].attributes
    assert attributes["nvidia-smi/product_name"] in text
    assert "N/A" not in attributes.values()
    assert facts.host.versions["nvidia"] in {"535.54.03", "515.105.01"}


def test_a_probe_is_put_on_what_it_was_asked_of():
    lines = [
        {
            "name": ONE,
            "features": {"MIGRATION": "supported"},
            "migration_flags": {"names": ["STOP_COPY", "P2P"]},
            "stop_copy_length": 60,
        },
        {"name": TWO, "features": {"MIGRATION": "ENOTTY"}},
    ]
    facts = add_sides(
        mtty(made={ONE: "mtty-1", TWO: "mtty-1"}),
        {"vfio-probe.jsonl": "\n".join(map(json.dumps, lines))},
    )

    assert facts.instances[0].probe == MigrationProbe(
        flags=("stop_copy", "p2p"), stop_copy_bytes=60
    )
    assert facts.instances[1].probe == MigrationProbe(flags=Unread(errno="ENOTTY"))


def test_libvirt_alone_makes_facts_too():
    facts = facts_of_libvirt(
        {"a.xml": PF_XML.format(driver="igb"), "b.xml": MTTY_XML.format(left=3)}
    )

    assert [one.name for one in facts.devices] == ["0000:01:00.0", "mtty"]
