"""Every JSON Schema is the peer's, to the order of its keys: they stand in what clients read."""

import json
import subprocess

import pytest

from schedule.candidates.peer import find_peer
from wherry.api.placement import schemas

NAMES = {
    "POST_PROVIDER": ("resource_provider", "POST_RP_SCHEMA_V1_14 POST_RESOURCE_PROVIDER_SCHEMA"),
    "PUT_PROVIDER": ("resource_provider", "PUT_RP_SCHEMA_V1_14 PUT_RESOURCE_PROVIDER_SCHEMA"),
    "LIST_PROVIDERS": (
        "resource_provider",
        (
            "GET_RPS_SCHEMA_1_18 GET_RPS_SCHEMA_1_14 GET_RPS_SCHEMA_1_4 GET_RPS_SCHEMA_1_3 "
            "GET_RPS_SCHEMA_1_0"
        ),
    ),
    "PUT_INVENTORY": ("inventory", "BASE_INVENTORY_SCHEMA"),
    "POST_INVENTORY": ("inventory", "POST_INVENTORY_SCHEMA"),
    "PUT_INVENTORIES": ("inventory", "PUT_INVENTORY_SCHEMA"),
    "PUT_AGGREGATES": ("aggregate", "PUT_AGGREGATES_SCHEMA_V1_19 PUT_AGGREGATES_SCHEMA_V1_1"),
    "PUT_TRAITS": ("trait", "SET_TRAITS_FOR_RP_SCHEMA"),
    "LIST_TRAITS": ("trait", "LIST_TRAIT_SCHEMA"),
    "CLASS": ("resource_class", "POST_RC_SCHEMA_V1_2"),
    "PUT_ALLOCATIONS": (
        "allocation",
        (
            "ALLOCATION_SCHEMA_V1_38 ALLOCATION_SCHEMA_V1_34 ALLOCATION_SCHEMA_V1_28 "
            "ALLOCATION_SCHEMA_V1_12 ALLOCATION_SCHEMA_V1_8 ALLOCATION_SCHEMA"
        ),
    ),
    "POST_ALLOCATIONS": (
        "allocation",
        (
            "POST_ALLOCATIONS_V1_38 POST_ALLOCATIONS_V1_34 POST_ALLOCATIONS_V1_28 "
            "POST_ALLOCATIONS_V1_13"
        ),
    ),
    "POST_RESHAPER": (
        "reshaper",
        "POST_RESHAPER_SCHEMA_V1_38 POST_RESHAPER_SCHEMA_V1_34 POST_RESHAPER_SCHEMA",
    ),
    "GET_USAGES": ("usage", "GET_USAGES_SCHEMA_V1_38 GET_USAGES_SCHEMA_1_9"),
}
DUMP = """
import importlib, json, sys
module, names = sys.argv[1:]
found = importlib.import_module("placement.schemas." + module)
print(json.dumps([getattr(found, name) for name in names.split()]))
"""


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_the_peer_s(name):
    python = find_peer()
    if python is None:
        pytest.skip("needs openstack-placement: `make peer`, or set WHERRY_PEER_VENV to its venv")
    done = subprocess.run(
        [python, "-c", DUMP, *NAMES[name]], capture_output=True, text=True, check=True
    )
    ours = [schema for _, schema in getattr(schemas, name)]
    assert json.dumps(ours) == json.dumps(json.loads(done.stdout))


@pytest.mark.parametrize("name", NAMES)
def test_newer_schemas_stand_before_older_ones(name):
    since = [microversion for microversion, _ in getattr(schemas, name)]
    assert since == sorted(since, reverse=True)
