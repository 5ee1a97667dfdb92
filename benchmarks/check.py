"""How many pairs a second ``wherry check --ndjson`` answers in one stream, on one core.

    python -m benchmarks check [--pairs 20000] [--rounds 5] [--seed 1]

The worlds are made from the seed: guests whose devices are of seven kinds (GPU mdevs, an
encryption accelerator, network functions, a serial port), against offers in several driver
versions, configurations and fill levels.  In *fleet* each guest looks for a target among a
hundred providers, as a scheduler asks; in *strangers* no two pairs have a guest or a provider
in common, so that every byte has to be read.  Before anything is timed, the answers of the
command are held against the check of each pair by itself.

*cold* is the whole command, from starting the process to the last byte out; *start* is the
interpreter and the imports alone (an empty stream); *stream* is the one without the other,
as a caller sees it once the process is up.  CPU is what the process used: on a machine that
does other things too, it says what one core can do.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from wherry.compat.answer import answer, encode, parse_request

Json = dict[str, Any]

COMMAND: Final = str(Path(sys.executable).with_name("wherry"))
ABILITY: Final[Json] = {"support": "yes", "flags": ["stop_copy", "p2p", "pre_copy"]}
PACK: Final[Json] = {
    "id": "vgpu-manager",
    "rows": [
        {"id": "same-branch", "types": ["nvidia/*"], "severity": "no",
         "require": {"target.host_branch": {"in": ["550", "570"]}}, "because": "tested pairs"},
        {"id": "not-older", "types": ["nvidia/*"], "severity": "warn",
         "compare": {"vgpu_manager": "ge"}},
    ],
}  # fmt: skip


def make_uuid(dice: random.Random) -> str:
    """A uuid of the seed."""
    return str(UUID(int=dice.getrandbits(128)))


def contract(dice: random.Random, **fields: Any) -> Json:
    """A contract with what every guest has of its own."""
    return {
        "schema": "wherry.device/1", "record": "contract", "consumer": make_uuid(dice),
        "slot": f"dev{dice.randrange(4)}", "pinned_at": "2026-03-01T08:00:00Z",
        "guest_address": f"0000:0{dice.randrange(10)}:00.0", **fields,
    }  # fmt: skip


def offer(dice: random.Random, parent: Json, **fields: Any) -> Json:
    """An offer with what every provider has of its own."""
    address = f"0000:{dice.randrange(256):02x}:00.0"
    return {
        "schema": "wherry.device/1", "record": "offer", "provider": make_uuid(dice),
        "generation": dice.randrange(1, 50), "observed_at": "2026-03-02T09:30:00Z",
        "parent": {**parent, "address": address}, **fields,
    }  # fmt: skip


def gpu(dice: random.Random) -> tuple[Json, Json]:
    """An mdev of a GPU whose first instance fixes the size of the board."""
    part = dice.choice((4096, 10240))
    shared = {
        "kind": "mdev", "device_api": "vfio-pci", "device_class": "display",
        "type": f"nvidia/GRID-A100-{part // 1024}C", "units": {"CUSTOM_GPU_FB_MB": part},
    }  # fmt: skip
    guest_env = {"host_os": "rhel 9.6", "vgpu_manager": "550.54.14"}
    ours = contract(
        dice, **shared, interface={"policy": "range", "version": str(dice.randrange(4, 9))},
        params={"ecc": dice.random() < 0.9, "fb_mb": part, "board": "A100-40GB"}, env=guest_env,
        migration={**ABILITY, "stop_copy_bytes": 2**30, "blockers": []},
    )  # fmt: skip
    branch = dice.choice(("535.129.03", "550.90.07", "570.10.01"))
    theirs = offer(
        dice, {"vendor": "10de", "device": "20f1", "driver": "nvidia", "driver_version": branch},
        **shared, interface={"policy": "range", "supports": {"min": "5", "max": "9"}},
        params={
            "ecc": {"type": "bool", "rule": "eq", "value": True},
            "fb_mb": {"type": "int", "value": part},
            "board": {"type": "str", "rule": "in", "allowed": ["A100-40GB", "A100-80GB"]},
            "timeslice_us": {"type": "int", "qos": True, "value": 2000},
        },
        pools={"CUSTOM_GPU_FB_MB": {"total": 40960, "used": part * dice.randrange(5)}},
        exclusive={"by": "fb_mb", "in_use": dice.choice(([], [part], [4096]))},
        env={"host_os": "rhel 9.6", "vgpu_manager": branch, "host_branch": branch[:3]},
        migration={**ABILITY, "modes": ["live", "suspend", "cold"], "bytes_per_s": 2 * 10**9},
    )  # fmt: skip
    return ours, theirs


def accelerator(dice: random.Random) -> tuple[Json, Json]:
    """A VF with a mask of abilities and a state format that only moves forward."""
    shared = {
        "kind": "vf", "device_api": "vfio-pci", "device_class": "crypto",
        "type": "qat_4xxx/sym-vf", "interface": {"policy": "none"},
        "migration": {"support": "yes", "flags": ["stop_copy", "p2p"]},
    }  # fmt: skip
    ours = contract(
        dice, **shared, params={"accel_caps": "0x0f", "ring_to_svc_map": "0x2d2", "sla_cir": 100},
        state={"policy": "monotonic", "emits": str(dice.randrange(1, 4))},
    )  # fmt: skip
    emits = str(dice.randrange(1, 4))
    theirs = offer(
        dice, {"vendor": "8086", "device": "4941", "driver": "4xxx"}, **shared,
        params={
            "accel_caps": {"type": "mask", "rule": "subset", "value": dice.choice(("0x1f", "0x7"))},
            "ring_to_svc_map": {"type": "mask", "rule": "eq", "value": "0x2d2"},
            "sla_cir": {"type": "int", "rule": "ge", "value": dice.choice((50, 150))},
        },
        state={"policy": "monotonic", "accepts": emits, "emits": emits},
    )  # fmt: skip
    return ours, theirs


def network(dice: random.Random) -> tuple[Json, Json]:
    """A VF of a NIC whose state is made of tagged records."""
    shared = {
        "kind": "vf", "device_api": "vfio-pci", "device_class": "network",
        "type": "mlx5/connectx-7-vf", "interface": {"policy": "none"},
    }  # fmt: skip
    modes = ["live", "suspend", "cold", "replug"]
    ours = contract(
        dice, **shared, parent={"vendor": "15b3", "device": "101e", "driver": "mlx5_vfio_pci"},
        state={"policy": "none", "tags": {"fw_data": "required", "stop_copy_size": "optional"}},
        migration={**ABILITY, "modes": modes},
    )  # fmt: skip
    theirs = offer(
        dice, {"vendor": "15b3", "device": "101e", "driver": "mlx5_vfio_pci"}, **shared,
        state={"policy": "none", "tags": dice.choice((["fw_data"], ["fw_data", "stop_copy_size"]))},
        migration={**ABILITY, "support": dice.choice(("yes", "yes", "disabled")), "modes": modes},
    )  # fmt: skip
    return ours, theirs


def virtio(dice: random.Random) -> tuple[Json, Json]:
    """A virtual NIC: feature bits as a mask, a number of queues that the claim sets."""
    shared = {
        "kind": dice.choice(("virtual", "vdpa")), "device_api": "virtio",
        "device_class": "network", "type": "virtio/net", "interface": {"policy": "none"},
        "migration": {"support": "yes"},
    }  # fmt: skip
    queues = dice.choice((1, 4, 8))
    ours = contract(
        dice, **shared, params={"guest_features": "0x10130afffa7", "num-queues": queues}
    )
    theirs = offer(
        dice, {"driver": "vhost_net"}, **shared,
        params={
            "guest_features": {"type": "mask", "rule": "subset", "value": "0x10179bfffe7"},
            "num-queues": {"type": "int", "rule": "in", "value": 4, "allowed": ["1-64"],
                           "settable": True},
        },
    )  # fmt: skip
    return ours, theirs


def aggregate(dice: random.Random) -> tuple[Json, Json]:
    """An mdev composed of parts, with a semver and features that can be masked."""
    shared = {
        "kind": "mdev", "device_api": "vfio-pci", "device_class": "display",
        "type": "i915/GVTg_V5", "migration": {"support": "yes"},
    }  # fmt: skip
    units = {"CUSTOM_GVT_LOW_GM_MB": 128, "CUSTOM_GVT_HIGH_GM_MB": 512, "CUSTOM_GVT_FENCE": 4}
    ours = contract(
        dice, **shared, interface={"version": dice.choice(("2.0.1", "2.1.1", "2.2.0"))},
        features=["context"], params={"aggregator": 2},
        composition=[{"type": "i915/GVTg_V5_4", "units": units, "count": 2}],
    )  # fmt: skip
    version = dice.choice(("2.0.1", "2.1.1", "3.0.0"))
    theirs = offer(
        dice, {"vendor": "8086", "device": "5912", "driver": "i915"}, **shared,
        interface={"policy": "semver", "supports": version},
        features={"context": {}, "ppgtt": {"maskable": dice.random() < 0.8}},
        params={"aggregator": {"type": "int", "rule": "in", "allowed": ["1-8"], "settable": True,
                               "off_value": 1}},
        units={name: 2 * amount for name, amount in units.items()},
        pools={"CUSTOM_GVT_LOW_GM_MB": {"total": 512, "used": 128 * dice.randrange(4)},
               "CUSTOM_GVT_HIGH_GM_MB": {"total": 4096}, "CUSTOM_GVT_FENCE": {"total": 32}},
    )  # fmt: skip
    return ours, theirs


def serial(dice: random.Random) -> tuple[Json, Json]:
    """An mdev of the kernel's sample driver: an exact state format and shared ports."""
    shared = {
        "kind": "mdev", "device_api": "vfio-pci", "device_class": "serial",
        "type": "mtty/mtty-2", "interface": {"policy": "none"}, "units": {"CUSTOM_MTTY_PORT": 2},
        "migration": {"support": "yes", "flags": ["stop_copy", "pre_copy"]},
    }  # fmt: skip
    ours = contract(
        dice, **shared, params={"nr_ports": 2},
        state={"policy": "exact", "emits": dice.choice(("1.0", "1.1"))},
    )  # fmt: skip
    accepts = dice.choice(("1.0", "1.1"))
    theirs = offer(
        dice, {"driver": "mtty"}, **shared,
        params={"nr_ports": {"type": "int", "rule": "eq", "value": 2}},
        pools={"CUSTOM_MTTY_PORT": {"total": 24, "used": dice.randrange(25)}},
        state={"policy": "exact", "accepts": accepts, "emits": accepts},
    )  # fmt: skip
    return ours, theirs


