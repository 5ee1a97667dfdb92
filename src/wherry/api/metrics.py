"""What is counted, as Prometheus reads it.

All series are known beforehand, so each process counts in a row of its own of one shared
array, and whichever process is asked adds the rows up: with several workers a scrape still
sees the whole service.

Source: Prometheus text exposition format, version 0.0.4.
"""

import math
import threading
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
STATUSES = (
    *(200, 201, 204, 303, 400, 401, 403, 404, 405, 406, 409, 413, 415, 421, 422, 500, 503),
    0,  # any other
)

CONFLICTS = (
    *("claim.facts_changed", "claim.capacity", "claim.units", "claim.device_taken"),
    *("claim.exclusive", "claim.no_place", "migration.group", "migration.tenant"),
    "claim.consumer_changed",
)
"""Codes of errors that say that a claim came too late."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the exposition: a name and its labels."""

    name: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric: what it counts, and the series it has."""

    name: str
    kind: str
    help: str
    series: tuple[Series, ...]


def _counter(name: str, text: str, label: str = "", values: Sequence[str] = ()) -> Family:
    series = tuple(Series(name, ((label, value),)) for value in values) or (Series(name),)
    return Family(name=name, kind="counter", help=text, series=series)


EVENTS: tuple[Family, ...] = (
    _counter(
        "wherry_reports_total",
        "Reports of hosts, by what became of them.",
        "outcome",
        ("stored", "unchanged", "refused"),
    ),
    _counter(
        "wherry_claims_total",
        "Claims of guests, plugs and migrations that were written.",
    ),
    _counter(
        "wherry_claim_conflicts_total",
        "Claims that were refused because something else had changed or taken the place.",
        "code",
        CONFLICTS,
    ),
    _counter(
        "wherry_preflights_total",
        "Answers of pre-flights as a whole, by outcome.",
        "outcome",
        ("confirmed", "refused"),
    ),
    _counter(
        "wherry_migrations_ended_total",
        "Migrations that ended, by how.",
        "outcome",
        ("finished", "failed", "aborted"),
    ),
    _counter(
        "wherry_refused_late_total",
        "Moves that the lower level refused although they had been allowed early.",
    ),
)


def request_families(routes: Iterable[tuple[str, str]]) -> tuple[Family, ...]:
    """Name the series of requests: by route and status, and the time each route takes.

    Args:
        routes: rows of (method, path template).
    """
    rows = sorted(set(routes))
    counted = tuple(
        Series(
            "wherry_http_requests_total",
            (("method", method), ("route", path), ("status", _status(status))),
        )
        for method, path in rows
        for status in STATUSES
    )
    timed = tuple(
        series
        for method, path in rows
        for series in _histogram((("method", method), ("route", path)))
    )
    return (
        Family(
            name="wherry_http_requests_total",
            kind="counter",
            help="Requests, by route and status.",
            series=counted,
        ),
        Family(
            name="wherry_http_request_seconds",
            kind="histogram",
            help="Time from request to answer, waiting included.",
            series=timed,
        ),
    )


def _histogram(labels: Labels) -> Iterable[Series]:
    name = "wherry_http_request_seconds"
    for bound in (*map(str, BUCKETS_S), "+Inf"):
        yield Series(f"{name}_bucket", (*labels, ("le", bound)))
    yield Series(f"{name}_sum", labels)
    yield Series(f"{name}_count", labels)


def _status(status: int) -> str:
    return str(status) if status else "other"


RequestPlaces = tuple[int, tuple[tuple[float, int], ...], int, int]
"""Places of a request's counter, of its buckets by their bounds, of the sum and the count."""


class Metrics:
    """Counters of one process, in its row of the array that all processes share."""

    def __init__(
        self,
        families: Sequence[Family],
        rows: Sequence[MutableSequence[float]] | None = None,
        row: int = 0,
    ) -> None:
        self.families = tuple(families)
        self._place = {
            series: place
            for place, series in enumerate(s for family in families for s in family.series)
        }
        self._rows = rows if rows is not None else ([0.0] * len(self._place),)
        self._mine = self._rows[row]
        self._lock = threading.Lock()
        self._of_request: dict[tuple[str, str, int], RequestPlaces] = {}

    def count(self, name: str, labels: Labels = (), amount: float = 1) -> None:
        """Add to one series; one that no family names is a mistake of the caller's."""
        place = self._place[Series(name, labels)]
        with self._lock:
            self._mine[place] += amount

    def count_refusal(self, code: str) -> None:
        """Count a refusal, by whichever door it is told, if its code is a claim's conflict."""
        if code in CONFLICTS:
            self.count("wherry_claim_conflicts_total", (("code", code),))

    def count_request(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count one request and the time it took."""
        counted, buckets, whole, total = self._places(method, route, status)
        with self._lock:
            self._mine[counted] += 1
            for bound, place in buckets:
                if took_s <= bound:
                    self._mine[place] += 1
            self._mine[whole] += took_s
            self._mine[total] += 1

    def _places(self, method: str, route: str, status: int) -> RequestPlaces:
        """Find the places of the series of a request; each kind is looked for once."""
        key = (method, route, status)
        found = self._of_request.get(key)
        if found is None:
            labels: Labels = (("method", method), ("route", route))
            known = _status(status if status in STATUSES else 0)
            name = "wherry_http_request_seconds"
            bounds = ((bound, str(bound)) for bound in BUCKETS_S)
            buckets = tuple(
                (bound, self._place[Series(f"{name}_bucket", (*labels, ("le", text)))])
                for bound, text in (*bounds, (math.inf, "+Inf"))
            )
            found = self._of_request[key] = (
                self._place[Series("wherry_http_requests_total", (*labels, ("status", known)))],
                buckets,
                self._place[Series(f"{name}_sum", labels)],
                self._place[Series(f"{name}_count", labels)],
            )
        return found

    def render(self, gauges: Mapping[Series, float], helps: Mapping[str, str]) -> str:
        """Write all that was counted by all processes, and gauges of now.

        Series by route that are still 0 are left out: there are thousands.
        """
        lines: list[str] = []
        for family in self.families:
            lines += _head(family.name, family.kind, family.help)
            by_route = family.name.startswith("wherry_http_")
            for series in family.series:
                value = self.value(series)
                if value or not by_route:
                    lines.append(_line(series, value))
        for name, text in helps.items():
            lines += _head(name, "gauge", text)
            lines += [
                _line(series, value) for series, value in gauges.items() if series.name == name
            ]
        return "\n".join(lines) + "\n"

    def value(self, series: Series) -> float:
        """What all processes together have counted of one series."""
        place = self._place[series]
        return sum(row[place] for row in self._rows)


def size_of(families: Sequence[Family]) -> int:
    """How many numbers a row needs."""
    return sum(len(family.series) for family in families)


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _line(series: Series, value: float) -> str:
    labels = ",".join(f'{name}="{_escape(text)}"' for name, text in series.labels)
    number = str(int(value)) if value == int(value) else repr(value)
    return f"{series.name}{{{labels}}} {number}" if labels else f"{series.name} {number}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
