"""A profile or pack that is wrong says which file, where in it, and what is the matter."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_files import FUNCTION, PROFILE, a_file, some_profiles
from wherry.model.errors import InvalidProfile
from wherry.profiles.builtin import _builtin_files, profiles_with
from wherry.profiles.library import ProfileFile, build_profiles, parse_profile_file
from wherry.profiles.packs import parse_pack
from wherry.profiles.toml import read_toml

HINT = " (docs/reference/profiles.md tells what may stand there)"
TYPE_ID = {"of": "type", "attribute": "id"}


def refusal_of(*files: ProfileFile) -> str:
    """What is said of files that make no profiles."""
    with pytest.raises(InvalidProfile) as caught:
        some_profiles(*files)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff", "x.toml: is no TOML: 'utf-8' codec can't decode byte 0xff"),
        ("id = ", "x.toml: is no TOML: Invalid value (at end of document)"),
        ("\n\nid = acme", "x.toml: is no TOML: Invalid value (at line 3, column 6)"),
        ("id = 1\nid = 2", "x.toml: is no TOML: Cannot overwrite a value (at "),
        ("a = " + "[" * 5000, "x.toml: is no TOML that a profile or pack needs"),
        ("", 'x.toml: `schema` is not "wherry.profile/1" - at `$.schema`'),
        ('schema = "wherry.profile/2"',
         'x.toml: `schema` is not "wherry.profile/1" - at `$.schema`'),
        ('schema = "wherry.profile/1"',
         "x.toml: the profile needs an `id` of its own - at `$.id`"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_profile_says_why(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidProfile) as caught:
        parse_profile_file(text, "x.toml")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"match": None}, "Object missing required field `match`"),
        ({"matsch": {}}, "Object contains unknown field `matsch`"),
        ({"match": {"drivers": "acme"}}, "Object contains unknown field `drivers` - at `$.match`"),
        ({"device_class": "gpu"}, "Invalid enum value 'gpu' - at `$.device_class`"),
        ({"id": "Acme GPU"},
         "Expected `str` matching regex '^[a-z0-9][a-z0-9_.-]{0,63}\\\\Z' - at `$.id`"),
        ({"pools": {"CUSTOM_X": {"units": 0}}},
         "Expected `int` >= 1 - at `$.pools[...].units`"),
        ({"pools": {"MY_LANE": {"units": 1}}},
         "`MY_LANE` is neither a standard class nor a custom one - at `$.pools`"),
        ({"pools": {"CUSTOM_X": {"units": 1, "total": 2**31}}},
         "no inventory holds more than 2147483647 - at `$.pools.CUSTOM_X`"),
        ({"pools": {}}, "types are counted in pools, and there is none - at `$.pools`"),
        ({"pools": {"CUSTOM_X": {"units": 1, "total": "limits"}}},
         "a total by `limits` needs a `limit` - at `$.pools`"),
        ({"name": "a/{board}"}, "there is no field `board` to fill `a/{board}` - at `$.name`"),
        ({"name": "a/{"},
         "a brace in `a/{` is no field such as {name} or {name:number} - at `$.name`"),
        ({"views": ["ACME_{id}"]},
         "`ACME_{id}` makes no standard class and no custom one - at `$.views[0]`"),
        ({"traits": ["FAST"]},
         "`FAST` is neither a trait of os-traits nor a custom one - at `$.traits`"),
        ({"trait_rules": [{"value": TYPE_ID, "prefix": "ACME_"}]},
         "no trait that may be published begins with `ACME_` - at `$.trait_rules[0].prefix`"),
        ({"trait_rules": [{"value": TYPE_ID, "traits": {"a": "FAST"}}]},
         "`FAST` is neither a trait of os-traits nor a custom one - at `$.trait_rules[0]`"),
        ({"trait_rules": [{"value": TYPE_ID}]},
         "a rule has one of `traits`, `prefix` and `table` - at `$.trait_rules[0]`"),
        ({"exclusive": "size"}, "there is no parameter `size` - at `$.exclusive`"),
        ({"only": ["acme/*-1"]},
         "a `*` ends a pattern, it may stand nowhere else: `acme/*-1` - at `$.only`"),
        ({"match": {"driver": "a*e"}},
         "a `*` ends a pattern, it may stand nowhere else: `a*e` - at `$.match.driver`"),
        ({"fields": {"n": {**TYPE_ID, "form": "{a}-{b}"}}},
         "say which `field` of `{a}-{b}` is meant - at `$.fields.n`"),
        ({"fields": {"n": {**TYPE_ID, "form": "{a}-{b}", "field": "c"}}},
         "`{a}-{b}` has no field `c` - at `$.fields.n`"),
        ({"fields": {"n": {**TYPE_ID, "field": "c"}}},
         "`field` needs a `form` - at `$.fields.n`"),
        ({"params": {"n": {"type": "int", "rule": "in"}}},
         "Rule `in` and `settable` need `allowed` - at `$.params.n`"),
        ({"counted_as": "CUSTOM_X"},
         "`counted_as` is for functions; types take units of pools - at `$.counted_as`"),
        ({"extends": "nobody"}, "there is no other profile 'nobody' to extend - at `$.extends`"),
        ({"extends": "acme"}, "there is no other profile 'acme' to extend - at `$.extends`"),
        ({"replaces": ["nobody"]},
         "there is no other profile `nobody` to replace - at `$.replaces`"),
        ({"cases": 1}, "`cases` is no list of tables - at `$.cases`"),
        ({"cases": [{}]}, "every case needs a name of its own - at `$.cases[...].case`"),
        ({"cases": [{"case": []}]}, "every case needs a name of its own - at `$.cases[...].case`"),
    ],
)  # fmt: skip
def test_a_profile_that_is_wrong_says_where_and_why(keys: Any, message: str) -> None:
    assert refusal_of(a_file(**keys)).removesuffix(HINT) == f"acme.toml: {message}"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"counted_as": "{vendor}"},
         "`{vendor}` makes no standard class and no custom one - at `$.counted_as`"),
        ({"name": "pci/{id}"}, "there is no field `id` to fill `pci/{id}` - at `$.name`"),
        ({"pools": {"CUSTOM_X": {"units": 1}}},
         "a function is one unit of `counted_as`: it has no pools, limit or numbers - at `$`"),
    ],
)  # fmt: skip
def test_a_profile_of_functions_has_its_own_rules(keys: Any, message: str) -> None:
    assert refusal_of(a_file(FUNCTION, **keys)) == f"acme.toml: {message}"


def test_a_case_that_is_wrong_is_named() -> None:
    file = a_file(cases=[{"case": "old", "match": {"version": "1"}, "device_class": "gpu"}])

    assert refusal_of(file) == (
        f"acme.toml, case old: Invalid enum value 'gpu' - at `$.device_class`{HINT}"
    )


def test_profiles_that_extend_each_other_in_a_circle_are_refused() -> None:
    one, two = a_file(extends="two", id="one"), a_file(extends="one", id="two", source="two.toml")

    assert "to extend - at `$.extends`" in refusal_of(one, two)


def test_an_id_that_is_taken_says_by_which_file_and_what_to_do() -> None:
    file = a_file(id="mtty", source="/etc/wherry/profiles/mtty.toml")

    with pytest.raises(InvalidProfile) as caught:
        build_profiles([*_builtin_files(), file])

    assert str(caught.value) == (
        "/etc/wherry/profiles/mtty.toml: `mtty` is the id of built-in mtty.toml already: give it"
        ' another, and extend that one (`extends = "mtty"`) - at `$.id`'
    )


def test_two_files_of_an_operator_may_not_clash() -> None:
    text = """
        schema = "wherry.profile/1"
        id = "{}"
        extends = "mtty"
        about = "meant for the same devices as the other one"
    """
    files = [(f"{name}.toml", text.replace("{}", name)) for name in ("one", "two")]

    with pytest.raises(InvalidProfile, match=r"^two\.toml: a device can meet `one` and `two`"):
        profiles_with(files)


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-1, 2**40), st.floats(), st.text(max_size=8),
        st.sampled_from(["{id}", "{id", "CUSTOM_X", "type", "none", "vfio-pci", "*", "in", "eq"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
TABLES = [PROFILE, FUNCTION, *(file.table for file in _builtin_files())]


@st.composite
def changed_tables(draw: st.DrawFn) -> dict[str, Any]:
    """A right profile with some values anywhere in it changed, added or taken away."""
    table = copy.deepcopy(dict(draw(st.sampled_from(TABLES))))
    for _ in range(draw(st.integers(1, 3))):
        here: Any = table
        while isinstance(here, dict | list) and here:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            key = draw(st.sampled_from(keys))
            inner = here[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                here[key] = draw(VALUES)
                break
            here = inner
        if draw(st.booleans()):
            table[draw(st.sampled_from(FIELDS))] = draw(VALUES)
    return table


FIELDS = [
    "cases", "extends", "replaces", "match", "fields", "params", "pools", "limit", "views",
    "traits", "trait_rules", "env", "numbers", "only", "also_types", "constraints", "exclusive",
    "features", "features_from", "counted_as", "assumed", "state", "interface", "migration",
]  # fmt: skip


@given(changed_tables())
def test_whatever_stands_in_a_file_makes_profiles_or_one_clear_refusal(table: Any) -> None:
    others = [file for file in _builtin_files() if file.id in {"nvidia", "vfio-pci"}]
    if not isinstance(table.get("id"), str):
        table["id"] = "changed"
    files = [file for file in others if file.id != table["id"]]
    try:
        profiles = build_profiles([*files, ProfileFile(source="changed.toml", table=table)])
    except InvalidProfile as error:
        _require_clear(str(error))
        return
    assert table["id"] in {one.id for one in profiles.all}


def _require_clear(text: str) -> None:
    source, _, message = text.partition(": ")
    assert source.startswith(("changed.toml", "built-in "))
    assert message
    assert "Traceback" not in text


@given(st.integers(0, 70), st.text(max_size=6))
def test_a_text_that_was_scribbled_on_is_read_or_refused(at: int, scribble: str) -> None:
    text = 'schema = "wherry.profile/1"\nid = "x"\n[match]\ndriver = ["a", "b"]\n'
    spoiled = text[:at] + scribble + text[at + 1 :]

    for read in (read_toml, parse_profile_file, parse_pack):
        try:
            read(spoiled, "spoiled.toml")
        except InvalidProfile as error:
            assert str(error).startswith("spoiled.toml: ")  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.toml: Object missing required field `id`"),
        ('id = "p"\nversion = "1"\nrows = 1', "p.toml: Expected `array`, got `int` - at `$.rows`"),
        (
            'id = "p"\nversion = "1"\n'
            + '[[rows]]\nid = "a"\nbecause = "b"\nseverity = "warn"\ncompare = { x = "eq" }\n' * 2,
            "p.toml: row `a` stands twice - at `$.rows`",
        ),
    ],
)
def test_a_pack_that_is_wrong_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(InvalidProfile) as caught:
        parse_pack(text, "p.toml")

    assert str(caught.value) == message
