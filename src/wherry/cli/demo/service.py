"""A service of one's own for the time of a block: embedded database, loopback."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.model.errors import ServiceUnavailable

READY = "Wherry is ready at "
STOP_WITHIN_S = 15


@contextmanager
def own_service(state_dir: Path, *, port: int) -> Iterator[str]:
    """Run ``wherry serve`` beside this process; gives its address once it answers.

    Raises:
        ServiceUnavailable: it did not start; its own message has been printed.
    """
    command = [sys.executable, "-m", "wherry", "serve", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 - our own program with our own arguments
        [*command, "--state-dir", str(state_dir)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                message = "the service did not start; choose another --port or --state-dir"
                raise ServiceUnavailable(message)
            yield line.removeprefix(READY).strip().removesuffix("/wherry/docs")
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
