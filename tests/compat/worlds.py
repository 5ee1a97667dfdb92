"""Generated contracts, offers and policies: few words, so that they often go together."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.pinning import Choice, pin
from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer

SOME = st.sampled_from
UUIDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]
VERSIONS = ["1.0", "1.1.3", "1.2", "2.0", "01.1", "7", "10", "a", "1.1-rc"]
POLICIES = ["semver", "exact", "major", "monotonic", "range", "accepts", "none"]
FEATURES = ["X", "Y", "Z"]
PARAMS = ["p", "q", "r"]
CLASSES = ["CUSTOM_A", "CUSTOM_B"]
MODES = ["live", "suspend", "cold", "replug"]
SCALARS = [True, False, 0, 1, 2, 3, "1", "1-3", "0x3", "0x5", "a"]


def _rarely_null(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.integers(0, 7), strategy).map(lambda t: None if t[0] == 7 else t[1])


versions = SOME(VERSIONS)
policies = SOME(["semver", "semver", "none", *POLICIES])
supports = SOME(
    [
        *VERSIONS,
        *VERSIONS,
        *[None, [], ["1.0", "a"], ["7", "10", "2.0"]],
        *[{"min": "1"}, {"max": "2"}, {"min": "1.1", "max": "7"}, {"min": "3", "max": "1"}],
        *[{"min": "a"}],
    ]
)
units = st.dictionaries(SOME(CLASSES), st.integers(0, 3), max_size=2)
parts = st.lists(
    st.fixed_dictionaries(
        {"type": SOME(["a/x", "a/y"]), "units": units, "count": st.integers(1, 2)}
    ),
    min_size=1,
    max_size=2,
)
values = _rarely_null(
    st.one_of(SOME(SCALARS), SOME(SCALARS), st.lists(SOME(["a", "b"]), max_size=2))
)
READABLE = {
    "int": [0, 1, 2, 3],
    "qos": [0, 1, 2, 3],
    "bool": [True, False],
    "str": ["a", "1", "1-3"],
    "mask": ["0x3", "0x5", "0x7"],
    "set": [["a"], ["a", "b"], []],
}


@st.composite
def values_for(draw: st.DrawFn, offered: dict[str, str]) -> dict[str, Any]:
    """Values of a contract for parameters of these types: mostly readable, some strange."""
    found = {}
    for name, kind in offered.items():
        how = draw(st.integers(0, 9))
        if how < 9:
            found[name] = draw(SOME(READABLE[kind]) if how < 7 else values)
    if draw(st.integers(0, 5)) == 5:
        found[draw(SOME(PARAMS))] = draw(values)
    return found


MOSTLY = ("interface", "migration", "features", "params")
"""What makes rules speak is nearly always there."""


@st.composite
def _optional(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> dict[str, Any]:
    """An object whose fields are mostly there; Hypothesis by itself leaves too many out."""
    # One draw says of all fields whether they are there, by a digit of base 16 for each.
    digits = draw(st.integers(0, 16 ** len(fields) - 1))
    there = [
        name
        for at, name in enumerate(fields)
        if digits >> 4 * at & 15 < (15 if name in MOSTLY else 12)
    ]
    return {name: draw(fields[name]) for name in there}


def _with(
    required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(st.fixed_dictionaries(required), _optional(**optional)).map(
        lambda both: {**both[0], **both[1]}
    )


migrations = _optional(
    support=SOME([*["yes"] * 20, "no", "disabled", "unknown"]),
    flags=st.lists(SOME(["stop_copy", "p2p", "pre_copy"]), unique=True),
    dirty_tracking=SOME(["device", "iommu", "device", "none"]),
    modes=st.lists(SOME(MODES), unique=True, min_size=2),
    stop_copy_bytes=st.integers(0, 5000),
    bytes_per_s=st.integers(1, 2000),
    blockers=SOME([[], [], ["cuda"], ["cuda", "dma"]]),
)
parents = _optional(
    vendor=SOME(["10de", "8086"]), driver=SOME(["d", "e"]), firmware=SOME(["f", "g"]),
    address=SOME(["0000:00:01.0", "0000:00:02.0"]),
)  # fmt: skip
identities = {
    "device_class": SOME(["network", "display"]),
    "description": SOME(["one  two", " one two\n", "three", " "]),
    "model": SOME(["m/1", "m/2"]),
    "parent": parents,
    "units": units,
    "composition": parts,
    "migration": migrations,
    "env": st.dictionaries(SOME(["os", "branch"]), SOME(["1.0", "2", "el"]), max_size=2),
    "assumed": SOME([[], [], [], ["migration"], ["features.X", "params.p"], ["interface", "env"]]),
}
kinds, types = SOME(["vf", "vf", "mdev"]), SOME(["a/x", "a/x", "a/y"])
apis = SOME(["vfio-pci", "vfio-pci", "virtio"])


@st.composite
def param_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A parameter of an offer that the Schema allows."""
    shape = draw(SOME(["int", "bool", "str", "mask", "set", "qos"]))
    param: dict[str, Any] = {"type": "int" if shape == "qos" else shape}
    if shape == "qos":
        param["qos"] = True
    rules = {"int": ["eq", "ge", "ignore"], "qos": ["ge", "eq"], "set": ["eq", "subset"],
             "mask": ["eq", "subset"]}.get(shape, ["eq", "ignore"])  # fmt: skip
    if shape != "set" and draw(st.booleans()):
        param["allowed"] = draw(st.lists(SOME(SCALARS), max_size=4))
        param["settable"] = draw(st.booleans())
    elif draw(st.booleans()):
        param["rule"] = draw(SOME(rules))
    value = SOME(READABLE[shape]) if draw(st.integers(0, 4)) else values
    optional = _optional(
        value=value, off_value=value.filter(lambda v: v is not None), severity=SOME(["no", "warn"])
    )
    return {**param, **draw(optional)}


