"""Draw the terminal of the README: what real commands print, on a terminal, of a recorded fleet.

    python docs/record.py            # as `make recording`

Four recorded hosts report to a service of its own, a guest boots, and three commands run in a
pseudo-terminal.  Nothing is edited but times, which are written as if each were a second after
the one before, so that the picture changes only when what is printed does.
"""

import fcntl
import io
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from wherry.agent.client import Client
from wherry.agent.daemon import Agent
from wherry.cli.demo.fleet import make_agents, recorded_hosts
from wherry.cli.demo.service import own_service
from wherry.cli.demo.story import name_of
from wherry.model.guests import Guest, GuestRequest, SlotRequest
from wherry.model.migrations import Migration
from wherry.model.wire import FinishRequest, MigrationStory, OfferList, TokenRequest

PICTURE = Path(__file__).parent / "assets" / "terminal.svg"
HOSTS = ("serial-1", "serial-2", "serial-3", "serial-4")
TYPE = "mtty/mtty-1"
COLUMNS = 100
GUEST, MOVE = name_of("serial"), name_of("move")
SAID = {"$GUEST": GUEST, "$MOVE": MOVE}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_TAKEN_BACK = "\r\x1b[2K"
_LIGHT = TerminalTheme(
    (255, 255, 255),
    (29, 39, 51),
    [
        (29, 39, 51), (160, 32, 32), (27, 100, 55), (133, 89, 0),
        (29, 90, 158), (107, 58, 160), (12, 96, 106), (77, 90, 103),
    ],
)  # fmt: skip
_FORM = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
  <style>
    .{unique_id}-matrix {{ font: {char_height}px ui-monospace, "DejaVu Sans Mono", monospace; }}
    .{unique_id}-title {{ font: 600 16px system-ui, sans-serif; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
  </g>
</svg>
"""


def record(url: str) -> str:
    """Play the story on an empty service, and give the picture as SVG."""
    client = Client(url)
    with _fleet_at_work(url):
        provider = client.get("/wherry/offers", OfferList, host=HOSTS[0], type=TYPE).offers[0]
        slots = {"port": SlotRequest(provider=provider.provider, type=TYPE)}
        client.send(
            "PUT", f"/wherry/guests/{GUEST}", Guest, GuestRequest(host=HOSTS[0], slots=slots)
        )
        scenes = [
            _scene(url, "wherry hosts"),
            _scene(url, "wherry targets $GUEST --explain"),
            _scene(url, "wherry migrate $GUEST --id $MOVE --watch", _mover(client)),
        ]
    return draw(_even_times("\n".join(scenes)))


@contextmanager
def _fleet_at_work(url: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="wherry-recording-") as folder:
        hosts = [host for host in recorded_hosts(Path(folder)) if host.name in HOSTS]
        agents = make_agents(hosts, url)
        for agent in agents:
            agent.report()
        # The source answers first, as it may not do everywhere, so that each picture is the same.
        threading.Thread(target=_answer_in_turn, args=(agents[:2],), daemon=True).start()
        yield


def _answer_in_turn(agents: list[Agent]) -> None:
    for agent in agents:
        while not agent.work(wait_s=30):
            pass


def _mover(client: Client) -> Callable[[str], None]:
    """Do what moves guests: start once both ends have confirmed, and finish."""
    path = f"/wherry/migrations/{MOVE}"
    done: list[str] = []

    def look(said: str) -> None:
        if "both ends have confirmed" in " ".join(said.split()) and not done:
            token = client.get(path, MigrationStory).token
            done.append(
                client.send("POST", f"{path}/start", Migration, TokenRequest(token=token)).uuid
            )
            client.send("POST", f"{path}/finish", Migration, FinishRequest(token=token))

    return look


def _scene(url: str, line: str, look: Callable[[str], None] = lambda _said: None) -> str:
    """Run a command in a terminal; gives the prompt, the command and what stays on the screen."""
    words = [SAID.get(word, word) for word in line.split()[1:]]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    kept = {n: v for n, v in os.environ.items() if n not in {"COLUMNS", "NO_COLOR"}}
    environ = kept | {"TERM": "xterm-256color", "WHERRY_URL": url}
    with subprocess.Popen(  # noqa: S603, our own program with our own arguments
        [sys.executable, "-m", "wherry", *words], stdout=slave, stderr=slave, env=environ
    ) as process:
        os.close(slave)
        said = b""
        try:
            while more := _read(master):
                said += more
                look(said.decode(errors="ignore"))
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(master)
    if process.returncode:
        message = f"{line} ended with {process.returncode}: {said.decode()}"
        raise SystemExit(message)
    shown = said.decode().replace("\r\n", "\n")
    stays = [line.rpartition(_TAKEN_BACK)[2] for line in shown.removesuffix("\n").split("\n")]
    return "\n".join([f"\x1b[1;34m$\x1b[0m \x1b[1m{line}\x1b[0m", *stays, ""])


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # the command has closed its end
        return b""


def _even_times(text: str) -> str:
    """Write every time as a second after the one before."""
    seconds = itertools.count(1)
    return _TIME.sub(lambda _time: f"2026-12-01T09:00:{next(seconds):02}Z", text)


def draw(text: str) -> str:
    """Draw what a terminal was written as an SVG of light colours; it asks no network."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    console.print(Text.from_ansi(text), end="")
    drawn = console.export_svg(
        title="Wherry", theme=_LIGHT, code_format=_FORM, font_aspect_ratio=0.602, unique_id="wherry"
    )
    return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines() if line.strip())


def main() -> None:
    """Write the picture."""
    with (
        tempfile.TemporaryDirectory(prefix="wherry-recording-") as state,
        own_service(Path(state), port=0) as url,
    ):
        picture = record(url)
    PICTURE.write_text(picture, encoding="utf-8")
    print(f"{PICTURE}: {len(picture) // 1024} KiB")


if __name__ == "__main__":
    main()
