"""Device requests are read from nova.conf as Nova reads them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from oslo_config import cfg

from wherry.model.device_requests import Alternative
from wherry.model.errors import InvalidFile
from wherry.schedule.first.ini import read_options
from wherry.schedule.first.nova_conf import parse_nova_conf

CONF = """
[DEFAULT]
debug = true
[pci]
# what flavors may ask for
alias = { "vendor_id":"8086", "product_id":"0443", "device_type":"type-PCI", "name":"qat" }
alias = {
    "name": "qat", "device_type": "type-PCI",
    "vendor_id": "8086", "product_id": "37c8"
  }
alias = {"name": "gpu", "resource_class": "big gpu", "traits": "blue, HW_GPU_API_VULKAN",
  "numa_policy": "required", "live_migratable": "Yes"}
device_spec = { "vendor_id":"8086", "product_id":"0443" }
device_spec = [{"vendor_id":"8086", "product_id":"37C8", "resource_class": "crypto",
  "address": "*:0a:00.*"}, {"address": {"bus": "0[ab]", "function": "[0-3]"}, "managed": "no"}]
[filter_scheduler]
pci_in_placement = true
"""


def parse(text):
    return parse_nova_conf(text, file="nova.conf")


def test_lines_of_one_name_are_alternatives():
    gpu, qat = parse(CONF).requests

    assert (gpu.name, gpu.numa_policy, qat.name, qat.numa_policy) == (
        "gpu",
        "required",
        "qat",
        "legacy",
    )
    assert gpu.alternatives == (
        Alternative(
            resource_class="CUSTOM_BIG_GPU",
            traits=("CUSTOM_BLUE", "HW_GPU_API_VULKAN"),
            live_migratable=True,
        ),
    )
    assert [(one.product_id, one.resource_class) for one in qat.alternatives] == [
        ("0443", UNSET),
        ("37c8", UNSET),
        ("37c8", "CUSTOM_CRYPTO"),
    ]


def test_what_is_read_and_not_used_is_told_once():
    assert parse(CONF).notes == (
        "device_spec: addresses and device names hold for one host, and are not used here",
        "device_spec: managed is what nova-compute reports, and is not used here",
    )


def test_an_alias_whose_devices_no_device_spec_gives_out_is_told():
    text = """
[pci]
alias = {"name": "nic", "vendor_id": "15b3", "product_id": "101e"}
device_spec = {"vendor_id": "8086"}
"""
    assert parse(text).notes == ("alias nic: no device_spec of this file gives out its devices",)
    more = text + 'device_spec = {"product_id": "101e"}\n'
    assert parse(more).notes == ()


def test_older_names_of_the_options_are_read():
    text = """
[DEFAULT]
pci_alias = {"name": "nic", "vendor_id": "15b3", "product_id": "101e"}
pci_passthrough_whitelist = {"vendor_id": "15b3", "product_id": "101e", "resource_class": "NIC"}
"""
    (nic,) = parse(text).requests
    assert [one.resource_class for one in nic.alternatives] == [UNSET, "CUSTOM_NIC"]


NIC = {"name": "nic", "vendor_id": "15b3", "product_id": "101e"}


@pytest.mark.parametrize(
    ("option", "said", "words"),
    [
        ("alias", {"vendor_id": "15b3"}, "object with a name"),
        ("alias", {**NIC, "vendor": "15b3"}, "did you mean vendor_id"),
        ("alias", {**NIC, "vendor_id": "15b"}, "vendor_id"),
        ("alias", {"name": "nic", "vendor_id": "15b3"}, "go together"),
        ("alias", {"name": "nic", "traits": "red"}, "or `resource_class`"),
        ("alias", {**NIC, "device_type": "type-VDPA"}, "device_type"),
        ("alias", {**NIC, "numa_policy": "near"}, "takes required"),
        ("alias", {**NIC, "live_migratable": "maybe"}, "takes yes or no"),
        ("alias", {**NIC, "name": "a b"}, "alias 'a b'"),
        ("device_spec", 3, "JSON object"),
        ("device_spec", {"vendor": "15b3"}, "did you mean vendor_id"),
        ("device_spec", {"vendor_id": "15b3z"}, "hexadecimal"),
        ("device_spec", {"address": "0:0:0:0:0.0"}, "DOMAIN:BUS:SLOT.FUNCTION"),
        ("device_spec", {"address": "0000:0a:20.0"}, "slot of address"),
        ("device_spec", {"address": "0000:0a:00.8"}, "function of address"),
        ("device_spec", {"address": {"buss": "0a"}}, "did you mean bus"),
        ("device_spec", {"address": {"bus": "["}}, "regular expression"),
        ("device_spec", {"address": 3}, "regular expressions"),
        ("device_spec", {"address": "*", "devname": "eth0"}, "not both"),
    ],
)
def test_what_nova_would_not_take_is_refused_with_its_line(option, said, words):
    text = f"[pci]\n\n{option} = {json.dumps(said)}\n"
    with pytest.raises(InvalidFile, match=words) as refused:
        parse(text)

    assert refused.value.line in {3, None}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({**NIC, "numa_policy": "required"}, "numa_policy legacy elsewhere"),
        ({**NIC, "device_type": "type-VF"}, "another device_type"),
    ],
)
def test_alternatives_that_nova_would_not_put_together_are_refused(second, words):
    text = f"[pci]\nalias = {json.dumps(NIC)}\nalias = {json.dumps(second)}\n"
    with pytest.raises(InvalidFile, match=words):
        parse(text)


def test_what_is_no_json_or_no_option_is_refused_with_its_line():
    for text in ("[pci]\nalias = {", "[pci]\nalias {}"):
        with pytest.raises(InvalidFile, match=r"nova\.conf, line 2"):
            parse(text)


VALUES = st.text(st.sampled_from("ab{}:=,[] #;\"'"), max_size=12)
LINES = st.tuples(
    st.sampled_from(("", "  ", "\t", "x = ", "x=", "x: ", "y = ", "# ", ";", "[pci]", "[")), VALUES
)


def oslo(text, folder):
    """What oslo.config reads of the option x; None where it refuses the file."""
    file = folder / "some.conf"
    file.write_text(text)
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.MultiStrOpt("x", default=[]), group="pci")
    try:
        conf([], default_config_files=[str(file)])
    except cfg.ConfigFileParseError:
        return None
    return conf.pci.x


@given(lines=st.lists(LINES, max_size=6))
def test_a_file_is_read_as_oslo_config_reads_it(tmp_path_factory, lines):
    text = "[pci]\n" + "".join(f"{begin}{value}\n" for begin, value in lines)
    theirs = oslo(text, tmp_path_factory.getbasetemp())
    try:
        every = list(read_options(text, file="some.conf"))
    except InvalidFile:
        assert theirs is None
        return
    assert theirs == [value for section, name, value, _ in every if (section, name) == ("pci", "x")]
