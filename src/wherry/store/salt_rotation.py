"""Puts another salt in place of the present one: every label is rewritten, or none.

A label is one row among the traits, wherever it is used: what changes is its name.  Providers
that have one are told of in the feed, so that every process follows.

Source: docs/reference/compat.md, section 13 ("Canonical JSON").
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from wherry.compat.query.host import marks_of_host
from wherry.compat.query.labels import is_label, label
from wherry.compat.query.marks import marks_of
from wherry.compat.query.vocabulary import Mark
from wherry.compat.shapes import shape_digest
from wherry.model.checks import HostFacts
from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.body import decode
from wherry.store.labels import SALT, forget_labels, read_label_names, rename_labels
from wherry.store.meta import write_note
from wherry.store.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation did.

    Attributes:
        labels: that have another name.
        providers: that have such labels.
        forgotten: labels that nothing has published any more.
    """

    labels: int
    providers: int
    forgotten: int


def rotate_salt(tx: Tx, new: bytes) -> Rotation:
    """Make all labels those of another salt.

    Cost: reads every provider's plan once; writes a row for each distinct label, and one for
    each provider that has any.
    """
    note = select(tables.meta.c.value).where(tables.meta.c.key == SALT).with_for_update()
    old = tx.execute(note).scalar()
    write_note(tx, SALT, new.hex())
    known = set(read_label_names(tx))
    # Without the old salt, nobody can tell what a label stands for.
    marks = () if old is None else _distinct(tx)
    names = {label(bytes.fromhex(old or ""), mark): label(new, mark) for mark in marks}
    renamed = {name: names[name] for name in known & names.keys() if is_label(name)}
    providers = rename_labels(tx, renamed)
    forgotten = forget_labels(tx, known - renamed.keys())
    return Rotation(labels=len(renamed), providers=providers, forgotten=forgotten)


def _distinct(tx: Tx) -> frozenset[Mark]:
    return frozenset(_marks(tx))


def _marks(tx: Tx) -> Iterator[Mark]:
    """Give what offers and hosts publish; each distinct offer is looked at once."""
    seen: set[bytes] = set()
    for text in tx.execute(select(tables.provider_plan.c.plan)).scalars():
        for offer in decode(text, PlannedProvider).offers:
            digest = shape_digest(offer)
            if digest not in seen:
                seen.add(digest)
                yield from marks_of(offer)
    facts = set(tx.execute(select(tables.host_report.c.check_facts)).scalars())
    for text in facts:
        yield from marks_of_host(decode(text, HostFacts))
