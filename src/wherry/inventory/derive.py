"""From a report to a plan: a host's providers, inventories, traits and offers.

Pure: the same facts and profiles give the same plan, in whatever order the devices come, on
whatever machine.

Source: design, sections 3 and 5.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from hashlib import blake2b

import msgspec
from msgspec import UNSET

from wherry.inventory.alike import elsewhere, fits_anywhere, is_alone, placeless
from wherry.inventory.capacity import Contradiction
from wherry.inventory.findings import finding
from wherry.inventory.hostplan import (
    place_of,
    plan_check,
    plan_host_provider,
    plan_numa_providers,
)
from wherry.inventory.lint import lint_provider
from wherry.inventory.subjects import Scene
from wherry.inventory.tree import Family, FamilyPlan, place_family, plan_family
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Facts, Report
from wherry.model.inventory import Finding, HostPlan
from wherry.profiles.library import Profiles

_encode = msgspec.json.Encoder().encode


class Planner:
    """Derives reports under one set of profiles, and plans a family of devices once.

    Hosts of a fleet are alike, and so is a host to what it was: what was planned for equal
    devices on an equal host is taken again.  Gives what `plan_host` gives.

    Args:
        profiles: as they are while this object lives.
        kept: most families of devices that are remembered.
    """

    def __init__(self, profiles: Profiles, *, kept: int = 4096) -> None:
        self.profiles = profiles
        self._kept = kept
        self._known: OrderedDict[bytes, FamilyPlan] = OrderedDict()
        self._lock = threading.Lock()

    def plan(self, report: Report) -> HostPlan:
        """Derive what a report becomes; as `plan_host`."""
        host = _digest(report.facts.host)
        return _plan(report, self.profiles, lambda family: self._look_up(host, family))

    def _look_up(self, host: bytes, family: Family) -> FamilyPlan:
        anywhere = host + _digest(placeless(family.device)) if is_alone(family) else None
        found = None if anywhere is None else self._find(anywhere)
        if found is not None:
            return elsewhere(found, family.device)
        members = (family.device, *family.vfs)
        instances = [family.scene.instances.get(device.name, ()) for device in members]
        key = host + _digest((members, instances))
        found = self._find(key)
        if found is None:
            found = plan_family(family)
            if anywhere is not None and fits_anywhere(family, found):
                key = anywhere
            self._keep(key, found)
        return found

    def _find(self, key: bytes) -> FamilyPlan | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
        return found

    def _keep(self, key: bytes, plan: FamilyPlan) -> None:
        with self._lock:
            # The latest asked stands last.
            self._known[key] = plan
            if len(self._known) > self._kept:
                self._known.popitem(last=False)


def plan_host(report: Report, profiles: Profiles) -> HostPlan:
    """Derive what a report becomes.

    Raises:
        ReportContradicts: it names a device or instance twice, a VF's physical function is a
            VF, or its counts tell two totals of one pool.
    """
    return _plan(report, profiles, plan_family)


def _digest(facts: object) -> bytes:
    return blake2b(_encode(facts), digest_size=16).digest()


def _plan(report: Report, profiles: Profiles, plan_one: Callable[[Family], FamilyPlan]) -> HostPlan:
    facts, host = report.facts, report.host
    _require_single(facts, host)
    _require_tree(facts, host)
    scene = Scene(facts=facts, profiles=profiles)
    nodes = plan_numa_providers(host, facts.host)
    providers = [plan_host_provider(host, facts.host), *nodes.values()]
    findings = _loose_ends(scene)
    for device in scene.roots:
        try:
            plan = plan_one(Family(scene, device))
        except Contradiction as error:
            message = f"{device.name}: {error}"
            raise ReportContradicts(message, host=host) from error
        providers += place_family(plan, device, host, place_of(device, host, nodes))
        findings += plan.findings
    findings += [lint for provider in providers for lint in lint_provider(provider)]
    return HostPlan(
        host=host,
        providers=tuple(providers),
        check=plan_check(facts.host),
        findings=tuple(sorted(findings, key=_finding_order)),
    )


def _require_single(facts: Facts, host: str) -> None:
    for what, names in (
        ("device", [device.name for device in facts.devices]),
        ("instance", [instance.id for instance in facts.instances]),
    ):
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            message = f"{what} {twice[0]} is listed twice"
            raise ReportContradicts(message, host=host)


def _require_tree(facts: Facts, host: str) -> None:
    """Refuse VFs of VFs: in a circle they would all hang on each other and be lost."""
    vfs = {device.name: device.physfn for device in facts.devices if device.role == "vf"}
    for name in sorted(vfs):
        physfn = vfs[name]
        if physfn is not UNSET and physfn in vfs:
            message = f"VF {name} has {physfn} as its physical function, which is a VF itself"
            raise ReportContradicts(message, host=host)


def _loose_ends(scene: Scene) -> list[Finding]:
    """Note what hangs on nothing: instances of no device, and sources that differ."""
    orphans = [
        one
        for parent, several in scene.instances.items()
        if parent not in scene.devices
        for one in several
    ]
    found = [finding("UNKNOWN_INSTANCE", one.parent, f"{one.id} of {one.type}") for one in orphans]
    return found + [
        finding(
            "SOURCES_DIFFER",
            one.device,
            f"{one.attribute} is {one.taken}, and {one.other} by {one.source}",
        )
        for one in scene.facts.differences
    ]


def _finding_order(one: Finding) -> tuple[str, str, str]:
    return one.device if isinstance(one.device, str) else "", one.code, one.message
