"""Hosts as stored: state and labels that an operator sets, beside what reports say."""

import pytest

from store_worlds import NOW, a_device, a_plan, report
from wherry.model.errors import NotFound
from wherry.model.inventory import Finding
from wherry.store.hosts import (
    read_host,
    read_hosts,
    read_last_seen,
    read_report,
    write_host_state,
)


def test_hosts_are_read_by_name_in_order(store):
    for name in ("host3", "host1", "host2"):
        report(store, a_plan(name))

    assert [one.name for one in store.read(lambda tx: [*read_hosts(tx)])] == [
        "host1",
        "host2",
        "host3",
    ]
    some = store.read(lambda tx: [*read_hosts(tx, names=["host3", "nobody"])])
    assert [one.name for one in some] == ["host3"]


def test_who_never_reported_is_no_host(store):
    assert store.read(lambda tx: read_host(tx, "host1")) is None
    assert store.read(lambda tx: read_report(tx, "host1")) is None
    assert store.read(read_last_seen) == {}


def test_a_host_shows_what_its_report_made_one_notice(store):
    finding = Finding(code="SRIOV_OFF", device="0000:01:00.0", message="SR-IOV off")
    report(store, a_plan("host1", findings=(finding,)))

    assert store.read(lambda tx: read_host(tx, "host1")).findings == (finding,)


def test_state_and_labels_are_set_apart_from_each_other(store):
    report(store, a_plan("host1"))

    store.write(lambda tx: write_host_state(tx, "host1", labels={"rack": "7", "az": "a"}))
    record = store.write(lambda tx: write_host_state(tx, "host1", state="maintenance"))

    assert (record.state, record.labels) == ("maintenance", {"az": "a", "rack": "7"})
    assert record.generation == 3
    assert store.read(lambda tx: read_host(tx, "host1")) == record


def test_what_is_set_already_moves_nothing(store):
    report(store, a_plan("host1"))
    store.write(lambda tx: write_host_state(tx, "host1", labels={"b": "1", "a": "2"}))

    record = store.write(
        lambda tx: write_host_state(tx, "host1", state="enabled", labels={"a": "2", "b": "1"})
    )

    assert record.generation == 2


def test_a_report_leaves_state_and_labels_as_they_are(store):
    report(store, a_plan("host1"))
    store.write(lambda tx: write_host_state(tx, "host1", state="disabled", labels={"a": "1"}))

    report(store, a_plan("host1", a_device("gpu0")), sequence=2, boot="boot-2", now=NOW + 1)

    record = store.read(lambda tx: read_host(tx, "host1"))
    assert (record.state, record.labels, record.generation) == ("disabled", {"a": "1"}, 3)


def test_a_host_that_is_not_there_cannot_be_set(store):
    with pytest.raises(NotFound, match="no host host1"):
        store.write(lambda tx: write_host_state(tx, "host1", state="disabled"))
