"""The pages on reports and inventory name every field and every finding."""

import inspect
import re
from pathlib import Path

import msgspec
import pytest

from host_facts import the_provider
from wherry.inventory.derive import plan_host
from wherry.inventory.findings import CODES
from wherry.model import facts
from wherry.profiles.builtin import builtin_profiles

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
REPORT = (REFERENCE / "report.md").read_text("utf-8")
INVENTORY = (REFERENCE / "inventory.md").read_text("utf-8")
RECORDS = {
    name: one
    for name, one in inspect.getmembers(facts, inspect.isclass)
    if issubclass(one, facts.Fact) and name not in {"Fact", "Unread", "Binary"}
}


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_field_of_a_report_has_its_row(name: str) -> None:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", REPORT, re.MULTILINE | re.DOTALL)
    assert found, name
    rows = re.findall(r"^\| (`[^|]*?) \|", found[1], re.MULTILINE)

    named = [field for row in rows for field in re.findall(r"`([^`]+)`", row)]
    assert sorted(named) == sorted(field.name for field in msgspec.structs.fields(RECORDS[name]))


def test_the_example_is_a_report_that_becomes_what_it_says() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", REPORT, re.MULTILINE | re.DOTALL)
    report = msgspec.json.decode(text, type=facts.Report)

    mtty = the_provider(plan_host(report, builtin_profiles()), "mtty")

    assert mtty.inventories["CUSTOM_MTTY_PORT"].total == 24
    assert report.facts.devices[0].mdev_types[1].attributes["available_instances"] == facts.Unread(
        errno="EIO"
    )


def test_every_finding_is_listed_with_its_meaning() -> None:
    _, _, section = INVENTORY.partition("## Findings\n")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", section, re.MULTILINE)

    assert dict(rows) == CODES


def test_every_finding_of_the_table_is_made_somewhere() -> None:
    used: set[str] = set()
    for path in (Path(facts.__file__).parents[1] / "inventory").glob("*.py"):
        if path.name != "findings.py":
            used |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', path.read_text("utf-8")))

    assert used >= CODES.keys()
