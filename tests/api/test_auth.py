"""Who asks, told by the token they bring."""

import hashlib
from pathlib import Path

import pytest

from wherry.api.auth import identify, open_door, read_tokens
from wherry.api.errors import Unauthenticated
from wherry.app.settings import Settings
from wherry.model.errors import BadConfiguration


def entry(token: str = "secret", role: str = "service", name: str = "agents", **more: str) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    said = {"name": name, "sha256": digest, "role": role, **more}
    return "[[token]]\n" + "".join(f'{key} = "{value}"\n' for key, value in said.items())


def tokens(tmp_path: Path, *entries: str) -> Path:
    file = tmp_path / "tokens.toml"
    file.write_text("\n".join(entries))
    return file


def test_a_token_tells_role_project_and_name(tmp_path: Path) -> None:
    file = tokens(tmp_path, entry(), entry("mine", "user", "alpha's portal", project="alpha"))
    callers = read_tokens(file)

    agents = identify(callers, "Bearer secret")
    portal = identify(callers, "bearer mine ")
    assert (agents.role, agents.project, agents.name) == ("service", "", "agents")
    assert (portal.role, portal.project, portal.name) == ("user", "alpha", "alpha's portal")


@pytest.mark.parametrize(
    "header", [None, "", "secret", "Basic secret", "Bearer", "Bearer ", "Bearer Secret", "Bearer x"]
)
def test_whoever_brings_no_known_token_is_nobody(tmp_path: Path, header: str | None) -> None:
    callers = read_tokens(tokens(tmp_path, entry()))

    with pytest.raises(Unauthenticated):
        identify(callers, header)


def test_without_authentication_everybody_is_the_local_administrator() -> None:
    assert open_door(Settings())(None).role == "admin"


def test_tokens_without_their_file_open_no_door() -> None:
    with pytest.raises(BadConfiguration, match="tokens_file"):
        open_door(Settings(auth="token"))


def test_the_file_of_tokens_is_read_when_the_door_opens(tmp_path: Path) -> None:
    ask = open_door(Settings(auth="token", tokens_file=tokens(tmp_path, entry())))

    assert ask("Bearer secret").role == "service"
    with pytest.raises(Unauthenticated):
        ask(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[token]\n", "valid TOML"),
        ("", "token"),
        (entry(role="root"), "role"),
        (entry(colour="red"), "colour"),
        (entry().replace("sha256", "sha1"), "sha1"),
        ('[[token]]\nname = "a"\nsha256 = "abc"\nrole = "admin"\n', "sha256"),
        (entry(role="user"), "needs a project"),
        (entry(role="admin", project="alpha"), "needs a project"),
        (entry() + entry(role="admin", name="other"), "same sha256"),
    ],
)
def test_a_file_of_tokens_that_is_not_sound_is_refused_by_name(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tokens(tmp_path, text)

    with pytest.raises(BadConfiguration, match=words) as caught:
        read_tokens(file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_tokens(tmp_path / "nothing.toml")


def test_the_file_holds_no_token_in_clear(tmp_path: Path) -> None:
    assert "secret" not in tokens(tmp_path, entry()).read_text()
