"""Runs the peer's declarative wire tests against a running service, over HTTP alone.

It runs inside the peer's virtual environment, whose wheel carries the tests and the classes
that set up what they need.  Those classes write to a database through a handful of names of
their module; here the same names write over HTTP, so the classes run as they are.

    python gabbi_runner.py legacy=http://127.0.0.1:8778 secure=http://127.0.0.1:8779 …

Each file prints one line of JSON: its name, the number of tests that passed, and those that
failed or could not be sent.  The service is emptied before every file.
"""

import json
import os
import sys
import unittest
import urllib.request
import uuid
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlsplit

from gabbi import handlers, suitemaker, utils
from oslo_utils.fixture import uuidsentinel
from placement.tests.functional.fixtures import gabbits

PROFILES = {
    "CORSFixture": "cors",
    "OpenPolicyFixture": "open",
    "SecureRBACPolicyFixture": "secure",
}
_IDS = "RP_UUID RP_UUID1 RP_UUID2 PARENT_PROVIDER_UUID ALT_PARENT_PROVIDER_UUID"
_PEOPLE = "PROJECT_ID ADMIN_PROJECT_ID SERVICE_PROJECT_ID PROJECT_ID_ALT USER_ID USER_ID_ALT"
_HOLDERS = "INSTANCE_UUID MIGRATION_UUID CONSUMER_UUID"
FRESH = f"RP_NAME RP_NAME1 RP_NAME2 {_IDS} {_PEOPLE} {_HOLDERS}".split()
FIXED = {f"CUSTOM_RES_CLASS{n}": f"CUSTOM_IRON_NFV{n}" for n in ("", "1", "2")}
RP = "/resource_providers"


class Rest:
    """The service as an administrator sees it."""

    def __init__(self):
        self.url = ""

    def __call__(self, method, path, body=None, mv="1.39", may_fail=()):
        headers = {
            "X-Auth-Token": "admin",
            "X-Roles": "admin,service",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "OpenStack-API-Version": f"placement {mv}",
        }
        data = None if body is None else json.dumps(body).encode()
        if data is None:
            del headers["Content-Type"]
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                raw = answer.read()
        except HTTPError as error:
            if error.code in may_fail:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None
        return json.loads(raw) if raw else None

    def empty(self):
        """Remove all that can be removed: consumers, providers from the leaves, own names."""
        left = {each["uuid"]: each for each in self("GET", RP)["resource_providers"]}
        for provider in left:
            for consumer in self("GET", f"{RP}/{provider}/allocations")["allocations"]:
                self("DELETE", f"/allocations/{consumer}", may_fail={404})
        while left:
            inner = {each["parent_provider_uuid"] for each in left.values()}
            for leaf in left.keys() - inner:
                self("DELETE", f"{RP}/{leaf}")
                del left[leaf]
        for each in self("GET", "/resource_classes")["resource_classes"]:
            if each["name"].startswith("CUSTOM_"):
                self("DELETE", f"/resource_classes/{each['name']}")
        for name in self("GET", "/traits?name=startswith:CUSTOM_")["traits"]:
            self("DELETE", f"/traits/{name}")


rest = Rest()


class Provider:
    """A provider as the set-up classes hold it."""

    def __init__(self, name, number):
        self.name, self.uuid, self._context = name, number, None

    def generation(self):
        return rest("GET", f"{RP}/{self.uuid}")["generation"]

    def set_aggregates(self, uuids):
        # The oldest form does not move the generation, as the database would not.
        rest("PUT", f"{RP}/{self.uuid}/aggregates", list(uuids), mv="1.1")


class Person(SimpleNamespace):
    """A user or project: it comes into being with the first allocation."""

    def __init__(self, context=None, external_id=None):
        super().__init__(external_id=external_id)

    def create(self):
        """Nothing is there to be made over HTTP."""


class ResourceClass(SimpleNamespace):
    """A resource class to be."""

    def __init__(self, context=None, name=None):
        super().__init__(name=name)

    def create(self):
        ensure_class(None, self.name)


def ensure_class(_context, name):
    if name.startswith("CUSTOM_"):
        rest("PUT", f"/resource_classes/{name}")


def create_provider(_context, name, *aggregates, parent=None, **given):
    number = given.get("uuid") or getattr(uuidsentinel, name)
    rest("POST", RP, {"name": name, "uuid": number, "parent_provider_uuid": parent})
    provider = Provider(name, number)
    if aggregates:
        provider.set_aggregates(aggregates)
    return provider


