"""Requests of the Placement API as no sound client sends them: what is asked is nearly right."""

from typing import Any

from hypothesis import strategies as st

from placement_requests import (
    AGGREGATES,
    CLASSES,
    EVERY,
    NEWEST,
    RP,
    TRAITS,
    UUIDS,
    WRITES,
    Pair,
)
from wherry.schedule.candidates.request import Microversion

Request = tuple[str, str, Any, Microversion, dict[str, str]]
"""Method, path, body, microversion, headers besides."""
ODD = (
    *(None, True, False, 0, 1, -1, 7, 1.0, 1.5, 2**31 - 1, 2**31, 2**63, 1e39, -0.5),
    *(
        "",
        " ",
        "x",
        "x" * 256,
        "é",
        "VCPU",
        "CUSTOM_Q",
        "custom_x",
        "1",
        UUIDS[0],
        UUIDS[0].upper(),
    ),
    UUIDS[0].replace("-", ""),
    *([], {}, ["x"], [1], [[]], {"x": 1}, {"VCPU": 1}, {"": ""}),
)
KEYS = (
    "x",
    "",
    "name",
    "uuid",
    "VCPU",
    "custom",
    "consumer_type",
    "mappings",
    "generation",
    UUIDS[3],
)
TEXTS = (
    *("", " ", "{", "}", "[", "[1", "nul", "null", "true", "1", '"x"', "{}", "[]", "{'a': 1}"),
    *(
        '{"a" 1}',
        '{"a": 1,}',
        "\ufeff{}",
        '{"name": "\\ud800"}',
    ),
    *("[" * 50, '{"name": 1e999}', "{}{}", "\x00", "é", '{"a": "\t"}', '{"a": "\\x"}', '{"a": 01}'),
)


