"""How many guests a second find a place and take it: GET candidates, then PUT one of them.

    python -m benchmarks loop [--hosts 1000] [--peer-hosts 0] [--clients 8] [--workers 2]
                              [--seconds 10] [--engine postgresql]

What a scheduler does with each new guest, on vGPU hosts (two NUMA nodes with two boards each), with
limit 1000: it asks, takes one of the candidates by lot, and writes it; a 409 is asked anew.  With
*peer-hosts* openstack-placement does the same on so many hosts, before.

Afterwards just the acknowledged units must be in use.  *claims/s* is what all clients get
together, *CPU* of the service and its database for each claim.
"""

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import msgspec

from benchmarks.client import Client, load, make_fleet
from benchmarks.register import service
from benchmarks.servers import Server, find_peer
from wherry.bench.queries import PLAIN

QUERY = f"{PLAIN}&resources_G=VGPU:1&required_G=CUSTOM_NVIDIA_558&group_policy=none&limit=1000"


class Answer(msgspec.Struct):
    """Of an answer what a scheduler picks from; reading all of it would cost more than to ask."""

    allocation_requests: list[msgspec.Raw]


class Guests:
    """One client that places guest after guest."""

    def __init__(self, server: Server, seed: int) -> None:
        self._client = Client(server)
        self._dice = random.Random(seed)
        self.placed = 0
        self.refused = 0

    def run(self, until: float) -> None:
        """Place guests until a time."""
        while time.monotonic() < until:
            if self._place():
                self.placed += 1
            else:
                self.refused += 1
        self._client.close()

    def _place(self) -> bool:
        status, raw = self._client.send("GET", f"/allocation_candidates?{QUERY}", None)
        assert status == 200, (status, raw[:500])
        found = msgspec.json.decode(raw, type=Answer).allocation_requests
        if not found:
            raise RuntimeError("the fleet is full: ask for more hosts, or fewer seconds")
        chosen = msgspec.json.decode(self._dice.choice(found))
        guest = UUID(int=self._dice.getrandbits(128), version=4)
        body = {
            **chosen,
            "project_id": "bench",
            "user_id": "bench",
            "consumer_type": "INSTANCE",
            "consumer_generation": None,
        }
        status, _ = self._client.send("PUT", f"/allocations/{guest}", body)
        assert status in {204, 409}, status
        return status == 204


def measure(server: Server, hosts: int, args: argparse.Namespace) -> float:
    """Time all clients together; gives claims per second."""
    load(server, make_fleet("vgpu", hosts))
    clients = [Guests(server, number) for number in range(args.clients)]
    cpu, until = server.cpu_s(), time.monotonic() + args.seconds
    began = time.perf_counter()
    with ThreadPoolExecutor(args.clients) as pool:
        list(pool.map(lambda each: each.run(until), clients))
    seconds, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    placed, refused = (sum(getattr(c, what) for c in clients) for what in ("placed", "refused"))
    client = Client(server)
    used = client("GET", "/usages?project_id=bench&consumer_type=all")["usages"]["all"]
    client.close()
    assert (used["VGPU"], used["VCPU"], used["consumer_count"]) == (placed, 2 * placed, placed)
    rate = placed / seconds
    print(
        f"  {server.name:20} {hosts:6} hosts {rate:9.2f} claims/s "
        f"{cpu / placed * 1000:8.1f} ms CPU a claim   {refused} asked anew",
        flush=True,
    )
    return rate


def main(argv: list[str] | None = None) -> None:
    """Time the loop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--peer-hosts", type=int, default=0, help="0: the peer is not timed")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2, help="processes; on SQLite one")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--engine", default="postgresql", choices=["postgresql", "sqlite"])
    args = parser.parse_args(argv)
    print(f"{args.engine}, {args.clients} clients, limit 1000", flush=True)
    peer = None
    if args.peer_hosts and find_peer() is not None:
        with service("peer", args) as server:
            peer = measure(server, args.peer_hosts, args)
    with service("wherry", args) as server:
        rate = measure(server, args.hosts, args)
    if peer is not None:
        print(f"  ratio {rate / peer:.1f} x")


if __name__ == "__main__":
    main()
