"""What the plug-ins for Nova's scheduler ask a real service, without Nova."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from oslo_config import cfg

from acme_fleet import Fleet, name_of
from wherry.integrations.nova.asking import Asker, NoAnswer, is_live_migration
from wherry.integrations.nova.options import OPTIONS, list_opts, register

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-with-nova.md"


class Host(NamedTuple):
    """What is read of one of Nova's hosts."""

    nodename: str
    host: str = "of nova-compute"


class Spec:
    """A request: fields that were not set are not there."""

    def __init__(self, instance_uuid: str = name_of("g"), **fields: Any) -> None:
        self.fields = {"instance_uuid": instance_uuid, **fields}

    def obj_attr_is_set(self, name: str) -> bool:
        return name in self.fields

    def __getattr__(self, name: str) -> Any:
        return self.fields[name]


HOSTS = [Host("node-1"), Host("node-2"), Host("node-3"), Host("stranger")]


def options(**said: Any) -> Any:
    conf = cfg.ConfigOpts()
    register(conf)
    register(conf)
    conf([])
    for name, value in said.items():
        conf.set_override(name, value, group="wherry")
    return conf.wherry


@pytest.fixture
def there(sqlite_fleet: Fleet) -> Fleet:
    """A guest on the first of three hosts; the second takes it, the third does not."""
    sqlite_fleet.report("node-1", version="2.0.1", features="X")
    sqlite_fleet.report("node-2", version="2.1.1", features="X Y")
    sqlite_fleet.report("node-3", version="3.0.0", features="Y")
    sqlite_fleet.boot("g", "node-1")
    return sqlite_fleet


@pytest.mark.parametrize(
    ("fields", "moves"),
    [
        ({"ignore_hosts": ["a"]}, True),
        ({"ignore_hosts": ["a"], "retry": None, "scheduler_hints": None}, True),
        ({"ignore_hosts": ["a"], "scheduler_hints": {"group": ["g"]}}, True),
        ({"ignore_hosts": ["a"], "retry": object()}, False),
        ({"ignore_hosts": []}, False),
        ({"ignore_hosts": None}, False),
        ({}, False),
        ({"ignore_hosts": ["a"], "scheduler_hints": {"_nova_check_type": ["rebuild"]}}, False),
    ],
)
def test_a_live_migration_is_told_by_what_conductor_sends(fields, moves):
    assert is_live_migration(Spec(**fields)) is moves


def test_hosts_that_take_the_guest_are_scored_and_others_are_not(there):
    asker, spec = Asker(), Spec()
    answer = asker.ask(options(url=there.service.url, is_placement=False), HOSTS, spec)

    assert [host.nodename for host in HOSTS if answer.takes(host)] == ["node-2"]
    assert [answer.score(host) for host in HOSTS] == [0.0, 1.0, 0.0, 0.0]
    assert asker.last(spec) is answer
    assert asker.last(Spec()) is None


def test_a_guest_that_no_migration_holds_is_not_told_of(there):
    answer = Asker().ask(options(url=there.service.url), HOSTS, Spec())

    assert all(answer.takes(host) for host in HOSTS)


def test_a_guest_that_is_not_on_record_may_go_anywhere(there):
    url = there.service.url
    answer = Asker().ask(options(url=url, is_placement=False), HOSTS, Spec(name_of("nobody")))

    assert all(answer.takes(host) for host in HOSTS)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"url": "http://127.0.0.1:1"}, "does not answer"),
        ({"token_file": "/nowhere/token"}, "token_file /nowhere/token cannot be read"),
    ],
)
def test_without_an_answer_the_reason_is_told_and_nobody_waits_twice(there, said, words):
    asker, spec = Asker(), Spec()
    with pytest.raises(NoAnswer, match=words):
        asker.ask(options(**{"url": there.service.url, **said}), HOSTS, spec)

    told = asker.last(spec)
    assert told is not None
    assert all(told.takes(host) for host in HOSTS)


def test_a_refused_question_is_no_answer(there):
    with pytest.raises(NoAnswer, match="invalid_request"):
        Asker().ask(options(url=there.service.url), HOSTS, Spec("no uuid"))


def test_every_option_is_on_the_page_with_its_default():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE)
    shown = {name: default.strip("`") for name, default in rows}

    assert list(shown) == [option.name for option in OPTIONS]
    for option in OPTIONS:
        default = option.default
        if isinstance(default, list):
            default = ",".join(default)
        if default is not None:
            assert shown[option.name] == str(default).replace("True", "true")
    assert list_opts()[0][1] == list(OPTIONS)


def test_a_question_for_hosts_that_are_not_known_is_refused_unless_they_are_left_out(there):
    path = f"/wherry/guests/{name_of('g')}/targets"
    asked = {"hosts": ["node-2", "stranger"]}
    refused = there.service.ask("POST", path, asked)
    left = there.service.post(path, {**asked, "known_only": True})
    nobody = there.service.post(path, {"hosts": ["stranger"], "known_only": True})

    assert (refused.status, refused.error["detail"]["name"]) == (404, "stranger")
    assert [one["host"] for one in left["targets"]] == ["node-2"]
    assert (nobody["targets"], nobody["total"], nobody["refused"]["count"]) == ([], 0, 0)
    assert "migration" not in left
    there.claim("m", "g", "node-2")
    assert there.service.post(path, asked | {"known_only": True})["migration"] == name_of("m")
