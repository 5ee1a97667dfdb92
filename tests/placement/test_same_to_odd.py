"""What is asked wrongly has the same answer of a living openstack-placement and of Wherry."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from placement_odd import odd
from placement_requests import requests, start
from placement_wire import Wire
from schedule.candidates.conftest import peer
from schedule.candidates.peer import Peer

__all__ = ["peer"]

HEALTH = list(HealthCheck)


def refuse_alike(theirs: Peer, ours: Wire, data: st.DataObject, sound: int, wrong: int) -> None:
    pair = start(theirs, ours)
    for _ in range(sound):
        pair(*data.draw(requests(pair)))
    for _ in range(wrong):
        pair(*data.draw(odd(pair)))


@settings(max_examples=3, suppress_health_check=HEALTH, phases=[Phase.generate])
@given(data=st.data())
def test_both_services_refuse_alike(peer, wire, data):
    refuse_alike(peer, wire, data, sound=3, wrong=20)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=100, suppress_health_check=HEALTH)
@given(data=st.data())
def test_both_services_refuse_alike_often(peer, wire, data):
    refuse_alike(peer, wire, data, sound=6, wrong=40)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (f"resources=CUSTOM_NONE:1&member_of={'d' * 8}-0000-4000-8000-000000000000", 200),
        ("resources=CUSTOM_NONE:1&required=HW_CPU_X86_VMX", 200),
        (f"required=CUSTOM_NONE&in_tree={'d' * 8}-0000-4000-8000-000000000000", 200),
        ("resources=CUSTOM_NONE:1", 400),
        (f"required=CUSTOM_NONE&member_of={'d' * 8}-0000-4000-8000-000000000000", 400),
    ],
)
def test_what_no_provider_has_ends_the_list_before_later_names_are_looked_at(wire, asked, status):
    wire.provider(VCPU=1)
    assert wire("GET", f"/resource_providers?{asked}").status == status


def test_a_reshaper_of_old_generations_is_told_so_before_names_are_looked_at(wire):
    """The conflict tells a client to read again, where a bad name would make it give up."""
    uuid = wire.provider(VCPU=4)
    consumer = "c0000001-0000-4000-8000-000000000000"
    inventories = {"CUSTOM_NONE": {"total": 1}}
    body = {
        "inventories": {
            uuid: {"resource_provider_generation": 1, "inventories": inventories},
        },
        "allocations": {
            consumer: {
                "allocations": {uuid: {"resources": {"CUSTOM_NONE": 1}}},
                "project_id": "p",
                "user_id": "u",
                "consumer_generation": 7,
                "consumer_type": "INSTANCE",
            }
        },
    }
    told = wire("POST", "/reshaper", body)
    assert (told.status, told.error["code"]) == (409, "placement.concurrent_update")
    assert "expected null but got 7" in told.error["detail"]


def test_a_media_type_that_is_not_taken_is_named_as_it_was_sent(wire):
    sent = {"Content-Type": "text/plain; charset=utf-8"}
    told = wire("POST", "/resource_providers", {}, headers=sent)
    assert told.status == 415
    assert told.error["detail"] == (
        "The request media type text/plain; charset=utf-8 is not supported by this server. "
        "\n\n The media type text/plain is not supported, use application/json"
    )
