"""What has to happen without anybody asking: leases end, hosts derive anew, old rows go."""

import hashlib
from importlib.metadata import version

import msgspec

from wherry.app.engine import Engine, log
from wherry.app.owning import derive_host
from wherry.app.pinning import pin_held
from wherry.app.steps import settle
from wherry.migrate.signal import render_time
from wherry.model.errors import ReportContradicts, StoreUnavailable, WherryError
from wherry.store.claims import prune_claims
from wherry.store.feed import prune_changes
from wherry.store.hosts import read_host_names
from wherry.store.meta import read_note, write_note
from wherry.store.migrations import prune_migrations, read_due

FEED_S = 0.5
"""How soon a process learns, without being asked, what another has written."""
DUE_S = 0.5
"""How late a lease may end."""
TEND_S = 30.0
"""How soon columns that nobody searches are brought up to date, and made anew if worth it."""
SAVE_S = 600.0
"""How old the snapshot that a restart begins with may become."""
PRUNE_S = 600.0

CHANGES_KEPT = 1_000_000
"""Rows of the feed; a process that has read none of the last so many loads the fleet anew."""
CLAIMS_KEPT_S = 7 * 86_400
"""How long a claim's id is remembered, so that sent again it takes no effect twice."""

DERIVED_WITH = "derived_with"


def start_housekeeping(engine: Engine) -> None:
    """Start what goes on by itself as long as the engine is open."""
    engine.run("derive hosts anew", lambda: derive_anew(engine))
    engine.run("follow the feed", engine.follower.catch_up, every_s=FEED_S)
    engine.run("load the columns", engine.placement.columns)
    engine.run("tend the columns", engine.placement.tend, every_s=TEND_S)
    engine.run("save the columns", engine.placement.save, every_s=SAVE_S)
    engine.run("end leases", lambda: end_leases(engine), every_s=DUE_S)
    engine.run("drop old rows", lambda: drop_old_rows(engine), every_s=PRUNE_S)


def end_leases(engine: Engine) -> int:
    """Carry out what the clock alone brings about; says how many migrations moved on."""
    due = engine.store.read(lambda tx: read_due(tx, now=engine.clock()))
    return sum(_end_lease(engine, uuid) for uuid in due)


def _end_lease(engine: Engine, uuid: str) -> bool:
    try:
        return settle(engine, uuid)
    except StoreUnavailable:
        raise
    except WherryError as error:
        # The others' leases end all the same.
        log.warning("migration %s is not ended: %s", uuid, error)
        return False


def drop_old_rows(engine: Engine) -> None:
    """Forget changes that every process has read, and claims and migrations of long ago."""
    engine.store.write(lambda tx: prune_changes(tx, keep=CHANGES_KEPT))
    before = engine.clock() - CLAIMS_KEPT_S
    engine.store.write(lambda tx: prune_claims(tx, before=before))
    ended = render_time(engine.clock() - engine.settings.keep_migrations_days * 86_400)
    engine.store.write(lambda tx: prune_migrations(tx, before=ended))


def derive_anew(engine: Engine) -> int:
    """Derive every host from its stored report, if program, profiles or settings are others now.

    Hosts are read whole again and again only until each has been derived once; a host whose
    plan comes out as before moves nothing.  Says how many were looked at.
    """
    mark = derivation_mark(engine)
    if is_derived(engine):
        return 0
    names = engine.store.read(read_host_names)
    for count, name in enumerate(names):
        if engine.closing:
            return count
        _derive_host(engine, name)
    engine.store.write(lambda tx: write_note(tx, DERIVED_WITH, mark))
    return len(names)


def is_derived(engine: Engine) -> bool:
    """Whether every host is as this program, with its profiles and settings, derives it."""
    mark = derivation_mark(engine)
    return engine.store.read(lambda tx: read_note(tx, DERIVED_WITH)) == mark


def derivation_mark(engine: Engine) -> str:
    """Tell apart what a report would become: this program with these profiles and settings."""
    digest = hashlib.sha256(msgspec.json.encode(engine.profiles.all, order="deterministic"))
    published = " and labels" if engine.settings.publish_traits == "yes" else ""
    return f"{version('wherry')} {digest.hexdigest()}{published}"


def _derive_host(engine: Engine, name: str) -> None:
    try:
        engine.store.write(lambda tx: derive_host(tx, engine, name))
        pin_held(engine, name)
    except ReportContradicts as error:
        # Kept as it was derived before; the host's next report is judged by the new profiles.
        log.warning("host %s is not derived anew: %s", name, error)
