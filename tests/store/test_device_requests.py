"""Device requests as stored, on both engines."""

import pytest

from wherry.model.device_requests import Alternative, StoredDeviceRequest
from wherry.store.device_requests import (
    read_device_requests,
    read_named,
    remove_device_request,
    write_device_request,
)


def a_request(name, **fields):
    defaults = {"alternatives": (Alternative(resource_class="VGPU"),)}
    return StoredDeviceRequest(name=name, **{**defaults, **fields})


def put(store, *requests):
    for one in requests:
        store.write(lambda tx, one=one: write_device_request(tx, one))


def test_they_are_read_in_order_of_name_and_some_by_name(store):
    a, b, c = map(a_request, "abc")
    put(store, b, c, a)

    assert store.read(read_device_requests) == [a, b, c]
    assert store.read(lambda tx: read_named(tx, ["c", "x", "a"])) == {"a": a, "c": c}
    assert store.read(lambda tx: read_named(tx, [])) == {}


def test_one_takes_the_place_of_what_had_its_name(store):
    put(store, a_request("a"), a_request("a", numa_policy="required"))

    assert [one.numa_policy for one in store.read(read_device_requests)] == ["required"]


def test_one_that_is_removed_is_gone(store):
    put(store, a_request("a"))

    assert store.write(lambda tx: remove_device_request(tx, "a"))
    assert not store.write(lambda tx: remove_device_request(tx, "a"))
    assert store.read(read_device_requests) == []


@pytest.mark.parametrize("fields", [{}, {"vendor_id": "10de"}, {"traits": ("CUSTOM_RED",)}])
def test_an_alternative_that_cannot_be_looked_for_is_none(fields):
    with pytest.raises(ValueError, match=r"give|go together"):
        Alternative(**fields)
