"""The truth, in SQL: SQLite for one service process, PostgreSQL for several.

`open_store` (`wherry.store.engine`) gives a `Store`.  ``store.write(fn)`` runs ``fn(tx)`` in
one transaction and comes back once it is on disk; ``store.read(fn)`` runs it on one
consistent snapshot.  Functions per question stand in modules by noun (`hosts`, `providers`,
`claims`, `guests`, `migrations`, `jobs`, `packs`, `reports`, `feed`); each takes the
transaction first and never ends it.  ``fn`` may be run again after a deadlock, so it does
nothing but read and write through its transaction.

    outcome = store.write(lambda tx: write_claim(tx, claim, now=clock()))

Source: design, section 6; docs/explanation/claims.md and change-feed.md.
"""
