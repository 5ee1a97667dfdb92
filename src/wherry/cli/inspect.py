"""``wherry inspect``: what a host says about its devices, read-only."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from wherry.cli.branches import draw
from wherry.cli.output import print_json
from wherry.cli.pools import derive
from wherry.cli.render_facts import render_facts
from wherry.hosts.boot import machine
from wherry.hosts.libvirt import read_side_files
from wherry.hosts.live import LiveTree, open_folder
from wherry.hosts.look import look_and_ask, look_at
from wherry.hosts.recorder import RecordingTree, render_recording
from wherry.hosts.snapshot import load_snapshot, read_text_file, write_snapshot
from wherry.introspect.snapshot import NodeTree
from wherry.introspect.tree import Tree
from wherry.model.facts import Facts
from wherry.profiles.builtin import profiles_with
from wherry.profiles.library import Profiles
from wherry.profiles.wanted import device_attributes

PIPE_WIDTH = 1 << 16  # one line a fact, for grep
MAX_PROFILE_BYTES = 1 << 20
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
@click.option("--snapshot", type=_FILE, help="Read this snapshot instead of this host.")
@click.option("--sysfs", type=_FOLDER, help="Read this folder as / (or as /sys) instead.")
@click.option(
    "--beside",
    type=_FOLDER,
    help="Take what libvirt and the tools say from the files in this folder.",
)
@click.option(
    "--profile",
    "profile_files",
    type=_FILE,
    multiple=True,
    help="Derive with this driver profile beside the built-in ones; may be repeated.",
)
@click.option("--record", type=_FILE, help="Write what was read to this file as a snapshot.")
def inspect(
    *,
    as_json: bool,
    snapshot: Path | None,
    sysfs: Path | None,
    beside: Path | None,
    profile_files: tuple[Path, ...],
    record: Path | None,
) -> None:
    """Show what this host says about its devices.

    Reads sysfs, and asks libvirt, vdpa, devlink, mdevctl and nvidia-smi where they are installed.
    Nothing is written but --record's file, and nothing is read that wakes a device.
    """
    if snapshot and sysfs:
        raise click.UsageError("--snapshot and --sysfs exclude each other: give one")
    profiles = _profiles(profile_files)
    tree = _tree(snapshot, sysfs)
    recording = RecordingTree(tree)
    arch = "" if snapshot or sysfs else machine()
    extra = device_attributes(profiles)
    sides = read_side_files(beside) if beside else {}
    with _busy("reading the host"):
        if snapshot or sysfs or beside:
            facts = look_at(recording, sides, extra=extra, arch=arch)
        else:
            facts = look_and_ask(recording, extra=extra, arch=arch)
    if record:
        told = facts.host.arch or ""
        write_snapshot(record, render_recording(recording, note=_note(tree), machine=told))
    if as_json:
        print_json(facts)
    else:
        _print(facts, _source(snapshot, sysfs), profiles)


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """Show on a terminal that something goes on: tools may take seconds to answer."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield


def _profiles(own: Sequence[Path]) -> Profiles:
    return profiles_with((str(file), read_text_file(file, limit=MAX_PROFILE_BYTES)) for file in own)


def _tree(snapshot: Path | None, sysfs: Path | None) -> Tree:
    if snapshot:
        return load_snapshot(snapshot)
    return open_folder(sysfs) if sysfs else LiveTree(Path("/"))


def _note(tree: Tree) -> str:
    """Keep what a snapshot says of itself when it is recorded again."""
    return tree.note if isinstance(tree, NodeTree) else ""


def _source(snapshot: Path | None, sysfs: Path | None) -> str:
    """Name what was read, as it was named, for the first line."""
    if snapshot:
        return f"snapshot {snapshot}"
    return f"folder {sysfs}" if sysfs else "this host"


def _print(facts: Facts, source: str, profiles: Profiles) -> None:
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else PIPE_WIDTH
    console = Console(file=sys.stdout, width=width, highlight=False)
    draw(render_facts(facts, source=source, derived=derive(facts, profiles)), console)
