"""Vendors' prose rules ("not between these two releases") are data, not code.

A row has a scope and something to meet; where a fact is missing, a row that would refuse is
unknown and one that would warn still warns.

Source: docs/reference/compat.md, R47.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.compat.conditions import all_of, at_least, holds
from wherry.compat.pair import Pair
from wherry.compat.table import Cause, Finding, Findings, cause
from wherry.model.checks import FactConditions, Row

RULES: Final = ("R47",)

_SAID = {severity: cause("POLICY", severity) for severity in ("no", "warn", "info")}
_CANNOT_TELL: Final[dict[str, Cause | None]] = {
    "no": cause("POLICY", "unknown"),
    "warn": _SAID["warn"],
    "info": None,
}
_Env = dict[str, str]


def check(pair: Pair) -> Findings:
    """Ask each row of each pack whose types cover the contract's."""
    if not pair.policy.packs:
        return ()
    found: dict[tuple[str, str], Finding] = {}
    for pack in pair.policy.packs:
        for row in pack.rows:
            outcome = _judge(pair, pack.id, row) if _covers(row, pair.contract.type) else None
            # Ids are unique; should a pair of them come twice, the worse counts.
            key = (pack.id, row.id)
            if outcome and outcome[0].rank <= found.get(key, outcome)[0].rank:
                found[key] = outcome
    return found.values()


def _covers(row: Row, name: str) -> bool:
    if row.types is UNSET:
        return True
    return any(
        name.startswith(item[:-1]) if item.endswith("*") else name == item for item in row.types
    )


def _judge(pair: Pair, pack: str, row: Row) -> Finding | None:
    source, target = pair.contract.env or {}, pair.offer.env or {}
    scope = all_of(_facts_hold(row.when, source, target))
    met = _is_met(row, source, target)
    if scope is False or met is True:
        return None
    told = _SAID[row.severity] if scope and met is False else _CANNOT_TELL[row.severity]
    if told is None:
        return None
    because = "no reason given" if row.because is UNSET else row.because
    return told, {"pack": pack, "row": row.id, "because": because,
                  "wanted": source, "offered": target}  # fmt: skip


def _is_met(row: Row, source: _Env, target: _Env) -> bool | None:
    """All of *require* and *compare*; a row with neither is never met."""
    if not row.require and not row.compare:
        return False
    return all_of((*_facts_hold(row.require, source, target), *_compared(row, source, target)))


def _facts_hold(
    conditions: FactConditions | UnsetType, source: _Env, target: _Env
) -> Iterator[bool | None]:
    for name, asked in (conditions or {}).items():
        side, _, fact = name.partition(".")
        yield holds(asked, (source if side == "source" else target).get(fact))


def _compared(row: Row, source: _Env, target: _Env) -> Iterator[bool | None]:
    for fact, how in (row.compare or {}).items():
        ours, theirs = source.get(fact), target.get(fact)
        if ours is None or theirs is None:
            yield None
        else:
            yield theirs == ours if how == "eq" else at_least(theirs, ours)