conditions = st.dictionaries(
    SOME(PARAMS),
    st.one_of(
        st.fixed_dictionaries({"eq": SOME(SCALARS)}),
        st.fixed_dictionaries({"in": st.lists(SOME(SCALARS), max_size=3)}),
        st.fixed_dictionaries({"ge": SOME([1, "1.0"])}, optional={"le": SOME([2, "2"])}),
    ),
    min_size=1,
    max_size=2,
)


def contract_documents(**fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Contracts as on the wire."""
    return _with(
        {
            "schema": st.just("wherry.device/1"),
            "record": st.just("contract"),
            "consumer": st.just(UUIDS[0]),
            "slot": st.just("s0"),
            "kind": kinds,
            "device_api": apis,
            "type": types,
        },
        {
            **identities,
            "interface": _optional(policy=policies, version=_rarely_null(versions)),
            "features": _rarely_null(st.lists(SOME(FEATURES), unique=True)),
            "params": st.dictionaries(SOME(PARAMS), values, max_size=2),
            "state": _optional(
                policy=policies,
                emits=_rarely_null(versions),
                tags=st.dictionaries(SOME(["t", "u"]), SOME(["required", "optional"])),
            ),
            "guest_address": SOME(["0000:00:01.0", "0000:00:02.0"]),
            "keep": st.booleans(),
        },
    ).map(lambda document: {**document, **fixed})


def offer_documents(**fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Offers as on the wire."""
    pool = st.fixed_dictionaries(
        {"total": st.integers(0, 5)},
        optional={"reserved": st.integers(0, 1), "used": st.integers(0, 3),
                  "provider": SOME(UUIDS)},
    )  # fmt: skip
    feature = _optional(maskable=st.booleans(), guest_visible=st.booleans())
    return _with(
        {
            "schema": st.just("wherry.device/1"),
            "record": st.just("offer"),
            "provider": SOME(UUIDS),
            "generation": SOME([0, 0, 0, 1]),
            "kind": kinds,
            "device_api": apis,
            "type": SOME([*["a/x"] * 6, "a/y", "a/y", None]),
        },
        {
            **identities,
            "observed_at": SOME(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00+01:00"]),
            "also_types": st.lists(
                SOME(["a/x", "a/y", ("vf", "a/x"), ("mdev", "a/y")]), unique=True, max_size=2
            ).map(lambda items: [
                {"kind": i[0], "type": i[1]} if isinstance(i, tuple) else i for i in items
            ]),
            "interface": st.fixed_dictionaries({"policy": policies, "supports": supports}),
            "features": _rarely_null(st.dictionaries(SOME(FEATURES), feature)),
            "params": st.dictionaries(SOME(PARAMS), param_documents(), max_size=3),
            "constraints": st.lists(
                st.fixed_dictionaries(
                    {"name": SOME(["c", "d"]), "if": conditions, "then": conditions}
                ),
                max_size=2,
            ),
            "pools": st.dictionaries(SOME(CLASSES), pool, max_size=2),
            "exclusive": st.fixed_dictionaries(
                {"by": SOME(["type", "p"]), "in_use": st.lists(SOME([*SCALARS, "a/x"]), max_size=2)}
            ),
            "state": _optional(
                policy=policies,
                accepts=supports,
                emits=_rarely_null(versions),
                tags=st.lists(SOME(["t", "u"]), unique=True),
            ),
        },
    ).map(lambda document: {**document, **fixed})  # fmt: skip


facts = st.dictionaries(
    SOME(["source.os", "target.os", "target.branch"]),
    st.fixed_dictionaries({"eq": SOME(["1.0", "el"])}),
    max_size=2,
)
rows = st.fixed_dictionaries(
    {"id": SOME(["r1", "r2"]), "severity": SOME(["no", "warn", "info"])},
    optional={
        "types": st.lists(SOME(["a/*", "a/y"]), min_size=1, max_size=1),
        "when": facts,
        "require": facts,
        "compare": st.dictionaries(SOME(["os", "branch"]), SOME(["eq", "ge"]), max_size=1),
    },
)
policy_documents = _optional(
    mode=SOME(MODES),
    accept=st.lists(SOME(["ok", "warn", "unknown"]), unique=True),
    postcopy=st.booleans(),
    allow_untracked_dma=st.booleans(),
    downtime=st.fixed_dictionaries(
        {"budget_ms": st.integers(0, 3000)},
        optional={"bytes_per_s": st.integers(1, 3000), "strict": st.booleans()},
    ),
    offer_generation=SOME([0, 0, 0, 1]),
    guest_address=SOME(["0000:00:01.0", "0000:00:02.0"]),
    packs=st.lists(
        st.fixed_dictionaries({"id": SOME(["k1", "k2"]), "rows": st.lists(rows, max_size=2)}),
        max_size=2,
    ),
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Contract, Offer]:
    """A contract and an offer that were once made for each other, or not at all."""
    offer = draw(full_offers)
    if offer.type is None or draw(SOME(["kin", "kin", "stranger"])) == "stranger":
        return draw(contracts), offer
    version = draw(SOME(["1.0", "1.2", "7", UNSET, UNSET]))
    pinned = pin(offer, Choice(version=version), consumer=UUIDS[0], slot="s0")
    if offer.params and draw(st.booleans()):
        kinds = {name: param.type for name, param in offer.params.items()}
        ours = draw(values_for(kinds))
        pinned = replace(
            pinned, params={k: tuple(v) if isinstance(v, list) else v for k, v in ours.items()}
        )
    changed = draw(st.lists(SOME(sorted(CHANGEABLE)), unique=True, max_size=3))
    if not changed:
        return pinned, offer
    stranger = draw(contracts)
    return replace(pinned, **{name: getattr(stranger, name) for name in changed}), offer


CHANGEABLE = (
    "kind", "type", "device_api", "device_class", "description", "model", "parent", "units",
    "composition", "migration", "env", "assumed", "interface", "features", "params", "state",
    "guest_address",
)  # fmt: skip
contracts = contract_documents().map(lambda d: msgspec.convert(d, Contract))
full_offers = offer_documents().map(lambda d: msgspec.convert(d, Offer))
policy_values = policy_documents.map(lambda d: msgspec.convert(d, Policy))
