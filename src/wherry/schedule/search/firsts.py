"""The way that is found first on each ground, remembered from search to search."""

from wherry.schedule.candidates.deadline import Expired
from wherry.schedule.search.grounds import Field
from wherry.schedule.search.placing import Way, all_ways
from wherry.schedule.search.setting import Setting


def first_of_each(setting: Setting, field: Field, expired: Expired) -> list[Way | None]:
    """Give for each ground of a field its first way; None: there is none.

    Raises:
        DeadlineExceeded: it was not found in time.
    """
    compiled = setting.compiled
    # With guests, or asked tree by tree, equal bytes may stand for other grounds.
    lasting = setting.guests is None and not compiled.many_sums
    known = setting.notes.firsts(compiled.key) if lasting else {}
    ways: list[Way | None] = []
    for number, key in enumerate(field.keys):
        try:
            way = known[key]
        except KeyError:
            way = known[key] = next(all_ways(compiled, field.ground(number), expired), None)
        ways.append(way)
    return ways
