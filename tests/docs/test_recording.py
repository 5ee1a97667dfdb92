"""The terminal of the README is what the commands print now."""

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

from service import Running, service

__all__ = ["service"]

DOCS = Path(__file__).parents[2] / "docs"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", DOCS / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_readme_is_what_is_printed(service: Running) -> None:
    """Where it differs, `make recording` draws it anew, for review in the diff."""
    kept = (DOCS / "assets" / "terminal.svg").read_text(encoding="utf-8")
    drawn = _load().record(service.url)

    assert text_of(drawn) == text_of(kept)
    assert drawn == kept


def text_of(svg: str) -> list[str]:
    """Lines of the terminal that was drawn."""
    lines: dict[str, str] = {}
    for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        at = element.get("y", "")
        lines[at] = lines.get(at, "") + (element.text or "")
    return [line.replace("\xa0", " ").rstrip() for line in lines.values()]


def test_it_asks_no_network() -> None:
    kept = (DOCS / "assets" / "terminal.svg").read_text(encoding="utf-8")

    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", kept) == []
    assert "both ends have confirmed" in "".join(text_of(kept))
