"""Groups over HTTP: guests that keep apart, together, or would like to."""

import threading
from typing import Any

from acme_fleet import Fleet, name_of
from service import expect


def group(fleet: Fleet, policy: str, *guests: str, **more: Any) -> None:
    body = {"policy": policy, "guests": [name_of(each) for each in guests], **more}
    told = fleet.service.put("/wherry/groups/web", body)
    assert (told["id"], told["policy"]) == ("web", policy)


def hosts(fleet: Fleet, guest: str = "g") -> list[str]:
    return [each["host"] for each in fleet.targets(guest)["targets"]]


def three_hosts(fleet: Fleet) -> None:
    for host in ("home", "one", "two"):
        fleet.report(host)
    fleet.boot("g", "home")
    fleet.boot("h", "one")


def test_guests_keep_apart(fleet: Fleet) -> None:
    three_hosts(fleet)
    group(fleet, "anti-affinity", "g", "h")
    answer = fleet.targets("g")

    assert hosts(fleet) == ["two"]
    assert answer["refused"]["by_reason"]["HOST_APART"] == 1
    assert fleet.codes("g", "one") == ["HOST_APART"]
    group(fleet, "anti-affinity", "g", "h", most=2)
    assert sorted(hosts(fleet)) == ["one", "two"]


def test_guests_keep_together(fleet: Fleet) -> None:
    three_hosts(fleet)
    group(fleet, "affinity", "g", "h")
    assert hosts(fleet) == ["one"]
    assert fleet.codes("g", "two") == ["HOST_TOGETHER"]

    assert fleet.service.ask("DELETE", "/wherry/groups/web").status == 204
    assert sorted(hosts(fleet)) == ["one", "two"]


def test_soft_groups_rank(sqlite_fleet: Fleet) -> None:
    three_hosts(sqlite_fleet)
    group(sqlite_fleet, "soft-affinity", "g", "h")
    assert hosts(sqlite_fleet) == ["one", "two"]
    group(sqlite_fleet, "soft-anti-affinity", "g", "h")
    assert hosts(sqlite_fleet) == ["two", "one"]


def test_a_guest_that_moves_is_on_both_ends(fleet: Fleet) -> None:
    three_hosts(fleet)
    group(fleet, "anti-affinity", "g", "h")
    expect(fleet.claim("m", "g", "two"), 200)

    assert hosts(fleet, "h") == []
    refused = fleet.claim("n", "h", "home")
    assert (refused.status, refused.error["code"]) == (409, "no_target")
    fleet.step("m", "abort", {})
    assert sorted(hosts(fleet, "h")) == ["two"]


def at_once(fleet: Fleet, *moves: tuple[str, str]) -> list[Any]:
    """Claim host `free` for several guests at once; gives the answers."""
    told: list[Any] = []

    def claim(move: str, guest: str) -> None:
        told.append(fleet.claim(move, guest, "free"))

    threads = [threading.Thread(target=claim, args=each) for each in moves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return told


def test_of_two_that_are_claimed_for_at_once_one_gets_the_host(fleet: Fleet) -> None:
    """Both see the host empty; the transaction of the claim looks again."""
    for host in ("home", "other", "free"):
        fleet.report(host)
    fleet.boot("g", "home")
    fleet.boot("h", "other")
    group(fleet, "anti-affinity", "g", "h")
    for turn in range(6):
        told = at_once(fleet, (f"m{turn}", "g"), (f"n{turn}", "h"))
        assert sorted(each.status for each in told) == [200, 409]
        loser = next(each for each in told if each.status == 409)
        assert loser.error["code"] in {"migration.group", "no_target"}
        for move in (f"m{turn}", f"n{turn}"):
            fleet.step(move, "abort", {})


def test_a_group_that_is_none_is_told_so(sqlite_fleet: Fleet) -> None:
    unknown = sqlite_fleet.service.ask("GET", "/wherry/groups/nobody")
    odd = sqlite_fleet.service.ask("PUT", "/wherry/groups/web", {"policy": "affinity", "most": 2})
    twice = {"policy": "affinity", "guests": [name_of("g"), name_of("g")]}

    assert (unknown.status, unknown.error["code"]) == (404, "not_found")
    assert (odd.status, odd.error["code"]) == (400, "invalid_request")
    assert sqlite_fleet.service.ask("PUT", "/wherry/groups/web", twice).status == 400
    assert sqlite_fleet.service.get("/wherry/groups") == {"groups": []}
