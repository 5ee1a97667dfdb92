"""What an answer says of providers, as bytes that are kept until their tree changes.

From 1.29 on an answer shows every provider of the trees that its candidates allocate from, and
their bytes are kept tree by tree.  Before, it shows only providers that are allocated from,
and what it says of them depends on the request: those bytes are made anew.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import json
from numpy.typing import NDArray

from wherry.inventory.columns import Columns, Interned
from wherry.schedule.candidates.request import AnswerForm
from wherry.schedule.search.found import Found

MOST_BYTES = 64 << 20


class TreeBytes:
    """The bytes of trees, of those asked for last; one for each fleet.

    Two tables take turns: when the younger one is half full, the older one is dropped.  So
    nothing has to be put in order when it is used.

    Args:
        most: bytes to keep.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._half = most // 2
        self._young: dict[int, tuple[int, bytes]] = {}
        self._old: dict[int, tuple[int, bytes]] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        tables = (*self._young.values(), *self._old.values())
        return sum(len(text) + OVERHEAD for _, text in tables)

    def of(self, columns: Columns, trees: NDArray[np.int64]) -> list[bytes]:
        """Give all providers of each tree as members of a JSON object, a comma before each."""
        # Stamps are written after what they stand for, so they are read before.
        numbers, stamps = trees.tolist(), columns.stamp[trees].tolist()
        young, old = self._young, self._old
        found: list[bytes] = []
        stale: list[int] = []
        for place, (tree, stamp) in enumerate(zip(numbers, stamps, strict=True)):
            kept = young.get(tree)
            if kept is None:
                kept = old.get(tree)
                if kept is not None and kept[0] == stamp:
                    self._keep(tree, stamp, kept[1])
            if kept is not None and kept[0] == stamp:
                found.append(kept[1])
            else:
                found.append(b"")
                stale.append(place)
        for some in range(0, len(stale), BLOCK):
            places = stale[some : some + BLOCK]
            for place, text in zip(places, render_trees(columns, trees[places]), strict=True):
                found[place] = text
                self._keep(numbers[place], stamps[place], text)
        return found

    def _keep(self, tree: int, stamp: int, text: bytes) -> None:
        size = len(text) + OVERHEAD
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        if size <= self._half:
            self._young[tree] = (stamp, text)
            self._size += size


BLOCK = 1 << 10
"""Trees that are rendered together."""
OVERHEAD = 200
"""Bytes that an entry takes besides its text."""


def render_summaries(found: Found, form: AnswerForm, kept: TreeBytes) -> list[bytes]:
    """Render the providers of an answer, as the members of a JSON object: pieces of it."""
    columns = found.columns
    if not form.trees:
        rows = used_rows(found)
        pieces = _render_used(found, form, rows)
    elif found.is_shared:
        pieces = kept.of(columns, trees_of(columns, used_rows(found)))
    else:
        pieces = kept.of(columns, anchors(found))
    if pieces:
        pieces[0] = pieces[0][1:]  # the comma before the first
    return pieces


def _render_used(found: Found, form: AnswerForm, rows: NDArray[np.int64]) -> list[bytes]:
    names = frozenset(found.compiled.tests.most)
    trees = trees_of(found.columns, rows)
    texts: list[str] = []
    for some in range(0, len(trees), BLOCK):
        texts += _render_rows(found.columns, trees[some : some + BLOCK], form, names, rows)
    return [f",{text}".encode() for text in texts]


def anchors(found: Found) -> NDArray[np.int64]:
    """The trees that candidates are anchored in, each once."""
    marked = np.zeros(found.columns.trees, bool)
    for batch in found.batches:
        marked[batch.trees] = True
    return marked.nonzero()[0]


def used_rows(found: Found) -> NDArray[np.int64]:
    """The rows that candidates allocate from, each once, rising."""
    parts = [np.empty(0, np.int64)]
    for batch in found.batches:
        slots = zip(found.compiled.slots, batch.seats, strict=True)
        seats = sorted({seat for slot, seat in slots if slot.amounts})
        parts.append(batch.rows[:, seats].reshape(-1))
    return np.unique(np.concatenate(parts))


