"""What the door takes and refuses, whatever stands behind it."""

import json
import logging
from typing import Any

import pytest
from falcon.testing import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doors import ROUTES, Ask
from wherry.api.auth import identify
from wherry.api.call import Call
from wherry.api.metrics import Metrics, request_families
from wherry.api.routes import Admin, Everybody, Route
from wherry.model.caller import Caller
from wherry.model.errors import CapacityExceeded, InvalidRequest, NotFound, WherryError

THING = "/things/6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
JSON = {"Content-Type": "application/json"}


def put(client: TestClient, body: bytes | str, **headers: str) -> Any:
    return client.simulate_put(THING, body=body, headers={**JSON, **headers})


def error_of(answer: Any) -> dict[str, Any]:
    return dict(answer.json["error"])


def test_a_handler_gets_path_query_and_body_as_values(door: Ask) -> None:
    answer = put(door(), '{"what": "vgpu", "count": 2}')

    assert answer.status_code == 200
    assert answer.json["path"] == {"uuid": THING.rpartition("/")[2]}
    assert answer.json["body"] == {"what": "vgpu", "count": 2}


def test_a_uuid_may_be_written_in_capitals(door: Ask) -> None:
    answer = door().simulate_put(
        "/things/6F1C0D52-3B7E-4F6A-9A51-0C2F7D1E8A01", body='{"what": "x"}', headers=JSON
    )

    assert answer.json["path"] == {"uuid": "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"}


