"""How many guests a second find a place and take it: GET candidates, then PUT one of them.

    python -m benchmarks loop [--hosts 1000] [--peer-hosts 0] [--clients 8] [--workers 2]
                              [--seconds 10] [--engine postgresql]

What a scheduler does with each new guest, on vGPU hosts (two NUMA nodes with two boards each), with
limit 1000: it asks, takes one of the candidates by lot, and writes it; a 409 is asked anew.  With
*peer-hosts* openstack-placement does the same on so many hosts, before.

A client reads every answer to its end, but of its JSON only the candidate that it takes: the first
that begins behind a place in the text which it has chosen by lot.  Both services name their
candidates before the summaries.

Afterwards just the acknowledged units must be in use.  *claims/s* is what all clients get
together, *CPU* of the service and its database for each claim, and apart from it of the clients.
"""

import argparse
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from benchmarks.client import Client, load, make_fleet
from benchmarks.register import service
from benchmarks.servers import Server, find_peer
from wherry.bench.queries import PLAIN

QUERY = f"{PLAIN}&resources_G=VGPU:1&required_G=CUSTOM_NVIDIA_558&group_policy=none&limit=1000"


BEGIN, END = b'{"allocations"', b'"provider_summaries"'
LONGEST = 4096
"""Bytes of a candidate, at most."""
_decoder = json.JSONDecoder()


def pick(raw: bytes, dice: random.Random) -> Any:
    """Take one candidate of an answer by lot; None where there is none."""
    first, end = raw.find(BEGIN), raw.index(END)
    if not 0 <= first < end:
        return None
    at = raw.find(BEGIN, dice.randrange(first, end), end)
    at = first if at < 0 else at
    return _decoder.raw_decode(raw[at : at + LONGEST].decode())[0]


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
        chosen = pick(raw, self._dice)
        if chosen is None:
            raise RuntimeError("the fleet is full: ask for more hosts, or fewer seconds")
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
    cpu, own, until = server.cpu_s(), time.process_time(), time.monotonic() + args.seconds
    began = time.perf_counter()
    with ThreadPoolExecutor(args.clients) as pool:
        list(pool.map(lambda each: each.run(until), clients))
    seconds, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    own = time.process_time() - own
    placed, refused = (sum(getattr(c, what) for c in clients) for what in ("placed", "refused"))
    client = Client(server)
    used = client("GET", "/usages?project_id=bench&consumer_type=all")["usages"]["all"]
    client.close()
    assert (used["VGPU"], used["VCPU"], used["consumer_count"]) == (placed, 2 * placed, placed)
    rate = placed / seconds
    print(
        f"  {server.name:20} {hosts:6} hosts {rate:9.2f} claims/s "
        f"{cpu / placed * 1000:8.2f} ms CPU a claim, {own / placed * 1000:.2f} of clients   "
        f"{refused} asked anew",
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
