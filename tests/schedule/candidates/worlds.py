"""Worlds and queries for the tests of allocation candidates: builders and generators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from obvious_search.world import World, make_world
from wherry.model.inventory import Inventory
from wherry.model.provider import SHARES, Provider
from wherry.schedule.candidates.request import CandidatesRequest, Group, Microversion

Pairs = tuple[tuple[str, str], ...]

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "VGPU", "CUSTOM_UNIT")
TRAITS = ("HW_CPU_X86_VMX", "CUSTOM_RED", "CUSTOM_BLUE")
AGGREGATES = tuple(f"a000000{n}-0000-4000-8000-000000000000" for n in range(3))
NOWHERE = "dead0000-0000-4000-8000-000000000000"
SUFFIXES = ("1", "2", "3")
NAMED = (SUFFIXES, SUFFIXES, ("_GPU", "2", "-"), ("a", "A", "10"))
"""Suffixes from 1.33 on."""
MICROVERSIONS = tuple(
    (1, minor)
    for minor in (
        10,
        12,
        16,
        17,
        21,
        22,
        24,
        25,
        27,
        28,
        29,
        31,
        32,
        33,
        34,
        35,
        36,
        38,
        39,
        39,
        39,
        39,
    )
)


def uuid_of(number: int) -> str:
    """The uuid of the n-th provider of a world."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def a_provider(name: str, parent: Provider | None = None, **fields: Any) -> Provider:
    """Make a provider; units may be plain numbers, names stand for themselves."""
    inventories = {
        key: held if isinstance(held, Inventory) else Inventory(total=held)
        for key, held in fields.pop("has", {}).items()
    }
    return Provider(
        uuid=name,
        root=name if parent is None else parent.root,
        parent=None if parent is None else parent.uuid,
        inventories=inventories,
        traits=frozenset(fields.pop("traits", ())),
        aggregates=frozenset(fields.pop("aggregates", ())),
        **fields,
    )


def a_world(*providers: Provider) -> World:
    """Make a world in which all names of the generators are known as well."""
    return make_world(providers, classes=CLASSES, traits=(*TRAITS, SHARES))


def a_group(suffix: str = "", /, **fields: Any) -> Group:
    """Make a group; keywords in capitals are units of that class."""
    resources = {name: fields.pop(name) for name in list(fields) if name.isupper()}
    required = tuple(
        frozenset((each,)) if isinstance(each, str) else frozenset(each)
        for each in fields.pop("required", ())
    )
    return Group(suffix=suffix, resources=resources, required=required, **fields)


def a_request(*groups: Group, **fields: Any) -> CandidatesRequest:
    """Make a request."""
    return CandidatesRequest(groups=groups, **fields)


