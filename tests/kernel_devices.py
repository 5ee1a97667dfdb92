"""Devices as their drivers behave: what can be made next to what is there, and what is said.

A plain model of the drivers, written from their sources and from recordings, that knows the
truth which the inventory has to find from counts and instances.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from host_facts import PF, a_function, a_type, an_instance, an_mdev_parent
from wherry.model.facts import Device, Instance

Units = dict[str, int]


@dataclass(frozen=True)
class Parent:
    """A parent of mdevs with its pools as the driver keeps them.

    Attributes:
        pools: what there is in all.
        types: type id to the units that one takes.
        made: type ids of the instances, one each.
        sized: only instances that take the same units can stand together.
        about: type id to further attributes.
    """

    name: str
    driver: str
    pools: Units
    types: Mapping[str, Units]
    made: tuple[str, ...] = ()
    sized: bool = False
    about: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    number: int = 0

    def free(self) -> Units:
        """What is left of each pool."""
        used = {pool: sum(self.types[one].get(pool, 0) for one in self.made) for pool in self.pools}
        return {pool: total - used[pool] for pool, total in self.pools.items()}

    def available(self, type_id: str) -> int:
        """How many more of a type the driver makes now."""
        units = self.types[type_id]
        if self.sized and any(self.types[one] != units for one in self.made):
            return 0
        return min(self.free()[pool] // amount for pool, amount in units.items())

    def make(self, type_id: str) -> "Parent":
        """One more instance."""
        assert self.available(type_id) > 0
        return replace(self, made=(*self.made, type_id))

    def device(self) -> Device:
        """What the host says of it."""
        types = tuple(
            a_type(type_id, self.available(type_id), **self.about.get(type_id, {}))
            for type_id in self.types
        )
        if self.driver in {"nvidia", "i915"}:
            return self._gpu(types)
        return an_mdev_parent(self.name, driver=self.driver, types=types)

    def _gpu(self, types: tuple[object, ...]) -> Device:
        bars = {"bar_sizes": "16777216 0 1073741824 0 64 0"} if self.driver == "i915" else {}
        return a_function(
            self.name, driver=self.driver, vendor="10de", device="1bb3", class_="030000",
            attributes=bars, mdev_types=types,
        )  # fmt: skip

    def instances(self) -> Iterator[Instance]:
        """What the host lists below it."""
        for index, type_id in enumerate(self.made):
            yield an_instance(100 * self.number + index, type_id, parent=self.name)


def an_mtty_card(**fields: object) -> Parent:
    """24 ports."""
    types = {"mtty-1": {"port": 1}, "mtty-2": {"port": 2}}
    return Parent("mtty", "mtty", {"port": 24}, types, **fields)


def an_mbochs(mb: int = 256, **fields: object) -> Parent:
    """Video memory in steps of the smallest type."""
    sizes = {"small": 4, "medium": 16, "large": 64}
    types = {f"mbochs-{name}": {"mb": size} for name, size in sizes.items()}
    about = {
        f"mbochs-{name}": {"description": f"virtual display, {size} MB video memory"}
        for name, size in sizes.items()
    }
    return Parent("mbochs", "mbochs", {"mb": mb}, types, about=about, **fields)


def an_mdpy(count: int = 4, **fields: object) -> Parent:
    """Any type takes one of a count."""
    types = {f"mdpy-{name}": {"one": 1} for name in ("vga", "xga", "hd")}
    return Parent("mdpy", "mdpy", {"one": count}, types, **fields)


def a_gvtg(**fields: object) -> Parent:
    """A GPU with an aperture of 1 GB: three pools at once."""
    rows = {"1": (512, 2048, 16), "2": (256, 1024, 8), "4": (128, 512, 4), "8": (64, 384, 2)}
    types, about = {}, {}
    for name, (low, high, weight) in rows.items():
        types[f"i915-GVTg_V5_{name}"] = {"low": low, "high": high, "fence": 4}
        text = f"low_gm_size: {low}MB\nhigh_gm_size: {high}MB\nfence: 4\n"
        text += f"resolution: 1920x1200\nweight: {weight}\n"
        about[f"i915-GVTg_V5_{name}"] = {"description": text}
    pools = {"low": 896, "high": 2688, "fence": 28}
    return Parent("0000:00:02.0", "i915", pools, types, about=about, **fields)


def a_vgpu_board(**fields: object) -> Parent:
    """8 GB of framebuffer; the first vGPU fixes the size."""
    sizes = {63: 1024, 64: 2048, 65: 4096, 66: 8192}
    types = {f"nvidia-{number}": {"mb": size} for number, size in sizes.items()}
    about = {
        f"nvidia-{number}": {
            "name": f"GRID P4-{size // 1024}Q",
            "description": f"num_heads=4, frl_config=60, framebuffer={size}M,"
            f" max_resolution=4096x2160, max_instance={8192 // size}",
        }
        for number, size in sizes.items()
    }
    return Parent(PF, "nvidia", {"mb": 8192}, types, sized=True, about=about, **fields)


@st.composite
def parents(draw: st.DrawFn, number: int = 0) -> Parent:
    """A parent in a state that its driver can be in."""
    make = st.sampled_from([an_mtty_card, an_mbochs, an_mdpy, a_gvtg, a_vgpu_board])
    return draw(states_of(draw(make)(number=number)))


@st.composite
def states_of(draw: st.DrawFn, parent: Parent) -> Parent:
    """A parent after some instances more were made."""
    for _ in range(draw(st.integers(0, 8))):
        can = [one for one in parent.types if parent.available(one)]
        if not can:
            break
        parent = parent.make(draw(st.sampled_from(can)))
    return parent
