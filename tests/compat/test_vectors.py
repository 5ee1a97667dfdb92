"""Every vector is answered as it expects, through the door that ``wherry check`` uses."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from compat.cases import PLAIN, differences, faults, read_vectors, respond
from wherry.compat.table import BY_CODE

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "vectors" / "compat"
SCHEMA = json.loads(
    (ROOT / "src/wherry/compat/data/wherry.device-1.schema.json").read_text(encoding="utf-8")
)
VECTORS = read_vectors(FOLDER)

every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])


def schema_of(name: str) -> Draft202012Validator:
    reference = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return Draft202012Validator(reference, format_checker=FormatChecker())


def response_schema(request: dict[str, Any]) -> Draft202012Validator:
    kind = "guest" if "guest" in request else "lint" if "before" in request else "check"
    return schema_of(f"{kind}_response")


@every_vector
def test_the_answer_is_the_one_that_the_vector_expects(vector):
    response = respond(vector["request"])

    assert differences(vector["expected"], response) == []
    assert faults(response) == []


@every_vector
def test_request_and_response_meet_the_schema(vector):
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(vector["request"])
    response_schema(vector["request"]).validate(respond(vector["request"]))


def test_vectors_outside_the_project_are_answered_as_they_expect(shared):
    vectors = read_vectors(shared / "vectors" / "compat")
    assert vectors

    wrong = {
        v["id"]: found
        for v in vectors
        if (found := differences(v["expected"], respond(v["request"])))
    }

    assert wrong == {}


def test_the_runner_sees_every_difference():
    """A runner that lets something pass proves nothing: each key is spoiled once."""
    seen = set()
    for vector in VECTORS:
        response = respond(vector["request"])
        for key, value in vector["expected"].items():
            spoiled = {**vector["expected"], key: spoil(key, value)}
            assert differences(spoiled, response), (vector["id"], key)
            seen.add(key)
    assert seen == {*PLAIN, "reasons", "info", "return_path", "mapping", "lints"}


def spoil(key: str, value: Any) -> Any:
    """Another value than the expected one."""
    another = {"code": "NO_OFFER", "severity": "no", "detail": {}}
    if key in {"reasons", "info", "lints"}:
        return value[1:] if value else [another]
    if key == "return_path":
        return {**value, "reasons": [another]}
    if key == "mapping":
        return [{**row, "reasons": [another]} for row in value] or [{"slot": "none"}]
    return {"verdict": "none", "accepted": not value, "downtime_ms": -1}.get(key, {"spoiled": 1})


README = (ROOT / "vectors" / "README.md").read_text(encoding="utf-8")


def test_files_have_the_shape_that_the_readme_tells():
    for file in sorted(FOLDER.glob("*.json")):
        document = json.loads(file.read_bytes())
        assert list(document) == ["family", "about", "vectors"], file.name
        assert document["family"] == file.stem
        assert document["about"]
        for vector in document["vectors"]:
            assert set(vector) == {"id", "why", "origin", "request", "expected"}, vector["id"]
            assert vector["why"]
            assert vector["origin"]
            assert ("policy" in vector["request"]) == ("before" not in vector["request"])
            assert set(vector["expected"]) <= {
                *PLAIN, "reasons", "info", "return_path", "mapping", "lints",
            }, vector["id"]  # fmt: skip
    for key in ("id", "why", "origin", "request", "expected", *PLAIN, "mapping", "lints"):
        assert f"`{key}`" in README, key


def test_ids_are_unique_and_reasons_name_all_that_names_them():
    ids = [vector["id"] for vector in VECTORS]
    assert len(set(ids)) == len(ids)
    for vector in VECTORS:
        for reason in reasons_of(vector["expected"]):
            entry = BY_CODE[reason["code"]]
            assert set(reason) == {"code", "severity", "detail"}, vector["id"]
            assert set(reason["detail"]) == set(entry.naming), vector["id"]
            assert reason["severity"] in entry.severities, vector["id"]


def reasons_of(expected: dict[str, Any]) -> list[dict[str, Any]]:
    holders = [expected, expected.get("return_path", {}), *expected.get("mapping", [])]
    keys = ("reasons", "info", "lints")
    return [reason for holder in holders for key in keys for reason in holder.get(key, [])]


def test_the_order_of_keys_in_a_request_means_nothing():
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    for vector in VECTORS:
        assert differences(vector["expected"], respond(turned(vector["request"]))) == []
