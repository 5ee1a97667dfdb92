"""How long it takes to rank a whole fleet for one guest, with every refusal counted.

    python -m benchmarks targets [--hosts 1000 10000] [--devices 8] [--rounds 20] [--seed 1]

It is `wherry bench targets` for several sizes; ratios are of a plain loop over hosts.
"""

import argparse

from wherry.bench.figures import HEAD, render
from wherry.bench.targets import time_targets


def main(argv: list[str] | None = None) -> None:
    """Time fleets of the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    print(HEAD.rstrip())
    for hosts in args.hosts:
        for figure in time_targets(hosts, args.devices, seed=args.seed, rounds=args.rounds):
            print(render(figure), flush=True)


if __name__ == "__main__":
    main()
