"""Where a value comes from: command line, variable, file, default."""

from pathlib import Path
from typing import Any

import pytest

from wherry.app.options import Option, one_of, path, resolve, text, whole
from wherry.model.errors import BadConfiguration

TABLE = (
    Option(name="port", parse=whole(1, 65535), default=1, help="P.", metavar="PORT"),
    Option(name="profile_dirs", parse=path, default=(), help="D.", metavar="DIR", many=True),
    Option(name="auth", parse=one_of("none", "token"), default="none", help="A.", metavar="A"),
)


def values(
    tmp_path: Path,
    given: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    file: str | None = None,
) -> dict[str, Any]:
    named = None
    if file is not None:
        named = tmp_path / "wherry.toml"
        named.write_text(file)
    return resolve(TABLE, section="serve", given=given or {}, environ=environ or {}, file=named)


def test_what_nobody_said_has_its_default(tmp_path: Path) -> None:
    assert values(tmp_path) == {"port": 1, "profile_dirs": (), "auth": "none"}


def test_the_nearer_word_wins(tmp_path: Path) -> None:
    file, environ, given = "[serve]\nport = 2\n", {"WHERRY_PORT": "3"}, {"port": "4"}

    assert values(tmp_path, file=file)["port"] == 2
    assert values(tmp_path, environ=environ, file=file)["port"] == 3
    assert values(tmp_path, given, environ, file)["port"] == 4


def test_nothing_said_on_the_command_line_hides_nothing(tmp_path: Path) -> None:
    given = {"port": None, "profile_dirs": ()}
    environ = {"WHERRY_PORT": "3", "WHERRY_PROFILE_DIRS": "/a:/b"}
    found = values(tmp_path, given, environ)

    assert (found["port"], found["profile_dirs"]) == (3, (Path("/a"), Path("/b")))


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    assert values(tmp_path, environ={"WHERRY_PORT": ""}, file="[serve]\nport = 2\n")["port"] == 2


def test_a_list_in_the_file_replaces_the_default_as_a_whole(tmp_path: Path) -> None:
    found = values(tmp_path, file='[serve]\nprofile_dirs = ["/a", "/b"]\n')

    assert found["profile_dirs"] == (Path("/a"), Path("/b"))


def test_one_file_serves_two_programs(tmp_path: Path) -> None:
    found = values(tmp_path, file='[agent]\nname = "node-17"\n[serve]\nport = 2\n')

    assert found["port"] == 2


def test_a_path_may_start_at_home(tmp_path: Path) -> None:
    found = values(tmp_path, given={"profile_dirs": ("~/p",)})

    assert found["profile_dirs"] == (Path.home() / "p",)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("[serve]\nprot = 2\n", "did you mean `port`"),
        ("[serve]\ncolour = 2\n", "known: auth, port, profile_dirs"),
        ("[server]\nport = 2\n", "did you mean `serve`"),
        ("port = 2\n", "no section `port`"),
        ("serve = 2\n", r"write \[serve\]"),
        ("[serve\n", "not valid TOML"),
        ("[serve]\nport = 1.5\n", "1.5 must be a whole number"),
        ("[serve]\nport = true\n", "True must be a whole number"),
        ("[serve]\nport = 65536\n", "from 1 to 65535"),
        ('[serve]\nprofile_dirs = "/a"\n', "must be a list"),
        ("[serve]\nprofile_dirs = [1]\n", "must be text"),
        ('[serve]\nauth = "keystone"\n', "must be one of none, token"),
    ],
)
def test_a_file_that_says_nonsense_is_refused_by_its_place(
    tmp_path: Path, file: str, words: str
) -> None:
    with pytest.raises(BadConfiguration, match=words) as caught:
        values(tmp_path, file=file)
    assert "wherry.toml" in str(caught.value)


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "wherry.toml"
    file.write_bytes(b"[serve]\n# \xff\n")

    with pytest.raises(BadConfiguration, match="not valid TOML"):
        resolve(TABLE, section="serve", given={}, environ={}, file=file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="No such file"):
        resolve(TABLE, section="serve", given={}, environ={}, file=tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("given", "environ", "where"),
    [
        ({"port": "http"}, {}, "option --port: 'http'"),
        ({}, {"WHERRY_PORT": "0"}, "variable WHERRY_PORT: '0'"),
        ({"profile_dirs": ("",)}, {}, "option --profile-dir:"),
        ({"auth": "NONE"}, {}, "option --auth: 'NONE'"),
        ({"port": "٣"}, {}, "option --port"),
    ],
)
def test_a_bad_value_is_refused_by_where_it_was_said(
    tmp_path: Path, given: dict[str, Any], environ: dict[str, str], where: str
) -> None:
    with pytest.raises(BadConfiguration) as caught:
        values(tmp_path, given, environ)
    assert where in str(caught.value)


def test_text_is_not_empty() -> None:
    with pytest.raises(ValueError, match="must be text"):
        text("")
