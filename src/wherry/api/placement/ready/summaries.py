"""What an answer says of providers, as bytes that are kept until their tree changes.

From 1.29 on an answer shows every provider of the trees that its candidates allocate from, and
their bytes are kept tree by tree.  Before, it shows only providers that are allocated from,
and what it says of them depends on the request: those bytes are made anew.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import json
from numpy.typing import NDArray

from wherry.api.placement.ready.keeping import Halves
from wherry.inventory.columns import Columns, Interned
from wherry.schedule.candidates.request import AnswerForm
from wherry.schedule.search.found import Found

MOST_BYTES = 64 << 20


class TreeBytes:
    """The bytes of trees, of those asked for last; one for each fleet.

    Trees that stand beside each other are kept put together as well, as pages: after a claim
    one page is put together anew, and not a thousand trees are looked up.

    Args:
        most: bytes to keep.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._trees, self._pages = Halves(most // 2), Halves(most // 2)

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        return self._trees.size + self._pages.size

    def of(self, columns: Columns, trees: NDArray[np.int64]) -> list[bytes]:
        """Give all providers of each tree as members of a JSON object, a comma before each.

        Args:
            trees: rising.

        Gives texts of one or more trees, not in their order.
        """
        ends = (trees[1:] >> PAGE) != (trees[:-1] >> PAGE)
        bounds = np.concatenate(([0], ends.nonzero()[0] + 1, [len(trees)]))
        sizes = np.diff(bounds)
        full = sizes >= WORTH
        if not full.any():
            return self._each(columns, trees)
        # Stamps are written after what they stand for, so they are read before.
        stamps = columns.stamp[trees]
        found: list[bytes] = []
        stale = []
        for begin, end in zip(bounds[:-1][full].tolist(), bounds[1:][full].tolist(), strict=True):
            page, sign = trees[begin:end].tobytes(), stamps[begin:end].tobytes()
            text = self._pages.get(page, sign)
            if text is None:
                stale.append((begin, end, page, sign))
            else:
                found.append(text)
        found += self._anew(columns, trees, stale)
        return found + self._each(columns, trees[np.repeat(~full, sizes)])

    def _anew(
        self,
        columns: Columns,
        trees: NDArray[np.int64],
        pages: Sequence[tuple[int, int, bytes, bytes]],
    ) -> Iterator[bytes]:
        """Put pages together, each from and to a place; trees of all are rendered at once."""
        if not pages:
            return
        texts = self._each(columns, np.concatenate([trees[begin:end] for begin, end, *_ in pages]))
        at = 0
        for begin, end, page, sign in pages:
            text = b"".join(texts[at : at + end - begin])
            at += end - begin
            self._pages.put(page, sign, text)
            yield text

    def _each(self, columns: Columns, trees: NDArray[np.int64]) -> list[bytes]:
        """Give each tree apart, in order."""
        numbers, stamps = trees.tolist(), columns.stamp[trees].tolist()
        get, found, stale = self._trees.get, [], []
        for place, (tree, stamp) in enumerate(zip(numbers, stamps, strict=True)):
            text = get(tree, stamp)
            if text is None:
                stale.append(place)
            found.append(text or b"")
        for some in range(0, len(stale), BLOCK):
            places = stale[some : some + BLOCK]
            for place, text in zip(places, render_trees(columns, trees[places]), strict=True):
                found[place] = text
                self._trees.put(numbers[place], stamps[place], text)
        return found


BLOCK = 1 << 10
"""Trees that are rendered together."""
PAGE = 6
"""Binary digits of a tree's number within its page: 64 trees."""
WORTH = 16
"""Trees of a page that are asked for together, from which on it is kept."""


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
