"""All pages: each module of views has its own table."""

from wherry.web.views import (
    claims,
    files,
    fleet,
    guests,
    hosts,
    live,
    migration,
    migrations,
    signing,
)
from wherry.web.visits import Page

PAGES: tuple[Page, ...] = (
    *fleet.PAGES,
    *hosts.PAGES,
    *migrations.PAGES,
    *migration.PAGES,
    *guests.PAGES,
    *claims.PAGES,
    *live.PAGES,
    *signing.PAGES,
    *files.PAGES,
)
