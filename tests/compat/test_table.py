"""Specification, reasons page and code have one table: the same rules, codes and columns."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest

from wherry.compat import life, pinning, rules
from wherry.compat.sentences import SENTENCES, UNSURE, explain
from wherry.compat.table import BY_CODE, ENTRIES, LINTS, SEVERITIES, Cause, Entry, cause, family
from wherry.model.checks import Reason

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
SPECIFICATION = (REFERENCE / "compat.md").read_text(encoding="utf-8")
REASONS = (REFERENCE / "reasons.md").read_text(encoding="utf-8")
MODULES: list[ModuleType] = [
    *(import_module(f"{rules.__name__}.{found.name}") for found in iter_modules(rules.__path__)),
    pinning,
]
DECIDED = {"MODE": "the one named", "HOST_FACT_ABSENT": "LSC for arch and machine_types, else LS"}
"""Codes whose modes are decided by the detail, in the words of section 5."""


def section(number: int) -> str:
    return SPECIFICATION.split(f"\n## {number}. ")[1].split("\n## ")[0]


def table_rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if re.match(r"\| R\d\d \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes_of(cell: str) -> list[str]:
    """``A_B, _C`` is A_B and A_C; ``A_ with B, C`` is A_B and A_C."""
    cell = cell.replace(" (section 17 only)", "")
    if " with " in cell:
        prefix, _, ends = cell.partition(" with ")
        return [prefix + end for end in ends.split(", ")]
    first, *others = cell.split(", ")
    return [first, *(first.split("_")[0] + o if o.startswith("_") else o for o in others)]


def severities_of(cell: str) -> set[str]:
    said = {word for word in re.findall(r"[a-z]+", cell) if word in SEVERITIES}
    if "as declared" in cell:
        said |= {"no", "warn"}
    if "as the row says" in cell:
        said |= {"no", "warn", "info"}
    return said


def naming_of(cell: str) -> tuple[str, ...]:
    return tuple(cell.replace(" (sorted list)", "").split(", ")) if cell else ()


def stated(entry: Entry) -> tuple[Any, ...]:
    modes = DECIDED.get(entry.code, entry.modes)
    return entry.rule, set(entry.severities), entry.stage, modes, entry.naming


def test_the_table_of_the_specification_is_that_of_the_code():
    told = {
        code: (rule, severities_of(severity), stage, modes, naming_of(naming))
        for rule, codes, severity, stage, modes, naming in table_rows(section(5))
        for code in codes_of(codes)
    }

    assert told == {entry.code: stated(entry) for entry in ENTRIES}


def test_the_lints_of_the_specification_are_those_of_the_code():
    told = {
        (rule, code, tuple(re.findall(r"^\w+", naming)))
        for rule, code, _, naming in table_rows(section(11))
    }

    assert told == {(entry.rule, entry.code, entry.naming) for entry in LINTS}
    assert {(entry.severities, entry.stage) for entry in LINTS} == {(("warn",), "filter")}


def test_the_page_of_reasons_tells_every_code_as_the_table_has_it_and_what_helps():
    pages = {}
    for row in table_rows(REASONS):
        if len(row) == 6:
            rule, code, severity, stage, modes, helps = row
            assert len(helps) > 15, code
            pages[code.strip("`")] = (rule, set(severity.split(", ")), stage, modes)

    decided = {"MODE": "the one named", "HOST_FACT_ABSENT": "LSC, LS"}
    assert pages == {
        e.code: (e.rule, set(e.severities), e.stage, decided.get(e.code, e.modes or "-"))
        for e in BY_CODE.values()
    }


def test_every_rule_of_the_specification_belongs_to_exactly_one_module():
    """Also those that give no reason; a number that is not in use belongs to none."""
    owners: dict[str, list[str]] = {}
    for module in MODULES:
        for rule in module.RULES:
            owners.setdefault(rule, []).append(module.__name__)
    twice = {rule: names for rule, names in owners.items() if len(names) > 1}
    assert twice == {}

    with_code = {row[0] for number in (5, 11) for row in table_rows(section(number))}
    without = {row[0] for row in table_rows(REASONS) if len(row) == 2}
    assert set(owners) == with_code | without
    assert not with_code & without
    # Section 5 names those without a reason in its last paragraph.
    last = section(5).split("\n\nR18")[1]
    assert without | {"R18", "R25", "R26"} == {"R18", *re.findall(r"R\d\d", last)} - {"R12", "R16"}


def causes_in(value: object) -> list[Cause]:
    if isinstance(value, Cause):
        return [value]
    if isinstance(value, dict):
        return [found for item in value.values() for found in causes_in(item)]
    return [found for item in value for found in causes_in(item)] if type(value) is tuple else []


def test_every_code_is_given_by_the_module_of_its_rule_and_no_other():
    givers: dict[str, set[str]] = {}
    for module in MODULES:
        for value in vars(module).values():
            for found in causes_in(value):
                givers.setdefault(found.code, set()).add(module.__name__)
                assert found.rule in module.RULES, (found.code, module.__name__)

    assert set(givers) == set(BY_CODE)
    assert {code: names for code, names in givers.items() if len(names) > 1} == {}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_rule_says_what_it_stands_for_and_names_its_source(module):
    documentation = module.__doc__ or ""

    assert "Source: docs/reference/compat.md" in documentation
    source = documentation.split("Source:")[1]
    for rule in module.RULES:
        number = int(rule[1:])
        spans = re.findall(r"R(\d\d)(?: to R(\d\d))?", source)
        assert any(int(low) <= number <= int(high or low) for low, high in spans), rule


def test_every_number_that_the_specification_uses_is_a_rule_and_life_is_not_one():
    used = set(re.findall(r"\bR\d\d\b", SPECIFICATION))

    assert used == {rule for module in MODULES for rule in module.RULES}
    assert not hasattr(life, "RULES")


def test_the_families_are_those_of_section_12():
    told = dict(re.findall(r"`(\w+)`\s\((R[^)]*)\)", section(12)))
    assert set(told) == {"type", "interface", "feature", "capacity"}
    for entry in ENTRIES:
        number = int(entry.rule[1:])
        own = [
            name
            for name, text in told.items()
            if any(
                int(low) <= number <= int(high or low)
                for low, high in re.findall(r"R(\d\d)(?:-R(\d\d))?", text)
            )
        ]
        assert [family(entry.rule)] == (own or ["host"]), entry.rule


def test_every_code_has_a_sentence_made_of_its_facts():
    assert set(SENTENCES) == set(BY_CODE)
    for code, entry in BY_CODE.items():
        for severity in entry.severities:
            detail = {name: f"<{name}>" for name in (*entry.naming, "wanted", "offered")}
            sentence = explain(reason(code, severity, detail))
            assert sentence.endswith("."), code
            for name in entry.naming:
                told = UNSURE.get(code, "") if severity == "unknown" else ""
                template = told or SENTENCES[code]
                assert (f"<{name}>" in sentence) == (f"{{{name}}}" in template)


def reason(code: str, severity: Any, detail: dict[str, Any]) -> Reason:
    entry = BY_CODE[code]
    return Reason(
        code=code, severity=severity, stage=entry.stage, rule=entry.rule, detail=detail
    )  # fmt: skip


def test_a_code_of_a_later_version_is_named_and_not_guessed_at():
    late = Reason(code="LATER", severity="no", stage="filter", rule="R99", detail={"a": 1})

    assert explain(late) == "LATER: a reason that this version has no words for."


def test_a_row_does_not_take_a_severity_that_it_does_not_have():
    with pytest.raises(ValueError, match="has severities"):
        cause("VERSION_MAJOR", "warn")
    with pytest.raises(ValueError, match="not None"):
        cause("CONSTRAINT")
