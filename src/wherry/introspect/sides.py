"""Files beside a tree: what libvirt, mdevctl, netlink tools and NVML said of the same host.

XML is told by its root element; JSON and text by the file's name, which is what our own
recordings use.
"""

from collections.abc import Mapping

from msgspec import structs

from wherry.introspect.devlink import add_devlink_answers
from wherry.introspect.libvirt import (
    host_of_capabilities,
    host_of_domain_capabilities,
    parse_versions,
)
from wherry.introspect.mdevctl import parse_list, parse_types
from wherry.introspect.merge import merge_facts
from wherry.introspect.nodedev import NodeDevice, nodedev_of
from wherry.introspect.nvidia_smi import FILE as NVIDIA_SMI
from wherry.introspect.nvidia_smi import add_nvidia_smi
from wherry.introspect.probe import FILE as PROBES
from wherry.introspect.probe import add_probes
from wherry.introspect.vdpa import add_vdpa_answers
from wherry.introspect.xml import parse_xml
from wherry.model.errors import InvalidFile
from wherry.model.facts import Difference, Facts, Host

VERSIONS = "virsh-version.txt"
TYPES = "mdevctl-types.json"
LIST = "mdevctl-list.json"


def add_sides(facts: Facts, files: Mapping[str, str]) -> Facts:
    """Complete what sysfs said by the files beside it, and list the differences.

    Args:
        facts: what sysfs said.
        files: text by file name; names that nobody knows are left alone.

    Raises:
        InvalidFile: a file is not what its name or suffix says.
    """
    devices = add_vdpa_answers(facts.devices, files)
    whole = structs.replace(facts, devices=add_devlink_answers(devices, files))
    whole = add_nvidia_smi(add_probes(whole, files.get(PROBES, "")), files)
    whole = merge_facts(whole, facts_of_libvirt(files), source="libvirt")
    return merge_facts(whole, facts_of_mdevctl(files), source="mdevctl")


def sound_answers(files: Mapping[str, str]) -> tuple[Mapping[str, str], tuple[Difference, ...]]:
    """Set apart what a program answered and is not its format, each with why.

    One broken program must not cost what sysfs and the others say, and is not kept silent.
    """
    sound, broken = {}, []
    for file, text in files.items():
        try:
            add_sides(Facts(), {file: text})
        except InvalidFile as error:
            broken.append(_left_out(file, str(error).removeprefix(file).lstrip(",: ")))
        else:
            sound[file] = text
    return sound, tuple(broken)


def _left_out(file: str, why: str) -> Difference:
    return Difference(device="host", attribute="answer", taken="left out", other=why, source=file)


def facts_of_libvirt(files: Mapping[str, str]) -> Facts:
    """Make facts of libvirt's XML alone, as a host without readable sysfs would have.

    Raises:
        InvalidFile: no XML, or a document that is none of the three kinds.
    """
    found: list[NodeDevice] = []
    host, domains = Host(), []
    for file, text in sorted(files.items()):
        if not file.endswith(".xml") or file == NVIDIA_SMI:
            continue
        root = parse_xml(text, file=file)
        if root.tag == "device":
            found.append(nodedev_of(root))
        elif root.tag == "capabilities":
            host = host_of_capabilities(root)
        elif root.tag == "domainCapabilities":
            domains.append(root)
        else:
            message = f"<{root.tag}> is neither device, capabilities nor domainCapabilities"
            raise InvalidFile(message, file=file)
    return Facts(
        host=_with_domains(host, host_of_domain_capabilities(domains), files.get(VERSIONS, "")),
        devices=tuple(one.device for one in found if one.device),
        instances=tuple(one.instance for one in found if one.instance),
    )


def facts_of_mdevctl(files: Mapping[str, str]) -> Facts:
    """Make facts of mdevctl's JSON alone.

    Raises:
        InvalidFile: not what mdevctl writes.
    """
    return Facts(
        devices=parse_types(files[TYPES], file=TYPES) if TYPES in files else (),
        instances=parse_list(files[LIST], file=LIST) if LIST in files else (),
    )


def _with_domains(host: Host, domains: Host, versions: str) -> Host:
    machines = {*(host.machine_types or ()), *(domains.machine_types or ())}
    features = {*(host.cpu_features or ()), *(domains.cpu_features or ())}
    return structs.replace(
        host,
        arch=host.arch or domains.arch,
        machine_types=tuple(sorted(machines)) if machines else host.machine_types,
        cpu_models=domains.cpu_models,
        cpu_features=tuple(sorted(features)) if features else host.cpu_features,
        versions=parse_versions(versions),
    )
