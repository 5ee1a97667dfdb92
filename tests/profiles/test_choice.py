"""Which profile is meant for a device: the narrowest that it meets, or none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_files import a_file, some_profiles
from wherry.model.errors import InvalidProfile
from wherry.profiles.builtin import builtin_profiles
from wherry.profiles.library import Profiles

KEYS = {"driver": ["acme", "other"], "version": ["1.0", "1.1", "2.0"], "vendor": ["10de", "8086"]}


def chosen(profiles: Profiles, **facts: str) -> str | None:
    """Title of the profile for an mdev parent with these facts."""
    found = profiles.find("mdev", facts)
    return None if found is None else found.title


@pytest.mark.parametrize(
    ("srcversion", "title"),
    [
        ("0CFBC3668084E605BBD06DA", "mtty/stream-1.0"),
        ("A3D32749F2E581E77F8FD59", "mtty/stream-1.1"),
        ("FFFFFFFFFFFFFFFFFFFFFFF", "mtty"),
    ],
)
def test_a_profile_keyed_by_the_build_goes_before_one_keyed_by_the_driver(
    srcversion: str, title: str
) -> None:
    assert chosen(builtin_profiles(), driver="mtty", srcversion=srcversion) == title


def test_a_fact_that_is_not_known_meets_nothing() -> None:
    profiles = some_profiles(
        a_file(), a_file(id="build", match={"driver": "acme", "srcversion": "*"})
    )

    assert chosen(profiles, driver="acme") == "acme"
    assert chosen(profiles, driver="acme", srcversion="A") == "build"
    assert chosen(profiles, driver="other") is None


def test_of_several_patterns_one_has_to_fit() -> None:
    profiles = some_profiles(a_file(match={"driver": "acme", "version": ["1.*", "2.0"]}))

    versions = ["1.9", "2.0", "2.1", ""]
    assert [chosen(profiles, driver="acme", version=one) for one in versions] == [
        "acme", "acme", None, None,
    ]  # fmt: skip


def test_a_profile_may_be_keyed_by_any_attribute_that_a_host_publishes() -> None:
    match = {"driver": "acme", "attributes": {"acme/level": "3"}}
    profiles = some_profiles(a_file(), a_file(id="level", match=match))

    assert chosen(profiles, driver="acme", **{"@acme/level": "3"}) == "level"
    assert chosen(profiles, driver="acme", **{"@acme/level": "4"}) == "acme"


def test_where_types_come_from_keeps_profiles_apart() -> None:
    assert builtin_profiles().find("creatable", {"driver": "nvidia"}).title == "nvidia-vfio"
    assert builtin_profiles().find("mdev", {"driver": "nvidia"}).title == "nvidia"
    assert builtin_profiles().find("function", {"driver": "nvidia"}) is None


def test_two_profiles_of_which_none_is_narrower_are_refused() -> None:
    files = [
        a_file(),
        a_file(id="one", source="one.toml", match={"driver": "acme", "version": "1.*"}),
        a_file(id="two", source="two.toml", match={"driver": "acme", "vendor": "10de"}),
    ]

    with pytest.raises(InvalidProfile) as caught:
        some_profiles(*files)

    assert str(caught.value) == (
        "two.toml: a device can meet `one` and `two`, and neither is narrower: let one match on"
        " more, or put the other into its `replaces` - at `$.match`"
    )


@st.composite
def matches_of(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(KEYS)), unique=True))
    values = {key: st.sampled_from([*KEYS[key], f"{KEYS[key][0][:2]}*", "*"]) for key in keys}
    return {key: draw(st.lists(values[key], min_size=1, max_size=2)) for key in keys}


def is_met(match: dict[str, list[str]], facts: dict[str, str]) -> bool:
    """Look at each key and each pattern in turn."""
    return all(
        any(
            facts[key].startswith(one[:-1]) if one.endswith("*") else facts[key] == one
            for one in patterns
        )
        for key, patterns in match.items()
    )


@given(
    st.lists(st.tuples(matches_of(), st.booleans()), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_choice_is_the_narrowest_whatever_the_order(
    several: list[tuple[dict[str, list[str]], bool]], random: Any
) -> None:
    """Where none is narrower it is the operator's; two of one hand are refused then."""
    matches = [match for match, _ in several]
    files = [
        replace(a_file(id=f"p{i}", match=match), own=own) for i, (match, own) in enumerate(several)
    ]
    own = {file.id for file in files if file.own}
    devices = [
        {"driver": driver, "version": version, "vendor": vendor}
        for driver in KEYS["driver"]
        for version in KEYS["version"]
        for vendor in KEYS["vendor"]
    ]
    meant = {
        f"p{i}": {n for n, facts in enumerate(devices) if is_met(match, facts)}
        for i, match in enumerate(matches)
    }
    try:
        profiles = some_profiles(*files)
    except InvalidProfile as error:
        assert "neither is narrower" in str(error)  # noqa: PT017
        return
    shuffled = some_profiles(*random.sample(files, len(files)))
    for number, facts in enumerate(devices):
        title = chosen(profiles, **facts)
        meeting = [name for name, devices_of in meant.items() if number in devices_of]

        assert title == chosen(shuffled, **facts)
        assert (title is None) == (not meeting)
        assert all(
            meant[title] <= meant[other] or (title in own and other not in own) for other in meeting
        )
