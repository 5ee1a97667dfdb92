"""The page on the founding e-mail answers every point, and names tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "founding-email.md"
ROW = re.compile(r"^\| (\d+) \| (.+) \| (yes|in part|no) \| (.+) \|$")
POINT = re.compile(r"Points? (\d+(?:(?:, | and | to )\d+)*)")


@cache
def rows() -> dict[int, tuple[str, str, str]]:
    """Number to words, answer and what shows it."""
    found = [ROW.match(line) for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return {int(row[1]): (row[2], row[3], row[4]) for row in found if row}


@cache
def find_tests(folder: Path) -> dict[str, str]:
    """Name of each test to its docstring."""
    return {
        node.name: ast.get_docstring(node) or ""
        for path in sorted(folder.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def ours() -> dict[str, str]:
    return find_tests(Path(__file__).parent)


def test_every_point_has_its_row() -> None:
    assert list(rows()) == list(range(1, 161))


def test_what_is_named_is_there() -> None:
    named = {name for _, _, by in rows().values() for name in re.findall(r"`(test_\w+)`", by)}
    linked = {link for _, _, by in rows().values() for link in re.findall(r"\]\(([^)#]+)", by)}

    assert named - set(find_tests(ROOT / "tests")) == set()
    assert [link for link in linked if not (PAGE.parent / link).exists()] == []


@pytest.mark.parametrize("number", range(1, 161))
def test_a_point_is_shown_by_its_tests_or_says_why_not(number: int) -> None:
    words, answer, by = rows()[number]
    own = {name for name, about in ours().items() if about.startswith(f"Point {number}:")}
    named = set(re.findall(r"`(test_\w+)`", by))

    assert own <= named
    assert all(
        number == int(found[1])
        for name in named & set(ours())
        if (found := POINT.match(ours()[name]))
    )
    assert words.strip()
    if answer == "yes":
        assert named or "](" in by
    else:
        assert len(by) > 20


def test_the_words_are_the_e_mails(shared: Path) -> None:
    text = (shared / "notes" / "founding-email.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| (\d+) \| (.*?) \| .* \|$", text, re.MULTILINE))

    assert {number: words for number, (words, _, _) in rows().items()} == {
        int(number): words for number, words in said.items()
    }