def whole_function(dice: random.Random) -> tuple[Json, Json]:
    """A whole NIC, which moves only by shutting down or by replugging."""
    shared = {
        "kind": "pf", "device_api": "vfio-pci", "device_class": "network",
        "type": dice.choice(("pci/8086:1593", "pci/8086:1572")), "interface": {"policy": "none"},
        "migration": {"support": "no", "modes": ["cold", "replug"]},
    }  # fmt: skip
    return contract(dice, **shared), offer(dice, {"vendor": "8086", "driver": "vfio-pci"}, **shared)


Device = Callable[[random.Random], tuple[Json, Json]]
DEVICES: Final[tuple[Device, ...]] = (
    gpu, gpu, gpu, accelerator, network, network, virtio, aggregate, serial, whole_function,
)  # fmt: skip
STRANGERS = 0.05
"""Share of pairs whose offer is of another kind of device."""
ASKED: Final = 100
"""Providers that one guest of the fleet is held against."""


def make_strangers(dice: random.Random, pairs: int) -> Iterator[Json]:
    """Pairs of which no two have a guest or a provider in common."""
    for _ in range(pairs):
        ours, theirs = dice.choice(DEVICES)(dice)
        if dice.random() < STRANGERS:
            _, theirs = dice.choice(DEVICES)(dice)
        yield make_request(ours, theirs)


