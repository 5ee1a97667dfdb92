"""What is counted, and how Prometheus reads it."""

import re
import threading

import pytest

from wherry.api.metrics import EVENTS, Family, Metrics, Series, request_families, size_of

ROUTES = [("GET", "/wherry/hosts"), ("PUT", "/wherry/guests/{uuid}")]
FAMILIES = (*request_families(ROUTES), *EVENTS)
LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? -?[0-9.e+-]+')


def value_of(text: str, series: str) -> float:
    found = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found[0].split(" ")[-1])


def test_a_counter_starts_at_0_and_counts() -> None:
    metrics = Metrics(FAMILIES)

    assert value_of(metrics.render({}, {}), "wherry_claims_total") == 0
    metrics.count("wherry_claims_total")
    metrics.count("wherry_claims_total", amount=2)
    assert value_of(metrics.render({}, {}), "wherry_claims_total") == 3


def test_a_series_that_no_family_names_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Metrics(FAMILIES).count("wherry_surprises_total")


def test_a_request_falls_into_every_bucket_from_its_own_on() -> None:
    metrics = Metrics(FAMILIES)
    metrics.count_request("GET", "/wherry/hosts", 200, 0.01)
    text = metrics.render({}, {})
    bucket = 'wherry_http_request_seconds_bucket{method="GET",route="/wherry/hosts",le="%s"}'

    assert bucket % "0.005" not in text
    assert [value_of(text, bucket % le) for le in ("0.02", "10.0", "+Inf")] == [1, 1, 1]
    labels = '{method="GET",route="/wherry/hosts"}'
    assert value_of(text, f"wherry_http_request_seconds_sum{labels}") == 0.01


def test_a_status_that_is_not_foreseen_is_counted_as_other() -> None:
    metrics = Metrics(FAMILIES)
    metrics.count_request("GET", "/wherry/hosts", 418, 0.01)

    labels = 'method="GET",route="/wherry/hosts",status="other"'
    assert value_of(metrics.render({}, {}), f"wherry_http_requests_total{{{labels}}}") == 1


def test_every_line_is_as_prometheus_reads_it() -> None:
    metrics = Metrics(FAMILIES)
    metrics.count_request("PUT", "/wherry/guests/{uuid}", 409, 0.2)
    gauge = Series("wherry_hosts", (("state", 'a "b"\\\nc'),))
    text = metrics.render({gauge: 2}, {"wherry_hosts": "Hosts, by state."})

    assert text.endswith("\n")
    for line in text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or LINE.fullmatch(line), line
    assert 'wherry_hosts{state="a \\"b\\"\\\\\\nc"} 2' in text


def test_each_worker_counts_in_its_row_and_any_tells_the_sum() -> None:
    size = size_of(FAMILIES)
    rows = [[0.0] * size, [0.0] * size]
    first, second = Metrics(FAMILIES, rows, 0), Metrics(FAMILIES, rows, 1)
    first.count("wherry_claims_total")
    second.count("wherry_claims_total")

    assert first.value(Series("wherry_claims_total")) == 2
    assert rows[0] != [0.0] * size
    assert rows[0] == rows[1]


def test_threads_lose_no_count() -> None:
    metrics = Metrics((Family(name="n", kind="counter", help="N.", series=(Series("n"),)),))

    def count() -> None:
        for _ in range(2000):
            metrics.count("n")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert metrics.value(Series("n")) == 8000


def test_only_a_refusal_that_says_a_claim_came_too_late_is_a_conflict() -> None:
    metrics = Metrics(EVENTS)
    for code in ("claim.facts_changed", "migration.token", "request.invalid"):
        metrics.count_refusal(code)

    text = metrics.render({}, {})
    told = [line for line in text.splitlines() if line.startswith("wherry_claim_conflicts_total{")]
    assert [line for line in told if not line.endswith(" 0")] == [
        'wherry_claim_conflicts_total{code="claim.facts_changed"} 1'
    ]
