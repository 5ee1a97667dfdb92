"""The reasons of the scheduler and of the pre-flight: what no rule of a device says.

They have the form of the specification's reasons and stand among them in an answer; their
rules are numbered R80 to R89, which the specification leaves unused.
``docs/reference/scheduler-reasons.md`` prints this table, and a test compares the two.

Source: design, section 7; specification of compatibility, section 5 (form of a reason).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from wherry.compat.meanings import MEANINGS
from wherry.compat.sentences import explain as explain_compat
from wherry.compat.table import BY_CODE as COMPAT
from wherry.compat.table import MODE_BIT, SEVERITIES, Cause
from wherry.model.checks import Reason, Severity, Stage

ALL_MODES: Final = sum(MODE_BIT.values())


class Row(NamedTuple):
    """One code, as the page prints it."""

    rule: str
    code: str
    severity: Severity
    stage: Stage
    naming: tuple[str, ...]
    """Keys of the detail that name the reason together with the code."""
    given_if: str
    sentence: str
    """For people; the names in braces are keys of the detail."""


ROWS: Final[tuple[Row, ...]] = (
    Row("R80", "SAME_HOST", "no", "filter", (),
        "the guest is on this host already; nothing else is asked of it then",
        "The guest is on this host already."),
    Row("R81", "HOST_STATE", "no", "filter", (),
        "the host is disabled or in maintenance",
        "The host is in state {offered}."),
    Row("R81", "HOST_TENANT", "no", "filter", (),
        "the host's label `tenants` names those whose guests it takes, and not the guest's",
        "The host takes guests of {offered} alone; this one is of {wanted}."),
    Row("R81", "HOST_AGGREGATE", "no", "filter", (),
        "the host is in aggregates that are for some tenants alone, and the guest's is not among "
        "them",
        "The host is in aggregates {aggregates}, for guests of {offered} alone; this one is of "
        "{wanted}."),
    Row("R81", "HOST_MEMBER_OF", "no", "filter", ("wanted",),
        "the host's root provider is in none of the aggregates that are asked for (`member_of`), "
        "or in one of those that are forbidden",
        "Aggregates {wanted} are asked for; the host is in {offered}."),
    Row("R81", "HOST_NUMA", "no", "filter", (),
        "the guest's devices fit, but not on as few NUMA nodes as it asks for",
        "The host has no room for the devices on {wanted} NUMA node(s), which policy {policy} "
        "asks for."),
    Row("R81", "HOST_NUMA_UNKNOWN", "unknown", "filter", (),
        "the guest's devices fit on as few NUMA nodes as it asks for only if devices count whose "
        "node is not known",
        "It is not known whether the devices would be on {wanted} NUMA node(s), which policy "
        "{policy} asks for."),
    Row("R81", "HOST_APART", "no", "filter", ("group",),
        "a group that keeps its guests apart has as many on the host as may be there",
        "The host has {offered} of group {group} already, and {wanted} may be on one."),
    Row("R81", "HOST_TOGETHER", "no", "filter", ("group",),
        "a group that keeps its guests together has them on other hosts",
        "Group {group} keeps together, and is on {wanted}."),
    Row("R82", "HOST_UNPUBLISHED", "no", "filter", (),
        "the host has no provider of its own yet, so nothing can be allocated there",
        "The host has no resource provider of its own yet."),
    Row("R83", "HOST_RESOURCES", "no", "claim", ("resource_class",),
        "the host's own provider has not as much free of a class as the guest holds, or does "
        "not allocate such an amount (min_unit, max_unit, step_size)",
        "The host has no room: {wanted} of {resource_class} asked, {offered} free."),
    Row("R84", "DEVICES_UNSETTLED", "unknown", "filter", ("devices",),
        "the guest's devices cannot be mapped, and devices of the host offer nothing because "
        "they kept changing while they were read",
        "Devices of the host kept changing while they were read: {devices}."),
    Row("R85", "PREFLIGHT_OBJECTION", "no", "preflight", ("side", "message"),
        "the agent of one end, or the hypervisor there, objects",
        "The {side} objects: {message}"),
    Row("R86", "PREFLIGHT_TIMEOUT", "no", "preflight", ("side",),
        "one end has not answered in time",
        "The {side} has not answered in time."),
    Row("R87", "PREFLIGHT_FACTS_MOVED", "no", "preflight", ("side", "provider"),
        "what was just read makes another offer than the claim was decided on, or none",
        "The facts of provider {provider} on the {side} moved: decided on generation {wanted}, "
        "now {offered}."),
    Row("R88", "PREFLIGHT_PROCESS", "no", "preflight", (),
        "the guest runs in another QEMU process than its contracts were pinned in, or in none",
        "The guest runs in another QEMU process: {wanted} is recorded, {offered} was found."),
    Row("R88", "PREFLIGHT_CONTRACT", "no", "preflight", ("slot",),
        "the guest's contract, or its device, is another one than the claim was decided on",
        "The device in slot {slot} is no longer the one that the claim was decided on: "
        "{wanted} then, {offered} now."),
    Row("R89", "PREFLIGHT_DEVICE_ABSENT", "no", "preflight", ("side", "slot"),
        "one end does not find the device, or its parent",
        "The {side} does not find the device of slot {slot}."),
)  # fmt: skip
"""In the order of rule and code; all count in every mode."""

BY_CODE: Final[Mapping[str, Row]] = {row.code: row for row in ROWS}


_SIDES: Final[Mapping[str, tuple[str, str]]] = {
    "FEATURE_MISSING": ("feature {feature}", "lacks it"),
    "FEATURE_UNMASKABLE": ("without feature {feature}", "has it, and cannot mask it"),
    "CPU_FEATURE_MISSING": ("CPU feature {feature}", "lacks it"),
    "CPU_MODEL": ("CPU model {wanted}", "cannot run it"),
    "MACHINE_TYPE": ("machine type {wanted}", "does not know it"),
    "PARAM_UNKNOWN": ("{param} = {wanted}", "does not know {param}"),
    "PARAM_CANNOT_DISABLE": ("without {param}", "{param} = {offered}, cannot be turned off"),
    "HOST_STATE": ("enabled", "{offered}"),
    "HOST_NUMA": ("{wanted} NUMA node(s), {policy}", "no room on so few"),
    "MODE": ("mode {mode}", "not open"),
    "MIGRATION_UNSUPPORTED": ("a device that can be migrated", "the {side}'s cannot"),
    "MIGRATION_DISABLED": ("a device that can be migrated", "switched off on the {side}"),
}
"""Both sides of reasons whose detail names one of them, or neither."""


def cause(code: str) -> Cause:
    """Give a row as the rules of compatibility have theirs, so that both stand together."""
    row = BY_CODE[code]
    return Cause(
        code,
        row.severity,
        row.stage,
        row.rule,
        ALL_MODES,
        SEVERITIES.index(row.severity),
        row.naming,
    )


def make_reason(code: str, **detail: Any) -> Reason:
    """Give a reason of this table with its detail."""
    row = BY_CODE[code]
    return Reason(code=code, severity=row.severity, stage=row.stage, rule=row.rule, detail=detail)


def explain(reason: Reason) -> str:
    """Say in one sentence what stands in the way, whichever table the reason is from."""
    row = BY_CODE.get(reason.code)
    if row is None:
        return explain_compat(reason)
    return row.sentence.format_map(dict(_texts(reason.detail)))


def sides(reason: Reason) -> tuple[str, str] | None:
    """Give what the guest wants and what the host offers, side by side; None: nothing to compare.

    Where the sentence names a side and not its value, the value is said as the sentence would.
    """
    texts = dict(_texts(reason.detail))
    if reason.code in _SIDES:
        wanted, offered = _SIDES[reason.code]
        known = defaultdict(lambda: "not stated", texts)
        return wanted.format_map(known), offered.format_map(known)
    if "wanted" not in texts and "offered" not in texts:
        return None
    return texts.get("wanted", "not stated"), texts.get("offered", "not stated")


def rule_of(code: str) -> str | None:
    """Name the rule of a code, whichever table it is from; None for a code of none."""
    row = BY_CODE.get(code) or COMPAT.get(code)
    return None if row is None else row.rule


def meaning_of(code: str) -> str:
    """Say what a code means, without the values of any host, whichever table it is from.

    A code of neither table, from a later version, is not guessed at.
    """
    row = BY_CODE.get(code)
    clause = MEANINGS.get(code) if row is None else row.given_if
    if clause is None:
        return "This version has no words for it."
    return f"{clause[0].upper()}{clause[1:]}."


def _texts(detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in detail.items():
        yield name, _text(value)


def _text(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case list() | tuple():
            return ", ".join(map(_text, value)) or "nothing"
        case dict():
            return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "nothing"
        case _:
            return str(value)
