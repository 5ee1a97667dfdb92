"""What the tools around the kernel answer: vdpa and devlink (netlink), mdevctl, nvidia-smi.

Some answers need CAP_NET_ADMIN; an absent tool or answer is silence.

Source: docs/reference/introspection.md, "Programs beside sysfs".
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from wherry.hosts.children import ask
from wherry.introspect import devlink, nvidia_smi
from wherry.introspect.answers import parse_answer
from wherry.model.errors import InvalidFile

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "vdpa-mgmtdev.json": ("vdpa", "-j", "mgmtdev", "show"),
    "vdpa-dev.json": ("vdpa", "-j", "dev", "show"),
    "vdpa-config.json": ("vdpa", "-j", "dev", "config", "show"),
    devlink.INFO: ("devlink", "-j", "dev", "info"),
    devlink.PORTS: ("devlink", "-j", "port", "show"),
    "mdevctl-types.json": ("mdevctl", "types", "--dumpjson"),
    "mdevctl-list.json": ("mdevctl", "list", "--dumpjson"),
    nvidia_smi.FILE: ("nvidia-smi", "-q", "-x"),
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
    answers[devlink.ESWITCH] = _ask_eswitches(answers.get(devlink.INFO) or "", ask_one)
    return {name: text for name, text in answers.items() if text}


def _ask_eswitches(info: str, ask_one: Callable[[tuple[str, ...]], str | None]) -> str | None:
    """Ask each device for the mode of its switch: the tool has no way to ask for all.

    What is not the tool's format is handed on as it is: who reads it says what is wrong.
    """
    modes: dict[str, object] = {}
    for handle in _handles(info):
        answer = ask_one(("devlink", "-j", "dev", "eswitch", "show", handle)) or ""
        try:
            modes |= parse_answer(answer, "dev", file=devlink.ESWITCH)
        except InvalidFile:
            return answer
    return json.dumps({"dev": modes}) if modes else None


def _handles(info: str) -> tuple[str, ...]:
    try:
        return devlink.handles(info)
    except InvalidFile:
        return ()
