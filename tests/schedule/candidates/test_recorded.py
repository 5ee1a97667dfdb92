"""The search answers as openstack-placement answered, without it being installed."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from obvious_search.search import search
from schedule.candidates.comparison import (
    Ours,
    read_candidates,
    read_summaries,
    render_summaries,
    shown,
)
from schedule.candidates.comparison import count as count_keys
from schedule.candidates.peer import Answer
from schedule.candidates.stories import QUESTIONS, RECORDED, WORLDS, parse_microversion
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.query import parse_candidates_query

RECORDS: list[dict[str, Any]] = json.loads(RECORDED.read_text())


def test_every_question_has_a_recorded_answer():
    asked = [(name, *question) for name, each in QUESTIONS.items() for question in each]
    assert [(r["world"], r["microversion"], r["query"]) for r in RECORDS] == asked


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['microversion']} {r['query']}"[:60])
def test_the_answer_is_the_recorded_one(record):
    world, want = WORLDS[record["world"]], record["answer"]
    pairs = parse_qsl(record["query"])
    if want["status"] == 400:
        with pytest.raises(BadQuery) as refused:
            search(world, parse_candidates_query(pairs, parse_microversion(record["microversion"])))
        # On the wire a detail is one line.
        assert str(refused.value).replace("\n", " ") == want["detail"]
        return
    request = parse_candidates_query(pairs, parse_microversion(record["microversion"]))
    found = tuple(search(world, request))
    theirs, ours = Answer(want["status"], want), Ours(request, found)
    assert count_keys(shown(request, each.key) for each in found) == count_keys(
        read_candidates(theirs)
    )
    assert render_summaries(world, ours) == read_summaries(theirs)