def trees_of(columns: Columns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The trees of rows, each once."""
    return np.unique(columns.first.searchsorted(rows, side="right") - 1).astype(np.int64)


def render_trees(columns: Columns, trees: NDArray[np.int64]) -> list[bytes]:
    """Render all providers of each tree as at 1.29 and later, a comma before each."""
    texts = _render_rows(columns, trees, AnswerForm(), frozenset(), None)
    ends = columns.count[trees].cumsum().tolist()
    return [
        ("," + ",".join(texts[begin:end])).encode()
        for begin, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _render_rows(
    columns: Columns,
    trees: NDArray[np.int64],
    form: AnswerForm,
    names: frozenset[str],
    shown: NDArray[np.int64] | None,
) -> list[str]:
    """Render providers of trees, in the order of their rows.

    Args:
        names: classes to show where the form does not show all.
        shown: rows to show, rising; None: all.
    """
    counts = columns.count[trees].astype(np.int64)
    begins = counts.cumsum() - counts
    rows = np.arange(int(counts.sum())) + np.repeat(columns.first[trees] - begins, counts)
    stock = _render_stock(columns, trees, begins, len(rows), None if form.all_classes else names)
    uuids = _quoted(columns, rows)
    ends = _render_traits(columns, rows) if form.traits else [""] * len(rows)
    texts = [
        f'{uuid}:{{"resources":{{{",".join(each)}}}{end}'
        for uuid, each, end in zip(uuids, stock, ends, strict=True)
    ]
    if form.trees:
        kin = _render_kin(columns, trees, uuids)
        return [f"{text}{end}" for text, end in zip(texts, kin, strict=True)]
    wanted = range(len(rows)) if shown is None else np.isin(rows, shown).nonzero()[0].tolist()
    return [f"{texts[place]}}}" for place in wanted]


def _render_stock(
    columns: Columns,
    trees: NDArray[np.int64],
    begins: NDArray[np.int64],
    size: int,
    names: frozenset[str] | None,
) -> list[list[str]]:
    """Render the classes of each row."""
    stock: list[list[str]] = [[] for _ in range(size)]
    for name, column in columns.classes.items():
        if names is not None and name not in names:
            continue
        start = column.start[trees].astype(np.int64)
        sizes = column.start[trees + 1] - start
        entries = np.arange(int(sizes.sum())) + np.repeat(start - (sizes.cumsum() - sizes), sizes)
        places = np.repeat(begins, sizes) + column.local[entries]
        capacity = column.table.capacity[column.limits[entries]]
        begin = f'{_text(name)}:{{"capacity":'
        for place, most, used in zip(
            places.tolist(), capacity.tolist(), column.used[entries].tolist(), strict=True
        ):
            stock[place].append(f'{begin}{most},"used":{used}}}')
    return stock


def _render_traits(columns: Columns, rows: NDArray[np.int64]) -> Iterator[str]:
    texts: dict[int, str] = {}
    for number in columns.traits[rows].tolist():
        text = texts.get(number)
        if text is None:
            text = texts[number] = _render_set(columns.trait_sets, number)
        yield text


def _render_set(sets: Interned[frozenset[str]], number: int) -> str:
    # Clients have always seen the standard ones first.
    names = sorted(sets[number], key=lambda name: (name.startswith("CUSTOM_"), name))
    return f',"traits":[{",".join(map(_text, names))}]'


def _render_kin(columns: Columns, trees: NDArray[np.int64], uuids: Sequence[str]) -> Iterator[str]:
    """Render where each provider stands, and the end of what is said of it."""
    at = 0
    for shape in columns.shape[trees].tolist():
        root = uuids[at]
        parents = columns.shapes[shape].parents
        for parent in parents:
            above = "null" if parent < 0 else uuids[at + parent]
            yield f',"parent_provider_uuid":{above},"root_provider_uuid":{root}}}'
        at += len(parents)


def _quoted(columns: Columns, rows: NDArray[np.int64]) -> list[str]:
    texts: Iterable[str] = (text.decode() for text in columns.uuid_texts(rows))
    return [_text(text) for text in texts] if columns.odd else [f'"{text}"' for text in texts]


def _text(text: str) -> str:
    return json.encode(text).decode()
