"""``wherry bench``: figures of made-up fleets, each held against what it should be before."""

import json

import pytest

from cli.inspect_golden import run
from store_worlds import a_device, a_plan, report
from wherry.bench import search as bench_search
from wherry.bench.figures import WrongAnswer, require
from wherry.bench.queries import QUERIES
from wherry.store.audit import audit
from wherry.store.engine import open_store, read_store

QUICK = ("--hosts", "12", "--rounds", "2")


def as_json(capsys, *words):
    status, out, err = run(capsys, "bench", *words, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("fleet", ["flat", "vgpu", "pci", "mig"])
@pytest.mark.parametrize("part", ["search", "answers"])
def test_every_query_of_a_fleet_is_timed(capsys, part, fleet):
    told = as_json(capsys, part, "--fleet", fleet, *QUICK)

    figures = {figure["what"]: figure for figure in told["figures"]}
    assert told["schema"] == "wherry.bench/1"
    assert told["asked"] == {"what": part, "fleet": fleet, "hosts": 12, "seed": 1, "rounds": 2}
    assert {query.name for query in QUERIES[fleet]} <= figures.keys()
    for query in QUERIES[fleet]:
        figure = figures[query.name]
        assert figure["unit"] == "ms"
        assert 0 < figure["least"] <= figure["median"]
        count = query.count(12)
        assert count is None or f"{min(1000, count)} found" in figure["note"]


def test_people_read_a_line_for_each_figure_below_a_head(capsys):
    status, out, _ = run(capsys, "bench", "search", "--fleet", "flat", *QUICK)

    machine, head, *lines = out.splitlines()
    assert status == 0
    assert " processors, load " in machine
    assert head.split() == ["hosts", "median", "least", "CPU", "ms", "MB", "ratio"]
    assert [line.split()[0] for line in lines] == [
        "make", "flat", "flat.trait50%", "flat.trait1%",
    ]  # fmt: skip
    assert lines[1].endswith("12 found")


def test_claims_are_held_to_what_is_stored_on_each_engine(capsys, store_url):
    words = ("--hosts", "6", "--hot", "2", "--seconds", "0.3", "--rounds", "1", "--clients", "3")

    told = as_json(capsys, "claims", *words, "--database", store_url)

    assert [figure["what"] for figure in told["figures"]] == [
        "store the fleet", "3 clients, spread", "3 clients, on 2 hosts",
    ]  # fmt: skip
    assert all(figure["median"] > 0 for figure in told["figures"])
    assert read_store(store_url, audit) == []


def test_places_that_are_full_are_refused_and_counted(capsys):
    """Nine clients want one of eight devices of one host."""
    words = ("--fleet", "pci", "--hosts", "1", "--hot", "0", "--seconds", "0.5", "--rounds", "1")

    told = as_json(capsys, "claims", *words, "--clients", "9")

    assert "refused for want of room" in told["figures"][-1]["note"]


def test_reports_are_taken_and_their_providers_counted(capsys):
    told = as_json(capsys, "register", "--hosts", "3")

    assert [figure["what"] for figure in told["figures"]] == [
        "reports, first", "reports, nothing new", "take the fleet into memory",
    ]  # fmt: skip
    assert told["asked"]["database"] == "sqlite"


def test_targets_are_held_against_a_plain_loop_and_take_a_part_of_its_time(capsys):
    """On 150 hosts already; the more, the more."""
    told = as_json(capsys, "targets", "--hosts", "150", "--devices", "4", "--rounds", "3")

    figures = {figure["what"]: figure for figure in told["figures"]}
    assert list(figures)[1:5] == [
        "make the columns", "targets, first", "targets, again", "targets, after a claim",
    ]  # fmt: skip
    assert figures["targets, again"]["ratio"] >= 3
    assert "hosts take the guest" in figures["make the fleet"]["note"]


@pytest.mark.parametrize("fleet", ["flat", "mig"])
def test_places_of_a_new_guest_are_held_against_a_plain_loop(capsys, fleet):
    """All that take it are counted: every host, and of the mixed fleet those with GPUs."""
    told = as_json(capsys, "place", "--fleet", fleet, "--hosts", "60", "--rounds", "2")

    figures = {figure["what"]: figure for figure in told["figures"]}
    assert list(figures)[1:] == [
        "place, 10 told", "place, 10 told, why not others", "place, 1000 told", "plain loop",
    ]  # fmt: skip
    fitting = int(figures["place, 10 told"]["note"].split()[-5])
    assert fitting == 60 if fleet == "flat" else 0 < fitting < 60


@pytest.mark.parametrize("fleet", ["flat", "vgpu", "pci", "mig"])
def test_a_start_gives_the_fleet_that_was_written(capsys, fleet, store_url):
    """Aggregates, parents and use included; the command ends with 3 where it is another."""
    words = ("--fleet", fleet, "--hosts", "40", "--database", store_url)

    told = as_json(capsys, "start", *words)

    named = [figure["what"] for figure in told["figures"]]
    assert named[:2] == ["write the fleet into the tables", "start from the database"]
    assert named[-1] == "look at an idle feed"
    assert read_store(store_url, audit) == []


@pytest.mark.parametrize("part", ["claims", "register", "start"])
def test_a_database_that_holds_a_fleet_is_left_alone(capsys, store_url, part):
    store = open_store(store_url)
    report(store, a_plan("host1", a_device("gpu0")))
    store.close()

    status, out, err = run(capsys, "bench", part, "--hosts", "2", "--database", store_url)

    assert (status, len(out.splitlines())) == (2, 2)
    assert "holds a fleet: name a database that was made for this" in err


def test_an_answer_that_is_wrong_is_not_timed(capsys, monkeypatch):
    """As if the shape promised two candidates a host where there is one."""
    wrong = bench_search.Query(name="flat", text=QUERIES["flat"][0].text, per_host=2)
    monkeypatch.setitem(bench_search.QUERIES, "flat", (wrong,))

    status, out, err = run(capsys, "bench", "search", "--fleet", "flat", *QUICK)

    assert status == 3
    assert err == "wherry: what is to be timed is wrong: flat: 12 candidates\n"
    assert "flat " not in out.splitlines()[-1]


def test_what_is_as_it_should_be_is_let_pass():
    require(True, "")
    with pytest.raises(WrongAnswer):
        require(False, "")
