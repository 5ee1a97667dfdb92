"""Four boards whose quantities move together, asked by a client of Placement at every step.

mtty's two types on one pool of ports; MIG slices that sit in places; an A6000 whose first vGPU
fixes the size of all; GVT-g types that weigh in three pools.  A tiny model knows what is taken and
tries every way to seat it; candidates, inventories, usages, offers and claims say what it says.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_uuid
from engines import EngineMaker
from host_facts import a_pf, a_vgpu_vf
from host_facts import a_report as a_report_of
from placement_wire import RP, Wire, holds
from reports import a_report
from wherry.app import compositions, offers, reports
from wherry.app.engine import Engine
from wherry.model.compositions import CompositionRequest, PartRequest
from wherry.model.errors import CapacityExceeded, CompositionHeld, ExclusiveConflict, NoPlace
from wherry.model.facts import Report
from wherry.model.positions import parse_places
from wherry.profiles.pairs import parse_pairs
from wherry.store.audit import audit, overfull
from wherry.store.holdings import read_holding

CONSUMERS = tuple(a_uuid(f"consumer {n}") for n in range(5))
_worlds = itertools.count()


@dataclass(frozen=True)
class Kind:
    """One type: its class, its recipe, where it may sit, and what all must agree in."""

    view: str
    units: dict[str, int]
    places: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True)
class Board:
    """A board by hand: pools and types."""

    pools: dict[str, int]
    kinds: dict[str, Kind]
    limits: dict[str, int] = field(default_factory=dict)


MTTY = Board(
    pools={"PORT": 24},
    kinds={f"mtty/mtty-{n}": Kind(f"CUSTOM_MTTY_{n}", {"PORT": n}) for n in (1, 2)},
)
MIG = Board(
    pools={"SLICE": 7},
    kinds={
        f"nvidia/A100-{name}": Kind(
            f"CUSTOM_VGPU_A100_{name.replace('-', '_')}", {"SLICE": n}, parse_places(places)
        )
        for name, n, places in (
            ("1-5C", 1, "{0,1,2,3,4,5,6}:1"),
            ("2-10C", 2, "{0,2,4}:2"),
            ("3-20C", 3, "{0,4}:4"),
            ("4-20C", 4, "{0}:4"),
            ("7-40C", 7, "{0}:8"),
        )
    },
)
A6000 = Board(
    pools={"FB": 49152, "SLOT": 32},
    kinds={
        f"nvidia/RTXA6000-{name}": Kind(
            f"CUSTOM_NVIDIA_{number}", {"FB": mb, "SLOT": 1}, size=mb
        )
        for name, number, mb in (
            ("4Q", 527, 4096), ("8Q", 529, 8192), ("8C", 550, 8192), ("16Q", 531, 16384),
            ("24C", 553, 24576), ("48Q", 533, 49152),
        )
    },
)  # fmt: skip
GVT = Board(
    pools={"LOW": 896, "HIGH": 2688, "FENCE": 28},
    kinds={
        f"i915/GVTg_V5_{n}": Kind(
            f"CUSTOM_I915_GVTG_V5_{n}", {"LOW": low, "HIGH": high, "FENCE": 4}
        )
        for n, low, high in ((1, 512, 2048), (2, 256, 1024), (4, 128, 512), (8, 64, 384))
    },
)


def mtty(host: str) -> Report:
    return a_report("mtty-fresh", host=host)


def gvt(host: str) -> Report:
    return a_report("constructed-gvtg-v5", host=host)


def mig(host: str) -> Report:
    """An A100 in MIG mode, with sixteen VFs that could each be any of its types."""
    lines = {n: f"NVIDIA {kind.removeprefix('nvidia/')}" for n, kind in enumerate(MIG.kinds, 1)}
    pf = a_pf(vfs=16, driver="nvidia", vendor="10de", device="20f1", class_="030200")
    vfs = [a_vgpu_vf(vf, lines, device="20f1") for vf in range(16)]
    return a_report_of(pf, *vfs, name=host)


def a6000(host: str) -> Report:
    """The recorded board, before anything was made on it."""
    report = a_report("constructed-nvidia-a6000", host=host)

    def fresh(one: Any) -> Any:
        most = parse_pairs(str(one.attributes["description"]))["max_instance"]
        return replace(one, attributes={**one.attributes, "available_instances": most})

    devices = tuple(
        one
        if one.mdev_types is UNSET
        else replace(one, mdev_types=tuple(map(fresh, one.mdev_types)))
        for one in report.facts.devices
    )
    return replace(report, facts=replace(report.facts, devices=devices, instances=()))


STORIES = {"mtty": (mtty, MTTY), "mig": (mig, MIG), "a6000": (a6000, A6000), "gvt-g": (gvt, GVT)}


class Model:
    """What is taken of a board, by whom."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.held: dict[str, list[str]] = {}

    def fits(self, more: list[str], but: str | None = None) -> bool:
        """Whether all that is held, but by one consumer, and more fit together."""
        others = [one for who, held in self.held.items() if who != but for one in held]
        return self._is_possible([*others, *more], seated=self._seats(but))

    def free(self, kind: str) -> int:
        """How many more of a type fit."""
        return next(n for n in itertools.count() if not self.fits([kind] * (n + 1)))

    def _seats(self, but: str | None) -> dict[str, list[str]]:
        return {}

    def _is_possible(self, kinds: list[str], seated: Any) -> bool:
        taken: Counter[str] = Counter()
        for one in kinds:
            taken.update(self.board.kinds[one].units)
        if any(n > self.board.pools[pool] for pool, n in taken.items()):
            return False
        return len({self.board.kinds[one].size for one in kinds}) < 2


