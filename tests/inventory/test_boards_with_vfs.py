"""GPUs whose vGPUs are made on VFs: each VF says what it could be, and all draw on the board."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from host_facts import (
    PF,
    a_function,
    a_pf,
    a_plan,
    a_type,
    a_vf,
    a_vgpu,
    a_vgpu_vf,
    an_instance,
    codes_of,
    the_provider,
    vf_name,
)
from wherry.inventory.views import seen_use, view_free
from wherry.model.facts import Device, Instance
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.store.plans import facts_of

L40S = {1145: 1, 1146: 2, 1147: 4, 1148: 8, 1149: 16, 1150: 24, 1151: 48}
"""Number of a type to its framebuffer in GB; a board has 48."""
TYPES = tuple(L40S)


@dataclass(frozen=True)
class Board:
    """A board with VFs; the first vGPU fixes the size of all.

    Attributes:
        made: of each VF the number of its type, 0 where none is set.
    """

    made: tuple[int, ...]

    def creatable(self, vf: int) -> tuple[int, ...]:
        """Types that the driver lists on a VF now."""
        running = {number for number in self.made if number}
        free = 48 - sum(L40S[number] for number in self.made if number)
        if self.made[vf]:
            return ()
        return tuple(n for n in L40S if (not running or running == {n}) and L40S[n] <= free)

    def room(self, number: int) -> int:
        """How many more of a type could be made, one after the other."""
        count, board = 0, self
        while True:
            empty = [vf for vf, made in enumerate(board.made) if number in board.creatable(vf)]
            if not empty:
                return count
            board = board.make(empty[0], number)
            count += 1

    def make(self, vf: int, number: int) -> "Board":
        """A VF becomes a vGPU of a type."""
        assert number in self.creatable(vf)
        return Board((*self.made[:vf], number, *self.made[vf + 1 :]))


def name_of(number: int) -> str:
    """As the vendor's list has it."""
    return f"NVIDIA L40S-{L40S[number]}Q"


def on_vendor_vfio(board: Board) -> HostPlan:
    """The types are attributes of each VF."""
    vfs = [
        a_vgpu_vf(vf, {n: name_of(n) for n in board.creatable(vf)}, made, device="26b9")
        for vf, made in enumerate(board.made)
    ]
    instances = [a_vgpu(vf, made) for vf, made in enumerate(board.made) if made]
    return a_plan(_pf(board), *vfs, instances=instances)


def on_mdev_bus(board: Board) -> HostPlan:
    """Each VF is an mdev parent that makes one."""
    vfs = [_parent(board, vf) for vf in range(len(board.made))]
    return a_plan(_pf(board), *vfs, instances=tuple(_mdevs(board)))


def _pf(board: Board) -> Device:
    return a_pf(vfs=len(board.made), driver="nvidia", vendor="10de", device="26b9", class_="030200")


def _parent(board: Board, vf: int) -> Device:
    types = tuple(
        a_type(
            f"nvidia-{n}",
            int(n in board.creatable(vf)),
            name=name_of(n),
            description=f"num_heads=4, frl_config=60, framebuffer={L40S[n] * 1024}M,"
            f" max_resolution=7680x4320, max_instance={min(32, 48 // L40S[n])}",
        )
        for n in L40S
    )
    given = {"driver": "nvidia", "vendor": "10de", "device": "26b9", "class_": "030200"}
    return a_vf(vf, mdev_types=types, **given)


def _mdevs(board: Board) -> Iterator[Instance]:
    for vf, number in enumerate(board.made):
        if number:
            yield an_instance(vf, f"nvidia-{number}", parent=vf_name(PF, vf))


@st.composite
def boards(draw: st.DrawFn) -> Board:
    """A board with some VFs, after some were made."""
    board = Board((0,) * draw(st.integers(1, 32)))
    for vf in draw(st.permutations(range(len(board.made))))[: draw(st.integers(0, 6))]:
        if board.creatable(vf):
            board = board.make(vf, draw(st.sampled_from(board.creatable(vf))))
    return board


