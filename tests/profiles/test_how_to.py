"""The how-to's example works as it stands."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from host_facts import a_report
from wherry.cli.main import main
from wherry.hosts.look import look_at
from wherry.introspect.snapshot import parse_snapshot
from wherry.inventory.derive import plan_host
from wherry.model.inventory import PlannedProvider
from wherry.profiles.builtin import profiles_with

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-profile.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The page's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


(RECORDING,) = blocks("json")
FIRST, CASE, OWN_VGPUS = blocks("toml")


def acme_with(text: str) -> PlannedProvider:
    """What the page's device becomes under a profile."""
    facts = look_at(parse_snapshot(RECORDING, file="acme.ndjson"), {})
    plan = plan_host(replace(a_report(), facts=facts), profiles_with([("acme.toml", text)]))
    (found,) = [one for one in plan.providers if one.device == "acme0"]
    return found


def test_the_first_file_makes_offers_of_unknown_migration() -> None:
    acme = acme_with(FIRST)

    assert {name: one.total for name, one in acme.inventories.items()} == {"CUSTOM_ACME_LANE": 12}
    assert [
        (o.type, o.interface.supports, o.params["queues"].value, o.migration.support)
        for o in acme.offers
    ] == [("acme/acme-large", "2.1.0", 8, "unknown"), ("acme/acme-small", "2.1.0", 4, "unknown")]


def test_the_case_tells_what_one_build_writes() -> None:
    offers = acme_with(FIRST + CASE).offers

    assert {(o.state.emits, o.state.accepts, o.migration.support) for o in offers} == {
        ("3", ("2", "3"), "yes")
    }


def test_the_extension_of_a_built_in_profile_is_one() -> None:
    own = profiles_with([("own.toml", OWN_VGPUS)])

    assert own.find("mdev", {"driver": "nvidia"}).title == "our-vgpus"


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[object, str]:
    """Status and all that a command prints."""
    with pytest.raises(SystemExit) as ended:
        main(args)
    return ended.value.code, "".join(capsys.readouterr())


def test_the_commands_print_what_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme.ndjson").write_text(RECORDING, encoding="utf-8")
    (tmp_path / "acme.toml").write_text(FIRST, encoding="utf-8")
    (tmp_path / "wrong.toml").write_text(FIRST.replace("semver", "semantic"), encoding="utf-8")
    snapshot = ["inspect", "--snapshot", str(tmp_path / "acme.ndjson")]
    line, refusal = blocks("text")

    before = printed(capsys, *snapshot)
    after = printed(capsys, *snapshot, "--profile", str(tmp_path / "acme.toml"))
    wrong = printed(capsys, *snapshot, "--profile", str(tmp_path / "wrong.toml"))

    assert "NO_PROFILE" in before[1]
    assert line.strip() in after[1]
    assert refusal.removeprefix("acme.toml").strip() in wrong[1]
    assert (before[0], after[0], wrong[0]) == (0, 0, 2)
