"""The table of section 6: each maker's form of ``description``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.introspect.description import parse_description, parse_resolution, parse_size_mb


def test_nvidia_writes_one_line_of_pairs():
    raw = "num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=7680x4320, max_instance=4"
    said = parse_description(raw)

    assert said.pairs["num_heads"] == "4"
    assert parse_size_mb(said.pairs["framebuffer"]) == 2048
    assert parse_resolution(said.pairs["max_resolution"]) == (7680, 4320)
    assert said.text == ()
    assert said.raw == raw


@pytest.mark.parametrize("separator", ["\n", ", "])
def test_gvt_g_writes_a_pair_a_line_and_mdevctl_joins_them(separator):
    items = ["low_gm_size: 128MB", "high_gm_size: 512MB", "fence: 4", "weight: 4"]

    pairs = parse_description(separator.join(items)).pairs

    assert pairs == {"low_gm_size": "128MB", "high_gm_size": "512MB", "fence": "4", "weight": "4"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("virtual display, 64 MB video memory", ("virtual display", "64 MB video memory")),
        (
            "2 heads, 512M FB, 2560x1600 maximum resolution",
            ("2 heads", "512M FB", "2560x1600 maximum resolution"),
        ),
        ("", ()),
    ],
)
def test_prose_stays_text(raw, text):
    said = parse_description(raw)

    assert (said.pairs, said.text) == ({}, text)


@pytest.mark.parametrize(
    ("value", "mb"),
    [
        ("2048M", 2048),
        ("128MB", 128),
        ("2 GiB", 2048),
        ("1G", 1024),
        ("1024K", 1),
        ("512K", None),
        ("12", None),
        ("1T", None),
    ],
)
def test_sizes_are_binary_and_whole(value, mb):
    assert parse_size_mb(value) == mb


@given(st.text())
def test_any_text_is_taken_apart_and_kept(raw):
    said = parse_description(raw)

    assert said.raw == raw
    assert all(key.strip() == key for key in said.pairs)
