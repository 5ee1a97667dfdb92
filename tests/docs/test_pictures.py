"""Pictures of the pages can be read by everybody: in light and dark, by words, offline."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DRAWN = ["change-feed", "claims", "contract-and-offer", "four-steps", "pools"]
SVG = "{http://www.w3.org/2000/svg}"
AA = 4.5
"""Least contrast of text.  Source: WCAG 2.2, success criterion 1.4.3."""


def style_of(name: str) -> str:
    text = (DOCS / "assets" / f"{name}.svg").read_text(encoding="utf-8")
    return text[text.index("<style>") : text.index("</style>")]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_says_in_words_what_it_shows_and_asks_nobody(name: str) -> None:
    file = DOCS / "assets" / f"{name}.svg"
    root = ET.parse(file).getroot()
    used = {each for element in root.iter() for each in element.get("class", "").split()}

    assert len((root.findtext(f"{SVG}desc") or "").split()) > 15
    assert root.findtext(f"{SVG}title")
    assert used <= set(re.findall(r"\.([a-z-]+) \{", style_of(name)))
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", file.read_text()) == []
    assert any(f"{name}.svg" in page.read_text() for page in DOCS.rglob("*.md"))


def test_all_pictures_have_one_style() -> None:
    assert len({style_of(name) for name in DRAWN}) == 1


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_on_what_is_behind_it(mode: int) -> None:
    block = re.findall(r"svg \{(.*?)\}", style_of(DRAWN[0]), re.DOTALL)[mode]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    boxes = [name for name in colours if name.endswith("box")]
    pairs = [(text, behind) for text in ("ink", "soft") for behind in ("paper", *boxes)]
    pairs += [(name.removesuffix("-box"), name) for name in boxes if name != "box"]
    pairs += [(name, behind) for name in ("blue", "violet") for behind in ("paper", "box")]

    for text, behind in pairs:
        assert contrast(colours[text], colours[behind]) >= AA, (text, behind)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
