"""The reasons: one row for each code, with all that follows from a code.

A rule makes *findings*: a `Cause`, which is a row with its severity decided, and the detail.
Severity, stage, modes, order and family all come from here; the sentence for people is in
`wherry.compat.sentences`.

Source: docs/reference/compat.md, sections 4, 5, 11 and 12.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from wherry.model.checks import Family, Severity, Stage
from wherry.model.device import Mode

MODES: Final[tuple[Mode, ...]] = ("live", "suspend", "cold", "replug")
MODE_BIT: Final[Mapping[Mode, int]] = {"live": 1, "suspend": 2, "cold": 4, "replug": 8}
SEVERITIES: Final[tuple[Severity, ...]] = ("no", "unknown", "warn", "info")
_LETTERS: Final = {"L": 1, "S": 2, "C": 4, "R": 8}


class Entry(NamedTuple):
    """One code of the table, as the specification prints it."""

    rule: str
    code: str
    severities: tuple[Severity, ...]
    stage: Stage
    modes: str
    """Letters of the modes it counts in; "" where the detail decides (MODE)."""
    naming: tuple[str, ...]


class Cause(NamedTuple):
    """A row of the table with its severity and modes decided."""

    code: str
    severity: Severity
    stage: Stage
    rule: str
    modes: int
    """Bits of the modes it counts in."""
    rank: int
    """Place of the severity: 0 is `no`, 3 is `info`."""
    naming: tuple[str, ...]


Detail = dict[str, Any]
Finding = tuple[Cause, Detail]
Findings = Iterable[Finding]

_NO: Final[tuple[Severity, ...]] = ("no",)
_UNKNOWN: Final[tuple[Severity, ...]] = ("unknown",)
_WARN: Final[tuple[Severity, ...]] = ("warn",)
_DECLARED: Final[tuple[Severity, ...]] = ("no", "warn")

_AXIS: Final = (
    ("MAJOR", "R20", _NO, ()),
    ("MINOR_OLDER", "R21", _NO, ()),
    ("NOT_EQUAL", "R24", _NO, ()),
    ("OLDER", "R24", _NO, ()),
    ("OUT_OF_RANGE", "R24", _NO, ()),
    ("NOT_ACCEPTED", "R24", _NO, ()),
    ("ABSENT", "R23", _UNKNOWN, ("side",)),
    ("INCOMPARABLE", "R23", _UNKNOWN, ()),
    ("OPAQUE", "R23", _WARN, ()),
)


def _axis(prefix: str, rule: str | None) -> list[Entry]:
    """Rows of one axis of versions; the state format has a single rule."""
    return [
        Entry(rule or own, prefix + end, severities, "filter", "LS", naming)
        for end, own, severities, naming in _AXIS
    ]


ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("R00", "DESCRIPTOR_ABSENT", _UNKNOWN, "filter", "LSCR", ("side",)),
    Entry("R00", "SCHEMA_UNKNOWN", _UNKNOWN, "filter", "LSCR", ("side",)),
    Entry("R01", "ASSUMED", _WARN, "filter", "LS", ("side", "field")),
    Entry("R10", "DEVICE_API", _NO, "filter", "LSC", ()),
    Entry("R11", "KIND_MISMATCH", _NO, "filter", "LSC", ()),
    Entry("R12", "TYPE_MISMATCH", _NO, "filter", "LSC", ()),
    Entry("R13", "MODEL_MISMATCH", _NO, "filter", "LSC", ()),
    Entry("R14", "PARENT_DIFFERS", ("info",), "filter", "LSCR", ("fields",)),
    Entry("R16", "DESCRIPTION_DIFFERS", _WARN, "filter", "LSC", ()),
    Entry("R17", "NO_OFFER", _NO, "filter", "LSCR", ()),
    *_axis("VERSION_", None),
    *_axis("STATE_FORMAT_", "R27"),
    Entry("R28", "STATE_TAG_UNKNOWN", ("no", "unknown", "info"), "preflight", "LS", ("tag",)),
    Entry("R29", "PROBE_ABSENT", _NO, "preflight", "LS", ("side",)),
    Entry("R29", "PROBE_READ_ERROR", _NO, "preflight", "LS", ("side", "errno")),
    Entry("R29", "PROBE_REFUSED", _NO, "preflight", "LS", ("errno",)),
    Entry("R30", "FEATURES_UNREADABLE", _UNKNOWN, "filter", "LS", ("side",)),
    Entry("R30", "FEATURE_MISSING", _NO, "filter", "LS", ("feature",)),
    Entry("R32", "FEATURE_UNMASKABLE", _NO, "filter", "LS", ("feature",)),
    Entry("R40", "PARAM_UNKNOWN", _NO, "filter", "LS", ("param",)),
    Entry("R41", "PARAM_EQ", _DECLARED, "filter", "LS", ("param",)),
    Entry("R41", "PARAM_IN", _DECLARED, "filter", "LS", ("param",)),
    Entry("R41", "PARAM_GE", _DECLARED, "filter", "LS", ("param",)),
    Entry("R41", "PARAM_SUBSET", _DECLARED, "filter", "LS", ("param",)),
    Entry("R43", "PARAM_CANNOT_DISABLE", _DECLARED, "filter", "LS", ("param",)),
    Entry("R44", "PARAM_UNREADABLE", ("unknown", "warn"), "filter", "LS", ("param", "side")),
    Entry("R46", "CONSTRAINT", ("no", "unknown"), "filter", "LS", ("constraint",)),
    Entry("R47", "POLICY", ("no", "unknown", "warn", "info"), "filter", "LS", ("pack", "row")),
    Entry("R50", "UNITS_MISMATCH", _NO, "filter", "LSC", ()),
    Entry("R50", "UNITS_ABSENT", _UNKNOWN, "filter", "LSC", ("side",)),
    Entry("R51", "CAPACITY", _NO, "claim", "LSCR", ("resource_class",)),
    Entry("R51", "POSITIONS", _NO, "claim", "LSCR", ()),
    Entry("R52", "EXCLUSIVE", ("no", "unknown"), "claim", "LSCR", ("by",)),
    Entry("R53", "MAPPING", _NO, "claim", "LSC", ("slots",)),
    Entry("R60", "MIGRATION_UNSUPPORTED", _NO, "filter", "LS", ("side",)),
    Entry("R60", "MIGRATION_DISABLED", _NO, "filter", "LS", ("side",)),
    Entry("R60", "MIGRATION_UNDETERMINED", _UNKNOWN, "filter", "LS", ("side",)),
    Entry("R61", "P2P_REQUIRED", ("no", "unknown"), "filter", "LS", ("side",)),
    Entry("R62", "DIRTY_TRACKING_ABSENT", _DECLARED, "filter", "L", ()),
    Entry("R63", "ARCH", _NO, "filter", "LSC", ()),
    Entry("R63", "MACHINE_TYPE", _NO, "filter", "LSC", ()),
    Entry("R63", "STACK_TOO_OLD", _NO, "filter", "LS", ("component",)),
    Entry("R64", "BLOCKER", _NO, "preflight", "LS", ("blocker",)),
    Entry("R64", "POSTCOPY_REQUESTED", _NO, "preflight", "L", ()),
    Entry("R65", "DOWNTIME_BUDGET", ("no", "unknown", "warn"), "filter", "L", ()),
    Entry("R66", "MODE", _NO, "filter", "", ("mode",)),
    Entry("R67", "CPU_MODEL", _NO, "filter", "LS", ()),
    Entry("R67", "CPU_FEATURE_MISSING", _NO, "filter", "LS", ("feature",)),
    Entry("R68", "HOST_FACT_ABSENT", _UNKNOWN, "filter", "", ("fact",)),
    Entry("R69", "GUEST_ADDRESS", _NO, "preflight", "LS", ()),
    Entry("R70", "GENERATION_CONFLICT", _NO, "claim", "LSCR", ()),
)  # fmt: skip
"""All codes of section 5, in its order of rules."""

LINTS: Final[tuple[Entry, ...]] = (
    Entry("R18", "LINT_TYPE_AMBIGUOUS", _WARN, "filter", "", ("field",)),
    Entry("R25", "LINT_FEATURE_REMOVED", _WARN, "filter", "", ("feature",)),
    Entry("R26", "LINT_FEATURE_ADDED", _WARN, "filter", "", ("feature",)),
)
"""All codes of section 11."""

BY_CODE: Final[Mapping[str, Entry]] = {entry.code: entry for entry in (*ENTRIES, *LINTS)}


def cause(code: str, severity: Severity | None = None, modes: str | None = None) -> Cause:
    """Decide a row: its severity where there are several, its modes where detail decides.

    Raises:
        ValueError: the row does not allow the severity, or leaves something undecided.
    """
    entry = BY_CODE[code]
    if severity is None and len(entry.severities) == 1:
        severity = entry.severities[0]
    if severity is None or severity not in entry.severities:
        message = f"{code} has severities {entry.severities}, not {severity}"
        raise ValueError(message)
    letters = entry.modes if modes is None else modes
    bits = sum(_LETTERS[letter] for letter in letters)
    return Cause(
        code, severity, entry.stage, entry.rule, bits, SEVERITIES.index(severity), entry.naming
    )


def _text(value: object) -> str:
    """A naming detail as text, for the order of reasons."""
    return value if isinstance(value, str) else ",".join(map(str, cast("Iterable[object]", value)))


def order(finding: Finding) -> tuple[int, str, str, tuple[str, ...]]:
    """Where a finding stands among others: severity, rule, code, naming details."""
    found, detail = finding
    return found.rank, found.rule, found.code, tuple([_text(detail[n]) for n in found.naming])


_FAMILIES: Final[tuple[tuple[Family, int, int], ...]] = (
    ("type", 10, 17),
    ("interface", 20, 29),
    ("feature", 30, 46),
    ("feature", 50, 50),
    ("capacity", 51, 53),
    ("capacity", 70, 70),
)


def family(rule: str) -> Family:
    """The family that an end user may be told of a rule (section 12)."""
    number = int(rule[1:])
    return next((name for name, low, high in _FAMILIES if low <= number <= high), "host")
