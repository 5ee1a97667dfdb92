"""What every request meets: microversions, who asks, methods, media, errors, CORS."""

import pytest

from placement_wire import RP, U1

ORIGIN = "http://valid.example.com"


@pytest.mark.parametrize(
    ("header", "want"),
    [
        (None, "1.0"),
        ("placement 1.7", "1.7"),
        ("placement latest", "1.39"),
        ("compute 2.1, placement 1.30", "1.30"),
        ("compute 2.1", "1.0"),
        ("PLACEMENT 1.2", "1.2"),
    ],
)
def test_an_answer_says_which_microversion_it_has(wire, header, want):
    headers = {} if header is None else {"OpenStack-API-Version": header}
    told = wire("GET", RP, mv=None, headers=headers)
    assert told.headers["openstack-api-version"] == f"placement {want}"
    assert told.headers["vary"] == "openstack-api-version"


def test_a_microversion_that_is_not_there_is_not_acceptable(wire):
    told = wire("GET", "/", mv="1.40")
    assert told.status == 406
    assert told.error["max_version"] == "1.39"
    assert told.error["min_version"] == "1.0"
    assert "Unacceptable version header: 1.40" in told.error["detail"]


@pytest.mark.parametrize("header", ["pony.horse", "1", "1.2.3", "-"])
def test_a_microversion_that_cannot_be_read_is_a_bad_request(wire, header):
    told = wire("GET", "/", mv=header)
    assert told.status == 400
    assert f"invalid version string: {header}" in told.error["detail"]


def test_the_root_needs_no_token_and_all_else_does(wire):
    assert wire("GET", "/", token=None).json["versions"][0]["max_version"] == "1.39"
    assert wire("GET", RP, token=None).status == 401


def test_an_unknown_path_and_method_are_told_apart(wire):
    assert wire("GET", "/barnabas").status == 404
    told = wire("DELETE", RP)
    assert told.status == 405
    assert told.headers["allow"] == "GET, POST"
    assert "The method DELETE is not allowed for this resource." in told.error["detail"]


@pytest.mark.parametrize(
    ("mv", "method", "path", "status"),
    [
        ("1.0", "GET", f"{RP}/{U1}/aggregates", 404),
        ("1.5", "GET", "/traits", 404),
        ("1.6", "GET", "/traits", 200),
        ("1.4", "DELETE", f"{RP}/{U1}/inventories", 405),
        ("1.29", "POST", "/reshaper", 404),
        ("1.9", "GET", "/allocation_candidates?resources=VCPU:1", 404),
        ("1.10", "GET", "/allocation_candidates?resources=VCPU:1", 200),
    ],
)
def test_a_call_exists_from_its_microversion_on(wire, mv, method, path, status):
    assert wire(method, path, mv=mv).status == status


def test_codes_stand_in_errors_from_1_23_on(wire):
    assert "code" not in wire("GET", f"{RP}/{U1}", mv="1.22").error
    assert wire("GET", f"{RP}/{U1}", mv="1.23").error["code"] == "placement.undefined_code"


def test_an_error_names_the_request(wire):
    told = wire("GET", f"{RP}/{U1}")
    assert told.error["request_id"] == told.headers["x-openstack-request-id"]
    assert told.error["title"] == "Not Found"
    assert told.error["detail"].startswith("The resource could not be found.\n\n ")


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Accept": "text/plain"}, 406, "Only application/json is provided"),
        ({"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}, 200, ""),
        ({"Accept": ""}, 200, ""),
    ],
)
def test_answers_come_as_json_or_not_at_all(wire, headers, status, words):
    told = wire("GET", RP, headers=headers)
    assert told.status == status
    assert words in told.body.decode()


def test_a_body_comes_as_json_or_is_refused(wire):
    headers = {"Content-Type": "text/plain"}
    assert wire("POST", RP, b"{}", headers=headers).status == 415
    assert wire("POST", RP, b"{}", headers={"Content-Type": ""}).status == 400
    assert wire("POST", RP).status == 415
    assert (
        "must be an integer" in wire("POST", RP, headers={"Content-Length": "hi"}).error["detail"]
    )


def test_a_body_larger_than_what_is_taken_is_not_read(make_wire):
    told = make_wire(max_body=100)("POST", RP, b" " * 101)
    assert told.status == 413


@pytest.mark.parametrize(("mv", "shown"), [("1.14", False), ("1.15", True)])
def test_times_are_told_from_1_15_on(wire, mv, shown):
    wire.provider()
    told = wire("GET", f"{RP}/{U1}", mv=mv)
    assert ("last-modified" in told.headers) is shown
    assert (told.headers.get("cache-control") == "no-cache") is shown


@pytest.mark.parametrize(
    ("policy", "roles", "list_", "reshape"),
    [
        ("legacy", "admin", 200, 400),
        ("legacy", "member", 403, 403),
        ("secure", "admin", 200, 403),
        ("secure", "service", 200, 400),
        ("secure", "reader", 403, 403),
        ("open", "", 200, 400),
    ],
)
def test_policies_let_in_whom_they_name(make_wire, policy, roles, list_, reshape):
    wire = make_wire(policy=policy)
    headers = {"X-Roles": roles}
    assert wire("GET", RP, token="user", headers=headers).status == list_
    assert wire("POST", "/reshaper", {}, token="user", headers=headers).status == reshape


def test_readers_see_the_usages_of_their_own_project(make_wire):
    wire = make_wire(policy="secure")
    headers = {"X-Roles": "reader", "X-Project-Id": "mine"}
    assert wire("GET", "/usages?project_id=mine", token="user", headers=headers).status == 200
    assert wire("GET", "/usages?project_id=theirs", token="user", headers=headers).status == 403


def test_pages_of_allowed_origins_may_ask_and_others_may_not(make_wire):
    wire = make_wire(origins=frozenset({ORIGIN}))
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "openstack-api-version,x-evil",
    }
    told = wire("OPTIONS", "/", headers=asked)
    assert told.status == 200
    assert told.headers["access-control-allow-origin"] == ORIGIN
    assert told.headers["access-control-allow-headers"] == "openstack-api-version"
    other = wire("GET", "/", headers={"Origin": "http://other.example.com"})
    assert "access-control-allow-origin" not in other.headers
    assert "Origin" in wire("GET", "/", headers={"Origin": ORIGIN}).headers["vary"]


def test_without_origins_nobody_is_answered_before_they_ask(make_wire):
    assert make_wire()("OPTIONS", "/", headers={"Origin": ORIGIN}).status == 405
