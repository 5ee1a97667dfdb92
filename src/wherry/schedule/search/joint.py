"""Drops trees that serve each slot alone, but surely not all of them at once.

What is left may still hold no candidate: placing the slots decides.  Here only what can be said
for thousands of trees with a few passes over their masks: enough providers for the groups that
keep to themselves (Hall's condition on small sets of groups), and one provider with enough of
them below for each ``same_subtree``.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from math import prod

import numpy as np

from wherry.inventory.columns import Columns
from wherry.schedule.search.compile import Compiled, Kind
from wherry.schedule.search.guests import Guests, below_with_guests
from wherry.schedule.search.lookups import Bools
from wherry.schedule.search.masks import WORD, Mask, Trees

MOST_TOPS = 64
"""Choices of tops for all ``same_subtree`` together; beyond, each is looked at by itself."""
MOST_KINDS = 6
"""Kinds of slots in one application of Hall's condition: 2^n - 1 unions."""
_WORD = (1 << WORD) - 1


def has_any(mask: Mask) -> Bools:
    """Say of each tree whether any bit is set."""
    return np.asarray(mask[0] != 0 if len(mask) == 1 else mask.any(axis=0))


def has_so_many(mask: Mask, number: int) -> Bools:
    """Say of each tree whether so many bits are set."""
    if number <= 1:
        return has_any(mask)
    counted = np.bitwise_count(mask)
    in_all = counted[0] if len(mask) == 1 else counted.sum(axis=0)
    return np.asarray(in_all >= number)


def could_alone(compiled: Compiled, masks: Sequence[Mask], *, has_guests: bool) -> Bools:
    """Say of each tree whether every kind of slot has options enough.

    Args:
        masks: for each spec, uint64[W, m].
        has_guests: providers of other trees are among the options.
    """
    if not (compiled.nested or has_guests):
        return has_any(np.bitwise_and.reduce(masks))
    ok = np.ones(masks[0].shape[1], bool)
    for kind in compiled.kinds:
        alone = compiled.isolate and not kind.is_spread
        ok &= has_so_many(masks[kind.spec], kind.number if alone else 1)
    return ok


def could_together(
    columns: Columns,
    compiled: Compiled,
    masks: Sequence[Mask],
    trees: Trees,
    words: int,
    guests: Guests | None,
) -> Bools | None:
    """Say of each tree whether all slots may go together; None: nothing speaks against any.

    Args:
        masks: for each spec, uint64[W, m]; of m *trees*.
        words: those of a tree's own places.
    """
    apart = [kind for kind in compiled.kinds if compiled.isolate and not kind.is_spread]
    if not compiled.subtrees:
        if len({kind.spec for kind in apart}) <= 1:
            return None
        asked = [(kind.number, masks[kind.spec]) for kind in apart]
        ok = np.ones(len(trees), bool)
        return _fit_apart(asked, _components(apart, masks), ok)
    shapes = columns.shape[trees]
    found = np.zeros(len(trees), bool)
    for shape in np.unique(shapes).tolist():
        here = np.flatnonzero(shapes == shape)
        some = [mask[:, here] for mask in masks] if len(here) < len(trees) else list(masks)
        below = below_with_guests(columns, shape, WORD * words, guests)
        found[here] = _fit_below(compiled, apart, some, below)
    return found


def _fit_below(
    compiled: Compiled,
    apart: Sequence[Kind],
    masks: Sequence[Mask],
    below: tuple[int, ...],
) -> Bools:
    """As `could_together` for trees of one shape, where subtrees are asked for."""
    words, size = masks[0].shape
    under = {place: _words(each, words) for place, each in enumerate(below)}
    tops = []
    heads = []
    for number, places in enumerate(compiled.subtrees):
        specs = {compiled.slots[place].spec for place in places}
        head = np.bitwise_or.reduce([masks[spec] for spec in specs])
        heads.append(head)
        alone = sum(kind.number for kind in apart if number in kind.subtrees)
        possible = _places(np.bitwise_or.reduce(head, axis=1))
        tops.append([top for top in possible if below[top].bit_count() >= max(1, alone)])
    if prod(map(len, tops)) > MOST_TOPS:
        return _fit_each(compiled.kinds, masks, tops, heads, under)
    groups = _components(apart, masks)
    found = np.zeros(size, bool)
    for choice in product(*tops):
        ok = np.ones(size, bool)
        for top, head in zip(choice, heads, strict=True):
            ok &= has_any(head & _bit(top, words))
        if not ok.any():
            continue
        restricted = {kind: _restrict(kind, choice, masks, under) for kind in compiled.kinds}
        for mask in restricted.values():
            ok &= has_any(mask)
        if ok.any() and apart:
            asked = [(kind.number, restricted[kind]) for kind in apart]
            ok = _fit_apart(asked, groups, ok)
        found |= ok
    return found


def _fit_each(
    kinds: Sequence[Kind],
    masks: Sequence[Mask],
    tops: Sequence[Sequence[int]],
    heads: Sequence[Mask],
    under: Mapping[int, Mask],
) -> Bools:
    """Look at each ``same_subtree`` by itself: weaker, but never more than all tops at once."""
    words, size = masks[0].shape
    found = np.ones(size, bool)
    for number, (each, head) in enumerate(zip(tops, heads, strict=True)):
        one = np.zeros(size, bool)
        for top in each:
            ok = has_any(head & _bit(top, words))
            for kind in kinds:
                if number in kind.subtrees:
                    ok &= has_any(masks[kind.spec] & under[top])
            one |= ok
        found &= one
    return found


def _restrict(
    kind: Kind, choice: tuple[int, ...], masks: Sequence[Mask], under: Mapping[int, Mask]
) -> Mask:
    mask = masks[kind.spec]
    for number in kind.subtrees:
        mask = mask & under[choice[number]]
    return mask


def _fit_apart(
    asked: Sequence[tuple[int, Mask]], groups: Sequence[Sequence[int]], ok: Bools
) -> Bools:
    """Whether sets of groups together have as many providers as there are groups in them."""
    for group in groups:
        sizes = range(1, len(group) + 1) if len(group) <= MOST_KINDS else (1, len(group))
        for size in sizes:
            for some in combinations(group, size):
                union = np.bitwise_or.reduce([asked[n][1] for n in some])
                ok = ok & has_so_many(union, sum(asked[n][0] for n in some))
    return ok


def _components(apart: Sequence[Kind], masks: Sequence[Mask]) -> list[list[int]]:
    """Gather kinds that have options in common anywhere; others do not take from each other."""
    groups: list[list[int]] = []
    for number, kind in enumerate(apart):
        near = [
            group
            for group in groups
            if any(_overlap(apart[other].spec, kind.spec, masks) for other in group)
        ]
        groups = [group for group in groups if group not in near]
        groups.append([*(each for group in near for each in group), number])
    return groups


def _overlap(one: int, other: int, masks: Sequence[Mask]) -> bool:
    return one == other or bool((masks[one] & masks[other]).any())


def _words(bits: int, words: int) -> Mask:
    return np.array([[bits >> WORD * word & _WORD] for word in range(words)], np.uint64)


def _bit(place: int, words: int) -> Mask:
    return _words(1 << place, words)


def _places(mask: Mask) -> list[int]:
    """List the bits of one mask: uint64[W]."""
    bits = sum(int(word) << WORD * n for n, word in enumerate(mask))
    return [place for place in range(bits.bit_length()) if bits >> place & 1]
