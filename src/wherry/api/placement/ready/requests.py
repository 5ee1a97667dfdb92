"""Candidates as bytes: one template is filled for all that seat their slots alike."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from msgspec import json
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.inventory.columns.keys import texts_of
from wherry.schedule.candidates.request import AnswerForm
from wherry.schedule.search.compile import Compiled
from wherry.schedule.search.found import Batch, Found, Part, Seats

Buffer = bytes | memoryview
UUID = 36
"""Letters of a uuid."""
MOST_KEPT = 1 << 20
"""Letters of the candidates of one request that are kept beyond its answer."""


@dataclass(frozen=True, slots=True)
class Template:
    """What one candidate says, with places for uuids.

    Attributes:
        parts: letters as they are, or the number of a uuid: that of a seat, or from the number
            of seats on one of those of the group without a suffix in their order.
        spread: seats of the group without a suffix.
    """

    parts: tuple[bytes | int, ...]
    spread: tuple[int, ...]


def render_requests(found: Found, form: AnswerForm) -> list[Buffer]:
    """Render all candidates, in order, as the elements of a JSON array: pieces of it."""
    if len(found.batches) == 1:
        pieces = _render(found, found.batches[0], form, apart=False)
    else:
        pieces = [b""] * found.count
        for batch in found.batches:
            rendered = _render(found, batch, form, apart=True)
            for place, text in zip(batch.order.tolist(), rendered, strict=True):
                pieces[place] = text
    if pieces:
        pieces[-1] = pieces[-1][:-1]  # the comma behind the last
    return pieces


def make_template(compiled: Compiled, seats: Seats, form: AnswerForm) -> Template:
    """Say what a candidate says whose slots sit so."""
    pairs = list(zip(compiled.slots, seats, strict=True))
    spread = tuple(dict.fromkeys(seat for slot, seat in pairs if slot.is_spread))
    held: dict[int, dict[str, int]] = {}
    for slot, seat in pairs:
        for name, amount in slot.amounts:
            resources = held.setdefault(seat, {})
            resources[name] = resources.get(name, 0) + amount
    before, between, after = (
        (b'{"', b'":{"resources":', b"}") if form.keyed_allocations
        else (b'[{"resource_provider":{"uuid":"', b'"},"resources":', b"}]")
    )  # fmt: skip
    parts: list[bytes | int] = [b'{"allocations":']
    for number, (seat, resources) in enumerate(held.items()):
        parts += [b"," + before[1:] if number else before, seat, between, json.encode(resources)]
        parts.append(after[:1])
    parts.append(after[1:] or b"}")
    if form.mappings:
        count = max(seats) + 1
        parts.append(b',"mappings":{')
        if spread:
            several = len(spread) > 1
            listed = [count + n for n in range(len(spread))] if several else list(spread)
            parts += [b'"":', *_listed(listed)]
        for slot, seat in pairs:
            if not slot.is_spread:
                parts += [b"," if parts[-1] == b"]" else b"", json.encode(slot.suffix), b":"]
                parts += _listed([seat])
        parts.append(b"}")
    parts.append(b"}")
    return Template(tuple(_joined(parts)), spread)


def _listed(uuids: list[int]) -> Iterator[bytes | int]:
    for number, each in enumerate(uuids):
        yield b',"' if number else b'["'
        yield each
        yield b'"'
    yield b"]"


def _joined(parts: list[bytes | int]) -> Iterator[bytes | int]:
    """Put letters that follow each other together."""
    letters = b""
    for part in parts:
        if isinstance(part, bytes):
            letters += part
            continue
        yield letters
        yield part
        letters = b""
    yield letters


def _render(found: Found, batch: Batch, form: AnswerForm, *, apart: bool) -> list[Buffer]:
    """Render candidates that seat their slots alike, each *apart* or all in one piece.

    There is a comma behind each.
    """
    if batch.part is not None and not apart and not found.columns.odd:
        return _turned(found, batch, batch.part, form)
    template = make_template(found.compiled, batch.seats, form)
    if found.columns.odd:
        return _fill_odd(found.columns, batch, template)
    letters = _fill(found.columns, batch.rows, template)
    if not apart:
        return [letters.reshape(-1).data]
    text, width = letters.tobytes(), letters.shape[1]
    return [text[at : at + width] for at in range(0, len(text), width)]


def _turned(found: Found, batch: Batch, part: Part, form: AnswerForm) -> list[Buffer]:
    """Render the candidates of a part once, and give them from where the batch begins."""
    letters = part.made.get(form)
    if letters is None:
        template = make_template(found.compiled, batch.seats, form)
        letters = _fill(found.columns, part.rows, template)
        if letters.size <= MOST_KEPT:
            part.made[form] = letters
    text, (count, width) = letters.reshape(-1).data, letters.shape
    size = len(batch.rows)
    ahead = min(size, count - batch.begin)
    pieces = [text[batch.begin * width : (batch.begin + ahead) * width]]
    return pieces if ahead == size else [*pieces, text[: (size - ahead) * width]]


def _fill(columns: Columns, rows: NDArray[np.int64], template: Template) -> NDArray[np.uint8]:
    """Fill a template with uuids: uint8[N, L], a comma at the end of each candidate."""
    size, seats = rows.shape
    uuids = texts_of(columns.uuids[rows.reshape(-1)]).reshape(size, seats, UUID)
    if len(template.spread) > 1:
        spread = np.ascontiguousarray(uuids[:, template.spread]).view(f"S{UUID}")
        ordered = np.sort(spread, axis=1).view(np.uint8)
        uuids = np.concatenate([uuids, ordered.reshape(size, -1, UUID)], axis=1)
    parts = (*template.parts, b",")
    widths = [UUID if isinstance(part, int) else len(part) for part in parts]
    blank = b"".join(bytes(UUID) if isinstance(part, int) else part for part in parts)
    letters = np.empty((size, sum(widths)), np.uint8)
    letters[:] = np.frombuffer(blank, np.uint8)
    at = 0
    for part, width in zip(parts, widths, strict=True):
        if isinstance(part, int):
            letters[:, at : at + UUID] = uuids[:, part]
        at += width
    return letters


def _fill_odd(columns: Columns, batch: Batch, template: Template) -> list[Buffer]:
    """As `_fill` where some uuids are spelled in other ways, of any length."""
    texts: list[Buffer] = []
    for rows in batch.rows.tolist():
        uuids = [json.encode(columns.uuid(row))[1:-1] for row in rows]
        uuids += sorted(uuids[seat] for seat in template.spread)
        parts = (uuids[part] if isinstance(part, int) else part for part in template.parts)
        texts.append(b"".join((*parts, b",")))
    return texts
