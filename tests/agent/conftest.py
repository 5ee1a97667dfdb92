"""A running service for agents to talk to."""

from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store_url
from service import any_service, service
from told_server import server

__all__ = [
    "any_service",
    "postgresql",
    "postgresql_url",
    "server",
    "service",
    "sqlite_template",
    "sqlite_url",
    "store_url",
]
