"""From a request to what the search asks of the columns: done once for each form of request.

A *slot* is what one provider takes as a whole: a group with a suffix, or one class of the
group without.  A *spec* is what one provider alone must be for a slot; slots of one spec share
their options.  *Tests* are bounds on the summaries of a tree: a tree that fails one holds no
candidate.

Source: Placement API reference, "List allocation candidates"; design, section 5.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wherry.schedule.candidates.request import CandidatesRequest, Group

INT32 = 2**31 - 1
CLIPPED_COUNT = 255
MOST_SUMS = 64
"""Sums of amounts of one class that are looked up as masks; beyond, trees are asked one by one."""

AnyOf = tuple[frozenset[str], ...]
"""Of each set at least one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question about a set of names: of each of *either* at least one, none of *forbidden*."""

    either: AnyOf = ()
    forbidden: frozenset[str] = frozenset()

    def __call__(self, has: frozenset[str]) -> bool:
        """Answer it for one set."""
        return self.forbidden.isdisjoint(has) and all(not e.isdisjoint(has) for e in self.either)

    @property
    def is_free(self) -> bool:
        """Whether every set will do."""
        return not self.either and not self.forbidden


@dataclass(frozen=True, slots=True)
class Spec:
    """What one provider alone must be."""

    amounts: tuple[tuple[str, int], ...]
    """Class and units, by name; empty for a group without resources."""
    traits: Wanted
    aggregates: Wanted
    is_spread: bool
    """The group without a suffix: aggregates of the root span the whole tree."""
    in_tree: str | None = None
    """A provider of the tree that it has to be in; None: any."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a request that one provider takes as a whole."""

    suffix: str
    spec: int
    kind: int
    """Equal where two slots ask for the same and could change places."""
    amounts: tuple[tuple[str, int], ...]
    is_spread: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """Slots that ask for the same: how many, whose options, in which ``same_subtree``."""

    spec: int
    number: int
    subtrees: tuple[int, ...]
    is_spread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """Bounds on the summaries of a tree that some slots need.

    Attributes:
        most: class to units that one provider must have free.
        total: class to units that all providers together must have free.
        holders: class to providers that must have anything free.
        traits, aggregates: what the tree as a whole must have.
    """

    most: Mapping[str, int]
    total: Mapping[str, int]
    holders: Mapping[str, int]
    traits: Wanted
    aggregates: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A request, ready to be asked of columns.

    Attributes:
        key: equal for requests that ask for the same under the same suffixes; without limit.
        slots: those of the group without a suffix first, those of one kind together.
        kinds: slots that ask for the same, counted.
        spread: classes that the group without a suffix asks for.
        together: traits that the providers of the group without a suffix have together.
        sums: class to the sums that several slots on one provider may come to, those of more
            than one slot alone; only for classes that several slots ask for.
        many_sums: there are so many that each tree is asked by itself.
        subtrees: for each ``same_subtree`` the places of its slots.
    """

    key: Hashable
    specs: tuple[Spec, ...]
    slots: tuple[Slot, ...]
    kinds: tuple[Kind, ...]
    spread: tuple[str, ...]
    root: Wanted
    together: AnyOf
    sums: Mapping[str, tuple[int, ...]]
    many_sums: bool
    subtrees: tuple[tuple[int, ...], ...]
    isolate: bool
    nested: bool
    tests: Tests

    @property
    def named(self) -> frozenset[str]:
        """Providers that ``in_tree`` names."""
        return frozenset(spec.in_tree for spec in self.specs if spec.in_tree is not None)

    def tests_of(self, places: Collection[int]) -> Tests:
        """Bounds that some of the slots need, wherever the others are served."""
        some = [self.slots[place] for place in places]
        # The traits that are asked of all together may be those of the others.
        whole = sum(slot.is_spread for slot in some) == len(self.spread)
        together = self.together if whole else ()
        return make_tests(some, self.specs, self.isolate, self.nested, together)


def canonical(request: CandidatesRequest) -> Hashable:
    """Name what is asked, whatever the limit and the form of the answer."""
    groups = tuple(
        (
            group.suffix,
            tuple(sorted(group.resources.items())),
            frozenset(group.required),
            group.forbidden,
            frozenset(group.member_of),
            group.not_member_of,
            group.in_tree,
        )
        for group in request.groups
    )
    return (
        groups,
        request.group_policy == "isolate",
        frozenset(request.same_subtree),
        request.root_required,
        request.root_forbidden,
        request.nested,
    )


_KEPT = 1024
_compiled: dict[Hashable, Compiled] = {}


def compile_once(request: CandidatesRequest) -> Compiled:
    """Compile a request, or give what was made of an equal one before."""
    key = canonical(request)
    found = _compiled.get(key)
    if found is None:
        if len(_compiled) >= _KEPT:
            _compiled.clear()
        found = _compiled[key] = compile_request(request)
    return found


def compile_request(request: CandidatesRequest) -> Compiled:
    """Compile a request; names are not looked up here."""
    specs: dict[Spec, int] = {}
    kinds: dict[Hashable, int] = {}
    found: list[Slot] = []
    for group, amounts in _parts(request.groups):
        spec = Spec(
            amounts=amounts,
            traits=Wanted(() if group.is_spread else _in_order(group.required), group.forbidden),
            aggregates=Wanted(_in_order(group.member_of), group.not_member_of),
            is_spread=group.is_spread,
            in_tree=group.in_tree,
        )
        place = specs.setdefault(spec, len(specs))
        together = tuple(group.suffix in suffixes for suffixes in request.same_subtree)
        kind = kinds.setdefault((place, together), len(kinds))
        found.append(Slot(group.suffix, place, kind, amounts, group.is_spread))
    slots = tuple(sorted(found, key=lambda slot: (not slot.is_spread, slot.kind)))
    spread = next((group.required for group in request.groups if group.is_spread), ())
    isolate = request.group_policy == "isolate"
    sums, many = _sums(slots, isolate=isolate)
    subtrees = tuple(
        tuple(n for n, slot in enumerate(slots) if slot.suffix in suffixes)
        for suffixes in request.same_subtree
    )
    return Compiled(
        key=canonical(request),
        specs=tuple(specs),
        slots=slots,
        kinds=_kinds(slots, subtrees),
        spread=tuple(name for slot in slots if slot.is_spread for name, _ in slot.amounts),
        root=Wanted(_each(request.root_required), request.root_forbidden),
        together=_in_order(spread),
        sums=sums,
        many_sums=many,
        subtrees=subtrees,
        isolate=isolate,
        nested=request.nested,
        tests=make_tests(slots, tuple(specs), isolate, request.nested, _in_order(spread)),
    )


def _parts(groups: Sequence[Group]) -> Iterator[tuple[Group, tuple[tuple[str, int], ...]]]:
    for group in groups:
        if group.is_spread:
            for part in sorted(group.resources.items()):
                yield group, (part,)
        else:
            yield group, tuple(sorted(group.resources.items()))


def _each(names: frozenset[str]) -> AnyOf:
    return tuple(frozenset((name,)) for name in sorted(names))


def _in_order(either: Sequence[frozenset[str]]) -> AnyOf:
    return tuple(sorted(set(either), key=sorted))


def make_tests(
    slots: Sequence[Slot],
    specs: Sequence[Spec],
    isolate: bool,
    nested: bool,
    together: AnyOf,
) -> Tests:
    """Bounds on a tree that serves all these slots by itself."""
    most: dict[str, int] = {}
    total: Counter[str] = Counter()
    holders: Counter[str] = Counter()
    for slot in slots:
        for name, amount in slot.amounts:
            most[name] = max(most.get(name, 0), amount)
            total[name] += amount
            holders[name] += isolate and not slot.is_spread
    if not nested:
        most = dict(total)
    asked = [specs[slot.spec] for slot in slots]
    traits = {either for spec in asked for either in spec.traits.either}
    if any(slot.is_spread for slot in slots):
        traits.update(together)
    aggregates = {either for spec in asked for either in spec.aggregates.either}
    return Tests(
        most=most,
        total={name: min(n, INT32) for name, n in total.items() if n > most[name]},
        holders={name: min(n, CLIPPED_COUNT) for name, n in holders.items() if n > 1},
        traits=Wanted(_in_order(list(traits))),
        aggregates=Wanted(_in_order(list(aggregates))),
    )


def _kinds(slots: Sequence[Slot], subtrees: Sequence[Sequence[int]]) -> tuple[Kind, ...]:
    """Count equal slots."""
    found: dict[int, Kind] = {}
    for place, slot in enumerate(slots):
        before = found.get(slot.kind)
        within = tuple(n for n, each in enumerate(subtrees) if place in each)
        number = 1 if before is None else before.number + 1
        found[slot.kind] = Kind(slot.spec, number, within, slot.is_spread)
    return tuple(found.values())


def _sums(slots: Sequence[Slot], *, isolate: bool) -> tuple[dict[str, tuple[int, ...]], bool]:
    """Sums that two or more slots on one provider may come to, for each class."""
    by_class: dict[str, list[tuple[int, bool]]] = {}
    for slot in slots:
        for name, amount in slot.amounts:
            by_class.setdefault(name, []).append((amount, slot.is_spread))
    found: dict[str, tuple[int, ...]] = {}
    many = False
    for name, asked in by_class.items():
        if len(asked) == 1:
            continue
        spread = [amount for amount, is_spread in asked if is_spread]
        alone = [amount for amount, is_spread in asked if not is_spread]
        reached = _reached(alone, most=1 if isolate else len(alone))
        for amount in spread:
            reached |= {(n + 1, total + amount) for n, total in reached}
        sums = sorted({total for n, total in reached if n > 1})
        if sums:
            found[name] = tuple(sums)
        many |= len(sums) > MOST_SUMS
    return found, many


def _reached(amounts: Sequence[int], *, most: int) -> set[tuple[int, int]]:
    """How many of some amounts make which sum; counts above 2 are told as 2."""
    found = {(0, 0)}
    for amount in amounts:
        if len(found) > 3 * MOST_SUMS:  # too many, whatever the others add
            break
        found |= {(min(n + 1, 2), total + amount) for n, total in found if n < most}
    return found
