"""What the tools around the kernel answer as JSON: vdpa and devlink (netlink), mdevctl.

Some answers need CAP_NET_ADMIN; an absent tool or answer is silence.

Source: notes on introspection, 5.10, 5.11.
"""

from collections.abc import Callable, Mapping
from typing import Final

from wherry.hosts.children import ask

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "vdpa-mgmtdev.json": ("vdpa", "-j", "mgmtdev", "show"),
    "vdpa-dev.json": ("vdpa", "-j", "dev", "show"),
    "vdpa-config.json": ("vdpa", "-j", "dev", "config", "show"),
    "devlink-info.json": ("devlink", "-j", "dev", "info"),
    "mdevctl-types.json": ("mdevctl", "types", "--dumpjson"),
    "mdevctl-list.json": ("mdevctl", "list", "--dumpjson"),
}
"""Command by the name its answer has beside a recording."""


def ask_tools(
    ask_one: Callable[[tuple[str, ...]], str | None] = ask,
) -> Mapping[str, str]:
    """Ask each tool; what gave no answer is left out.

    Args:
        ask_one: runs one command; a test gives its own.
    """
    answers = {name: ask_one(command) for name, command in COMMANDS.items()}
    return {name: text for name, text in answers.items() if text}
