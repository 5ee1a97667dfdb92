"""All pages: each module of views has its own table."""

from wherry.web.views import files, fleet, hosts, live, migration, migrations, signing
from wherry.web.visits import Page

PAGES: tuple[Page, ...] = (
    *fleet.PAGES,
    *hosts.PAGES,
    *migrations.PAGES,
    *migration.PAGES,
    *live.PAGES,
    *signing.PAGES,
    *files.PAGES,
)
