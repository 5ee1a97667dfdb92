"""Fleets that change, as plain values: what a history of columns is compared with."""

from dataclasses import replace

from hypothesis import strategies as st

from schedule.candidates.worlds import CLASSES, Device, devices, inventories, uuid_of
from wherry.inventory.columns import UseRow
from wherry.model.provider import SHARES, Provider

Providers = dict[str, Provider]
Changed = dict[str, Provider | None]


def apply_plainly(providers: Providers, changed: Changed) -> Providers:
    merged = {**providers, **changed}
    return {uuid: each for uuid, each in merged.items() if each is not None}


def family(providers: Providers, uuid: str) -> list[str]:
    """A provider and all below it, parents first."""
    line = [uuid]
    for above in line:
        line += [each.uuid for each in providers.values() if each.parent == above]
    return line


@st.composite
def changes(draw: st.DrawFn, providers: Providers) -> Changed:
    """One to four changes of a fleet, told at once."""
    now, changed = dict(providers), {}
    for _ in range(draw(st.sampled_from((1, 1, 2, 4)))):
        step = draw(st.sampled_from(STEPS if now else (come,)))
        some = draw(step(now))
        now, changed = apply_plainly(now, some), {**changed, **some}
    return changed


@st.composite
def come(draw: st.DrawFn, providers: Providers) -> Changed:
    """New providers, below others or in a tree of their own."""
    number = 1 + max((int(uuid[:8], 16) for uuid in providers), default=0)
    parents = [None, *providers.values()]
    parent, device = draw(st.sampled_from(parents)), draw(devices())
    new = {}
    for uuid in [uuid_of(number + n) for n in range(draw(st.sampled_from((1, 1, 3))))]:
        one = a_device_at(uuid, parent, device)
        new[uuid] = one
        parent = one if draw(st.booleans()) else parent
    return new


def a_device_at(uuid: str, parent: Provider | None, device: Device) -> Provider:
    return Provider(
        uuid=uuid,
        root=uuid if parent is None else parent.root,
        parent=None if parent is None else parent.uuid,
        inventories=device.inventories, used=device.used,
        traits=device.traits, aggregates=device.aggregates,
    )  # fmt: skip


@st.composite
def go(draw: st.DrawFn, providers: Providers) -> Changed:
    """A provider goes with all below it."""
    return dict.fromkeys(family(providers, draw(st.sampled_from(sorted(providers)))))


@st.composite
def move(draw: st.DrawFn, providers: Providers) -> Changed:
    """A provider goes below another one, or becomes a root, with all below it."""
    uuid = draw(st.sampled_from(sorted(providers)))
    moving = family(providers, uuid)
    parent = draw(st.sampled_from([None, *(set(providers) - set(moving))]))
    root = uuid if parent is None else providers[parent].root
    moved = {each: replace(providers[each], root=root) for each in moving}
    return {**moved, uuid: replace(moved[uuid], parent=parent)}


@st.composite
def restock(draw: st.DrawFn, providers: Providers) -> Changed:
    """Other inventories; mostly of the same classes."""
    before = providers[draw(st.sampled_from(sorted(providers)))]
    names = list(before.inventories)
    if draw(st.integers(0, 2)) == 0:
        names = draw(st.lists(st.sampled_from(CLASSES), unique=True, max_size=3))
    used = {name: units for name, units in before.used.items() if name in names}
    stock = {name: draw(inventories()) for name in names}
    return {before.uuid: replace(before, inventories=stock, used=used)}


@st.composite
def describe(draw: st.DrawFn, providers: Providers) -> Changed:
    """Other traits and aggregates."""
    before, model = providers[draw(st.sampled_from(sorted(providers)))], draw(devices())
    traits = model.traits | draw(st.sampled_from((frozenset(), {SHARES})))
    return {before.uuid: replace(before, traits=traits, aggregates=model.aggregates)}


@st.composite
def claim(draw: st.DrawFn, providers: Providers) -> Changed:
    """Other use of what is there, more than there is among it."""
    changed: Changed = {}
    for uuid in draw(st.lists(st.sampled_from(sorted(providers)), unique=True)):
        before = providers[uuid]
        units = {name: draw(USED) for name in before.inventories}
        changed[uuid] = replace(before, used={name: n for name, n in units.items() if n})
    return changed


USED = st.sampled_from((0, 0, 1, 2, 3, 300, 70_000))
STEPS = (come, come, go, move, restock, describe, describe, claim)


@st.composite
def uses(draw: st.DrawFn, providers: Providers) -> list[UseRow]:
    """Rows of use, each class of a provider at most once; some pools shrink as well."""
    pairs = [(uuid, name) for uuid, each in providers.items() for name in each.inventories]
    rows = []
    for uuid, name in draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else ():
        held = providers[uuid].inventories[name]
        reserved = draw(st.sampled_from((held.reserved, held.reserved, 0, held.total)))
        total = held.total + draw(st.sampled_from((0, 0, 0, 5)))
        rows.append((uuid, name, total, reserved, draw(USED)))
    return rows


def use_plainly(providers: Providers, rows: list[UseRow]) -> Providers:
    now = dict(providers)
    for uuid, name, total, reserved, used in rows:
        each = now[uuid]
        held = type(each.inventories[name])(
            total=total, reserved=reserved,
            **{
                field: getattr(each.inventories[name], field)
                for field in ("min_unit", "max_unit", "step_size", "allocation_ratio")
            },
        )  # fmt: skip
        units = {key: n for key, n in {**each.used, name: used}.items() if n}
        now[uuid] = replace(each, inventories={**each.inventories, name: held}, used=units)
    return now
