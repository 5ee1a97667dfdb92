"""Whatever comes as a request is answered or refused with a clear error; nothing crashes."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compat import documents
from compat.documents import places, put, spoils
from wherry.compat.answer import answer_line, parse_request
from wherry.compat.stream import Stream
from wherry.model import strictjson
from wherry.model.errors import InvalidRequest

PAIR = {"contract": documents.CONTRACT, "offer": documents.OFFER, "policy": documents.POLICY}
REQUESTS = (PAIR, documents.CHECK, documents.GUEST, documents.LINT)
TOKENS = (
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u00", b"\\ud800", b"\xff", b"\x00", b"\n",
    b"null", b"true", b"1e999999999999", b"-", b"0", b"9" * 5000, b"NaN", b"[" * 2000, b'"a":',
    b'{"schema":', b"\xed\xa0\x80", b"\xef\xbb\xbf",
)  # fmt: skip


def refused(data: bytes) -> InvalidRequest | None:
    """The error with which a request is refused; anything but that is a crash."""
    line = json.loads(answer_line(data))
    assert Stream().answer(data) == answer_line(data)
    error: InvalidRequest | None = None
    try:
        parse_request(data)
    except InvalidRequest as caught:
        error = caught
    told = {"code": "invalid_request", "message": str(error)}
    assert line.get("error") == (None if error is None else told)
    return error


@given(st.one_of(st.binary(), st.lists(st.sampled_from(TOKENS)).map(b"".join)))
def test_bytes_of_any_kind_are_refused_and_do_not_crash(data):
    assert refused(data) is not None


names = st.sampled_from(sorted(PAIR)) | st.text()


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
))  # fmt: skip
def test_json_of_any_kind_is_refused_and_does_not_crash(document):
    assert refused(json.dumps(document).encode()) is not None


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    """A good request with some bytes taken out, put in, or put in the place of others."""
    data = json.dumps(draw(st.sampled_from(REQUESTS)), ensure_ascii=False).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.sampled_from([start, start + 1, start + 20, len(data)]))
        data = data[:start] + draw(st.sampled_from((b"", *TOKENS))) + data[end:]
    return data


@given(cut())
def test_a_request_with_bytes_changed_is_answered_or_refused(data):
    refused(data)


def test_a_wrong_key_is_told_by_the_object_it_is_in():
    """msgspec names a key where others name a place."""
    offer = put(documents.OFFER, ("params", "caps", "bits"), {"01": "x"})
    request = {"contract": None, "offer": offer}

    error = refused(json.dumps(request).encode())

    assert error is not None
    assert error.path == "$.offer.params[...].bits"
    assert "A key here is not allowed" in str(error)


@given(st.data())
def test_an_error_in_a_request_says_where_it_is(data):
    """Of what the request is made; the document as a whole has no path."""
    request = data.draw(st.sampled_from(REQUESTS))
    path = data.draw(st.sampled_from([p for p in places(request) if len(p) > 1]))
    document = data.draw(st.sampled_from(list(spoils(request, path))))()

    error = refused(json.dumps(document).encode())

    if error is not None:
        assert error.path is not None
        assert error.path.startswith(f"$.{path[0]}")
        assert f"at `{error.path}`" in str(error)


TEXT = json.dumps(documents.CHECK)
KEYS = sorted({key for path in places(documents.CHECK) for key in path if isinstance(key, str)})


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_comes_twice_is_refused_wherever_it_is(key):
    """Two readers of one document must not see two documents."""
    twice = TEXT.replace(f'"{key}": ', f'"{key}": null, "{key}": ', 1)
    assert twice != TEXT

    error = refused(twice.encode())

    assert f"`{key}` twice" in str(error)


@given(st.data())
def test_a_key_that_comes_twice_is_refused_whatever_else_there_is(data):
    """Colons in texts, escaped colons, defaults that are spelled out: nothing hides it."""
    request = json.loads(json.dumps(PAIR))
    request["contract"]["description"] = data.draw(st.text(alphabet=':"\\u03aé', max_size=9))
    request["offer"]["features"]["z"] = data.draw(
        st.sampled_from([{}, {"maskable": True}, {"maskable": True, "guest_visible": True}])
    )
    text = json.dumps(request, ensure_ascii=data.draw(st.booleans()))
    if data.draw(st.booleans()):
        text = text.replace(":", "\\u003a", 1) if text.startswith('":') else text
    assert refused(text.encode()) is None
    key = data.draw(st.sampled_from(["contract", "policy", "ecc", "type", "z", "units", "slot"]))

    twice = text.replace(f'"{key}": ', f'"{key}": 1, "{key}": ', 1)

    assert f"`{key}` twice" in str(refused(twice.encode()))


def test_an_escaped_colon_hides_no_key():
    text = TEXT.replace('"num_heads: 4"', '"num_heads\\u003a 4"')
    assert text != TEXT
    assert refused(text.encode()) is None

    twice = text.replace('"slot": ', '"slot": "a\\u003a", "slot": ', 1)

    assert "`slot` twice" in str(refused(twice.encode()))


def with_number(number: str, *path: str | int) -> bytes:
    return json.dumps(put(PAIR, path, "NUMBER")).replace('"NUMBER"', number).encode()


@pytest.mark.parametrize("number", ["3.0", "3e0", "30E-1", "0.3e+1", "3.000"])
def test_an_integer_may_be_written_with_a_fraction_of_nothing(number):
    same = json.loads(answer_line(json.dumps(PAIR).encode()))

    assert json.loads(answer_line(with_number(number, "offer", "generation"))) == same


@pytest.mark.parametrize(
    "number",
    ["1e99999999999999999999", "0e99999999999999999999", "1e5000", "9" * 4301, "-" + "9" * 4301,
     "9223372036854775808", "1e19", "1.5", "1e-5", "1e-99999999999999999999", "-1", "-0.5",
     "NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "0x1", "1_0", "true", "\"1\""],
)  # fmt: skip
def test_a_number_that_is_no_amount_is_refused(number):
    assert refused(with_number(number, "offer", "generation")) is not None


def test_the_largest_amounts_are_added_up_and_answered():
    """The sum of a composition, the estimate of a downtime: no overflow on the way out."""
    largest = 2**63 - 1
    part = {"type": "a/b", "units": {"CUSTOM_FB_MB": largest}, "count": largest}
    contract = {**documents.CONTRACT, "composition": [part, part]}
    del contract["units"]
    contract["migration"] = {"support": "yes", "stop_copy_bytes": largest, "bytes_per_s": 1}
    policy = {"downtime": {"budget_ms": 1}}

    response = json.loads(
        answer_line(
            json.dumps({"contract": contract, "offer": documents.OFFER, "policy": policy}).encode()
        )
    )

    assert response["downtime_ms"] == 1000 * largest
    mismatch = next(r for r in response["reasons"] if r["code"] == "UNITS_MISMATCH")
    assert mismatch["detail"]["wanted"] == {"CUSTOM_FB_MB": 2 * largest**2}


@pytest.mark.parametrize("digits", [1, 30, 4300])
def test_parameters_are_integers_of_any_size_up_to_4300_digits(digits):
    number = "9" * digits
    request = {
        "contract": {**documents.CONTRACT, "params": {"n": "NUMBER"}},
        "offer": {**documents.OFFER, "params": {"n": {"type": "int", "value": 1}}},
    }

    answer: dict[str, Any] = json.loads(
        answer_line(json.dumps(request).replace('"NUMBER"', number).encode())
    )

    wrong = next(r for r in answer["reasons"] if r["code"] == "PARAM_EQ")
    assert wrong["detail"]["wanted"] == int(number)


@pytest.mark.parametrize(
    ("text", "value"),
    [('"\\ud83d\\ude00"', "😀"), ('"é"', "é"), ('"\\u0000"', "\0"), ('"\\/"', "/")],
)
def test_text_is_unicode(text, value):
    assert strictjson.loads(text.encode()) == value


@pytest.mark.parametrize(
    "data",
    [b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\t"',
     b'"\\x41"', b"'a'", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"{}\0", b"{} {}", b"", b" ",
     b"{a: 1}", b'{"a": 1,}', b"[1,]", b"// no\n{}", b'{"a" 1}', b'["a"'],
)  # fmt: skip
def test_what_is_no_strict_json_is_refused(data):
    with pytest.raises(InvalidRequest, match="no strict JSON"):
        strictjson.loads(data)
    assert refused(data) is not None


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("times", [65, 1_000, 200_000])
def test_deep_nesting_is_refused_wherever_it_is(opening, times):
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[opening]
    deep = opening * times + b"1" + closing * times
    for data in (deep, opening * times, b'{"contract": ' + deep + b', "offer": null}'):
        assert "64 deep" in str(refused(data))


def test_what_is_64_deep_is_read_and_brackets_in_texts_do_not_count():
    assert strictjson.loads(b"[" * 64 + b"]" * 64)
    assert strictjson.loads(b'["' + b"[" * 999 + b'\\"]"]') == ["[" * 999 + '"]']


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
@example({"a": {"b": [1, {"c": None}]}})
def test_strict_reading_gives_what_was_written(document):
    assert strictjson.loads(json.dumps(document).encode()) == document