class Seated(Model):
    """A board with places: who sits where is what the store says, and must make sense."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.places: dict[str, list[tuple[str, str]]] = {}
        """Consumer to type and place of each of its devices."""

    def fits(self, more: list[str], but: str | None = None) -> bool:
        if not super().fits(more, but):
            return False
        taken = {
            n
            for who, seats in self.places.items()
            if who != but
            for _, p in seats
            for n in cells(p)
        }
        return can_sit([self.board.kinds[one].places for one in more], taken)


def cells(place: str) -> set[int]:
    start, size = map(int, place.split(":"))
    return set(range(start, start + size))


def can_sit(wanted: list[tuple[str, ...]], taken: set[int]) -> bool:
    if not wanted:
        return True
    return any(
        can_sit(wanted[1:], taken | cells(place)) for place in wanted[0] if not cells(place) & taken
    )


class Boards(RuleBasedStateMachine):
    """One board of its own in the store, asked over the wire, and its model."""

    engine: Engine
    story: str

    @initialize()
    def begin(self) -> None:
        make, board = STORIES[self.story]
        self.host = f"{self.story}-{next(_worlds)}"
        reports.put_report(self.engine, make(self.host))
        self.wire = Wire(self.engine)
        self.board = board
        self.model = Seated(board) if self.story == "mig" else Model(board)
        first = next(iter(board.kinds))
        (row,) = offers.list_offers(self.engine, self.host, first).offers
        self.provider = row.provider
        self.kinds = sorted(board.kinds)

    def who(self, number: int) -> str:
        return a_uuid(f"consumer {number} of {self.host}")

    @rule(number=st.integers(0, 4), picks=st.lists(st.integers(0, 5), min_size=1, max_size=4))
    def take(self, number: int, picks: list[int]) -> None:
        """A consumer shall hold some types, instead of what it held."""
        wanted = [self.kinds[pick % len(self.kinds)] for pick in picks]
        amounts = Counter(self.board.kinds[one].view for one in wanted)
        consumer = self.who(number)
        if consumer in self.model.held:
            self.give_back(number)
        query = ",".join(f"{name}:{amount}" for name, amount in sorted(amounts.items()))
        for more in ("", "&limit=1"):
            asked = f"resources={query}&in_tree={self.provider}{more}"
            found = self.wire.ok("GET", f"/allocation_candidates?{asked}")
            listed = [each["allocations"].keys() for each in found["allocation_requests"]]
            assert listed == ([{self.provider}] if self.model.fits(wanted) else []), wanted
        told = self.wire(
            "PUT", f"/allocations/{consumer}", holds({self.provider: {"resources": amounts}})
        )
        assert (told.status == 204) == self.model.fits(wanted), (told.body, wanted)
        if told.status == 204:
            self.model.held[consumer] = wanted
            self._learn_seats(consumer)

    @rule(number=st.integers(0, 4))
    def give_back(self, number: int) -> None:
        """A consumer lets go of all."""
        consumer = self.who(number)
        told = self.wire("DELETE", f"/allocations/{consumer}")
        assert told.status == (204 if consumer in self.model.held else 404)
        self.model.held.pop(consumer, None)
        if isinstance(self.model, Seated):
            self.model.places.pop(consumer, None)

    def _learn_seats(self, consumer: str) -> None:
        """Devices sit where their type may, and apart from all others."""
        if not isinstance(self.model, Seated):
            return
        held = self.engine.store.read(lambda tx: read_holding(tx, consumer))
        seats = [(each.type, str(each.place)) for each in held.occupants]
        assert sorted(kind for kind, _ in seats) == sorted(self.model.held[consumer])
        assert all(place in self.board.kinds[kind].places for kind, place in seats)
        self.model.places[consumer] = seats
        taken = [n for each in self.model.places.values() for _, p in each for n in cells(p)]
        assert len(taken) == len(set(taken))

    @rule(picks=st.lists(st.integers(0, 5), min_size=1, max_size=3))
    def compose(self, picks: list[int]) -> None:
        """Types that are set aside as one are gone like any others, and come back."""
        wanted = [self.kinds[pick % len(self.kinds)] for pick in picks]
        uuid = a_uuid(f"composition of {self.host}")
        if uuid in self.model.held:
            with pytest.raises(CompositionHeld) if self._is_composed_held(uuid) else nothing():
                compositions.dissolve(self.engine, self.provider, uuid)
                self.model.held.pop(uuid)
                if isinstance(self.model, Seated):
                    self.model.places.pop(uuid)
            return
        parts = tuple(PartRequest(type=one) for one in wanted)
        asked = CompositionRequest(uuid=uuid, name="both", parts=parts)
        try:
            made = compositions.create(self.engine, self.provider, asked)
        except (CapacityExceeded, ExclusiveConflict, NoPlace):
            assert not self.model.fits(wanted)
            return
        assert self.model.fits(wanted)
        assert made.parts
        self.model.held[uuid] = wanted
        self._learn_seats(uuid)

    @rule()
    def hold_composed(self) -> None:
        """A guest takes the composed device, or lets it go."""
        uuid, guest = a_uuid(f"composition of {self.host}"), a_uuid(f"guest of {self.host}")
        if uuid not in self.model.held:
            return
        if self._is_composed_held(uuid):
            assert self.wire("DELETE", f"/allocations/{guest}").status == 204
            return
        asked = {uuid: {"resources": {"CUSTOM_COMPOSED_BOTH": 1}}}
        assert self.wire("PUT", f"/allocations/{guest}", holds(asked)).status == 204

    def _is_composed_held(self, uuid: str) -> bool:
        usages = self.wire.ok("GET", f"{RP}/{uuid}/usages")["usages"]
        return usages.get("CUSTOM_COMPOSED_BOTH", 0) > 0

    @invariant()
    def everything_says_the_same(self) -> None:
        stock = self.wire.ok("GET", f"{RP}/{self.provider}/inventories")["inventories"]
        usages = self.wire.ok("GET", f"{RP}/{self.provider}/usages")["usages"]
        fits = {
            row.offer.type: row.fits
            for row in offers.list_offers(self.engine, self.host, None).offers
        }
        for kind, one in self.board.kinds.items():
            free = self.model.free(kind)
            shown = stock[one.view]
            left = shown["total"] - shown["reserved"] - usages[one.view]
            assert left == free, (kind, shown, usages, self.model.held)
            assert fits[kind] == free, (kind, fits)
            for amount in {max(free, 1), free + 1}:
                query = f"/allocation_candidates?resources={one.view}:{amount}"
                found = self.wire.ok("GET", query)["allocation_requests"]
                names = {uuid for each in found for uuid in each["allocations"]}
                assert (self.provider in names) == (amount <= free), (kind, amount)
        assert self.engine.store.read(audit) == []
        assert self.engine.store.read(overfull) == []


class nothing:  # noqa: N801
    """A block in which nothing is expected to be raised."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("story", sorted(STORIES))
def test_candidates_inventories_offers_and_claims_agree_at_every_step(
    make: EngineMaker, store_url: str, story: str
) -> None:
    engine = make(store_url)

    class Told(Boards):
        pass

    Told.engine, Told.story = engine, story
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Told, settings=settings(max_examples=4, stateful_step_count=8, deadline=None)
    )
