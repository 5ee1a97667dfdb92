"""A running service for agents to talk to."""

from service import any_service, service
from told_server import server

__all__ = ["any_service", "server", "service"]
