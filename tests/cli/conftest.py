"""A running service that commands ask."""

from acme_fleet import fleet, sqlite_fleet
from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store_url
from service import service

__all__ = [
    "fleet",
    "postgresql",
    "postgresql_url",
    "service",
    "sqlite_fleet",
    "sqlite_template",
    "sqlite_url",
    "store_url",
]