def add_inventory(provider, name, total, **limits):
    ensure_class(None, name)
    body = {"resource_class": name, "total": total, "max_unit": total, **limits}
    body["resource_provider_generation"] = provider.generation()
    rest("POST", f"{RP}/{provider.uuid}/inventories", body)


def set_traits(provider, *names):
    for name in names:
        if name.startswith("CUSTOM_"):
            rest("PUT", f"/traits/{name}")
    body = {"traits": list(names), "resource_provider_generation": provider.generation()}
    rest("PUT", f"{RP}/{provider.uuid}/traits", body)


def ensure_consumer(_context, user, project, consumer_id=None):
    number = consumer_id or str(uuid.uuid4())
    return SimpleNamespace(uuid=number, user=user, project=project)


def set_allocation(_context, provider, consumer, amounts):
    body = {
        "allocations": {provider.uuid: {"resources": dict(amounts)}},
        "project_id": consumer.project.external_id,
        "user_id": consumer.user.external_id,
        "consumer_generation": None,
    }
    rest("PUT", f"/allocations/{consumer.uuid}", body, mv="1.28")


def create_user_and_project(_context, prefix="fake"):
    return Person(external_id=f"{prefix}-user"), Person(external_id=f"{prefix}-project")


def start(fixture):
    rest.empty()
    fixture.context = None
    nothing = SimpleNamespace(set_rules=lambda *_a, **_k: None, config=lambda *_a, **_k: None)
    fixture.conf_fixture = fixture.policy_fixture = nothing
    os.environ.update({name: str(uuid.uuid4()) for name in FRESH} | FIXED)


def redirect():
    """Let the set-up classes of the wheel write over HTTP."""
    gabbits.APIFixture.start_fixture = start
    gabbits.APIFixture.stop_fixture = lambda _fixture: None
    gabbits.OpenPolicyFixture.stop_fixture = lambda _fixture: None
    gabbits.tb = SimpleNamespace(
        create_provider=create_provider,
        ensure_rc=ensure_class,
        add_inventory=add_inventory,
        set_traits=set_traits,
        set_allocation=set_allocation,
        create_user_and_project=create_user_and_project,
        ensure_consumer=ensure_consumer,
    )
    gabbits.rc_obj = SimpleNamespace(ResourceClass=ResourceClass)
    gabbits.user_obj = SimpleNamespace(User=Person)
    gabbits.project_obj = SimpleNamespace(Project=Person)


class Outcomes(unittest.TestResult):
    """What became of each test of a file."""

    def __init__(self, name):
        super().__init__()
        self.told = {"file": name, "passed": 0, "failed": [], "unsent": []}

    def addSuccess(self, test):  # noqa: N802 - unittest calls it so
        self.told["passed"] += 1

    def addFailure(self, test, error):  # noqa: N802
        name = getattr(test, "test_data", {}).get("name", str(test))
        if type(error[1]).__name__ == "LocalProtocolError":
            # The HTTP client of the tests does not put such a header on the wire.
            self.told["unsent"].append(name)
        else:
            self.told["failed"].append([name, str(error[1])[:500]])

    def addError(self, test, error):  # noqa: N802
        self.addFailure(test, error)

    def addExpectedFailure(self, test, _error):  # noqa: N802
        self.addSuccess(test)

    def addUnexpectedSuccess(self, test):  # noqa: N802
        self.addFailure(test, (None, "it succeeds"))


def run(path, urls):
    """Run one file against the service of its profile."""
    suite = utils.load_yaml(yaml_file=str(path))
    profile = next((PROFILES[f] for f in suite["fixtures"] if f in PROFILES), "legacy")
    rest.url = urls[profile]
    where = urlsplit(rest.url)
    tests = suitemaker.test_suite_from_dict(
        unittest.TestLoader(),
        path.stem,
        suite,
        str(path.parent),
        where.hostname,
        where.port,
        gabbits,
        None,
        test_loader_name="wherry",
        handlers=[handler() for handler in handlers.RESPONSE_HANDLERS],
    )
    outcomes = Outcomes(path.name)
    tests.run(outcomes)
    return outcomes.told


def main():
    urls = dict(word.split("=", 1) for word in sys.argv[1:])
    redirect()
    folder = Path(gabbits.__file__).parent.parent / "gabbits"
    for path in sorted(folder.glob("*.yaml")):
        sys.stdout.write(json.dumps(run(path, urls)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
