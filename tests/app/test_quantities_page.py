"""The figures on the page of quantities are what the boards show."""

import re
from collections import Counter
from pathlib import Path

import pytest

from app.test_quantities_machine import A6000, GVT, MIG, MTTY, STORIES
from builders import a_uuid
from engines import EngineMaker
from placement_wire import RP, Wire, holds
from wherry.app import offers, reports
from wherry.model.compositions import parse_description

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "quantities.md"
TEXT = PAGE.read_text(encoding="utf-8")
WORDS = {"one": 1, "five": 5, "eleven": 11}
BOARDS = {"mtty": MTTY, "gvt-g": GVT, "a6000": A6000, "mig": MIG}
HEADS = {
    "mtty": "| held | `mtty-1` free",
    "gvt-g": "| held | `GVTg_V5_1`",
    "a6000": "| held | `RTXA6000-8Q`",
    "mig": "| held, and where |",
}


def table(head: str) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """The types of a table's head, and its rows: what is held, and what is free of each."""
    lines = TEXT[TEXT.index(head) :].split("\n\n")[0].splitlines()
    types = [cell.split("`")[1] for cell in lines[0].split("|")[2:-1]]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    return types, [(row[0], [int(cell) for cell in row[1:]]) for row in rows]


def kind_of(story: str, name: str) -> str:
    return next(one for one in BOARDS[story].kinds if one.endswith(name))


def held_in(story: str, words: str) -> list[str]:
    """The types that a first cell names, each as often as it says."""
    if story == "mig":
        place = re.findall(r"`(\d-\d+C)`", words)
        return [kind_of(story, name) for name in place for _ in range(words.count("`") // 2 - 1)]
    counted = re.findall(r"(\w+) `([^`]+)`", words)
    return [kind_of(story, name) for word, name in counted for _ in range(WORDS[word])]


@pytest.mark.parametrize("story", sorted(STORIES))
def test_a_board_shows_what_the_page_says(make: EngineMaker, sqlite_url: str, story: str) -> None:
    engine = make(sqlite_url)
    reports.put_report(engine, STORIES[story][0](story))
    wire, board = Wire(engine), BOARDS[story]
    (row, *_) = offers.list_offers(engine, story, next(iter(board.kinds))).offers
    types, rows = table(HEADS[story])
    for number, (words, figures) in enumerate(rows):
        held = held_in(story, words)
        consumer = a_uuid(f"{story} {number}")
        amounts = Counter(board.kinds[one].view for one in held)
        if held:
            asked = {row.provider: {"resources": amounts}}
            assert wire("PUT", f"/allocations/{consumer}", holds(asked)).status == 204

        stock = wire.ok("GET", f"{RP}/{row.provider}/inventories")["inventories"]
        usages = wire.ok("GET", f"{RP}/{row.provider}/usages")["usages"]
        shown = [board.kinds[kind_of(story, name)].view for name in types]
        free = [stock[v]["total"] - stock[v]["reserved"] - usages[v] for v in shown]
        assert free == figures, (story, words)
        if held:
            assert wire("DELETE", f"/allocations/{consumer}").status == 204


def test_places_on_the_page_are_those_of_the_profile() -> None:
    said = dict(re.findall(r"\| `(A100-[^`]+)` \| [^|]+ \| `(\{[^`]+)` \|", TEXT))

    assert {f"nvidia/{name}" for name in said} == set(MIG.kinds)
    for name, places in said.items():
        starts, size = re.fullmatch(r"\{([\d,]+)\}:(\d)", places).groups()  # type: ignore[union-attr]
        told = tuple(f"{start}:{size}" for start in starts.split(","))
        assert MIG.kinds[f"nvidia/{name}"].places == told


def test_the_description_on_the_page_parses_back() -> None:
    (text,) = re.findall(r"^    (composed/pair = .*)$", TEXT, re.MULTILINE)

    name, parts = parse_description(text)

    assert (name, parts[0].count, parts[0].units) == ("pair", 2, {"CUSTOM_MTTY_PORT": 2})
