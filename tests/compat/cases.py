"""Vectors: how a request is answered, held against what the vector expects."""

import json
from pathlib import Path
from typing import Any

from wherry.compat.answer import answer_line
from wherry.compat.table import BY_CODE, SEVERITIES, Entry

Json = dict[str, Any]

PLAIN = ("verdict", "accepted", "modes", "configure", "downtime_ms")
"""Keys of `expected` that are compared for equality."""


def read_vectors(folder: Path) -> list[Json]:
    """All vectors of all families, each with its file."""
    return [
        {**vector, "file": file.name}
        for file in sorted(folder.glob("*.json"))
        for vector in json.loads(file.read_bytes())["vectors"]
    ]


def respond(request: Json) -> Json:
    """The response to a line of ``wherry check --ndjson``."""
    response: Json = json.loads(answer_line(json.dumps(request).encode()))
    return response


def differences(expected: Json, response: Json) -> list[str]:
    """Say where a response is not what a vector expects, as vectors/README.md compares."""
    found = [
        f"{key}: {response.get(key)!r}, not {expected[key]!r}"
        for key in PLAIN
        if key in expected and response.get(key) != expected[key]
    ]
    if "reasons" in expected:
        found += _reasons("reasons", expected["reasons"], _objections(response["reasons"]))
    if "info" in expected:
        remarks = [reason for reason in response["reasons"] if reason["severity"] == "info"]
        found += _reasons("info", expected["info"], remarks)
    if "lints" in expected:
        found += _reasons("lints", expected["lints"], response["lints"])
    if "return_path" in expected:
        wanted, back = expected["return_path"], response["return_path"]
        if wanted["verdict"] != back["verdict"]:
            found.append(f"return_path: {back['verdict']}, not {wanted['verdict']}")
        found += _reasons("return_path", wanted["reasons"], _objections(back["reasons"]))
    if "mapping" in expected:
        found += _rows(expected["mapping"], response["mapping"])
    return found


def faults(response: Json) -> list[str]:
    """Say where reasons are not in order, or not as the table has their codes."""
    lists = [response.get("reasons", []), response.get("lints", [])]
    lists += [row["reasons"] for row in response.get("mapping", [])]
    if "return_path" in response:
        lists.append(response["return_path"]["reasons"])
    return [fault for reasons in lists for fault in _faults(reasons)]


def _objections(reasons: list[Json]) -> list[Json]:
    return [reason for reason in reasons if reason["severity"] != "info"]


def _name(reason: Json) -> str:
    entry = BY_CODE[reason["code"]]
    naming = {key: reason["detail"][key] for key in entry.naming}
    return json.dumps([reason["code"], reason["severity"], naming], sort_keys=True)


def _reasons(what: str, expected: list[Json], given: list[Json]) -> list[str]:
    wanted, got = {_name(each) for each in expected}, [_name(each) for each in given]
    missing = [f"{what}: missing {name}" for name in wanted - set(got)]
    surplus = [f"{what}: surplus {name}" for name in got if name not in wanted]
    twice = [f"{what}: twice {name}" for name in set(got) if got.count(name) > 1]
    return missing + surplus + twice


def _rows(expected: list[Json], given: list[Json]) -> list[str]:
    if [row["slot"] for row in expected] != [row["slot"] for row in given]:
        return [f"mapping: slots {[row['slot'] for row in given]}"]
    found: list[str] = []
    for wanted, row in zip(expected, given, strict=True):
        where = f"mapping of {row['slot']}"
        found += [
            f"{where}: {key} {row[key]!r}, not {wanted[key]!r}"
            for key in ("offer", "verdict", "mode", "configure")
            if key in wanted and row[key] != wanted[key]
        ]
        found += _reasons(where, wanted["reasons"], _objections(row["reasons"]))
    return found


def _order(reason: Json, entry: Entry) -> tuple[Any, ...]:
    details = [reason["detail"][key] for key in entry.naming]
    texts = [each if isinstance(each, str) else ",".join(each) for each in details]
    return SEVERITIES.index(reason["severity"]), entry.rule, entry.code, texts


def _faults(reasons: list[Json]) -> list[str]:
    entries = [BY_CODE[reason["code"]] for reason in reasons]
    found = [
        f"{entry.code}: {reason['rule']}, {reason['stage']}, {reason['severity']}"
        for reason, entry in zip(reasons, entries, strict=True)
        if (reason["rule"], reason["stage"]) != (entry.rule, entry.stage)
        or reason["severity"] not in entry.severities
    ]
    order = [_order(reason, entry) for reason, entry in zip(reasons, entries, strict=True)]
    return found if order == sorted(order) else [*found, f"order: {order}"]
