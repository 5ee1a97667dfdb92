"""The sentence of a reason, for people: made from its facts, here and nowhere else.

Every surface shows this sentence.  It is for administrators: it may tell versions.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wherry.model.checks import Reason

_NO_TEXT = "not stated"

_OF_AN_AXIS: Final = {
    "MAJOR": "The {what} changes its major version: the guest has {wanted}, the target {offered}.",
    "MINOR_OLDER": "The target's {what} is older: the guest has {wanted}, the target {offered}.",
    "NOT_EQUAL": "The {what} must be equal: the guest has {wanted}, the target {offered}.",
    "OLDER": "The target's {what} is older: the guest has {wanted}, the target {offered}.",
    "OUT_OF_RANGE": "The {what} {wanted} of the guest is outside the target's range {offered}.",
    "NOT_ACCEPTED": (
        "The {what} {wanted} of the guest is not among those the target accepts: {offered}."
    ),
    "ABSENT": "The {what} of the {side} is not published, or could not be read.",
    "INCOMPARABLE": "The {what}s cannot be compared: the guest has {wanted}, the target {offered}.",
    "OPAQUE": (
        "The {what} {wanted} is the same text on both sides, but no version that can be read."
    ),
}

SENTENCES: Final[Mapping[str, str]] = {
    **{
        prefix + end: sentence.replace("{what}", what)
        for prefix, what in (("VERSION_", "interface version"), ("STATE_FORMAT_", "state format"))
        for end, sentence in _OF_AN_AXIS.items()
    },
    "DESCRIPTOR_ABSENT": "Nothing is recorded about the device on the {side}.",
    "SCHEMA_UNKNOWN": "The record of the {side} has schema {schema}, which is not known here.",
    "ASSUMED": "{field} of the {side} was assumed; nobody observed or declared it.",
    "DEVICE_API": "The device API differs: the guest has {wanted}, the target offers {offered}.",
    "KIND_MISMATCH": "The guest's device is of kind {wanted}, the target offers {offered}.",
    "TYPE_MISMATCH": "The guest's device is of type {wanted}, the target offers {offered}.",
    "MODEL_MISMATCH": "Another implementation: the guest has model {wanted}, the target {offered}.",
    "PARENT_DIFFERS": "The parent devices differ in {fields}; that does not decide.",
    "DESCRIPTION_DIFFERS": (
        "The type keeps its name but its description changed: {wanted} here, {offered} there. "
        "Look at it."
    ),
    "NO_OFFER": "The target was looked at, and it offers no device.",
    "STATE_TAG_UNKNOWN": "The target's driver does not know state record {tag}, which is {wanted}.",
    "PROBE_ABSENT": "Probe: the device on the {side} has no migration_version.",
    "PROBE_READ_ERROR": "Probe: reading migration_version on the {side} failed with {errno}.",
    "PROBE_REFUSED": (
        "Probe: the target's driver refused the source's migration_version with {errno}."
    ),
    "FEATURES_UNREADABLE": "The features of the {side} could not be read.",
    "FEATURE_MISSING": "The guest uses feature {feature}, which the target lacks.",
    "FEATURE_UNMASKABLE": (
        "The target has feature {feature}, which the guest would see and which cannot be masked."
    ),
    "PARAM_UNKNOWN": (
        "Parameter {param} is in effect for the guest ({wanted}); the target does not know it."
    ),
    "PARAM_EQ": "Parameter {param} must be equal: the guest has {wanted}, the target {offered}.",
    "PARAM_IN": "Parameter {param} is {wanted} for the guest; the target allows {offered}.",
    "PARAM_GE": "Parameter {param} must be at least {wanted}; the target has {offered}.",
    "PARAM_SUBSET": (
        "Parameter {param} lacks something on the target: the guest has {wanted}, the target "
        "{offered}."
    ),
    "PARAM_CANNOT_DISABLE": (
        "Parameter {param} is in effect on the target ({offered}) and cannot be turned off "
        "for this guest."
    ),
    "PARAM_UNREADABLE": "Parameter {param} of the {side} could not be read.",
    "CONSTRAINT": "The values together break constraint {constraint} of the target.",
    "POLICY": "Row {row} of policy pack {pack} objects: {because}.",
    "UNITS_MISMATCH": (
        "The device holds other amounts: the guest has {wanted}, the target gives {offered}."
    ),
    "UNITS_ABSENT": "How much the device holds is not stated on the {side}.",
    "CAPACITY": "The target has no room: {wanted} of {resource_class} asked, {offered} free.",
    "POSITIONS": (
        "The target has no free place for it: its type may sit at {wanted}, taken are {offered}."
    ),
    "EXCLUSIVE": (
        "All devices there must agree in {by}: the guest has {wanted}, in use is {offered}."
    ),
    "MAPPING": (
        "No way to give each device of the guest an offer of this host; in the way: {slots}."
    ),
    "MIGRATION_UNSUPPORTED": "The device on the {side} cannot be migrated.",
    "MIGRATION_DISABLED": "Migration of the device on the {side} is switched off.",
    "MIGRATION_UNDETERMINED": "Whether the device on the {side} can be migrated is not known.",
    "P2P_REQUIRED": (
        "The guest has several vfio devices, and the one on the {side} cannot stop peer-to- "
        "peer traffic."
    ),
    "DIRTY_TRACKING_ABSENT": (
        "Nobody tracks what the device writes to the guest's memory on the source."
    ),
    "ARCH": "The guest needs architecture {wanted}, the host is {offered}.",
    "MACHINE_TYPE": "The host does not know machine type {wanted}.",
    "STACK_TOO_OLD": "{component} on the host is too old: {wanted} needed, {offered} there.",
    "BLOCKER": "Something stands in the way on the source: {blocker}.",
    "POSTCOPY_REQUESTED": "Post-copy was asked for, and a vfio device cannot take part in it.",
    "DOWNTIME_BUDGET": (
        "The guest would stand still for about {offered} ms; the budget is {wanted} ms."
    ),
    "MODE": "Mode {mode} is not open for this device on both sides.",
    "CPU_MODEL": "The host cannot run CPU model {wanted}.",
    "CPU_FEATURE_MISSING": "The host's CPU lacks {feature}.",
    "HOST_FACT_ABSENT": "The host does not state {fact}, which the guest needs.",
    "GUEST_ADDRESS": (
        "The prepared domain has the device at {offered}; in the guest it is at {wanted}."
    ),
    "GENERATION_CONFLICT": (
        "The offer changed meanwhile: decided on generation {wanted}, it is now {offered}."
    ),
    "LINT_TYPE_AMBIGUOUS": (
        "One type and version means two things: {field} was {wanted} and is {offered}."
    ),
    "LINT_FEATURE_REMOVED": (
        "Feature {feature} is gone and the major version stayed: removing one must raise the major."
    ),
    "LINT_FEATURE_ADDED": (
        "Feature {feature} is new and the minor version stayed: adding one must raise the minor."
    ),
}
"""The sentence of each code; the names in braces are keys of the detail."""

UNSURE: Final[Mapping[str, str]] = {
    "STATE_TAG_UNKNOWN": (
        "It is not known whether the target's driver knows state record {tag}, which is {wanted}."
    ),
    "CONSTRAINT": "Whether the values meet constraint {constraint} of the target cannot be told.",
    "POLICY": (
        "Row {row} of policy pack {pack} may apply, but a fact that it needs is missing: {because}."
    ),
    "EXCLUSIVE": (
        "All devices there must agree in {by} ({offered} in use), and the guest's value is "
        "not known."
    ),
    "P2P_REQUIRED": (
        "The guest has several vfio devices; whether the one on the {side} can stop peer-to- "
        "peer traffic is not known."
    ),
    "DOWNTIME_BUDGET": (
        "How long the guest would stand still cannot be estimated; the budget is {wanted} ms."
    ),
}
"""The sentence where the severity is `unknown`, if another one is needed."""


def _render(value: Any) -> str:
    if value is None:
        return _NO_TEXT
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(_render, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_render(item)}" for key, item in value.items()) or "nothing"
    return msgspec.json.encode(value).decode()


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return _NO_TEXT


def explain(reason: Reason) -> str:
    """Say in one plain sentence what stands in the way.

    A code that is not in the table, from a later version, is named and not guessed at.
    """
    sentence = SENTENCES.get(reason.code)
    if reason.severity == "unknown":
        sentence = UNSURE.get(reason.code, sentence)
    if sentence is None:
        return f"{reason.code}: a reason that this version has no words for."
    facts = _Facts({key: _render(value) for key, value in reason.detail.items()})
    # Its own words end as people end theirs; the sentence around them ends once.
    if "because" in facts:
        facts["because"] = facts["because"].rstrip(".")
    return sentence.format_map(facts)
