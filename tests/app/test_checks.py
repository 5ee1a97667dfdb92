"""The check as a use case: of what is stored, as strictly read as of what is sent."""

import json
from typing import Any

import pytest

from engines import GUEST, Fleet
from wherry.app.checks import check
from wherry.app.engine import Engine
from wherry.model.errors import InvalidRequest, NotFound


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    made = Fleet(engine, a="mtty-fresh", b="mtty-fresh", new="mtty-stream-minor1")
    made.boot("a")
    return made


def asked(**fields: Any) -> bytes:
    return json.dumps({"guest": GUEST, "target": "b", **fields}).encode()


def test_a_stored_guest_is_checked_against_a_stored_host(fleet: Fleet) -> None:
    """The answer has every reason, as of records that are sent."""
    verdicts = {
        host: json.loads(check(fleet.engine, asked(target=host)))["verdict"]
        for host in ("a", "b", "new")
    }

    assert verdicts == {"a": "no", "b": "ok", "new": "no"}


def test_who_is_not_stored_is_told(fleet: Fleet) -> None:
    """By what it is and its name."""
    with pytest.raises(NotFound, match="host nowhere"):
        check(fleet.engine, asked(target="nowhere"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (asked()[:-1] + b', "target": "new"}', "`target` twice"),
        (asked().replace(b'"b"', b'"b\xff"'), "utf-8"),
        (asked(policy={"packs": 3}), r"\$\.policy\.packs"),
        (asked(policy={"mode": "replug"}), r"\$\.policy\.mode"),
        (asked(more=1), "unknown field `more`"),
    ],
    ids=["a key twice", "no text", "wrong type", "no mode of a guest", "unknown field"],
)
def test_a_request_that_is_none_is_refused(fleet: Fleet, body: bytes, says: str) -> None:
    """With what is wrong and where, never answered by a part of it."""
    with pytest.raises(InvalidRequest, match=says):
        check(fleet.engine, body)
