"""Every relative link of a page leads somewhere, and the looker sees those that do not."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_links", ROOT / "docs" / "check_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


links = _load()


def test_every_link_of_the_project_leads_somewhere() -> None:
    looked_at = {str(page.relative_to(ROOT)) for page in links.pages(ROOT)}
    assert {"README.md", "CONTRIBUTING.md", "docs/index.md", "vectors/README.md"} <= looked_at

    assert [f"{w.file.name}:{w.line}: {w.why}" for w in links.check(ROOT)] == []


def test_a_page_that_the_program_names_is_there() -> None:
    """Messages and docstrings name pages; a page that moves takes them along."""
    named = {
        (source.name, path)
        for source in (ROOT / "src").rglob("*.py")
        for path in re.findall(r"\bdocs/[\w/-]+\.md\b", source.read_text(encoding="utf-8"))
    }

    assert len(named) > 5
    assert [each for each in sorted(named) if not (ROOT / each[1]).is_file()] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a](other.md)", None),
        ("[a](other.md#two-words)", None),
        ("[a](other.md#two-words-1)", None),
        ("[a](#here)", None),
        ("[a](other.md#given)", None),
        ("[a](https://example.org/nothing#there)", None),
        ("`[a](nothing.md)`", None),
        ("```\n[a](nothing.md)\n```", None),
        ("![a boat with oars](boat.svg)", None),
        ('<img src="boat.svg" alt="a boat with oars">', None),
        ("[![a boat with oars](boat.svg)](other.md)", None),
        ("[a](nothing.md)", "no such file"),
        ("[a](other.md#three)", "no heading"),
        ("[a](other.md#two-words-2)", "no heading"),
        ("[a](other.md#deep)", "no heading"),
        ("[a](other.md#not-one)", "no heading"),
        ("[a](#there)", "no heading"),
        ("[a](../../elsewhere.md)", "out of the project"),
        ("![](boat.svg)", "no words"),
        ("![boat](boat.svg)", "no words"),
        ('<img src="boat.svg">', "no words"),
        ("[![a boat with oars](none.svg)](other.md)", "no such file"),
        ("| cell | [a](nothing.md) |", "no such file"),
    ],
)
def test_what_leads_nowhere_is_seen(tmp_path: Path, text: str, why: str | None) -> None:
    (tmp_path / "boat.svg").write_text("<svg/>")
    (tmp_path / "other.md").write_text(
        "# Two `words`\n\n## Two words!\n\n#### Deep\n\n(given)=\n\n```sh\n# not one\n```\n"
    )
    (tmp_path / "page.md").write_text(f"# Here\n\n{text}\n")
    wrong = links.check(tmp_path)

    assert len(wrong) == (why is not None)
    assert why is None or why in wrong[0].why
