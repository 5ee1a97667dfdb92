"""The two small languages of profiles: patterns, and forms that take texts apart."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.profiles.patterns import (
    LONGEST,
    fields_of,
    fill,
    implies,
    matches,
    overlap,
    parse_form,
)

WORDS = ["".join(word) for n in range(4) for word in product("ab", repeat=n)]
PATTERNS = st.sampled_from([*WORDS, *(f"{word}*" for word in WORDS if len(word) < 3)])


def meant(pattern: str) -> set[str]:
    """All short texts that a pattern means."""
    return {word for word in WORDS if matches(pattern, word)}


@given(PATTERNS, PATTERNS)
def test_a_pattern_implies_another_if_all_its_texts_are_the_others(one: str, other: str) -> None:
    assert implies(one, other) == (meant(one) <= meant(other))


@given(PATTERNS, PATTERNS)
def test_patterns_overlap_if_some_text_is_meant_by_both(one: str, other: str) -> None:
    assert overlap(one, other) == bool(meant(one) & meant(other))


@pytest.mark.parametrize(
    ("form", "text", "fields"),
    [
        ("mtty-{ports:number}", "mtty-2", {"ports": "2"}),
        ("mtty-{ports:number}", "mtty-x", None),
        ("mtty-{ports:number}", "mtty-", None),
        ("mtty-{ports:number}", "mtty-२", None),
        ("{major:number}.{minor:number}", "570.12", {"major": "570", "minor": "12"}),
        ("{major:number}.{minor:number}", "570.12.3", None),
        ("i915-{short}", "i915-GVTg_V5_4", {"short": "GVTg_V5_4"}),
        ("{board}-{gb:number}{series}", "A40-2Q", {"board": "A40", "gb": "2", "series": "Q"}),
        ("{id:hex}:{rest}", "10dE:", None),
        ("{id:hex}:{rest}", "10dE:x:y", {"id": "10dE", "rest": "x:y"}),
        ("plain", "plain", {}),
        ("{all}", "a\nb", {"all": "a\nb"}),
        ("{all}", "x" * (LONGEST + 1), None),
    ],
)  # fmt: skip
def test_a_form_takes_a_text_apart(form: str, text: str, fields: dict[str, str] | None) -> None:
    assert parse_form(form).take_apart(text) == fields


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{a}{b}", "nothing holds two fields of `{a}{b}` apart"),
        ("{a}-{a}", "field `a` stands twice in `{a}-{a}`"),
        ("{A}", "a brace in `{A}` is no field such as {name} or {name:number}"),
        ("{a:word}", "a brace in `{a:word}` is no field such as {name} or {name:number}"),
        ("}", "a brace in `}` is no field such as {name} or {name:number}"),
        ("{a:number}1", "what follows a number in `{a:number}1` may not begin like one"),
        ("{a:hex}{b:number}", "what follows a hex in `{a:hex}{b:number}` may not begin like one"),
    ],
)
def test_a_form_that_could_mean_two_things_is_refused(form: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_form(form)


@given(st.text(alphabet="ab-{}:number", max_size=30), st.text(alphabet="ab-12", max_size=30))
def test_a_form_that_is_taken_gives_back_the_text_it_took_apart(form: str, text: str) -> None:
    try:
        parsed = parse_form(form)
    except ValueError:
        return
    fields = parsed.take_apart(text)

    if fields is not None:
        plain = form.replace(":number}", "}").replace(":hex}", "}")
        assert fill(plain, fields) == text
        assert fields_of(plain) == parsed.fields


@given(st.text(max_size=LONGEST))
def test_a_long_text_is_taken_apart_at_once(text: str) -> None:
    form = parse_form("{a}-{b}-{c:number}-{d}")

    assert form.take_apart(text + "-" * 2000) is None or "-" in text + "-"
