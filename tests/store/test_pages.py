"""The pages on the database and on claims name what the code has, all of it and nothing else."""

import re
from pathlib import Path

from wherry.cli.db import db
from wherry.model import errors
from wherry.store import tables
from wherry.store.claims import write_claim
from wherry.store.claims_postgresql import _CALL

DOCS = Path(__file__).parents[2] / "docs"


def rows(page):
    """Rows of a page's tables: cells of each, the words in backticks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[re.findall(r"`([^`]+)`", cell) for cell in line.split(" | ")] for line in lines]


def test_the_reference_lists_every_table_with_its_columns():
    listed = {
        cells[0][0]: cells[-1]
        for cells in rows("reference/database.md")
        if not cells[0][0].startswith("wherry ")
    }

    assert listed == {
        name: [column.name for column in table.columns]
        for name, table in tables.metadata.tables.items()
    }


def test_the_reference_lists_every_command_of_wherry_db():
    listed = {
        cells[0][0].split()[2]
        for cells in rows("reference/database.md")
        if cells[0][0].startswith("wherry db")
    }

    assert listed == set(db.commands)


def test_the_page_on_claims_lists_every_code_with_which_a_claim_is_refused():
    listed = [cells[0][0] for cells in rows("explanation/claims.md")]
    raised = re.findall(r"^ +(\w+): ", write_claim.__doc__.partition("Raises:")[2], re.MULTILINE)

    codes = {getattr(errors, name).code for name in raised} | {errors.StoreUnavailable.code}

    assert sorted(listed) == sorted(codes)
    claims = {
        one.code for one in errors.WherryError.__subclasses__() if one.code.startswith("claim.")
    }
    assert claims <= set(listed)


def test_the_page_on_claims_names_the_function_that_is_called():
    (called,) = re.findall(r"\b(wherry_\w+)\(", _CALL)

    assert f"`{called}`" in (DOCS / "explanation/claims.md").read_text(encoding="utf-8")
