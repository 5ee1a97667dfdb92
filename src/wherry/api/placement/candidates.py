"""``/allocation_candidates``."""

from collections.abc import Mapping
from typing import Any

from wherry.api.placement.calls import Answer, Ask
from wherry.app.placement.candidates import find_candidates
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.search import Candidate
from wherry.schedule.candidates.summaries import ProviderSummary


def get_candidates(ask: Ask) -> Answer:
    """Find the ways to meet a request."""
    request = parse_candidates_query(ask.query, ask.microversion)
    found = find_candidates(ask.engine, request, deadline_s=ask.search_s)
    return Answer(
        body={
            "allocation_requests": [_render(candidate) for candidate in found.candidates],
            "provider_summaries": {
                uuid: _render_summary(summary) for uuid, summary in found.summaries.items()
            },
        },
        what="candidates",
        modified=ask.now(),
    )


def _render(candidate: Candidate) -> dict[str, Any]:
    return {
        "allocations": {
            uuid: {"resources": resources} for uuid, resources in candidate.allocations.items()
        },
        "mappings": {suffix: list(uuids) for suffix, uuids in candidate.mappings.items()},
    }


def _render_summary(summary: ProviderSummary) -> Mapping[str, Any]:
    kin = summary.kin
    return {
        "resources": {
            name: {"capacity": load.capacity, "used": load.used}
            for name, load in summary.resources.items()
        },
        # Clients have always seen the standard ones first.
        "traits": sorted(summary.traits or (), key=lambda name: name.startswith("CUSTOM_")),
        "parent_provider_uuid": None if kin is None else kin.parent,
        "root_provider_uuid": None if kin is None else kin.root,
    }
