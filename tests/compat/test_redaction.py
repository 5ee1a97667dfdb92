"""An end user sees yes or no and families: no version, driver, firmware or host text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compat import documents
from compat.documents import at, places, put
from compat.test_schema_twin import SCHEMA, is_request
from wherry.compat.answer import answer, encode, parse_request
from wherry.compat.redact import user_view
from wherry.model.checks import CheckResponse, GuestResponse

USER_VIEW = Draft202012Validator({"$ref": "#/$defs/user_view", "$defs": SCHEMA["$defs"]})
PAIR = {"contract": documents.CONTRACT, "offer": documents.OFFER, "policy": documents.POLICY}


def secrets_in(request: Any) -> list[Any]:
    """The request with each text that may be anything in the place of a secret."""
    texts = [path for path in places(request) if isinstance(at(request, path), str)]
    planted = [(path, put(request, path, f"S3CRET{number}")) for number, path in enumerate(texts)]
    return [path for path, document in planted if is_request(document)]


PLACES = {"pair": (PAIR, secrets_in(PAIR)), "guest": (documents.GUEST, secrets_in(documents.GUEST))}


def seen_by_user(request: Any) -> tuple[str, str]:
    """What an end user is shown, and what an administrator is."""
    response = answer(parse_request(json.dumps(request).encode()))
    assert isinstance(response, CheckResponse | GuestResponse)
    view = encode(user_view(response)).decode()
    USER_VIEW.validate(json.loads(view))
    return view, encode(response).decode()


@pytest.mark.parametrize("kind", sorted(PLACES))
def test_secrets_can_be_planted_wherever_a_host_or_a_driver_speaks(kind):
    planted = {".".join(map(str, path)) for path in PLACES[kind][1]}

    for end in ("parent.firmware", "parent.driver_version", "parent.address", "description",
                "env.host_os", "interface.version", "supports.min", "type", "model", "because",
                "blockers.0", "bits.0"):  # fmt: skip
        assert any(path.endswith(end) for path in planted), end
    if kind == "guest":
        assert {"target.host.arch", "target.host.versions.qemu"} <= planted


@pytest.mark.parametrize("kind", sorted(PLACES))
@given(data=st.data())
def test_no_text_of_a_record_gets_into_the_view_of_a_user(kind, data):
    request, secret = PLACES[kind]
    for number, path in enumerate(data.draw(st.lists(st.sampled_from(secret), max_size=12))):
        request = put(request, path, f"S3CRET{number}")
    mode = data.draw(st.sampled_from(["live", "suspend", "cold"]))

    view, _ = seen_by_user({**request, "policy": {**request["policy"], "mode": mode}})

    assert "S3CRET" not in view


@pytest.mark.parametrize("kind", sorted(PLACES))
def test_what_a_user_does_not_see_is_told_to_an_administrator(kind):
    """Else the test above could not fail."""
    request, secret = PLACES[kind]
    for number, path in enumerate(secret):
        request = put(request, path, f"S3CRET{number}")

    view, whole = seen_by_user(request)

    assert "S3CRET" not in view
    assert "S3CRET" in whole
    assert set(json.loads(view)["families"]) <= {"type", "interface", "feature", "capacity", "host"}


def test_two_versions_that_are_refused_alike_look_alike():
    """A user who asks again and again does not find out which version a host has."""
    refusals = {
        seen_by_user(put(PAIR, ("offer", "interface"), {"policy": "semver", "supports": text}))
        for text in ("0.9", "2.0", "3.7.1")
    }

    assert len({view for view, _ in refusals}) == 1
    assert len({whole for _, whole in refusals}) == 3
