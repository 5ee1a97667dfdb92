"""All pages: each module of views has its own table."""

from wherry.web.views import (
    claims,
    files,
    fleet,
    guests,
    hosts,
    live,
    matrix,
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
    *matrix.PAGES,
    *live.PAGES,
    *signing.PAGES,
    *files.PAGES,
)
