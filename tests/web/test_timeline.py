"""The line beside the steps: as long as the time between them."""

import pytest

from wherry.web.rendering import span
from wherry.web.timeline import draw


def lengths(steps: list[tuple[float, str]], until: float) -> list[float]:
    line = draw(steps, until)
    return [round(float(each.x2[:-1]) - float(each.x1[:-1]), 1) for each in line.stretches]


def test_lengths_are_the_times_between_steps() -> None:
    steps = [(100.0, "claimed"), (101.0, "confirmed"), (104.0, "started"), (112.0, "finished")]

    assert lengths(steps, 112.0) == [8.0, 24.0, 64.0]
    assert lengths(steps[:3], 106.0) == [16.0, 48.0, 32.0]


def test_numbers_that_would_cover_each_other_are_left_out() -> None:
    line = draw([(0.0, "claimed"), (0.01, "claimed"), (0.02, "confirmed"), (9.0, "started")], 10.0)

    assert [dot.label for dot in line.dots] == ["1", "", "", "4"]


def test_one_step_that_has_just_been_is_a_dot() -> None:
    line = draw([(5.0, "claimed")], 5.0)

    assert (line.stretches, [dot.label for dot in line.dots]) == ((), ["1"])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.25, "0.25 s"), (59.9, "59 s"), (185, "3 min 05 s"), (7500, "2 h 05 min")],
)
def test_a_span_is_told_in_its_own_units(seconds: float, words: str) -> None:
    assert span(seconds) == words
