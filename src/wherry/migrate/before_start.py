"""Whether facts have moved between the confirmation of both ends and the start.

The claim's own configuration changes facts too: a parameter is set, a feature masked, a device
made, and the target's facts generation moves on with the next report.  So generations do not
tell.  What does: the rules are asked again on the facts as stored now, exactly those that chose
the target and were asked in the pre-flight.  Three things are moved facts:

* a rule now objects with a severity that the policy does not take, or the offer is gone;
* something would have to be configured that the claim has not: the driver was loaded anew and
  its settings are lost, or another value is asked.  What stands as the claim has set it needs
  no configuring any more, so that the claim's own work only ever takes something off this list;
* the guest is another one: its contracts or its QEMU process.

Source: design, section 7; docs/reference/migration-states.md ("Moved facts").
"""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from wherry.compat.table import Finding
from wherry.compat.verdicts import reasons_in
from wherry.migrate.contract_now import differences
from wherry.migrate.preflight import Fresh
from wherry.migrate.probing import is_settled
from wherry.migrate.rules_again import Again, ask_again, configure_again
from wherry.migrate.slots import CARRIED
from wherry.model.checks import Configure, Reason
from wherry.model.migrations import Migration
from wherry.schedule.reasons import cause


def find_moved(migration: Migration, fresh: Fresh) -> tuple[Reason, ...]:
    """Give what stands in the way of starting a confirmed migration; empty where nothing moved.

    Args:
        migration: confirmed.
        fresh: guest and hosts as stored now, and what groups and aggregates say of them.
    """
    asked = Again(
        guest=fresh.guest,
        source=fresh.source,
        target=fresh.target,
        neighbours=fresh.neighbours,
        closed=fresh.closed,
        of_source=migration.answers.get("source"),
        of_target=migration.answers.get("target"),
    )
    taken = {"info", *migration.policy.accept}
    against = [
        one
        for one in ask_again(migration, asked)
        if one.severity not in taken and not is_settled(migration, one)
    ]
    found = list(_of_guest(migration, fresh))
    if against or _has_more_to_set(migration, asked):
        found += _generations(migration, fresh)
    return (*reasons_in(found, migration.policy.mode), *against)


def _of_guest(migration: Migration, fresh: Fresh) -> Iterator[Finding]:
    """What the source has learnt of the guest since: another process, another contract."""
    confirmed = migration.answers.get("source")
    rows = [row for row in migration.answer.mapping if row.mode in CARRIED]
    wanted = UNSET if confirmed is None else confirmed.process
    found = fresh.guest.process
    if rows and found is not UNSET and wanted is not UNSET and found != wanted:
        yield _finding("PREFLIGHT_PROCESS", wanted=wanted, offered=found)
    for row in rows:
        before, now = migration.source_slots[row.slot], fresh.guest.slots.get(row.slot)
        old, new = differences(before, now)
        if old or new:
            yield _finding("PREFLIGHT_CONTRACT", slot=row.slot, wanted=old, offered=new)


def _has_more_to_set(migration: Migration, asked: Again) -> bool:
    """Whether something must be configured by now that the claim does not configure."""
    claimed = {row.slot: row.configure for row in migration.answer.mapping}
    return any(
        not _covers(claimed[slot], needed) for slot, needed in configure_again(migration, asked)
    )


def _covers(claimed: Configure, needed: Configure) -> bool:
    masks = set(needed.mask_features) <= set(claimed.mask_features)
    return masks and all(
        name in claimed.params and claimed.params[name] == value
        for name, value in needed.params.items()
    )


def _generations(migration: Migration, fresh: Fresh) -> Iterator[Finding]:
    """Name the providers whose facts are others than the claim was decided on."""
    for uuid, wanted in sorted(migration.facts.items()):
        found = None if fresh.target is None else fresh.target.find_provider(uuid)
        offered = None if found is None else found.record.facts_generation
        if offered != wanted:
            yield _finding(
                "PREFLIGHT_FACTS_MOVED",
                side="target",
                provider=uuid,
                wanted=wanted,
                offered=offered,
                host=migration.target,
            )


def _finding(code: str, **detail: Any) -> Finding:
    return cause(code), detail
