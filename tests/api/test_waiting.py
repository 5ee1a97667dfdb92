"""Requests that wait: so many, so long, and not when the service stops."""

import pytest

from doors import Ask, a_route
from wherry.api.call import Call
from wherry.api.errors import Busy
from wherry.api.waiting import WaitingRoom


def test_a_full_room_says_so_at_once_and_a_place_is_free_again_after() -> None:
    room = WaitingRoom(1)

    with room.place(), pytest.raises(Busy), room.place():
        pass
    with room.place():
        pass


def test_a_place_is_free_again_after_a_failure() -> None:
    room = WaitingRoom(1)

    with pytest.raises(KeyError), room.place():
        raise KeyError
    with room.place():
        pass


def test_a_full_room_is_503_with_the_time_to_come_again(door: Ask) -> None:
    room = WaitingRoom(1)

    def handler(call: Call) -> dict[str, int]:
        with call.room.place():
            return {}

    client = door([a_route(handler=handler, answer=dict)], room=room)
    with room.place():
        refused = client.simulate_get("/things")

    assert refused.status_code == 503
    assert refused.json["error"]["code"] == "service.busy"
    assert int(refused.headers["retry-after"]) > 0
    assert client.simulate_get("/things").status_code == 200


def test_agents_that_wait_leave_room_for_pre_flights(door: Ask) -> None:
    """One room for both would refuse every pre-flight of a fleet that fills it."""
    agents, preflights = WaitingRoom(1), WaitingRoom(1)

    def handler(call: Call) -> dict[str, int]:
        with call.preflights.place():
            return {}

    client = door([a_route(handler=handler, answer=dict)], room=agents, preflights=preflights)
    with agents.place():
        assert client.simulate_get("/things").status_code == 200


def test_a_room_is_empty_once_everybody_has_left() -> None:
    room = WaitingRoom(2)
    leave = room.enter()

    assert not room.wait_empty(within_s=0.05)
    leave()
    leave()
    fresh = WaitingRoom(2)
    fresh.enter()()
    assert fresh.wait_empty(within_s=0.05)


def test_leaving_twice_is_leaving_once() -> None:
    room = WaitingRoom(1)
    leave = room.enter()
    leave()
    leave()
    room.enter()

    with pytest.raises(Busy):
        room.enter()