def rooms_of(provider: PlannedProvider) -> dict[str | None, int]:
    """Type to how many more could be made."""
    use = seen_use(provider)
    return {view.type: view_free(provider, use, view) for view in provider.views.values()}


def truth_of(board: Board) -> Mapping[str, int]:
    """The same, as the driver would answer one after the other."""
    return {f"nvidia/{name_of(n).removeprefix('NVIDIA ')}": board.room(n) for n in L40S}


@given(boards())
def test_room_on_the_mdev_bus_is_what_the_driver_would_make(board: Board) -> None:
    provider = the_provider(on_mdev_bus(board), PF)

    assert rooms_of(provider) == truth_of(board)
    assert provider.slots == ()


@given(boards())
def test_room_on_the_vendors_vfs_is_what_the_driver_would_make(board: Board) -> None:
    """Types that no VF lists now are not offered now, and have no room."""
    provider = the_provider(on_vendor_vfio(board), PF)
    truth = truth_of(board)

    rooms = rooms_of(provider)
    assert rooms == {name: truth[name] for name in rooms}
    assert all(room == 0 for name, room in truth.items() if name not in rooms)


@given(boards())
def test_what_is_made_moves_no_facts_of_a_board_on_the_mdev_bus(board: Board) -> None:
    idle = Board((0,) * len(board.made))

    assert facts_of(the_provider(on_mdev_bus(board), PF)) == facts_of(
        the_provider(on_mdev_bus(idle), PF)
    )


@given(boards())
def test_pools_of_a_board_are_the_same_whatever_is_made(board: Board) -> None:
    idle = the_provider(on_vendor_vfio(Board((0,) * len(board.made))), PF)
    provider = the_provider(on_vendor_vfio(board), PF)

    if provider.offers:
        assert provider.inventories == idle.inventories
    else:
        assert str(provider.note).startswith("capacity unknown")


def test_a_board_with_more_vfs_than_memory_is_not_of_unknown_capacity() -> None:
    """Each of 32 VFs says that it could be the whole board."""
    plan = on_vendor_vfio(Board((0,) * 32))

    provider = the_provider(plan, PF)
    assert codes_of(plan) == []
    assert {n: i.total for n, i in provider.inventories.items()} == {
        "CUSTOM_GPU_FB_MB": 49152,
        "CUSTOM_VGPU_SLOT": 32,
    }
    assert rooms_of(provider)["nvidia/L40S-48Q"] == 1


def test_a_board_that_no_table_knows_is_of_unknown_capacity() -> None:
    vfs = [a_vgpu_vf(i, {1: "NVIDIA NEW-1Q"}, device="ffff") for i in range(2)]
    pf = a_pf(vfs=2, driver="nvidia", vendor="10de", device="ffff", class_="030200")

    plan = a_plan(pf, *vfs)

    assert codes_of(plan) == ["CAPACITY_UNKNOWN"]
    assert the_provider(plan, PF).note == (
        "capacity unknown: nothing tells the total of CUSTOM_GPU_FB_MB"
    )


def test_gvt_g_without_the_size_of_its_aperture_is_counted_from_below() -> None:
    """Where the profile cannot tell a total, the counts tell the least that there must be."""
    text = "low_gm_size: {}MB\nhigh_gm_size: {}MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n"
    types = (
        a_type("i915-GVTg_V5_4", 2, description=text.format(128, 512)),
        a_type("i915-GVTg_V5_1", 0, description=text.format(512, 2048)),
    )
    gpu = a_function(driver="i915", class_="030000", mdev_types=types)

    provider = the_provider(a_plan(gpu), PF)

    assert {n: i.total for n, i in provider.inventories.items()} == {
        "CUSTOM_GVT_FENCE": 28,
        "CUSTOM_GVT_HIGH_GM_MB": 1024,
        "CUSTOM_GVT_LOW_GM_MB": 256,
    }
    assert rooms_of(provider) == {"i915/GVTg_V5_4": 2}
