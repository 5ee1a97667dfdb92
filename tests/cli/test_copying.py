"""``import --from-placement`` and ``export --to-placement``, as operators see them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from acme_fleet import Fleet
from cli.inspect_golden import run
from placement_worlds import (
    CONSUMERS,
    RP,
    UUIDS,
    a_consumer,
    a_provider,
    a_world,
    dump,
    load,
    must,
    replace,
    speak,
)
from service import Running

ONE, TWO = UUIDS[:2]
G = CONSUMERS[0]
FLEET = a_world(
    {
        ONE: a_provider("node-1", inventories={"VCPU": 8}, traits=["CUSTOM_A"]),
        TWO: a_provider("node-1-gpu", ONE, inventories={"VGPU": 4}),
    },
    {G: a_consumer({ONE: {"VCPU": 2}, TWO: {"VGPU": 1}})},
)
HOLDS = "2 resource providers, 2 inventories, 1 consumer, 2 allocations"
NOTHING = "0 resource providers, 0 inventories, 0 consumers, 0 allocations"
Ran = tuple[int, str, str]


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a command, with a token for the Placement."""
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WHERRY_PLACEMENT_TOKEN", "admin")
    return lambda *words: run(capsys, *words)


@pytest.fixture
def wherry(
    service: Running,
    placement: Running,
    command: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Ran]:
    """Run a command against an empty service; the Placement has a small fleet."""
    load(speak(placement.url), FLEET)
    monkeypatch.setenv("WHERRY_URL", service.url)
    return command


def test_an_import_says_what_it_wrote_and_a_second_one_that_there_is_nothing(
    wherry: Callable[..., Ran], service: Running, placement: Running
) -> None:
    status, out, err = wherry("import", "--from-placement", placement.url)

    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"source: {placement.url}, {HOLDS}",
        f"target: {service.url}, {HOLDS}",
        "Written: 7 of 7 requests.",
        "  traits: 1",
        "  resource providers: 2",
        "  inventories: 2",
        "  traits of providers: 1",
        "  allocations: 1",
        "The target holds all that the source holds, and nothing else.",
    ]
    assert dump(speak(service.url)) == dump(speak(placement.url))

    status, out, err = wherry("import", "--from-placement", placement.url)
    assert (status, err) == (0, "")
    assert out.splitlines()[2:] == [
        "Nothing to write.",
        "The target holds all that the source holds, and nothing else.",
    ]


def test_a_dry_run_says_what_would_be_written_and_what_is_missing(
    wherry: Callable[..., Ran], service: Running, placement: Running
) -> None:
    status, out, err = wherry("import", "--from-placement", placement.url, "--dry-run")

    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[1:3] == [f"target: {service.url}, {NOTHING}", "To write: 7 requests."]
    assert lines[-4:] == [
        *(
            f"not the same: {what}: there in the source, nothing in the target"
            for what in (
                f"resource provider node-1 ({ONE})",
                f"resource provider node-1-gpu ({TWO})",
                f"consumer {G}",
            )
        ),
        "The target is no copy: 4 differences.",
    ]


def test_an_export_goes_back_and_prunes_when_it_is_told_to(
    wherry: Callable[..., Ran], service: Running, placement: Running
) -> None:
    wherry("import", "--from-placement", placement.url)
    must(speak(service.url), "DELETE", f"/allocations/{G}")

    status, out, _ = wherry("export", "--to-placement", placement.url)
    assert status == 1
    assert out.splitlines()[2:] == [
        "Nothing to write.",
        f"not the same: consumer {G}: nothing in the source, there in the target",
        "The target is no copy: 1 difference.",
    ]

    status, out, _ = wherry("export", "--to-placement", placement.url, "--prune")
    assert status == 0
    assert "  consumers to delete: 1" in out.splitlines()
    assert dump(speak(service.url)) == dump(speak(placement.url))