def make_fleet(dice: random.Random, pairs: int) -> Iterator[Json]:
    """Guests that each look for a target among the providers of one fleet."""
    offers = {device: [device(dice)[1] for _ in range(300)] for device in DEVICES}
    every = [offer for kind in offers.values() for offer in kind]
    for _ in range(pairs // ASKED):
        device = dice.choice(DEVICES)
        ours, _ = device(dice)
        kin = dice.sample(offers[device], round(ASKED * (1 - STRANGERS)))
        known = {id(offer) for offer in offers[device]}
        others = [o for o in dice.sample(every, len(known) + ASKED) if id(o) not in known]
        for theirs in (*kin, *others[: ASKED - len(kin)]):
            yield make_request(ours, theirs)


def make_request(ours: Json, theirs: Json) -> Json:
    """A request with the policy that fits the device."""
    request = {"contract": ours, "offer": theirs}
    if ours["type"].startswith("nvidia/"):
        request["policy"] = {"packs": [PACK], "downtime": {"budget_ms": 500}}
    return request


WORLDS: Final = {"fleet": make_fleet, "strangers": make_strangers}


class Took(NamedTuple):
    """How long one process took."""

    wall_s: float
    cpu_s: float


def run(file: Path) -> tuple[list[bytes], Took]:
    """Answer a stream by the command, as a process of its own."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with file.open("rb") as stream:
        done = subprocess.run(  # noqa: S603 - our own command
            [COMMAND, "check", "--ndjson"], stdin=stream, stdout=subprocess.PIPE, check=True
        )
    wall_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout.splitlines(), Took(wall_s, cpu_s)


def check_answers(requests: list[Json], answers: list[bytes]) -> dict[str, int]:
    """Hold the stream's answers against the check of each pair by itself."""
    assert len(answers) == len(requests)
    for request, line in zip(requests, answers, strict=True):
        assert line == encode(answer(parse_request(json.dumps(request).encode())))
    return dict(sorted(Counter(json.loads(line)["verdict"] for line in answers).items()))


def main(argv: list[str] | None = None) -> None:
    """Make the streams, check their answers, time them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    assert args.pairs % ASKED == 0, f"--pairs is a multiple of {ASKED}"
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.ndjson")
        empty.write_bytes(b"")
        starts = [run(empty)[1] for _ in range(args.rounds)]
        print("start     " + show(median_of(starts), lambda seconds: f"{seconds * 1000:9.0f} ms"))
        for name, make in WORLDS.items():
            requests = list(make(random.Random(args.seed), args.pairs))
            time_world(name, requests, median_of(starts), Path(folder), args.rounds)


def time_world(name: str, requests: list[Json], start: Took, folder: Path, rounds: int) -> None:
    """Check the answers of one stream, then time it."""
    lines = [json.dumps(request, separators=(",", ":")).encode() for request in requests]
    assert len(set(lines)) == len(lines)
    stream = folder / f"{name}.ndjson"
    stream.write_bytes(b"".join(line + b"\n" for line in lines))
    verdicts = check_answers(requests, run(stream)[0])
    guests, providers = ({r[side][key] for r in requests} for side, key in SIDES)
    print(
        f"{name}: {len(lines)} pairs of {len(guests)} guests and {len(providers)} providers, "
        f"{sum(map(len, lines)) // len(lines)} bytes each, none twice; {verdicts}"
    )
    cold = median_of([run(stream)[1] for _ in range(rounds)])
    warm = Took(cold.wall_s - start.wall_s, cold.cpu_s - start.cpu_s)
    for what, took in (("cold", cold), ("stream", warm)):
        print(f"  {what:8}" + show(took, lambda seconds: f"{len(lines) / seconds:9.0f} pairs/s"))


SIDES: Final = (("contract", "consumer"), ("offer", "provider"))


def median_of(took: list[Took]) -> Took:
    """Give the median of wall clock and of CPU, each by itself."""
    return Took(statistics.median(t.wall_s for t in took), statistics.median(t.cpu_s for t in took))


def show(took: Took, render: Callable[[float], str]) -> str:
    """Show wall clock and CPU side by side."""
    return f"wall {render(took.wall_s)}   CPU of one core {render(took.cpu_s)}"


if __name__ == "__main__":
    main()
