"""Commands that open the database themselves are tested on both engines."""

from databases import (  # noqa: F401 - fixtures
    postgresql,
    postgresql_url,
    sqlite_template,
    sqlite_url,
    store_url,
)