def test_a_program_reads_differences_refusals_and_generations(
    wherry: Callable[..., Ran], service: Running, placement: Running
) -> None:
    other = a_world({UUIDS[2]: a_provider("node-1-gpu")})
    load(speak(service.url), other)

    status, out, _ = wherry("import", "--from-placement", placement.url, "--json")

    told = json.loads(out)
    assert (status, told["same"]) == (1, False)
    assert (told["planned"], told["written"]) == (7, 4)
    assert told["refused"][0]["subject"] == f"resource provider node-1-gpu ({TWO})"
    assert {
        "what": f"consumer {G}",
        "source": "there",
        "target": None,
    } in told["differences"]
    here, there = (must(speak(each.url), "GET", f"{RP}/{ONE}") for each in (service, placement))
    assert told["generations"]["resource_providers"] == {
        ONE: {"source": there["generation"], "target": here["generation"]}
    }


def test_a_refusal_is_a_line_with_provider_call_and_reason(
    wherry: Callable[..., Ran], service: Running, placement: Running
) -> None:
    load(speak(service.url), a_world({UUIDS[2]: a_provider("node-1-gpu")}))

    status, out, _ = wherry("import", "--from-placement", placement.url)

    assert status == 1
    [line] = [line for line in out.splitlines() if "POST" in line]
    assert line == (
        f"refused: resource provider node-1-gpu ({TWO}): POST /resource_providers: 409,"
        " Conflicting resource provider name: node-1-gpu already exists."
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give either a SOURCE or --from-placement URL"),
        (("x.ndjson", "--from-placement", "http://p"), "give either a SOURCE or"),
        (("--from-placement", "http://p", "--name", "n"), "--name and --beside go with a SOURCE"),
        (("--from-placement", "p"), "address 'p' of the source is no URL"),
    ],
)
def test_bad_usage_is_said_in_a_line(
    wherry: Callable[..., Ran], words: tuple[str, ...], said: str
) -> None:
    status, out, err = wherry("import", *words)

    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_roles_and_token_are_sent_to_the_placement(
    wherry: Callable[..., Ran],
    placement: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WHERRY_PLACEMENT_TOKEN")
    status, _, err = wherry("import", "--from-placement", placement.url)
    assert (status, err.count("\n")) == (2, 1)
    assert "does not let us GET /resource_classes: 401" in err

    token = tmp_path / "token"
    token.write_text("operator\n")
    words = ("import", "--from-placement", placement.url, "--placement-token-file", token)
    status, _, err = wherry(*words)
    assert (status, "403, " in err) == (2, True)

    status, _, err = wherry(*words, "--placement-roles", "service")
    assert (status, err) == (0, "")


def test_what_a_report_owns_is_exported_and_not_written_to(
    command: Callable[..., Ran],
    sqlite_fleet: Fleet,
    placement: Running,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reported fleet becomes plain providers elsewhere; the way back finds them the same."""
    sqlite_fleet.report("node-9", version="2.0.1", features="X")
    sqlite_fleet.boot("g", "node-9")
    monkeypatch.setenv("WHERRY_URL", sqlite_fleet.service.url)
    capsys.readouterr()

    status, out, _ = command("export", "--to-placement", placement.url, "--prune")
    assert (status, "refused" in out) == (0, False), out
    status, out, _ = command("import", "--from-placement", placement.url)
    assert (status, "Nothing to write." in out) == (0, True)

    there = speak(placement.url)
    rows = must(there, "GET", RP)["resource_providers"]
    [device] = [row["uuid"] for row in rows if row["parent_provider_uuid"]]
    must(there, "PUT", "/traits/CUSTOM_OTHER")
    replace(there, device, "traits", ["CUSTOM_OTHER"])
    status, out, _ = command("import", "--from-placement", placement.url)
    assert status == 1
    assert f"({device}): traits: PUT /resource_providers/{device}/traits: 409, " in out