@st.composite
def odd_bodies(draw: st.DrawFn, pair: Pair) -> Request:
    """Draw a request that writes, and change its body in one or two places."""
    mv = draw(st.sampled_from((*EVERY, *([NEWEST] * 10))))
    kind = draw(st.sampled_from(sorted(WRITES)))
    method, path, body = WRITES[kind](draw, pair, draw(st.sampled_from(UUIDS)), mv)
    if body is None or draw(st.integers(0, 9)) == 0:
        return method, path, draw(st.sampled_from(TEXTS)).encode(), mv, {}
    for _ in range(draw(st.integers(1, 2))):
        body = draw(changed(body))
    if path == RP and isinstance(body, dict) and "uuid" not in body:
        body["uuid"] = UUIDS[3]  # or each service would take one of its own
    return method, path, b"null" if body is None else body, mv, {}


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Draw a value that differs somewhere inside from one of JSON."""
    inner = isinstance(value, dict | list) and len(value) > 0
    if inner and draw(st.integers(0, 4)):
        return draw(_changed_inside(value))
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(st.sampled_from(KEYS)): draw(st.sampled_from(ODD))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value, draw(st.sampled_from(value))]
    return draw(st.sampled_from(ODD))


@st.composite
def _changed_inside(draw: st.DrawFn, value: Any) -> Any:
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = draw(st.sampled_from(places))
    if draw(st.integers(0, 4)) == 0:
        if isinstance(value, dict):
            return {name: each for name, each in value.items() if name != place}
        return value[:place] + value[place + 1 :]
    other = draw(changed(value[place]))
    if isinstance(value, dict):
        return {**value, place: other}
    return [*value[:place], other, *value[place + 1 :]]


_UUID = (*UUIDS, UUIDS[0].upper(), UUIDS[0].replace("-", ""), "x", "", "1", " ")
_CLASS = (*CLASSES, "x", "vcpu", "CUSTOM_NONE", "", "a" * 256, f"CUSTOM_{'A' * 250}")
_TRAIT = (*TRAITS, "x", "CUSTOM_NONE", "HW_NONE", "CUSTOM_a", "", "MISC_SHARES_VIA_AGGREGATE")
TEMPLATES = (
    *("/", "/x", RP, f"{RP}/", "/resource_classes", "/traits", "/allocations", "/usages"),
    *("/reshaper", "/allocation_candidates", "/traits/", "/resource_classes/"),
    *(f"{RP}/{{uuid}}{rest}" for rest in ("", "/", "/inventories", "/usages", "/aggregates")),
    *(f"{RP}/{{uuid}}{rest}" for rest in ("/allocations", "/traits", "/x", "/inventories/")),
    *(f"{RP}/{{uuid}}/inventories/{{class}}", f"{RP}/{{uuid}}/traits/{{trait}}"),
    *(
        "/resource_classes/{class}",
        "/traits/{trait}",
        "/allocations/{uuid}",
        "/allocations/{uuid}/x",
    ),
)
_SERVICE = "placement "
_HEADERS = {
    "OpenStack-API-Version": st.sampled_from(
        (
            *(
                "latest",
                _SERVICE,
                "placement",
                f"{_SERVICE}latest",
                f"{_SERVICE}1.40",
                f"{_SERVICE}2.0",
            ),
            *(f"{_SERVICE}0.9", f"{_SERVICE}1.x", f"{_SERVICE}x.1", f"{_SERVICE}01.05"),
            *(
                "compute 2.1",
                f"compute 2.1, {_SERVICE}1.20",
                f"{_SERVICE}1.5,{_SERVICE}1.10",
                "x y z",
            ),
        )
    ),
    "Accept": st.sampled_from(
        (
            "text/plain",
            "text/html",
            "*/*",
            "application/*",
            "application/json;q=0.1",
            "a/b, text/html;q=0.1",
            "",
        )
    ),
    "Content-Type": st.sampled_from(
        ("text/plain", "application/json; charset=utf-8", "application/jsonx", "x")
    ),
    "X-Auth-Token": st.sampled_from(("user", "user:project", "admin:project", "")),
    "X-Roles": st.sampled_from(("", "reader", "admin", "service,reader", "x")),
}
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")


@st.composite
def odd_places(draw: st.DrawFn) -> Request:
    """Draw any method on any path, most of which lead somewhere."""
    path = draw(st.sampled_from(TEMPLATES)).format(
        **{
            "uuid": draw(st.sampled_from(_UUID)),
            "class": draw(st.sampled_from(_CLASS)),
            "trait": draw(st.sampled_from(_TRAIT)),
        }
    )
    method = draw(st.sampled_from(METHODS))
    named = {"name": "CUSTOM_Y"} | ({"uuid": UUIDS[3]} if path == RP else {})
    body = draw(st.sampled_from(({}, named))) if method in {"PUT", "POST"} else None
    headers = draw(st.fixed_dictionaries({}, optional=_HEADERS))
    return method, path, body, draw(st.sampled_from((*EVERY, *([NEWEST] * 10)))), headers


_NUMBERS = ("1", "2", "0", "-1", "x", "", "01", "1.5", " 1", "99999999999")
_TRAITS = ("", "!", "in:", "!in:", ",", " ")
SUFFIXES = ("", "", "", "1", "2", "_A", "0", "01", "-", "é", "a" * 65, "10")
ONCE = ("limit", "group_policy")
"""Keys of which the peer checks the last value and takes the first."""
LISTS = (RP, RP, "/allocation_candidates", "/allocation_candidates", "/usages", "/traits")


@st.composite
def odd_queries(draw: st.DrawFn) -> Request:
    """Draw a list with a query of which anything may be wrong."""
    path = draw(st.sampled_from(LISTS))
    kinds = {
        RP: ("name", "uuid", "member_of", "resources", "in_tree", "required"),
        "/allocation_candidates": (
            *("resources", "resources", "resources", "required", "member_of", "in_tree"),
            *("group_policy", "limit", "root_required", "same_subtree"),
        ),
        "/usages": ("project_id", "project_id", "user_id", "consumer_type"),
        "/traits": ("name", "associated"),
    }[path]
    pairs = []
    for kind in draw(st.lists(st.sampled_from((*kinds, *kinds, "x")), max_size=4)):
        if kind in ONCE and any(pair.startswith(kind) for pair in pairs):
            continue
        grouped = path == "/allocation_candidates" and kind in kinds[:6]
        suffix = draw(st.sampled_from(SUFFIXES)) if grouped else ""
        pairs.append(f"{kind}{suffix}={draw(_VALUES.get(kind, st.just('x')))}")
    query = "&".join(pairs)
    mv = draw(st.sampled_from((*EVERY, *([NEWEST] * 20))))
    return "GET", f"{path}?{query}" if query else path, None, mv, {}


@st.composite
def _amounts(draw: st.DrawFn) -> str:
    each = st.tuples(
        st.sampled_from((*CLASSES, *CLASSES, "x", "")), st.sampled_from(_NUMBERS + ("1",) * 9)
    )
    listed = draw(st.lists(each, max_size=2))
    join = draw(st.sampled_from((",",) * 8 + (",,", ";")))
    return join.join(":".join(one) for one in listed) + draw(
        st.sampled_from(("",) * 8 + (",", ":"))
    )


@st.composite
def _named(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    listed = draw(st.lists(st.sampled_from(names), max_size=3))
    marks = st.sampled_from(("",) * 9 + ("!", " "))
    front = draw(st.sampled_from(("",) * 4 + ("in:", "!in:", "!", "in:!", ",")))
    return front + ",".join(draw(marks) + name for name in listed)


_TREES = st.sampled_from(
    (*UUIDS, UUIDS[0].upper(), UUIDS[0].replace("-", ""), "x", "", AGGREGATES[0])
)
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "name": st.sampled_from(
        (
            "one",
            "two",
            UUIDS[0],
            "",
            "in:CUSTOM_A,HW_CPU_X86_VMX",
            "startswith:HW_CPU",
            "startswith:",
            "in:",
        )
    ),
    "associated": st.sampled_from(("true", "false", "TRUE", "1", "", "x")),
    "uuid": _TREES,
    "in_tree": _TREES,
    "member_of": _named((*AGGREGATES, *AGGREGATES, "x", "", AGGREGATES[0].upper())),
    "resources": _amounts(),
    "required": _named((*TRAITS, *TRAITS, "CUSTOM_NONE", "")),
    "root_required": _named((*TRAITS, *TRAITS, "CUSTOM_NONE", "")),
    "same_subtree": _named(("", "1", "2", "_A", "_B", "1")),
    "group_policy": st.sampled_from(("none", "isolate", "", "x")),
    "limit": st.sampled_from(_NUMBERS),
    "project_id": st.sampled_from(("p", "q", "", "x" * 256, "é")),
    "user_id": st.sampled_from(("u", "v", "", "x" * 256)),
    "consumer_type": st.sampled_from(("all", "unknown", "INSTANCE", "x", "", "ALL", "all2")),
}


def odd(pair: Pair) -> st.SearchStrategy[Request]:
    """Draw any of them."""
    return st.one_of(odd_bodies(pair), odd_places(), odd_queries())
