"""Claims: what consumers hold, written all together or not at all.

Source: design, section 6; docs/explanation/claims.md.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import delete

from wherry.model.claims import Claim, ClaimOutcome
from wherry.model.errors import (
    AlreadyExists,
    CapacityExceeded,
    ConsumerChanged,
    ExclusiveConflict,
    FactsChanged,
    NoPlace,
    NotFound,
    SlotTaken,
    UnitsNotTaken,
    WherryError,
)
from wherry.store import claims_sqlite, tables
from wherry.store.claim_rows import ClaimRows, claim_rows
from wherry.store.providers import exclusive_by
from wherry.store.transaction import Store, Tx


def write_claim(
    tx: Tx, claim: Claim, *, now: float, named: Collection[str] | None = None
) -> ClaimOutcome:
    """Write a claim if the facts it was decided on still stand and everything fits.

    Two claims that both fit do not conflict: capacity is asked in the update itself, and only
    changed facts (not other claims) make a decision stale.  What takes nothing more is never
    refused: a release, and what passes from one consumer to another, go through where an
    inventory has shrunk below its use.  A refused claim leaves nothing, also where the caller
    goes on with the same transaction.  A claim's id takes effect once: said again, it gives
    the first outcome with ``repeated``.

    An occupant without ``device`` keeps the device that its slot holds on that provider; on a
    provider whose devices have names it gets the first free one.

    Args:
        now: seconds since the epoch, kept with the claim's id until `prune_claims`.
        named: providers whose generation moves for Placement's clients, also where nothing
            changes on them; that of others then stays for these clients.  None: it moves
            where something changes.

    Raises:
        InvalidRequest: the claim names something twice, or holds amounts that are none.
        AlreadyExists: the id was used for another claim.
        ConsumerChanged: a consumer is not at the expected generation.
        FactsChanged: a provider reports other facts by now, or is gone; decide again.
        CapacityExceeded: an inventory or pool has less than asked; try the next candidate.
        UnitsNotTaken: units break min_unit, max_unit or step_size of an inventory.
        SlotTaken: a named device is held, or none of the named devices is free.
        ExclusiveConflict: instances in use have another value than asked.
        NoPlace: no place is free where an instance of the type may sit.
        NotFound: there is no such provider, or it has no such device.
    """
    rows = claim_rows(claim, at=now, named=named)
    answer = _apply(tx, rows)
    return _outcome(claim, rows, answer, lambda uuid: exclusive_by(tx, uuid))


def commit_claim(store: Store, claim: Claim, *, now: float) -> ClaimOutcome:
    """Write a claim in a transaction of its own, which it shares with others that wait.

    Otherwise as `write_claim`.

    Raises:
        StoreUnavailable: the database does not answer; say the claim again.
    """
    rows = claim_rows(claim, at=now)
    answer = store.claim(rows)
    return _outcome(claim, rows, answer, lambda uuid: store.read(lambda tx: exclusive_by(tx, uuid)))


def _outcome(
    claim: Claim, rows: ClaimRows, answer: dict[str, Any], by: Callable[[str], str]
) -> ClaimOutcome:
    if "error" in answer:
        raise _ERRORS[answer["error"]](by, claim, answer)
    if "first" not in answer:
        return ClaimOutcome(claim=claim.id, **answer)
    if answer["digest"] != rows.digest:
        raise AlreadyExists(what="claim", name=claim.id, why="it asked for something else")
    first = json.loads(answer["first"])
    return ClaimOutcome(claim=claim.id, **first, repeated=True)


def prune_claims(tx: Tx, *, before: float) -> int:
    """Forget the ids of claims written before a time; says how many."""
    return tx.execute(delete(tables.claim).where(tables.claim.c["at"] < before)).rowcount


def _apply(tx: Tx, rows: ClaimRows) -> dict[str, Any]:
    if tx.dialect == "postgresql":
        from wherry.store import claims_postgresql  # noqa: PLC0415 - its driver is an extra

        return claims_postgresql.apply_claims(tx.driver, [rows])[0]
    return claims_sqlite.apply_claims(tx.driver, [rows])[0]


Answer = dict[str, Any]


By = Callable[[str], str]
"""Names what a provider's instances must agree in."""


def _provider_error(_by: By, claim: Claim, answer: Answer) -> WherryError:
    provider = answer["provider"]
    if provider in claim.facts:
        return FactsChanged(provider=provider, expected=claim.facts[provider], found=None)
    return NotFound(what="resource provider", name=provider)


def _exclusive_error(by: By, _claim: Claim, answer: Answer) -> WherryError:
    return ExclusiveConflict(
        provider=answer["provider"],
        by=by(answer["provider"]),
        wanted=json.loads(answer["wanted"]),
        in_use=[json.loads(value) for value in answer["in_use"]],
    )


_ERRORS: dict[str, Callable[[By, Claim, Answer], WherryError]] = {
    "consumer": lambda _by, _claim, answer: ConsumerChanged(
        consumer=answer["consumer"], expected=answer["expected"], found=answer["found"]
    ),
    "facts": lambda _by, _claim, answer: FactsChanged(
        provider=answer["provider"], expected=answer["expected"], found=answer["found"]
    ),
    "provider": _provider_error,
    "capacity": lambda _by, _claim, answer: CapacityExceeded(
        provider=answer["provider"], resource_class=answer["class"], asked=answer["asked"]
    ),
    "units": lambda _by, _claim, answer: UnitsNotTaken(
        provider=answer["provider"],
        resource_class=answer["class"],
        asked=answer["asked"],
        min_unit=answer["min_unit"],
        max_unit=answer["max_unit"],
        step_size=answer["step_size"],
    ),
    "device": lambda _by, _claim, answer: SlotTaken(
        provider=answer["provider"], device=answer["device"] or "(any)"
    ),
    "no_device": lambda _by, _claim, answer: NotFound(
        what=f"device of provider {answer['provider']} named", name=answer["device"]
    ),
    "exclusive": _exclusive_error,
    "place": lambda _by, _claim, answer: NoPlace(
        provider=answer["provider"], types=answer["types"]
    ),
}
