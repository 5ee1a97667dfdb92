"""Keep to hosts of some aggregates, as Placement has it."""

import click

takes_member_of = click.option(
    "--member-of",
    multiple=True,
    metavar="UUID",
    help="Aggregate of hosts: UUID, in:UUID,UUID for one of several, ! before it for none of "
    "them; repeated: all of it.",
)
"""Gives a command ``--member-of``."""
