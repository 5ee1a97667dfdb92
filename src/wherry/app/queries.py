"""A stored guest as a question for schedulers that speak only Placement.

Source: docs/reference/compat.md, section 13 ("Placement: derived traits").
"""

from typing import NamedTuple

from wherry.app.engine import Engine
from wherry.app.guests import get_guest
from wherry.app.housekeeping import is_derived
from wherry.compat.query.host import marks_of_host
from wherry.compat.query.labels import STANDARD, label
from wherry.compat.query.marks import marks_of
from wherry.compat.query.vocabulary import Vocabulary
from wherry.model.queries import QueryAnswer, QueryRequest, WhyNoQuery
from wherry.profiles.tables import standard_classes
from wherry.schedule.placement_query import compile_guest, unasked
from wherry.store.labels import read_label_names, read_salt
from wherry.store.placement_names import CLASSES, read_names
from wherry.store.transaction import Tx


class Names(NamedTuple):
    """What a question can name: Placement refuses one with a name that it does not know."""

    salt: bytes
    labels: frozenset[str]
    classes: frozenset[str]


def compile_query(engine: Engine, uuid: str, request: QueryRequest) -> QueryAnswer:
    """Compile a stored guest, or say why there is nothing to ask.

    Raises:
        NotFound: there is no such guest.
        InvalidRequest: the policy's mode is one that no whole guest has.

    Cost: O(distinct offers of the fleet), and one read of the names of traits.
    """
    guest = get_guest(engine, uuid)
    why = _unasked(engine)
    if why is not None:
        return unasked(guest, why)
    engine.view()
    names = engine.store.read(_read_names)
    return compile_guest(guest, request, _vocabulary(engine, names), names.classes, names.salt)


def _unasked(engine: Engine) -> WhyNoQuery | None:
    if engine.settings.publish_traits == "no":
        words = "this service publishes no derived traits: set publish_traits to yes"
        return WhyNoQuery(code="NOT_PUBLISHED", words=words)
    if not is_derived(engine):
        words = "derived traits are still being written: ask again in a moment"
        return WhyNoQuery(code="NOT_WRITTEN", words=words)
    return None


def _read_names(tx: Tx) -> Names:
    classes = {*standard_classes(), *read_names(tx, CLASSES)}
    return Names(read_salt(tx), frozenset(read_label_names(tx)), frozenset(classes))


def _vocabulary(engine: Engine, names: Names) -> Vocabulary:
    """Give the words of the fleet as it is, those that the database has labels of."""
    marks = {mark for offer in engine.fleet.distinct_offers() for mark in marks_of(offer)}
    marks.update(mark for facts in engine.fleet.distinct_facts() for mark in marks_of_host(facts))
    return Vocabulary(
        mark for mark in marks if mark[0] == STANDARD or label(names.salt, mark) in names.labels
    )
