"""Whatever a client sends, the answer is never that the service failed."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placement_wire import C1, RP, U1, U2, holds
from wherry.api.placement.routes import ROUTES

PATHS = sorted({route.path for route in ROUTES})
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD")
NAMES = ("VCPU", "CUSTOM_X", "HW_CPU_X86_VMX", "", "a\x00b", "é☃", "../..", "%00", "x" * 300)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((0, -1, 2**31, 2**63, 10**40)),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from((*NAMES, U1, U2, C1, "\ud800")),
)
WORDS = st.sampled_from(
    (
        "name",
        "uuid",
        "parent_provider_uuid",
        "resource_provider_generation",
        "inventories",
        "allocations",
        "resources",
        "traits",
        "aggregates",
        "project_id",
        "user_id",
        "consumer_generation",
        "consumer_type",
        "mappings",
        "total",
        "reserved",
        "allocation_ratio",
        "resource_class",
        "VCPU",
        U1,
        C1,
    )
)
BODIES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4)
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "resources",
                "required",
                "member_of",
                "in_tree",
                "limit",
                "name",
                "uuid",
                "resources1",
                "required1",
                "group_policy",
                "same_subtree",
                "project_id",
                "associated",
                "root_required",
            )
        ),
        st.sampled_from(("VCPU:1", "VCPU:99999999999999999999", "in:", "!", U1, "", "none", "\x00"))
        | st.text(max_size=12),
    ),
    max_size=4,
)


@settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_the_service_fail(wire, data):
    wire("POST", RP, {"uuid": U1, "name": "host"})
    path = data.draw(st.sampled_from(PATHS))
    for part in ("uuid", "name", "resource_class", "consumer_uuid"):
        value = data.draw(st.sampled_from((*NAMES, U1, C1, "VCPU")), label=part)
        path = path.replace(f"{{{part}}}", value.replace("/", "").replace("#", "") or "none")
    pairs = "&".join(f"{k}={v}" for k, v in data.draw(QUERIES) if "#" not in v)
    body = json.dumps(data.draw(BODIES)).encode() if data.draw(st.booleans()) else None
    mv = data.draw(st.sampled_from(("1.0", "1.7", "1.12", "1.28", "1.39")))
    told = wire(data.draw(st.sampled_from(METHODS)), f"{path}?{pairs}", body, mv=mv)
    assert told.status < 500, (path, pairs, body, mv, told.body)


@settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_value_in_a_sound_body_makes_the_service_fail(wire, data):
    wire("POST", RP, {"uuid": U1, "name": "host"})
    wire("POST", f"{RP}/{U1}/inventories", {"resource_class": "VCPU", "total": 4})
    amounts = st.sampled_from((1, 2**31, 2**63, 10**40, True, 1.0, 1.5, -1))
    kind = data.draw(st.sampled_from(("allocations", "inventory", "provider")))
    if kind == "allocations":
        name = data.draw(st.sampled_from(("VCPU", "DISK_GB", "CUSTOM_NONE", "A\n")))
        expected = data.draw(st.none() | amounts)
        body = holds({U1: {"resources": {name: data.draw(amounts)}}}, expected)
        body["project_id"] = data.draw(st.text(max_size=300))
        told = wire("PUT", f"/allocations/{C1}", body)
    elif kind == "inventory":
        fields = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
        some = amounts | st.sampled_from((3.4e38, -1e300, 0))
        body = data.draw(st.dictionaries(st.sampled_from(fields), some))
        told = wire("PUT", f"{RP}/{U1}/inventories/VCPU", {**body, "total": 1})
        generation = wire.generation()
        body = {"inventories": {"VCPU": body}, "resource_provider_generation": generation}
        assert told.status < 500, (body, told.body)
        told = wire("PUT", f"{RP}/{U1}/inventories", body)
    else:
        told = wire("POST", RP, {"name": data.draw(st.text(max_size=210)), "uuid": U2})
    assert told.status < 500, told.body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b"1" * 10_000,
        b'{"name": "a", "name": "b"}',
        b"NaN",
        b'{"name": 1e999}',
    ],
    ids=lambda data: repr(data[:20]),
)
def test_a_bad_body_is_the_client_s_fault(wire, data):
    told = wire("POST", RP, data)
    assert told.status in {200, 400}
    if told.status == 200:
        assert told.json["name"] == "b"


def test_a_search_past_its_deadline_stops_and_answers_503(make_wire):
    """24 groups over 24 devices have more candidates than anybody waits for."""
    wire = make_wire(search_s=0.2)
    wire.provider(U1)
    for number in range(24):
        wire.provider(f"{number:08x}-0000-4000-8000-00000000000d", U1, VGPU=1)
    groups = "&".join(f"resources{n}=VGPU:1" for n in range(1, 25))
    began = time.thread_time()
    told = wire("GET", f"/allocation_candidates?{groups}&group_policy=isolate")
    assert told.status == 503
    assert told.error["title"] == "Service Unavailable"
    assert time.thread_time() - began < 1.2
