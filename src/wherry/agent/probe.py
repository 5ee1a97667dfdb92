"""The probe of one host: the attribute ``migration_version`` of an instance, read and written.

The only write that Wherry makes to a device, and only where the host's operator has switched it
on (``probe = "last_resort"``) and a migration's policy permits it.  The text is the driver's own:
it is handed over byte for byte, and written to the log for administrators.

Source: docs/reference/compat.md, section 17.
"""

import errno
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from wherry.introspect.address import parse_address
from wherry.model.migrations import JobAnswer, JobSlot, PreflightJob

log = logging.getLogger("wherry.agent.probe")

ATTRIBUTE = "migration_version"
MOST = 4096
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A host whose operator has switched the probe on; *root* holds its ``sys``."""

    root: Path = Path("/")

    def answer(self, job: PreflightJob) -> JobAnswer:
        """Read, or write once, what a job asks."""
        if job.kind == "probe write":
            told = {slot: self._write(job, slot, asked) for slot, asked in job.slots.items()}
            return JobAnswer(token=job.token, side=job.side, ok=True, probe=told)
        found = {slot: self._read(asked) for slot, asked in job.slots.items()}
        return JobAnswer(
            token=job.token,
            side=job.side,
            ok=True,
            probe={s: "read" if isinstance(said, bytes) else said for s, said in found.items()},
            texts={slot: said.hex() for slot, said in found.items() if isinstance(said, bytes)},
        )

    def _read(self, slot: JobSlot) -> bytes | str:
        path = self._path(slot)
        if path is None:
            return "absent"
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                return file.read(MOST)
        except FileNotFoundError:
            return "absent"
        except OSError as error:
            return _name_of(error)

    def _write(self, job: PreflightJob, slot: str, asked: JobSlot) -> str:
        path = self._path(asked)
        text = bytes.fromhex(asked.text) if asked.text is not UNSET else b""
        said = "ENOENT" if path is None else _write_once(path, text)
        log.warning(
            "probe for migration %s: %r was written to %s of slot %s: %s",
            job.migration, text, path, slot, said,
        )  # fmt: skip
        return said

    def _path(self, slot: JobSlot) -> Path | None:
        """Where the attribute of an instance is: below its parent, or of the function itself."""
        device = slot.device
        if device is UNSET:
            return None
        if parse_address(device) == device:
            return self.root / "sys/bus/pci/devices" / device / ATTRIBUTE
        if not _UUID.fullmatch(device):
            return None
        return self.root / "sys/bus/mdev/devices" / device / ATTRIBUTE


def not_made(job: PreflightJob) -> JobAnswer:
    """Answer for a host whose operator has not switched the probe on: nothing was looked at."""
    return JobAnswer(token=job.token, side=job.side, ok=True)


def _write_once(path: Path, text: bytes) -> str:
    """Write in one call; what the driver says of it is the answer."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except OSError as error:
        return _name_of(error)
    try:
        os.write(file, text)
    except OSError as error:
        return _name_of(error)
    finally:
        os.close(file)
    return "accepted"


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "EIO")
