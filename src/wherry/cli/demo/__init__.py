"""``wherry demo``: the whole story on this host and a small recorded fleet."""

from wherry.cli.demo.command import demo

__all__ = ["demo"]
