"""The pages on first placement name what the code has, all of it and nothing else."""

import re
from pathlib import Path

from wherry.model.candidates import CandidatesAsked
from wherry.model.device_requests import Alternative, DeviceRequest
from wherry.schedule.first.device_spec import TAGS
from wherry.schedule.first.flavor import SIZES
from wherry.schedule.first.nova_conf import FIELDS
from wherry.schedule.first.words import WORDS
from wherry.schedule.search.explain import Cause

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PLACEMENT = (REFERENCE / "first-placement.md").read_text(encoding="utf-8")
REQUESTS = (REFERENCE / "device-requests.md").read_text(encoding="utf-8")


def first_cells(text, head):
    """The names in the first column of the table with this head."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_cause_is_told():
    assert first_cells(PLACEMENT, "cause") == [cause.value for cause in Cause]
    assert list(WORDS) == list(Cause)


def test_every_field_of_the_question_is_told():
    assert first_cells(PLACEMENT, "field") == list(CandidatesAsked.__struct_fields__)


def test_every_size_of_a_flavor_is_told():
    assert set(first_cells(PLACEMENT, "key")) >= SIZES


def test_every_field_of_a_device_request_is_told():
    assert first_cells(REQUESTS, "field") == list(DeviceRequest.__struct_fields__)
    more = REQUESTS.partition("Each alternative has")[2]
    assert first_cells(more, "field") == list(Alternative.__struct_fields__)


def test_every_field_of_novas_options_is_told():
    table = REQUESTS.partition("## From nova.conf")[2]
    ours = {"name", "vendor_id", "product_id", "device_type", "numa_policy"}
    named = set(re.findall(r"`(\w+)`", table))
    assert FIELDS - ours <= named
    assert TAGS | {"address", "devname"} <= named
