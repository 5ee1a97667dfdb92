"""What a code means whichever host gives it: its sentence without anybody's values.

Answers count reasons over many hosts, and a count has no details; so the words here name none.
"""

from collections.abc import Mapping
from typing import Final

_OF_AN_AXIS: Final = {
    "MAJOR": "the {what} has another major version on the target",
    "MINOR_OLDER": "the target's {what} has an older minor version than the guest's",
    "NOT_EQUAL": "the {what} must be equal, and differs",
    "OLDER": "the target's {what} is older than the guest's",
    "OUT_OF_RANGE": "the guest's {what} is outside the target's range",
    "NOT_ACCEPTED": "the guest's {what} is not among those that the target accepts",
    "ABSENT": "the {what} of one side is not published, or could not be read",
    "INCOMPARABLE": "the {what}s of both sides cannot be compared",
    "OPAQUE": "the {what} is the same text on both sides, but no version that can be read",
}

MEANINGS: Final[Mapping[str, str]] = {
    **{
        prefix + end: meaning.replace("{what}", what)
        for prefix, what in (("VERSION_", "interface version"), ("STATE_FORMAT_", "state format"))
        for end, meaning in _OF_AN_AXIS.items()
    },
    "DESCRIPTOR_ABSENT": "nothing is recorded about the device on one side",
    "SCHEMA_UNKNOWN": "a record has a schema that is not known here",
    "ASSUMED": "a fact was assumed; nobody observed or declared it",
    "DEVICE_API": "the hypervisor would hand the device over by another device API",
    "KIND_MISMATCH": "the target offers devices of another kind, such as a VF for an mdev",
    "TYPE_MISMATCH": "the target offers other types of device",
    "MODEL_MISMATCH": "the target has another implementation (model) of the device",
    "PARENT_DIFFERS": "the parent devices differ; that does not decide",
    "DESCRIPTION_DIFFERS": "the type has the same name there, and another description",
    "NO_OFFER": "the host was looked at, and offers no device that would do",
    "STATE_TAG_UNKNOWN": "the target's driver may not know a record of the device's state",
    "PROBE_ABSENT": "probe: a device has no migration_version",
    "PROBE_READ_ERROR": "probe: reading migration_version failed",
    "PROBE_REFUSED": "probe: the target's driver refused the source's migration_version",
    "FEATURES_UNREADABLE": "the features of one side could not be read",
    "FEATURE_MISSING": "the target lacks a feature that the guest uses",
    "FEATURE_UNMASKABLE": "the guest would see a feature that it was not given, and that cannot "
    "be masked",
    "PARAM_UNKNOWN": "the target does not know a parameter that is in effect for the guest",
    "PARAM_EQ": "a parameter must be equal, and differs",
    "PARAM_IN": "the target does not allow a parameter's value",
    "PARAM_GE": "the target has less of a parameter than the guest",
    "PARAM_SUBSET": "a parameter lacks something on the target that the guest has",
    "PARAM_CANNOT_DISABLE": "a parameter that the guest was not given cannot be turned off there",
    "PARAM_UNREADABLE": "a parameter of one side could not be read",
    "CONSTRAINT": "the values together break a constraint of the target, or may break it",
    "POLICY": "a row of a policy pack objects, or may apply",
    "UNITS_MISMATCH": "the device there holds other amounts than the guest was given",
    "UNITS_ABSENT": "how much the device holds is not stated on one side",
    "CAPACITY": "the device there has not as much free as the guest's takes",
    "POSITIONS": "the device there has no free place where the guest's may sit",
    "EXCLUSIVE": "the devices in use there have a value that the guest's would have to share",
    "MAPPING": "not every device of the guest finds an offer of the host",
    "MIGRATION_UNSUPPORTED": "the device of one side cannot be migrated",
    "MIGRATION_DISABLED": "migration of the device is switched off on one side",
    "MIGRATION_UNDETERMINED": "whether the device of one side can be migrated is not known",
    "P2P_REQUIRED": "the guest has several vfio devices, and one cannot stop peer-to-peer "
    "traffic, or may not",
    "DIRTY_TRACKING_ABSENT": "nobody tracks what the device writes to the guest's memory on the "
    "source",
    "ARCH": "the host has another architecture than the guest needs",
    "MACHINE_TYPE": "the host does not know the guest's machine type",
    "STACK_TOO_OLD": "a component on the host, such as QEMU or libvirt, is too old",
    "BLOCKER": "something stands in the way on the source",
    "POSTCOPY_REQUESTED": "post-copy was asked for, and a vfio device cannot take part in it",
    "DOWNTIME_BUDGET": "the guest would stand still for longer than it may, or nobody can tell "
    "how long",
    "MODE": "the mode is not open for the device on both sides",
    "CPU_MODEL": "the host cannot run the guest's CPU model",
    "CPU_FEATURE_MISSING": "the host's CPU lacks a feature that the guest needs",
    "HOST_FACT_ABSENT": "the host does not state a fact that the guest needs",
    "GUEST_ADDRESS": "the prepared domain has the device at another address than the guest",
    "GENERATION_CONFLICT": "the offer changed meanwhile",
    "LINT_TYPE_AMBIGUOUS": "one type and version means two things",
    "LINT_FEATURE_REMOVED": "a feature is gone and the major version stayed",
    "LINT_FEATURE_ADDED": "a feature is new and the minor version stayed",
}
"""What each code means, as a clause: it goes on from "a host is refused because"."""