@pytest.mark.parametrize(
    ("body", "words", "path"),
    [
        ("", "missing", None),
        ("{", "no strict JSON", None),
        ("[]", "Expected `object`", None),
        ('{"what": 1}', "Expected `str`", "$.what"),
        ('{"count": 1}', "missing", "$.what"),
        ('{"what": "a", "colour": "red"}', "no such field", "$.colour"),
        ('{"what": "a", "what": "b"}', "`what` twice", None),
        ('{"what": "a", "notes": [{"n": 1}, {"n": 1, "n": 2}]}', "`n` twice", None),
        ('{"what": "a", "notes": [{"n": 1}, {"n": "1"}]}', "Expected `int`", "$.notes[1][...]"),
        ('{"what": "a", "count": NaN}', "no number", None),
        ('{"what": "a", "count": 9223372036854775808}', "64 bits", "$.count"),
        ('{"what": "a", "count": 1e300}', "64 bits", "$.count"),
        ('{"what": "\\ud800"}', "no strict JSON", None),
        (b'{"what": "\xff"}', "no strict JSON", None),
        ("[" * 400 + "]" * 400, "nested more than", None),
    ],
)
def test_a_bad_body_is_refused_with_its_path(
    door: Ask, body: bytes | str, words: str, path: str | None
) -> None:
    answer = put(door(), body)

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "invalid_request"
    assert words in error_of(answer)["message"]
    if path is not None:
        assert error_of(answer)["path"] == path


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_the_door_stumble(door: Ask, body: bytes) -> None:
    assert put(door(), body).status_code in {200, 400}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken_and_a_body_of_no_type_is_not(door: Ask, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = door().simulate_put(THING, body='{"what": "a"}', headers=headers)

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_media_type"


def test_json_may_name_its_charset(door: Ask) -> None:
    answer = door().simulate_put(
        THING, body='{"what": "a"}', headers={"Content-Type": "application/json; charset=utf-8"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("size", [1001, 50_000])
def test_a_body_beyond_the_limit_is_413(door: Ask, size: int) -> None:
    answer = put(door(), b'{"what": "' + b"a" * size + b'"}')

    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"
    assert "1000" in error_of(answer)["message"]


def test_a_body_of_just_the_limit_is_taken(door: Ask) -> None:
    body = b'{"what": "' + b"a" * (1000 - 12) + b'"}'

    assert len(body) == 1000
    assert put(door(), body).status_code == 200


def test_an_answer_that_the_client_cannot_take_is_406(door: Ask) -> None:
    answer = door().simulate_get("/things", headers={"Accept": "text/html"})

    assert answer.status_code == 406
    assert error_of(answer)["code"] == "not_acceptable"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("colour=red", "query.colour"),
        ("wait=1&wait=2", "query.wait"),
        ("wait=long", "query.wait"),
        ("wait=61", "query.wait"),
        ("wait=-1", "query.wait"),
        ("wait=", "query.wait"),
        ("q=%ff", "query"),
        ("&".join(f"q{n}=1" for n in range(60)), "query"),
    ],
)
def test_a_bad_query_is_refused_by_the_parameters_name(door: Ask, query: str, path: str) -> None:
    answer = door().simulate_get("/things", query_string=query)

    assert answer.status_code == 400
    assert error_of(answer)["path"] == path


def test_a_query_is_read_by_its_types(door: Ask) -> None:
    answer = door().simulate_get("/things", query_string="wait=30&q=a%20b")

    assert answer.json["query"] == {"wait": 30, "q": "a b"}


@pytest.mark.parametrize("uuid", ["nobody", "6f1c0d52", "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01%0A"])
def test_a_bad_part_of_the_path_is_refused(door: Ask, uuid: str) -> None:
    answer = door().simulate_delete(f"/things/{uuid}")

    assert answer.status_code == 400
    assert error_of(answer)["path"] == "path.uuid"


def test_no_value_is_no_body(door: Ask) -> None:
    answer = door().simulate_delete(THING)

    assert (answer.status_code, answer.content) == (204, b"")


def test_a_path_that_is_not_there_is_404_in_our_words(door: Ask) -> None:
    answer = door().simulate_get("/thing")

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "not_found"
    assert "/wherry/docs" in error_of(answer)["message"]


def test_another_method_is_405_and_says_which_are_taken(door: Ask) -> None:
    answer = door().simulate_patch(THING)

    assert answer.status_code == 405
    assert error_of(answer)["code"] == "method_not_allowed"
    assert {"PUT", "DELETE"} <= set(answer.headers["allow"].replace(" ", "").split(","))


def test_head_answers_as_get_without_the_body(door: Ask) -> None:
    answer = door().simulate_head("/things")

    assert (answer.status_code, answer.content) == (200, b"")


def test_every_answer_carries_an_id_of_its_own(door: Ask) -> None:
    client = door()
    answers = [client.simulate_get(path) for path in ("/things", "/things", "/nowhere", "/things")]
    ids = {answer.headers["x-request-id"] for answer in answers}

    assert len(ids) == 4
    assert error_of(answers[2])["request_id"] == answers[2].headers["x-request-id"]


def failing(error: Exception) -> Route:
    def fail(_call: Call) -> None:
        raise error

    return Route(
        method="GET",
        path="/fail",
        handler=fail,
        summary="Fail",
        tag="Test",
        roles=Everybody,
        answer=None,
    )


def test_an_error_nobody_foresaw_is_500_and_only_the_log_tells_of_it(
    door: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "wherry.api"):
        answer = door([failing(RuntimeError("driver 550.54 is unpatched"))]).simulate_get("/fail")

    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal"
    assert "550.54" not in answer.text
    assert "550.54" in caplog.text
    assert error_of(answer)["request_id"] in caplog.text


REFUSAL = CapacityExceeded(provider="node-17_mtty", resource_class="CUSTOM_MTTY_PORT", asked=2)


def test_an_administrator_reads_the_facts_of_an_error(door: Ask) -> None:
    answer = door([failing(REFUSAL)]).simulate_get("/fail")

    assert answer.status_code == 409
    assert error_of(answer)["message"] == str(REFUSAL)
    assert error_of(answer)["detail"] == {
        "provider": "node-17_mtty",
        "resource_class": "CUSTOM_MTTY_PORT",
        "asked": 2,
    }


def test_a_project_user_reads_what_happened_and_no_facts(door: Ask) -> None:
    user = Caller(role="user", project="alpha")
    answer = door([failing(REFUSAL)], identify=lambda _h: user).simulate_get("/fail")

    assert answer.status_code == 409
    assert error_of(answer)["code"] == "claim.capacity"
    assert "node-17" not in answer.text
    assert "CUSTOM_MTTY_PORT" not in answer.text


@pytest.mark.parametrize(
    "error", [InvalidRequest("a number is missing", path="$.n"), NotFound(what="guest", name="g")]
)
def test_a_project_user_reads_in_full_what_is_its_own_business(
    door: Ask, error: WherryError
) -> None:
    user = Caller(role="user", project="alpha")
    answer = door([failing(error)], identify=lambda _h: user).simulate_get("/fail")

    assert error_of(answer)["message"] == str(error)


def test_a_role_that_may_not_is_403_before_anything_is_looked_at(door: Ask) -> None:
    route = Route(
        method="PUT",
        path="/things/{uuid}",
        handler=lambda call: call.body,
        summary="Put",
        tag="Test",
        roles=Admin,
        body=dict,
        answer=dict,
    )
    service = Caller(role="service", name="agents")
    answer = put(door([route], identify=lambda _h: service), "{ no JSON")

    assert answer.status_code == 403
    assert error_of(answer)["code"] == "forbidden"


def test_without_a_token_nobody_gets_in_where_tokens_are_asked_for(door: Ask) -> None:
    client = door([failing(REFUSAL)], identify=lambda header: identify({}, header))
    answer = client.simulate_get("/fail")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.7:8778", "node-17", "a:b", "[::2]:80"])
def test_who_need_not_say_who_they_are_must_ask_this_machine_by_loopback(
    door: Ask, host: str
) -> None:
    """A page in a browser may point a name of its own at 127.0.0.1 (DNS rebinding)."""
    answer = door(local_only=True).simulate_get("/things", headers={"Host": host})

    assert answer.status_code == 421
    assert error_of(answer)["code"] == "misdirected"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8778", "127.0.0.1:8778", "127.0.0.2", "[::1]:8778"]
)
def test_loopback_has_many_names(door: Ask, host: str) -> None:
    answer = door(local_only=True).simulate_get("/things", headers={"Host": host})

    assert answer.status_code == 200


def test_a_request_is_counted_under_its_route_and_never_under_its_path(door: Ask) -> None:
    metrics = Metrics(request_families([("PUT", "/things/{uuid}")]))
    client = door([route for route in ROUTES if route.method == "PUT"], metrics=metrics)
    put(client, '{"what": "a"}')
    put(client, "nonsense")
    text = metrics.render({}, {})

    assert _count(text, 'method="PUT",route="/things/{uuid}",status="200"') == 1
    assert _count(text, 'method="PUT",route="/things/{uuid}",status="400"') == 1
    assert "6f1c0d52" not in text


def _count(text: str, labels: str) -> float:
    lines = [line for line in text.splitlines() if f"requests_total{{{labels}}}" in line]
    return float(lines[0].rpartition(" ")[2])


def test_bodies_are_encoded_as_json(door: Ask) -> None:
    answer = door().simulate_get("/things")

    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text) == {"path": {}, "query": {}, "body": None}
