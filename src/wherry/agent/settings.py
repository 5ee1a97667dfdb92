"""How an agent is set up; each field is an option, a variable and a line below ``[agent]``."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wherry.agent.client import DEFAULT_URL
from wherry.app.options import Option, one_of, path, resolve, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """How one agent runs.

    Attributes:
        url: the service.
        token_file: file that holds the token; without it ``WHERRY_TOKEN`` does.
        name: name of the host; None takes the host's own, or the snapshot's file name.
        snapshot: a recorded host to act for, instead of this one.
        beside: folder of libvirt's XML and the tools' JSON that goes with the snapshot.
        qmp_dir: folder of QMP sockets, one a guest, named ``UUID.sock``; without it QEMU is
            not asked, and what only QEMU knows stays unknown.
        attributes: paths of more attributes of PCI functions to report, as the service's own
            profiles point at.
        probe: whether this host takes part in the probe of a pre-flight, which writes to a
            device; a recorded host never does.
        interval_s: seconds between two looks at the host.
        wait_s: seconds for which one long-poll is held.
    """

    url: str = DEFAULT_URL
    token_file: Path | None = None
    name: str | None = None
    snapshot: Path | None = None
    beside: Path | None = None
    qmp_dir: Path | None = None
    attributes: tuple[str, ...] = ()
    probe: Literal["off", "last_resort"] = "off"
    interval_s: int = 60
    wait_s: int = 30


TABLE: tuple[Option, ...] = (
    Option(
        name="url",
        parse=text,
        default=DEFAULT_URL,
        metavar="URL",
        help="Address of the service.",
    ),
    Option(
        name="token_file",
        parse=path,
        default=None,
        metavar="FILE",
        help="File that holds the token (default: the variable WHERRY_TOKEN).",
    ),
    Option(
        name="name",
        parse=text,
        default=None,
        metavar="NAME",
        help="Name of the host (default: what it calls itself).",
    ),
    Option(
        name="snapshot",
        parse=path,
        default=None,
        metavar="FILE",
        help="Act for a recorded host instead of this one.",
    ),
    Option(
        name="beside",
        parse=path,
        default=None,
        metavar="DIR",
        help="Folder of libvirt's XML and the tools' JSON that goes with the snapshot.",
    ),
    Option(
        name="qmp_dir",
        parse=path,
        default=None,
        metavar="DIR",
        help="Folder of QMP sockets named UUID.sock, to ask QEMU about blockers.",
    ),
    Option(
        name="attributes",
        parse=text,
        default=(),
        metavar="PATH",
        many=True,
        help="One more attribute of PCI functions to report, for a profile; may be repeated.",
    ),
    Option(
        name="probe",
        parse=one_of("off", "last_resort"),
        default="off",
        metavar="off|last_resort",
        help="Read and write migration_version of a device where a migration's policy asks so.",
    ),
    Option(
        name="interval_s",
        parse=whole(1, 86_400),
        default=60,
        metavar="SECONDS",
        help="Time between two looks at the host.",
    ),
    Option(
        name="wait_s",
        parse=whole(0, 60),
        default=30,
        metavar="SECONDS",
        help="How long one long-poll for work is held.",
    ),
)


def load_agent_settings(
    given: Mapping[str, Any],
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> AgentSettings:
    """Read the settings from command line, environment and file.

    Raises:
        BadConfiguration: a value cannot be used; the message names where it was said.
    """
    values = resolve(TABLE, section="agent", given=given, environ=environ, file=file)
    return AgentSettings(**values)
