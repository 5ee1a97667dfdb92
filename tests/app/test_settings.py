"""The settings of service and agent, and the page that lists them."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from wherry.agent.settings import TABLE as AGENT
from wherry.agent.settings import AgentSettings, load_agent_settings
from wherry.app.options import Option
from wherry.app.settings import TABLE as SERVE
from wherry.app.settings import Settings, is_loopback, load_settings, require_consistent
from wherry.model.errors import BadConfiguration
from wherry.schedule.ranking import Ranking
from wherry.schedule.weighers import Weights

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
OTHER = {"WHERRY_CONFIG", "WHERRY_TOKEN"}


def rows_of(section: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## `[{section}]`\n")[2]
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `--")]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def example_of_page(place: int) -> str:
    found = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found[place])


@pytest.mark.parametrize(("section", "table"), [("serve", SERVE), ("agent", AGENT)])
def test_the_page_lists_every_option_with_its_three_spellings(
    section: str, table: tuple[Option, ...]
) -> None:
    said = [[f"`{o.flag} {o.metavar}`", f"`{o.variable}`", f"`{o.name}`"] for o in table]

    assert [row[:3] for row in rows_of(section)] == said


@pytest.mark.parametrize(("section", "table"), [("serve", SERVE), ("agent", AGENT)])
def test_the_page_has_the_defaults(section: str, table: tuple[Option, ...]) -> None:
    said = {row[2]: row[3] for row in rows_of(section)}

    for option in table:
        if option.default not in (None, "", ()):
            assert said[f"`{option.name}`"] == f"`{option.default}`"


def test_variables_of_service_and_agent_do_not_mean_two_things() -> None:
    assert {o.variable for o in SERVE} & {o.variable for o in AGENT} == set()
    assert {o.variable for o in (*SERVE, *AGENT)} & OTHER == set()


@pytest.mark.parametrize(
    ("kind", "table"), [(Settings, SERVE), (AgentSettings, AGENT)], ids=["serve", "agent"]
)
def test_table_and_values_agree_in_names_and_defaults(
    kind: type[Settings] | type[AgentSettings], table: tuple[Option, ...]
) -> None:
    defaults = {field.name: field.default for field in fields(kind)}

    assert set(defaults) == {option.name for option in table}
    assert {o.name: o.default for o in table if o.name != "state_dir"} == {
        name: value for name, value in defaults.items() if name != "state_dir"
    }


def test_state_is_kept_below_the_home_folder_unless_said_otherwise() -> None:
    assert load_settings({}, environ={}).state_dir == Path("~/.local/state/wherry").expanduser()
    assert load_settings({}, environ={"XDG_STATE_HOME": "/s"}).state_dir == Path("/s/wherry")
    assert load_settings({"state_dir": "/x"}, environ={}).state_dir == Path("/x")


def test_the_database_is_a_file_of_the_state_folder_unless_said_otherwise() -> None:
    embedded = load_settings({"state_dir": "/x"}, environ={})
    shared = load_settings({"database": "postgresql://w@db/fleet", "workers": "4"}, environ={})

    assert (embedded.database_url, embedded.is_embedded) == ("sqlite:////x/wherry.sqlite3", True)
    assert (shared.database_url, shared.is_embedded) == ("postgresql://w@db/fleet", False)


@pytest.mark.parametrize("url", ["mysql://h/d", "wherry.db", "/var/lib/wherry.db", ""])
def test_a_database_of_another_kind_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_text(f'[serve]\ndatabase = "{url}"\n')

    with pytest.raises(BadConfiguration, match="database"):
        load_settings({}, environ={}, file=file)


def test_several_processes_need_postgresql() -> None:
    with pytest.raises(BadConfiguration, match=r"SQLite has one owning process.*PostgreSQL"):
        load_settings({"workers": "2"}, environ={})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "node-17", "127.0.0.1.example"])
def test_without_authentication_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(BadConfiguration, match="not loopback"):
        load_settings({"host": host}, environ={})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_needs_no_authentication(host: str) -> None:
    assert is_loopback(host)
    require_consistent(load_settings({"host": host}, environ={}))


def test_with_tokens_any_address_is_listened_on() -> None:
    said = {"host": "0.0.0.0", "auth": "token", "tokens_file": "/etc/wherry/tokens.toml"}

    assert load_settings(said, environ={}).host == "0.0.0.0"


def test_with_keystone_any_address_is_listened_on() -> None:
    said = {"host": "::", "auth": "keystone", "keystone_config": "/etc/wherry/keystone.conf"}

    assert load_settings(said, environ={}).host == "::"


def test_keystone_needs_its_file() -> None:
    with pytest.raises(BadConfiguration, match="keystone_config"):
        load_settings({"auth": "keystone"}, environ={})


def test_tokens_need_their_file() -> None:
    with pytest.raises(BadConfiguration, match="tokens_file"):
        load_settings({"auth": "token"}, environ={})


def test_the_example_of_the_page_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_text(
        re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    )
    service = load_settings({}, environ={}, file=file)
    agent = load_agent_settings({}, environ={}, file=file)

    assert (service.workers, service.auth, service.is_embedded) == (4, "token", False)
    assert (agent.url, agent.interval_s) == ("https://wherry.example", 60)


def test_the_file_of_tokens_of_the_page_is_taken(tmp_path: Path) -> None:
    from wherry.api.auth import identify, read_tokens

    file = tmp_path / "tokens.toml"
    file.write_text(
        re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    )
    callers = read_tokens(file)

    assert identify(callers, "Bearer test").role == "service"
    assert identify(callers, "Bearer foo").project == "alpha"


@pytest.mark.parametrize("name", ["run-an-agent.md", "run-the-service.md"])
def test_the_files_that_a_how_to_shows_are_taken(tmp_path: Path, name: str) -> None:
    page = (PAGE.parents[1] / "how-to" / name).read_text(encoding="utf-8")
    file = tmp_path / "w.toml"
    for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        file.write_text(text)
        load_settings({}, environ={}, file=file)
        load_agent_settings({}, environ={}, file=file)
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page))
    known = {option.flag for option in (*SERVE, *AGENT)} | {"--config", "--once"}

    assert flags <= known


def test_weights_are_set_by_name_and_the_others_stay_as_they_are() -> None:
    settings = load_settings({}, environ={"WHERRY_WEIGHTS": "free_room=-1 downtime=0.5"})

    assert settings.ranking.weights == Weights(free_room=-1.0, spread=1.0, downtime=0.5)
    assert Settings().ranking == Ranking()


def test_a_seed_orders_hosts_that_are_equal() -> None:
    settings = load_settings({}, environ={"WHERRY_RANKING_SEED": "7"})

    assert settings.ranking == Ranking(seed=7)
    with pytest.raises(BadConfiguration, match="WHERRY_RANKING_SEED"):
        load_settings({}, environ={"WHERRY_RANKING_SEED": "-1"})


@pytest.mark.parametrize("said", ["spread", "spread=", "spread=much", "spread=nan", "other=1"])
def test_a_weight_that_is_none_is_refused_with_what_is_taken(said: str) -> None:
    with pytest.raises(BadConfiguration, match=r"variable WHERRY_WEIGHTS: .* must be"):
        load_settings({}, environ={"WHERRY_WEIGHTS": said})
