"""Callers share trips: each gets the answer to its own question, or its own error."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from wherry.store.gather import Gather


def ask_all(gather, questions):
    """Ask each question in a thread of its own; gives answers and errors in their order."""

    def ask(question):
        try:
            return gather(question)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(ask, questions))


def test_who_comes_alone_goes_alone():
    groups = []

    def double(questions):
        groups.append(list(questions))
        return [2 * one for one in questions]

    gather = Gather(double, lanes=2, most=8)

    assert [gather(1), gather(2), gather(3)] == [2, 4, 6]
    assert groups == [[1], [2], [3]]


def test_those_who_wait_for_a_lane_go_together_and_each_gets_its_own_answer():
    gate, groups = threading.Event(), []

    def double(questions):
        groups.append(list(questions))
        gate.wait(60)
        return [2 * one for one in questions]

    gather = Gather(double, lanes=1, most=4)
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(gather, number) for number in range(10)]
        while len(gather._waiting) < 9:
            time.sleep(0.001)
        gate.set()
        assert [one.result(60) for one in asked] == [2 * number for number in range(10)]

    assert [len(group) for group in groups] == [1, 4, 4, 1]
    assert sorted(one for group in groups for one in group) == list(range(10))


def test_no_more_groups_than_lanes_are_under_way():
    state, all_are_taken, running, most = threading.Lock(), threading.Event(), 0, 0

    def slowly(questions):
        nonlocal running, most
        with state:
            running += 1
            most = max(most, running)
            if most == 3:
                all_are_taken.set()
        all_are_taken.wait(60)
        time.sleep(0.002)
        with state:
            running -= 1
        return questions

    gather = Gather(slowly, lanes=3, most=2)

    assert ask_all(gather, range(40)) == list(range(40))
    assert most == 3


def test_an_answer_that_is_an_error_is_raised_to_its_caller_alone():
    def odd_ones_fail(questions):
        return [ValueError(f"odd {one}") if one % 2 else one for one in questions]

    gather = Gather(odd_ones_fail, lanes=1, most=8)

    wanted = [f"odd {number}" if number % 2 else number for number in range(30)]
    assert ask_all(gather, range(30)) == wanted


def test_after_a_trip_that_failed_the_next_ones_go_on():
    def fail_at_three(questions):
        if 3 in questions:
            raise ValueError("down")
        return questions

    gather = Gather(fail_at_three, lanes=1, most=1)

    assert ask_all(gather, range(6)) == [0, 1, 2, "down", 4, 5]
    with pytest.raises(ValueError, match="down"):
        gather(3)
    assert gather(4) == 4
