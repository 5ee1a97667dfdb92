"""The real ``openstack`` client with osc-placement drives a whole life, and notices nothing."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from identity_server import PASSWORD, SERVICE_TOKEN, a_token, run_identity
from openstack_client import Client, environ_of_client, require_client, run_client
from service import Process, start_process

H1, N1, N2, G1, H2, G2 = (f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 7))
GUEST, MIGRATION = (f"c000000{n}-0000-4000-8000-000000000000" for n in (1, 2))
ROW = "a0000000-0000-4000-8000-000000000000"
PROJECT, USER = "alpha", "ursula"
WHOSE = f"--project-id {PROJECT} --user-id {USER} --consumer-type INSTANCE"
RP = "resource provider"
pytestmark = pytest.mark.xdist_group("openstack client")  # one client to load, one service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """What an operator runs, and what a test of Placement's asks."""
    require_client()
    process = start_process(tmp_path_factory.mktemp("service"), "--auth", "noauth2")
    yield process
    process.stop()


def options(url: str) -> tuple[str, ...]:
    return ("--os-auth-type", "admin_token", "--os-token", "admin", "--os-endpoint", url)


@pytest.fixture(scope="module")
def client(service: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client that is an administrator."""
    with run_client(tmp_path_factory.mktemp("home"), *options(service.url)) as client:
        yield client


def used(client: Client, provider: str) -> dict[str, int]:
    rows = client.show(f"{RP} usage show {provider}")
    return {row["resource_class"]: row["usage"] for row in rows}


def held(client: Client, consumer: str) -> dict[str, dict[str, int]]:
    rows = client.show(f"{RP} allocation show {consumer}")
    return {row["resource_provider"]: row["resources"] for row in rows}


def generation(client: Client, provider: str) -> int:
    return int(client.show(f"{RP} show {provider}")["generation"])


def test_a_whole_life(client: Client) -> None:
    _make_trees(client)
    _find_candidates(client)
    _hold_and_move(client)
    _take_all_away(client)


def _make_trees(client: Client) -> None:
    """Two hosts with NUMA nodes and GPUs, inventories, names, traits, an aggregate."""
    client.do("resource class create CUSTOM_LICENCE")
    client.do("trait create CUSTOM_FAST")
    for uuid, name, parent in (
        (H1, "compute-1", None),
        (N1, "compute-1_NUMA0", H1),
        (N2, "compute-1_NUMA1", H1),
        (G1, "compute-1_gpu", N2),
        (H2, "compute-2", None),
        (G2, "compute-2_gpu", H2),
    ):
        below = f"--parent-provider {parent}" if parent else ""
        made = client.show(f"{RP} create {name} --uuid {uuid} {below}")
        assert (made["uuid"], made["name"], made["generation"]) == (uuid, name, 0)
        assert made["parent_provider_uuid"] == parent
    tree = {row["name"] for row in client.show(f"{RP} list --in-tree {G1}")}
    assert tree == {"compute-1", "compute-1_NUMA0", "compute-1_NUMA1", "compute-1_gpu"}

    for host in (H1, H2):
        rows = client.show(
            f"{RP} inventory set {host} --resource VCPU=16 --resource VCPU:allocation_ratio=2 "
            "--resource MEMORY_MB=4096 --resource MEMORY_MB:reserved=512 "
            "--resource CUSTOM_LICENCE=1"
        )
        assert {row["resource_class"]: row["total"] for row in rows} == {
            "VCPU": 16,
            "MEMORY_MB": 4096,
            "CUSTOM_LICENCE": 1,
        }
    for gpu in (G1, G2):
        client.do(f"{RP} inventory set {gpu} --resource VGPU=1")
        told = client.show(f"{RP} inventory class set {gpu} VGPU --total 8 --max_unit 4")
        assert (told["total"], told["max_unit"]) == (8, 4)
        assert client.show(f"{RP} inventory show {gpu} VGPU")["total"] == 8
    client.do(f"{RP} trait set {G1} --trait CUSTOM_FAST --trait HW_GPU_API_VULKAN")
    names = {row["name"] for row in client.show(f"{RP} trait list {G1}")}
    assert names == {"CUSTOM_FAST", "HW_GPU_API_VULKAN"}
    now = generation(client, H2)
    client.do(f"{RP} aggregate set {H2} --aggregate {ROW} --generation {now}")
    assert client.show(f"{RP} aggregate list {H2}") == [{"uuid": ROW}]
    assert "409" in client.refused(f"{RP} aggregate set {H2} --generation {now}")
    assert [row["uuid"] for row in client.show(f"{RP} list --member-of {ROW}")] == [H2]


def _find_candidates(client: Client) -> None:
    """Both hosts, the one with a trait, the one without, and by groups."""
    ask = "allocation candidate list --resource VCPU=2 --resource VGPU=1"

    def where(words: str) -> set[str]:
        return {row["resource provider"] for row in client.show(f"{ask} {words}")}

    assert where("") == {H1, G1, H2, G2}
    assert where("--required CUSTOM_FAST") == {H1, G1}
    assert where("--forbidden CUSTOM_FAST") == {H2, G2}
    assert where(f"--member-of {ROW} --limit 5") == {H2, G2}
    grouped = client.show(
        "allocation candidate list --group 1 --resource VGPU=2 --required CUSTOM_FAST "
        "--group 2 --resource VCPU=1 --group-policy isolate"
    )
    assert {(row["resource provider"], row["allocation"]) for row in grouped} == {
        (G1, "VGPU=2"),
        (H1, "VCPU=1"),
    }
    old = client.show("allocation candidate list --resource VGPU=1", version="1.10")
    assert {row["resource provider"] for row in old} == {G1, G2}


def _hold_and_move(client: Client) -> None:
    """Boot, grow, refuse what does not fit, migrate as Nova does, take one class back."""
    row = f"--allocation rp={H1},VCPU=2,MEMORY_MB=1024 --allocation rp={G1},VGPU=1"
    client.do(f"{RP} allocation set {GUEST} {row} {WHOSE}")
    assert held(client, GUEST) == {H1: {"VCPU": 2, "MEMORY_MB": 1024}, G1: {"VGPU": 1}}
    assert used(client, H1) == {"VCPU": 2, "MEMORY_MB": 1024, "CUSTOM_LICENCE": 0}

    said = client.refused(f"{RP} allocation set {GUEST} --allocation rp={G1},VGPU=5 {WHOSE}")
    assert "409" in said
    assert "Unable to allocate inventory" in said
    assert used(client, G1) == {"VGPU": 1}
    said = client.refused(f"{RP} allocation set {GUEST} --allocation rp={G1},NOTHING=1 {WHOSE}")
    assert "400" in said

    client.do(f"{RP} allocation set {MIGRATION} {row} {WHOSE.replace('INSTANCE', 'MIGRATION')}")
    there = f"--allocation rp={H2},VCPU=2,MEMORY_MB=1024 --allocation rp={G2},VGPU=1"
    client.do(f"{RP} allocation set {GUEST} {there} {WHOSE}")
    client.do(f"{RP} allocation delete {MIGRATION}")
    assert held(client, GUEST) == {H2: {"VCPU": 2, "MEMORY_MB": 1024}, G2: {"VGPU": 1}}
    assert (used(client, G1), used(client, G2)) == ({"VGPU": 0}, {"VGPU": 1})

    def usages(words: str, version: str) -> dict[str, int]:
        rows = client.show(f"resource usage show {words} {PROJECT}", version=version)
        return {row["resource_class"]: row["usage"] for row in rows}

    assert usages("", "1.9") == {"VCPU": 2, "MEMORY_MB": 1024, "VGPU": 1}
    assert usages("--user-id nobody", "1.9") == {}

    assert "409" in client.refused(f"{RP} inventory delete {G2} --resource-class VGPU")
    client.do(f"{RP} allocation unset {GUEST} --resource-class MEMORY_MB")
    assert held(client, GUEST) == {H2: {"VCPU": 2}, G2: {"VGPU": 1}}
    client.do(f"{RP} allocation unset {GUEST} --provider {G2}")
    assert held(client, GUEST) == {H2: {"VCPU": 2}}
    client.do(f"{RP} allocation unset {GUEST}")
    assert held(client, GUEST) == {}


def _take_all_away(client: Client) -> None:
    """Leaves first; nothing of what was made is left behind."""
    client.do(f"{RP} trait delete {G1}")
    assert client.show(f"{RP} trait list {G1}") == []
    client.do(f"{RP} inventory delete {H1} --resource-class CUSTOM_LICENCE")
    assert "CUSTOM_LICENCE" not in used(client, H1)
    client.do(f"{RP} inventory delete {H1}")
    assert client.show(f"{RP} inventory list {H1}") == []
    assert client.show(f"{RP} set {N1} --name node-0")["name"] == "node-0"
    assert "409" in client.refused(f"{RP} delete {H1}")
    for uuid in (G1, N1, N2, H1, G2, H2):
        client.do(f"{RP} delete {uuid}")
    assert client.show(f"{RP} list") == []
    assert "404" in client.refused(f"{RP} show {H1}")
    client.do("trait delete CUSTOM_FAST")
    assert "404" in client.refused("trait show CUSTOM_FAST")
    client.do("resource class delete CUSTOM_LICENCE")
    assert "404" in client.refused("resource class show CUSTOM_LICENCE")


def test_the_oldest_version_still_serves(client: Client) -> None:
    made = client.show(f"{RP} create old --uuid {H1}", version="1.0")
    assert made["name"] == "old"
    client.do(f"{RP} inventory set {H1} --resource VCPU=4", version="1.0")
    client.do(f"{RP} allocation set {GUEST} --allocation rp={H1},VCPU=1", version="1.0")
    rows = client.show(f"{RP} allocation show {GUEST}", version="1.0")
    assert [(row["resource_provider"], row["resources"]) for row in rows] == [(H1, {"VCPU": 1})]
    client.do(f"{RP} allocation delete {GUEST}", version="1.0")
    client.do(f"{RP} delete {H1}", version="1.0")


def test_the_command_itself_asks_as_a_person_does(service: Process, tmp_path: Path) -> None:
    """No driver of ours in between: the command that an operator has."""
    words = ("--os-placement-api-version", "1.39", "resource", "class", "list", "-f", "json")
    done = subprocess.run(
        [require_client(), *options(service.url), *words],
        capture_output=True,
        text=True,
        env=environ_of_client(tmp_path),
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {"name": "VGPU"} in json.loads(done.stdout)


def test_a_password_finds_the_service_through_the_catalogue(client: Client, tmp_path: Path) -> None:
    """Client, identity server and service, each with the others as in a cloud."""
    with run_identity() as identity:
        config = identity.config(tmp_path)
        words = ("--auth", "keystone", "--keystone-config", str(config))
        process = start_process(tmp_path / "state", *words)
        try:
            identity.services["placement"] = process.url
            identity.tokens[SERVICE_TOKEN] = a_token("service", user="nova", project="service")
            nova = replace(client, options=_as_nova(identity.url))
            made = nova.show(f"{RP} create compute-9")
        finally:
            process.stop()
    assert made["name"] == "compute-9"
    assert identity.asked == [SERVICE_TOKEN]


def _as_nova(url: str) -> tuple[str, ...]:
    known = {
        "auth-url": f"{url}/v3",
        "username": "nova",
        "password": PASSWORD,
        "project-name": "service",
        "user-domain-id": "default",
        "project-domain-id": "default",
    }
    return tuple(text for name, value in known.items() for text in (f"--os-{name}", value))
