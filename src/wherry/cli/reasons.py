"""Reasons for people: one sentence each, the same on every surface."""

from collections.abc import Iterable, Iterator

from wherry.compat.settings import settings_of
from wherry.model.checks import Configure, MappingRow, Reason
from wherry.schedule.reasons import explain


def reason_lines(reasons: Iterable[Reason], *, indent: str = "  ") -> Iterator[tuple[str, str]]:
    """Give each reason as (verdict for the colour, line)."""
    for reason in reasons:
        yield _colour(reason), f"{indent}{reason.severity:<8} {reason.code}: {explain(reason)}"


def row_lines(rows: Iterable[MappingRow], *, indent: str = "  ") -> Iterator[tuple[str, str]]:
    """Give each row of a mapping with its reasons and what is set."""
    for row in rows:
        yield row.verdict, f"{indent}{row.slot}: {row.verdict}"
        yield from reason_lines(row.reasons, indent=indent + "  ")
        yield from configure_lines(row.configure, indent=indent + "  ")


def configure_lines(configure: Configure, *, indent: str = "  ") -> Iterator[tuple[str, str]]:
    """Say what the claim would set."""
    for setting in settings_of(configure):
        yield "", f"{indent}{setting}"


def _colour(reason: Reason) -> str:
    return "" if reason.severity == "info" else reason.severity
