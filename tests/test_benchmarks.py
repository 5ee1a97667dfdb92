"""Benchmarks can be found and run by name, and check what they time."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], env=os.environ | environ,
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip


def test_every_benchmark_is_listed_with_what_it_measures():
    """Each module of the folder that has a `main`; its first line ends like a sentence."""
    listed = dict(line.split(maxsplit=1) for line in run().stdout.splitlines())
    modules = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}

    assert listed.keys() <= modules
    assert {"check", "placement", "targets"} <= listed.keys()
    assert all(purpose.endswith(".") for purpose in listed.values())


def test_a_name_that_is_none_is_bad_usage():
    """The names there are stand in the message."""
    done = run("nothing")

    assert done.returncode == 2
    assert "no benchmark nothing; there are: " in done.stderr


def test_the_search_is_held_against_its_twin_and_takes_a_part_of_its_time(tmp_path):
    """On forty hosts it is five times quicker where most hosts do; the more, the more."""
    words = ("--rounds", "5", "--devices", "4", "--devices-hosts", "1", "50")

    done = run("search", *words, "--json", str(tmp_path / "figures.json"))

    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "figures.json").read_text())
    assert len(told["figures"]) == len(done.stdout.splitlines()) - 1
    ratios = {figure["what"]: figure["ratio"] for figure in told["figures"] if "ratio" in figure}
    assert ratios["mig.plain"] >= 3
    assert ratios["mig.5groups"] >= 3
    devices = [figure for figure in told["figures"] if figure["what"].startswith("k of 4")]
    assert {figure["hosts"] for figure in devices} == {1, 50}
    # Flat in k: the slowest k is within a few times of the quickest.
    assert all(figure["median"] < 10 * figure["least"] for figure in devices)


def test_placement_s_requests_are_timed_alone_where_the_peer_is_not_installed(tmp_path):
    """It says so; each kind of request has its rate, its wait and its CPU time."""
    words = ("--hosts", "3", "--seconds", "0.2", "--rounds", "1", "--clients", "2")

    done = run("placement", *words, "--engine", "sqlite", WHERRY_PEER_VENV=str(tmp_path))

    assert done.returncode == 0, done.stderr
    first, alone, engine, *rest = done.stdout.splitlines()
    assert first == "3 hosts, 21 providers, 1 rounds of 0.2 s"
    assert alone == "openstack-placement is not installed (`make peer`): Wherry is timed alone"
    assert engine == "sqlite, 1 worker process each, 2 clients"
    assert len(rest) == 8
    assert all("req/s" in line and "ms CPU a request" in line for line in rest[1::2])


def test_candidates_are_sought_in_each_fleet_and_each_answer_is_held_against_its_shape(tmp_path):
    """Three hosts are enough to count all candidates of each query, and to see no other ones."""
    words = ("--hosts", "3", "--seconds", "0", "--rounds", "1", "--limit", "100")
    words += ("--json", str(tmp_path / "figures.json"))

    done = run("candidates", *words, "--engine", "sqlite", WHERRY_PEER_VENV=str(tmp_path))

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.endswith("limit 100")] == [
        "flat: 3 hosts, 3 providers, limit 100",
        "vgpu: 3 hosts, 21 providers, limit 100",
        "pci: 3 hosts, 27 providers, limit 100",
    ]
    queries = [line.partition(":")[0] for line in lines if ": Wherry   " in line]
    assert len(queries) == 15
    told = json.loads((tmp_path / "figures.json").read_text())
    notes = {each["what"].partition(":")[0]: each["note"] for each in told["figures"]}
    assert list(notes) == queries
    assert notes["flat.trait50%"] == "2 candidates on 2 hosts"
    assert notes["pci.8.isolate"] == "100 candidates on 3 hosts"
    assert all(each["cpu_ms"] >= 0 and each["median"] > 0 for each in told["figures"])


def test_claims_are_counted_and_held_to_what_is_stored():
    """Spread over all hosts and on few of them; each line has rate, wait and CPU time."""
    words = ("--hosts", "6", "--hot", "2", "--seconds", "0.3", "--rounds", "1")

    done = run("claims", *words, "--clients", "1", "4", "--engine", "sqlite")

    assert done.returncode == 0, done.stderr
    _, engine, *rest = done.stdout.splitlines()
    assert engine.startswith("SQLite, one process, synchronous=FULL")
    names = [line.partition("   ")[0].strip() for line in rest]
    assert names == [
        "store the fleet", "1 clients, spread", "4 clients, spread", "1 clients, on 2 hosts",
        "4 clients, on 2 hosts",
    ]  # fmt: skip
    assert all(" 1/s " in line and " ms p99" in line for line in rest[1:])


def test_columns_are_loaded_mapped_and_changed_as_they_were_written():
    """The benchmark stops where what it times is not the fleet that was written."""
    done = run("columns", "--hosts", "1000")

    assert done.returncode == 0, done.stderr
    for what in (
        "memory of a million providers",
        "cold start from SQL",
        "cold start from snapshot",
    ):
        assert what in done.stdout
