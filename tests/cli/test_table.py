"""Tables and lines fit any width, and lose nothing by it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli.fitting import cells, cut, fold, hang
from wherry.cli.table import WORD, Line, lay_out, share

UUID = "2e450b50-2a1c-5b34-8578-77dfbe1582ce"
TIME = "2026-11-22T10:15:00.123Z"
HEAD = ("HOST", "STATE", "LAST SEEN", "GUEST", "NOTES")
WORDS = st.text("ab-_:é界\u0301", min_size=1, max_size=30)
CELLS = st.lists(WORDS, max_size=4).map(" ".join) | st.sampled_from([UUID, TIME, ""])


def drawn(lines: list[Line]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


@given(st.lists(st.tuples(*[CELLS] * len(HEAD)), min_size=1, max_size=5), st.integers(50, 250))
def test_a_table_fits_and_loses_nothing(rows: list[tuple[str, ...]], width: int) -> None:
    lines = lay_out(HEAD, rows, width)
    shown = drawn(lines)

    assert max(map(cells, shown)) <= width
    for row in rows:
        for cell in row:
            pieces = [p.text.strip() for line in lines for p in line if p.cell == cell]
            assert cell.replace(" ", "") in "".join(pieces).replace(" ", "")
            assert cell not in {UUID, TIME} or cell in pieces


@given(st.lists(st.tuples(*[CELLS] * len(HEAD)), min_size=1, max_size=5))
def test_without_a_width_a_row_is_a_line(rows: list[tuple[str, ...]]) -> None:
    shown = drawn(lay_out(HEAD, rows))

    assert len(shown) == 1 + len(rows)
    assert [line for line in shown if line != line.rstrip()] == []
    # Each column begins below its heading.
    at = [shown[0].index(name) for name in HEAD]
    assert at == sorted(at)
    for row, line in zip(rows, shown[1:], strict=True):
        assert line.split() == " ".join(row).split()


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=8),
    st.integers(0, 300),
)
def test_the_widest_columns_give_way(pairs: list[tuple[int, int]], room: int) -> None:
    least, wanted = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    widths = share(wanted, least, room)

    assert (widths is None) == (sum(least) > room)
    if widths is None:
        return
    assert sum(widths) == min(room, sum(wanted))
    given_way = [at for at, width in enumerate(widths) if width < wanted[at]]
    for at in given_way:
        # Nobody who could have given way too is more than the odd cell wider.
        assert all(w <= widths[at] + 1 or w == least[k] for k, w in enumerate(widths))


def test_a_table_looks_like_a_table_at_80_columns() -> None:
    """The long name and the notes fold, between words where they can."""
    rows = [
        ("compute-with-a-long-name-0007.example", "enabled", TIME, "3", "rack=r1 zone=north"),
        ("node-2", "disabled", TIME, "0", "-"),
    ]
    assert drawn(lay_out(("HOST", "STATE", "LAST SEEN", "GUESTS", "LABELS"), rows, 72)) == [
        "HOST           STATE     LAST SEEN                 GUESTS  LABELS",
        "compute-with-  enabled   2026-11-22T10:15:00.123Z  3       rack=r1",
        "a-long-name-0                                              zone=north",
        "007.example",
        "node-2         disabled  2026-11-22T10:15:00.123Z  0       -",
    ]


def test_where_not_even_that_fits_a_row_is_a_block() -> None:
    rows = [(UUID, UUID, "node-1"), (UUID, UUID, "node-2")]
    shown = drawn(lay_out(("MIGRATION", "GUEST", "FROM"), rows, 60))

    assert shown == [
        f"MIGRATION  {UUID}",
        f"GUEST      {UUID}",
        "FROM       node-1",
        "",
        f"MIGRATION  {UUID}",
        f"GUEST      {UUID}",
        "FROM       node-2",
    ]


@given(st.text("ab界 ", max_size=60), st.integers(2, 40))
def test_folded_and_cut_text_is_no_wider(text: str, width: int) -> None:
    folded = fold(text, width)
    assert max(map(cells, folded)) <= width
    assert "".join(folded).replace(" ", "") == text.replace(" ", "")
    assert cells(cut(text, width)) <= width
    assert (cut(text, width) == text) == (cells(text) <= width)
    assert max(map(cells, hang(text, max(width, 4)))) <= max(width, 4)


def test_a_word_is_broken_only_if_it_is_longer_than_a_line() -> None:
    assert fold("no way to give", 6) == ["no way", "to", "give"]
    assert fold("a 0123456789", 6) == ["a", "012345", "6789"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "    no       VERSION_MAJOR: the guest has 2.0.1, the target 3.0.0",
            [
                "    no       VERSION_MAJOR: the guest",
                "             has 2.0.1, the target",
                "             3.0.0",
            ],
        ),
        (
            "guest 1 on node-1: taken by 1 of 3 hosts in all",
            ["guest 1 on node-1: taken by 1 of 3", "  hosts in all"],
        ),
    ],
)  # fmt: skip
def test_what_follows_a_line_hangs_below_its_words(text: str, expected: list[str]) -> None:
    assert hang(text, 38) == expected
    assert hang(text, None) == [text]


def test_only_long_words_of_a_table_are_broken() -> None:
    short = "x" * WORD
    shown = drawn(lay_out(("A", "B"), [(short, "y" * 80)], 40))

    assert short in shown[1]
    assert re.fullmatch(r"x+ +y{28}", shown[1])
