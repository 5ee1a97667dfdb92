"""``wherry check`` of files: the verdict with all reasons, or which file is wrong and where."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from builders import a_contract, an_offer
from wherry.cli.main import main

Files = dict[str, Any]


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command on documents or texts; gives status, output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str, **files: Any) -> tuple[int, str, str]:
        arguments = ["check", *options]
        for name, document in files.items():
            text = document if isinstance(document, str) else json.dumps(document)
            Path(f"{name}.json").write_text(text, encoding="utf-8")
            arguments += [f"--{name.replace('_', '-')}", f"{name}.json"]
        with pytest.raises(SystemExit) as end:
            main(arguments)
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


CONTRACT = to_builtins(a_contract(features=["x"]))
OFFER = to_builtins(an_offer(features={"x": {}, "y": {}}))
OLDER = to_builtins(an_offer(supports="2.0.0", features={"x": {}, "y": {"maskable": False}}))


def test_a_pair_that_is_accepted_is_told_with_what_to_configure(run):
    status, out, err = run(contract=CONTRACT, offer=OFFER)

    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "ok (accepted)",
        "  mask y",
        "modes: live ok, suspend ok, cold ok, replug no",
    ]


def test_a_pair_that_is_refused_is_told_with_every_reason(run):
    newer = {**CONTRACT, "interface": {"policy": "semver", "version": "2.1"}}

    status, out, err = run(contract=newer, offer=OLDER)

    assert (status, err) == (1, "")
    assert out.startswith("no (not accepted)\n")
    assert "VERSION_MINOR_OLDER: " in out
    assert "FEATURE_UNMASKABLE: " in out


def test_the_way_back_and_the_downtime_are_told_where_they_are_asked(run):
    moving = {"support": "yes", "stop_copy_bytes": 1000, "bytes_per_s": 1000}
    strict = {"downtime": {"budget_ms": 1}, "accept": []}

    status, out, _ = run(
        contract={**CONTRACT, "migration": moving}, offer=OFFER, source_offer=OLDER, policy=strict
    )

    assert status == 1
    assert "warn (not accepted)" in out
    assert "downtime: about 1000 ms" in out
    assert "way back: no" in out


def test_json_is_the_response_on_the_wire(run):
    status, out, _ = run("--json", contract=CONTRACT, offer=OFFER)

    assert status == 0
    assert json.loads(out)["configure"] == {"mask_features": ["y"]}


@pytest.mark.parametrize(
    ("named", "document", "said"),
    [
        ("contract", '{"a": 1, "a": 2}', "Object contains key `a` twice"),
        ("contract", '{"a"', "The document is no strict JSON: "),
        ("contract", {**CONTRACT, "kinds": 1}, "unknown field `kinds` - at `$.contract`"),
        ("offer", {**OFFER, "generation": -1}, "Expected `int` >= 0 - at `$.offer.generation`"),
        ("offer", CONTRACT, "Invalid enum value 'contract' - at `$.offer.record`"),
        ("offer", [], "Expected `object | null`, got `array` - at `$.offer`"),
        ("source_offer", None, "Expected `object`, got `null` - at `$.source_offer`"),
        ("policy", {"mode": "fast"}, "Invalid enum value 'fast' - at `$.mode`"),
        ("policy", {"acept": []}, "Object contains unknown field `acept`"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_with_the_place(run, named, document, said):
    status, out, err = run(**{"contract": CONTRACT, "offer": OFFER, named: document})

    assert (status, out) == (2, "")
    assert err.startswith(f"wherry: {named}.json: ")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--contract", "none.json", "--offer", "none.json"], "none.json: cannot be read"),
        (["--contract", "-", "--offer", "-"], "stdin can be read once"),
        (["--offer", "-"], "give --contract and --offer, or --ndjson"),
        (["--ndjson", "--json"], "--ndjson takes its requests from stdin"),
        ([], "give --contract and --offer, or --ndjson"),
    ],
)
def test_what_is_missing_or_does_not_go_together_is_told(run, options, message):
    status, out, err = run(*options)

    assert (status, out) == (2, "")
    assert message in err


def test_one_of_the_files_may_be_stdin(run, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(CONTRACT).encode()))
    monkeypatch.setattr("sys.stdin", stdin)

    assert run("--contract", "-", offer=OFFER)[0] == 0
