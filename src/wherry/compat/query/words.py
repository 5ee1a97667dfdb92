"""What marks mean, in words: for administrators, since the words tell what labels hide.

Source: docs/reference/compat.md, section 13, table of rules.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from wherry.compat.query.ask import Group, Nothing
from wherry.compat.query.vocabulary import Mark

How = Literal["all", "any", "none"]
_AXIS: Final = {"interface": "interface version", "state": "state format"}
_PLAIN: Final = {
    "none": "not compared",
    "absent": "none published",
    "unstated": "policy not stated",
    "range": "a range",
}
_AXIS_RULES: Final = {"interface": "R20-R24", "state": "R27"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that a query asks.

    Attributes:
        rules: which of the specification's it stands for.
        how: a provider must have all of these marks, any of them, or none.
    """

    rules: str
    how: How
    words: str
    marks: frozenset[Mark]


def say_group(group: Group) -> list[Said]:
    """Say what a group asks besides amounts: what must be, one of several, what must not."""
    said = [_said("all", [mark]) for mark in _ordered(group.required)]
    said += [_said("any", marks) for marks in group.any_of]
    return said + [_said("none", [mark]) for mark in _ordered(group.forbidden)]


def say_root(marks: Collection[Mark]) -> list[Said]:
    """Say what a query asks of the root of a host's tree."""
    return [_said("all", [mark]) for mark in _ordered(marks)]


def say_nothing(nothing: Nothing) -> list[str]:
    """Say what no offer of the fleet has; empty where the contract alone is refused."""
    said = [f"no offer {_tell(mark)[1]}" for mark in _ordered(nothing.missing)]
    return said + [f"no offer has {_unmet(what)}" for what in nothing.unmet]


def say_missing(marks: Collection[Mark]) -> list[str]:
    """Say what no host of the fleet has."""
    return [f"no host {_tell(mark)[1]}" for mark in _ordered(marks)]


def _unmet(what: str) -> str:
    kind, _, name = what.partition(" ")
    if kind == "param":
        return f"a value of parameter {name} that the guest could go on with"
    if kind in _AXIS:
        return f"a fitting {_AXIS[kind]}"
    return "the guest's model"


def _ordered(marks: Collection[Mark]) -> list[Mark]:
    return sorted(marks, key=repr)


def _said(how: How, marks: Collection[Mark]) -> Said:
    told = [_tell(mark) for mark in _ordered(marks)]
    rules = ", ".join(dict.fromkeys(rules for rules, _ in told))
    words = " or ".join(dict.fromkeys(words for _, words in told))
    return Said(rules=rules, how=how, words=words, marks=frozenset(marks))


def _tell(mark: Mark) -> tuple[str, str]:
    """Give the rules that a mark stands for, and what who has it does or has."""
    return _TELLERS[str(mark[0])](mark)


def _type(mark: Any) -> tuple[str, str]:
    return "R10-R12", f"serves {' '.join(mark[1])}"


def _model(mark: Any) -> tuple[str, str]:
    return "R13", "states no model" if mark[2] is None else f"is model {mark[2]}"


def _axis(mark: Any) -> tuple[str, str]:
    rules, what = _AXIS_RULES[mark[0]], _AXIS[mark[0]]
    return rules, f"{what}: {_level(mark[2:])}"


def _level(tail: tuple[Any, ...]) -> str:
    match tail:
        case (word,):
            return _PLAIN[word]
        case ("semver", major, *_, minor):
            return f"{major}.{'x' if minor == 'some' else minor}"
        case ("monotonic", "at", numbers):
            return f"number {'.'.join(map(str, numbers))}"
        case ("monotonic", _):
            return "any number"
    return " ".join(map(str, tail))


def _feature(mark: Any) -> tuple[str, str]:
    return "R30", f"has feature {mark[2]}"


def _stuck(mark: Any) -> tuple[str, str]:
    return "R32", f"shows feature {mark[2]}, which it cannot hide"


def _fixed(mark: Any) -> tuple[str, str]:
    return "R43", f"sets parameter {mark[2]}, which cannot be left off"


def _param(mark: Any) -> tuple[str, str]:
    name = f"parameter {mark[2]}"
    match mark[3:]:
        case ("is", _, value):
            return "R40, R41", f"{name} is {_value(value)}"
        case ("ge", value):
            return "R40, R41", f"{name} up to {value}"
    return "R40, R41", f"{name} is compared by the exact stage"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _units(mark: Any) -> tuple[str, str]:
    if mark[2] is None:
        return "R50", "states no amounts"
    amounts = ", ".join(f"{amount} {name}" for name, amount in mark[2])
    return "R50", f"holds {amounts or 'nothing'}"


def _support(_mark: Any) -> tuple[str, str]:
    return "R60", "can migrate"


def _p2p(_mark: Any) -> tuple[str, str]:
    return "R61", "can stop peer-to-peer traffic"


def _mode(mark: Any) -> tuple[str, str]:
    return "R66", f"is open for {mark[-1]}"


def _arch(mark: Any) -> tuple[str, str]:
    return "R63", f"has architecture {mark[1]}"


def _machine_type(mark: Any) -> tuple[str, str]:
    return "R63", f"has machine type {mark[1]}"


def _cpu_model(mark: Any) -> tuple[str, str]:
    return "R67", f"can be CPU model {mark[1]}"


def _trait(mark: Any) -> tuple[str, str]:
    rules = "R63" if str(mark[1]).startswith("HW_ARCH_") else "R67"
    return rules, f"has {mark[1]}"


_TELLERS: Final[Mapping[str, Callable[[Any], tuple[str, str]]]] = {
    "type": _type,
    "model": _model,
    "interface": _axis,
    "state": _axis,
    "feature": _feature,
    "stuck": _stuck,
    "fixed": _fixed,
    "param": _param,
    "units": _units,
    "support": _support,
    "p2p": _p2p,
    "mode": _mode,
    "arch": _arch,
    "machine_type": _machine_type,
    "cpu_model": _cpu_model,
    "trait": _trait,
}
