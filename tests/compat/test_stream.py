"""A stream answers each line just as it would be answered alone, in order, whatever comes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.cases import read_vectors
from compat.worlds import contract_documents, offer_documents, policy_documents
from wherry.compat.answer import answer_line
from wherry.compat.stream import Stream

ROOT = Path(__file__).resolve().parents[2]
VECTORS = read_vectors(ROOT / "vectors" / "compat")
WHERRY = str(Path(sys.executable).with_name("wherry"))


def dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


lines = st.fixed_dictionaries(
    {"contract": contract_documents(), "offer": offer_documents()},
    optional={"policy": policy_documents, "source_offer": offer_documents()},
).map(dumped)


@given(st.lists(lines, min_size=1, max_size=2), st.data())
def test_each_line_is_answered_as_if_it_came_alone(few, data):
    """Also the second time, when it is remembered, and when there is room for little."""
    again = data.draw(st.lists(st.sampled_from(few), max_size=4))
    for stream in (Stream(), Stream(remembered_bytes=1500)):
        for line in (*few, *again):
            assert stream.answer(line) == answer_line(line)


def test_each_vector_is_answered_as_if_it_came_alone():
    stream = Stream()
    requests = [dumped(vector["request"]) for vector in VECTORS]

    for line in (*requests, *requests):
        assert stream.answer(line) == answer_line(line)


def a_pair() -> dict[str, Any]:
    request: dict[str, Any] = next(v["request"] for v in VECTORS if "contract" in v["request"])
    return request


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line[:-1],
        lambda line: line.replace(b'"contract"', b'"contracts"', 1),
        lambda line: line.replace(b'"record": "contract"', b'"record": "offer"'),
        lambda line: line.replace(b'"generation": ', b'"generation": 1, "generation": ', 1),
        lambda line: line[:-1] + b', "policy": {}}',
        lambda line: line[:-1] + b', "contract": null}',
        lambda line: line.replace(b"wherry.device/1", b"wherry.device/2"),
        lambda line: line.replace(b'"generation": ', b'"generation": 1.0e0, "x": '),
        lambda line: line.replace(b'"offer": {', b'"offer": [{', 1),
        lambda line: b"\xff" + line,
        lambda line: b"[" * 100_000,
        lambda line: b"null",
        lambda line: b"{}",
    ],
)
def test_a_line_that_is_no_plain_pair_is_answered_the_ordinary_way(spoil):
    stream, good = Stream(), dumped({"policy": {}, **a_pair()})
    before = stream.answer(good)

    bad = spoil(good)

    assert bad != good
    assert stream.answer(bad) == answer_line(bad)
    assert stream.answer(good) == before


def test_what_is_read_of_an_offer_is_not_taken_for_a_contract():
    stream, request = Stream(), a_pair()
    stream.answer(dumped(request))

    turned = json.loads(stream.answer(dumped({**request, "contract": request["offer"]})))

    assert turned["error"]["code"] == "invalid_request"


def run(data: bytes) -> tuple[int, list[Any]]:
    done = subprocess.run(
        [WHERRY, "check", "--ndjson"], input=data, capture_output=True, check=False
    )
    assert done.stderr == b""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_command_answers_every_line_in_order_and_ends_with_0():
    """Blank lines are passed over, a bad one is told by its number, the last needs no end."""
    requests = [vector["request"] for vector in VECTORS]
    sent = [dumped(request) for request in requests]
    sent[3:3] = [b"", b"  \t", b'{"contract": 1}', b"\r"]

    status, answers = run(b"\n".join(sent))

    assert status == 0
    alone = [json.loads(answer_line(dumped(request))) for request in requests]
    error = answers.pop(3)["error"]
    assert error["code"] == "invalid_request"
    assert error["message"].startswith("line 6: ")
    assert answers == alone


def test_the_command_ends_with_0_on_nothing():
    assert run(b"") == (0, [])
    assert run(b"\n\n") == (0, [])


def test_the_command_answers_as_soon_as_a_line_is_there():
    """A program may talk line by line: the answer comes before the next question."""
    line = dumped(a_pair()) + b"\n"
    process = subprocess.Popen(
        [WHERRY, "check", "--ndjson"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            os.write(process.stdin.fileno(), line)
            assert process.stdout.readline() == answer_line(line) + b"\n"
        process.stdin.close()
    assert process.returncode == 0


def test_the_memory_of_a_long_stream_is_bounded():
    """Distinct pairs that are alike leave records behind up to the limit, and one judgement."""
    stream, request = Stream(remembered_bytes=1 << 16), a_pair()
    for number in range(2_000):
        request["offer"]["generation"] = number
        request["contract"]["slot"] = f"s{number}"
        stream.answer(dumped(request))

    held = [stream._contracts._known, stream._offers._known]
    assert 0 < sum(len(data) for memory in held for data in memory) <= 2 << 16
    assert len(stream._judged) == 1


def test_the_benchmark_holds_the_streams_answers_against_single_checks_and_times_them():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "check", "--pairs", "200", "--rounds", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "start", "fleet:", "cold", "stream", "strangers:", "cold", "stream",
    ]  # fmt: skip
    assert "200 pairs of 2 guests" in lines[1]
    assert "200 pairs of 200 guests and 200 providers" in lines[4]
