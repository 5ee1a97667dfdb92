"""The profiles and packs that come with Wherry."""

from importlib.resources import files

import pytest

from wherry.profiles.builtin import builtin_packs, builtin_profiles
from wherry.profiles.library import build_profiles, parse_profile_file
from wherry.profiles.packs import parse_pack
from wherry.profiles.schema import Profile
from wherry.profiles.tables import arch_trait, cpu_trait, cuda_trait, is_trait, standard_traits

FOLDER = files("wherry.profiles") / "data"
DRIVERS = {one.name: one.read_text("utf-8") for one in (FOLDER / "drivers").iterdir()}
PACKS = {one.name: one.read_text("utf-8") for one in (FOLDER / "packs").iterdir()}
TITLES = {one.title: one for one in builtin_profiles().all}


def test_every_file_makes_profiles() -> None:
    profiles = build_profiles(
        parse_profile_file(text, name) for name, text in sorted(DRIVERS.items())
    )

    assert {f"{one.id}.toml" for one in profiles.all} == DRIVERS.keys()
    assert profiles.all == builtin_profiles().all


@pytest.mark.parametrize("title", sorted(TITLES))
def test_every_profile_says_what_it_is_and_where_that_is_written(title: str) -> None:
    profile = TITLES[title]

    assert profile.about
    assert profile.cites
    assert profile.match.driver or profile.match.srcversion


@pytest.mark.parametrize(
    ("title", "policy"),
    [("mtty/stream-1.0", "exact"), ("hisi_acc_vfio_pci", "major"), ("qat_vfio_pci", "monotonic")],
)
def test_drivers_differ_in_how_they_compare_what_they_load(title: str, policy: str) -> None:
    assert TITLES[title].state.policy == policy


@pytest.mark.parametrize(
    ("title", "support"),
    [
        ("mtty", "yes"), ("mdpy", "no"), ("mbochs", "no"), ("gvt-g", "no"), ("nvidia", "yes"),
        ("nvidia-vfio", "yes"), ("vfio-pci", "no"), ("igbvf", "no"), ("mlx5_vfio_pci", "yes"),
        ("pds_vfio_pci", "yes"), ("virtio_vfio_pci", "yes"), ("nvgrace_gpu_vfio_pci", "no"),
        ("vdpa-net", "unknown"), ("vdpa-block", "unknown"),
    ],
)  # fmt: skip
def test_which_drivers_can_move_state_is_data(title: str, support: str) -> None:
    assert TITLES[title].migration.support == support


def test_what_nobody_published_is_assumed() -> None:
    """The version that guest and host have negotiated is NVML's alone to know."""
    assert TITLES["nvidia"].interface.policy == "range"
    assert "migration" in TITLES["nvidia"].assumed


def test_an_extending_file_keeps_what_it_does_not_change() -> None:
    base, extending = TITLES["nvidia"], TITLES["nvidia-vfio"]

    assert extending.exclusive == base.exclusive
    assert extending.trait_rules == base.trait_rules
    assert extending.types_from == "creatable"


@pytest.mark.parametrize("name", sorted(PACKS))
def test_every_pack_is_one(name: str) -> None:
    pack = parse_pack(PACKS[name], name)

    assert pack in builtin_packs()
    assert all(row.because for row in pack.rows)


@pytest.mark.parametrize(
    ("device", "trait"),
    [
        ("1bb3", "HW_GPU_CUDA_COMPUTE_CAPABILITY_V6_1"),
        ("1eb8", "CUSTOM_HW_GPU_CUDA_COMPUTE_CAPABILITY_V7_5"),
        ("2230", "CUSTOM_HW_GPU_CUDA_COMPUTE_CAPABILITY_V8_6"),
        ("ffff", None),
    ],
)
def test_the_cuda_level_is_known_by_the_pci_id(device: str, trait: str | None) -> None:
    """Without a vendor's tool; os-traits ends at 7.2, later levels are custom traits."""
    assert cuda_trait(device) == trait
    assert trait is None or is_trait(trait)


def test_no_word_of_the_tables_makes_a_trait_that_is_none() -> None:
    import tomllib

    tables = tomllib.loads((FOLDER / "tables" / "traits.toml").read_text("utf-8"))

    for arch, words in tables["cpu"].items():
        assert arch_trait(arch) in standard_traits()
        for word, trait in words.items():
            assert trait in standard_traits(), word
            assert cpu_trait(arch, word) == trait
    for device in tables["cuda_by_device"]:
        assert is_trait(cuda_trait(device))


def test_one_word_is_another_feature_on_another_arch() -> None:
    assert cpu_trait("x86_64", "aes") != cpu_trait("aarch64", "aes")
    assert cpu_trait("riscv64", "aes") is None


def test_titles_name_file_and_case() -> None:
    cases: list[Profile] = [one for one in builtin_profiles().all if one.title != one.id]

    assert {one.title for one in cases} >= {"mtty/stream-1.0", "vfio-pci/storage"}
