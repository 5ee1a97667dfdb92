"""How many claims a second are acknowledged once they are on disk, with the server's CPU time.

    python -m benchmarks claims [--engine sqlite postgresql] [--hosts 200] [--hot 4]
                                [--clients 1 16 64] [--sessions 1 8 32] [--rounds 3] [--seconds 5]
                                [--fleet vgpu] [--seed 1] [--json FILE]

It is `wherry bench claims` on databases of its own: a SQLite file, and a PostgreSQL server with
fsync on, whose CPU time is counted too.
"""

import argparse
import tempfile
from pathlib import Path

import msgspec

from benchmarks.servers import run_postgresql
from wherry.bench.claims import Load, flush_ms, time_claims
from wherry.bench.figures import HEAD, measured, render, this_machine


def main(argv: list[str] | None = None) -> None:
    """Time the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--engine", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    parser.add_argument("--fleet", default="vgpu", choices=["flat", "vgpu", "pci", "mig"])
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--hot", type=int, default=4)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    machine, figures = this_machine(), []

    def tell(url: str, clients: list[int], server: int | None) -> None:
        load = Load(
            clients=tuple(clients), hot=args.hot, rounds=args.rounds, seconds=args.seconds,
            server=server,
        )  # fmt: skip
        for figure in time_claims(url, args.fleet, args.hosts, seed=args.seed, load=load):
            figures.append(figure)
            print(render(figure), flush=True)

    print(HEAD.rstrip())
    if "sqlite" in args.engine:
        with tempfile.TemporaryDirectory(prefix="wherry-claims-") as folder:
            flush = flush_ms(Path(folder))
            print(f"SQLite, one process, synchronous=FULL, in groups; {flush:.2f} ms a flush")
            tell(f"sqlite:///{folder}/fleet.db", args.clients, None)
    if "postgresql" in args.engine:
        with run_postgresql() as database:
            print("PostgreSQL, processes of at most 8 sessions, fsync on")
            tell(database.urls[0], args.sessions, database.pid)
    if args.json:
        asked = {"what": "claims", **vars(args), "json": str(args.json)}
        args.json.write_bytes(msgspec.json.encode(measured(asked, figures, machine)))


if __name__ == "__main__":
    main()