@dataclass(frozen=True)
class Device:
    """Everything of a provider but its place."""

    inventories: Mapping[str, Inventory]
    used: Mapping[str, int]
    traits: frozenset[str]
    aggregates: frozenset[str]


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Draw an inventory, odd ratios and steps among the plain ones."""
    total = draw(st.integers(1, 8))
    return Inventory(
        total=total,
        reserved=draw(st.sampled_from((0, 0, 0, 1, total))),
        min_unit=draw(st.sampled_from((1, 1, 1, 2))),
        max_unit=draw(st.sampled_from((total, total, 3, 1))),
        step_size=draw(st.sampled_from((1, 1, 1, 2, 3))),
        allocation_ratio=draw(st.sampled_from((1.0, 1.0, 1.0, 1.5, 2.0, 0.3, 0.7))),
    )


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """Draw what one provider, or several equal ones, have."""
    held = draw(st.dictionaries(st.sampled_from(CLASSES), inventories(), max_size=3))
    used = {
        name: draw(st.integers(1, inventory.total))
        for name, inventory in held.items()
        if draw(st.integers(0, 3)) == 0
    }
    return Device(
        held,
        used,
        draw(st.frozensets(st.sampled_from(TRAITS), max_size=2)),
        draw(st.frozensets(st.sampled_from(AGGREGATES), max_size=2)),
    )


@st.composite
def worlds(draw: st.DrawFn, max_providers: int = 9) -> World:
    """Draw trees up to depth 4, with equal devices, aggregates, and providers that share."""
    count = draw(st.integers(1, max_providers))
    models = draw(st.lists(devices(), min_size=1, max_size=4))
    nested = draw(st.integers(0, 5)) > 0
    share = draw(st.sampled_from((0, 0, 1, 1, 2)))
    placed: list[Provider] = []
    depths: dict[str, int] = {}
    for number in range(count):
        parents = [None, *(each for each in placed if depths[each.uuid] < 4)] if nested else [None]
        # Few trees, or nothing ever goes together.
        parent = draw(st.sampled_from(parents[-4:] if len(placed) > 2 else parents))
        model = draw(st.sampled_from(models))
        shares = draw(st.integers(0, 9)) < (3 if parent is None else 0) * share + (share > 1)
        placed.append(_place(number, parent, model, shares=shares))
        depths[placed[-1].uuid] = 1 if parent is None else depths[parent.uuid] + 1
    return a_world(*placed)


def _place(number: int, parent: Provider | None, model: Device, *, shares: bool) -> Provider:
    uuid = uuid_of(number)
    return Provider(
        uuid=uuid,
        root=uuid if parent is None else parent.root,
        parent=None if parent is None else parent.uuid,
        inventories=model.inventories,
        used=model.used,
        traits=model.traits | {SHARES} if shares else model.traits,
        aggregates=model.aggregates,
    )


@dataclass(frozen=True)
class Query:
    """A query string at a microversion."""

    pairs: Pairs
    microversion: Microversion


@st.composite
def queries(draw: st.DrawFn, world: World, minor: Sequence[int] = ()) -> Query:
    """Draw a query that is well formed, most of the time, for a world."""
    microversion = draw(st.sampled_from([(1, each) for each in minor] if minor else MICROVERSIONS))
    suffixes = draw(st.sampled_from(NAMED)) if microversion >= (1, 33) else SUFFIXES
    count = draw(st.sampled_from((0, 1, 1, 2, 2, 3))) if microversion >= (1, 25) else 0
    suffixes = suffixes[:count]
    pairs: list[tuple[str, str]] = []
    if not suffixes or draw(st.integers(0, 9)) < 6:
        pairs += draw(_groups(world, "", microversion, resourceless=False))
    resourceless = False
    for suffix in suffixes:
        bare = microversion >= (1, 36) and draw(st.integers(0, 5)) == 0
        resourceless |= bare
        pairs += draw(_groups(world, suffix, microversion, resourceless=bare))
    if len(suffixes) > 1 or (suffixes and draw(st.booleans())):
        pairs.append(("group_policy", draw(st.sampled_from(("none", "isolate")))))
    if microversion >= (1, 35) and draw(st.integers(0, 4)) == 0:
        pairs.append(("root_required", draw(_trait_lists())))
    if microversion >= (1, 36) and suffixes and (resourceless or draw(st.integers(0, 2)) == 0):
        named = suffixes if resourceless else draw(st.lists(st.sampled_from(suffixes), min_size=1))
        pairs.append(("same_subtree", ",".join(dict.fromkeys(named))))
        if len(suffixes) > 1 and draw(st.booleans()):
            # Groups may belong to several subtrees, that need not be the same one.
            others = draw(st.lists(st.sampled_from(suffixes), min_size=1, max_size=2, unique=True))
            pairs.append(("same_subtree", ",".join(others)))
    return Query(tuple(pairs), microversion)


@st.composite
def _trait_lists(draw: st.DrawFn) -> str:
    traits = draw(st.lists(st.sampled_from(TRAITS), min_size=1, max_size=2, unique=True))
    return ",".join(draw(st.sampled_from(("", "", "!"))) + trait for trait in traits)


@st.composite
def _groups(
    draw: st.DrawFn, world: World, suffix: str, microversion: Microversion, *, resourceless: bool
) -> list[tuple[str, str]]:
    pairs = []
    if not resourceless:
        # What some provider has is more telling than what none has.
        held = [name for each in world.providers.values() for name in each.inventories]
        some = st.sampled_from(held or list(CLASSES))
        most = 2 if suffix else 3
        classes = draw(st.lists(some, min_size=1, max_size=most, unique=True))
        amounts = [f"{name}:{draw(st.sampled_from((1, 1, 1, 2, 2, 3, 4)))}" for name in classes]
        pairs.append((f"resources{suffix}", ",".join(amounts)))
    bare = resourceless and draw(st.integers(0, 3)) > 0
    if microversion >= (1, 17) and (bare or draw(st.integers(0, 3)) == 0):
        pairs += draw(_required(suffix, microversion))
    if microversion >= (1, 21) and draw(st.integers(0, 4)) == 0:
        pairs += draw(_member_of(suffix, microversion))
    if microversion >= (1, 31) and draw(st.integers(0, 6)) == 0:
        uuid = draw(st.sampled_from((*world.providers, *world.providers, NOWHERE)))
        pairs.append((f"in_tree{suffix}", uuid))
    return pairs


@st.composite
def _required(draw: st.DrawFn, suffix: str, microversion: Microversion) -> list[tuple[str, str]]:
    marks = ("", "", "!") if microversion >= (1, 22) else ("",)
    key = f"required{suffix}"
    if microversion >= (1, 39) and draw(st.booleans()):
        either = draw(st.lists(st.sampled_from(TRAITS), min_size=1, max_size=3, unique=True))
        pairs = [(key, "in:" + ",".join(either))]
        if draw(st.booleans()):
            pairs.append((key, draw(st.sampled_from(marks)) + draw(st.sampled_from(TRAITS))))
        return pairs
    traits = draw(st.lists(st.sampled_from(TRAITS), min_size=1, max_size=2, unique=True))
    named = [draw(st.sampled_from(marks)) + trait for trait in traits]
    if microversion >= (1, 39) and draw(st.booleans()):
        return [(key, each) for each in named]
    return [(key, ",".join(named))]


@st.composite
def _member_of(draw: st.DrawFn, suffix: str, microversion: Microversion) -> list[tuple[str, str]]:
    known = st.sampled_from((*AGGREGATES, *AGGREGATES, NOWHERE))
    marks = ("", "", "!") if microversion >= (1, 32) else ("",)
    pairs = []
    for _ in range(draw(st.integers(1, 2)) if microversion >= (1, 24) else 1):
        uuids = draw(st.lists(known, min_size=1, max_size=2, unique=True))
        text = uuids[0] if len(uuids) == 1 else "in:" + ",".join(uuids)
        pairs.append((f"member_of{suffix}", draw(st.sampled_from(marks)) + text))
    return pairs
