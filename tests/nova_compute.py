"""What nova-compute does to Placement for its host and the devices that it gives out.

It remembers the generation of each provider from its own requests and goes on with that: a
report that comes meanwhile must not be in its way.
"""

from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from builders import a_uuid
from placement_wire import RP, Wire, holds

SOMEWHERE = a_uuid("somewhere")


@dataclass
class Nova:
    """nova-compute of one host."""

    wire: Wire
    host: str = "host1"
    generations: dict[str, int] = field(default_factory=dict)

    def uuid(self, name: str = "") -> str:
        """Its provider of a device, or its root."""
        return a_uuid(f"nova {self.host} {name}")

    def root(self) -> None:
        """What it does first."""
        self.post(self.host)
        self.put_inventories("", VCPU=64, MEMORY_MB=4096)

    def device(self, name: str, **inventories: Any) -> None:
        """What it does for a device that it is told to give out, by the name behind the host's."""
        self.post(f"{self.host}_{name}", name, parent=self.uuid())
        self.put_inventories(name, **inventories)

    def post(self, full_name: str, name: str = "", parent: str | None = None) -> None:
        body = {"uuid": self.uuid(name), "name": full_name, "parent_provider_uuid": parent}
        self.generations[name] = self.wire.ok("POST", RP, body)["generation"]

    def put_inventories(self, name: str, **inventories: Any) -> None:
        """Write inventories by the generation that it knows; it must be the one there is."""
        for one in inventories:
            if one.startswith("CUSTOM_"):
                self.wire.ok("PUT", f"/resource_classes/{one}")
        body = {
            "resource_provider_generation": self.generations[name],
            "inventories": {
                key: one if isinstance(one, dict) else {"total": one, "max_unit": one}
                for key, one in inventories.items()
            },
        }
        told = self.wire.ok("PUT", f"{RP}/{self.uuid(name)}/inventories", body)
        self.generations[name] = told["resource_provider_generation"]

    def put_traits(self, name: str, *traits: str) -> list[str]:
        """Write traits by the generation that it knows; gives those that there are then."""
        for one in traits:
            if one.startswith("CUSTOM_"):
                self.wire.ok("PUT", f"/traits/{one}")
        body = {"resource_provider_generation": self.generations[name], "traits": list(traits)}
        told = self.wire.ok("PUT", f"{RP}/{self.uuid(name)}/traits", body)
        self.generations[name] = told["resource_provider_generation"]
        return sorted(told["traits"])

    def traits(self, name: str) -> list[str]:
        return sorted(self.wire.ok("GET", f"{RP}/{self.uuid(name)}/traits")["traits"])

    def inventories(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.wire.ok("GET", f"{RP}/{self.uuid(name)}/inventories")
        return dict(found["inventories"])

    def free(self, name: str) -> dict[str, int]:
        """What could still be claimed, as a client computes it."""
        used = self.wire.ok("GET", f"{RP}/{self.uuid(name)}/usages")["usages"]
        return {
            key: int((one["total"] - one["reserved"]) * one["allocation_ratio"]) - used[key]
            for key, one in self.inventories(name).items()
        }

    def offered(self, resource_class: str, most: int = 64) -> int:
        """The largest amount for which there is a candidate on this host."""
        root = self.uuid()
        for amount in range(most, 0, -1):
            query = f"/allocation_candidates?resources={resource_class}:{amount}&in_tree={root}"
            if self.wire.ok("GET", query)["allocation_requests"]:
                return amount
        return 0

    def boot(self, guest: str, name: str, resource_class: str, units: int = 1) -> int:
        """Allocate for a guest, as its scheduler does; gives the status."""
        held = {
            self.uuid(): {"resources": {"VCPU": 1}},
            self.uuid(name): {"resources": {resource_class: units}},
        }
        return self.wire("PUT", f"/allocations/{a_uuid(guest)}", holds(held)).status

    def state(self, resource_class: str) -> dict[str, Any]:
        """All that anybody can see of the host, without uuids, generations and its name.

        That the generations of its providers are those that it knows is made sure of.
        """
        rows = self.wire.ok("GET", f"{RP}?in_tree={self.uuid()}")["resource_providers"]
        names = {one["uuid"]: self._plain(one["name"]) for one in rows}
        for name, known in self.generations.items():
            assert self.wire.generation(self.uuid(name)) == known, name
        return {
            "tree": sorted(
                (names[one["uuid"]], names.get(one["parent_provider_uuid"])) for one in rows
            ),
            "inventories": self._of_each(names, "inventories"),
            "traits": {key: sorted(has) for key, has in self._of_each(names, "traits").items()},
            "usages": self._of_each(names, "usages"),
            **self._candidates(names, resource_class),
            **self._fleet(names),
        }

    def _plain(self, text: str) -> str:
        return text.replace(self.host, "HOST")

    def _of_each(self, names: dict[str, str], what: str) -> dict[str, Any]:
        return {
            name: self.wire.ok("GET", f"{RP}/{uuid}/{what}")[what] for uuid, name in names.items()
        }

    def _candidates(self, names: dict[str, str], resource_class: str) -> dict[str, Any]:
        query = f"resources={resource_class}:1&in_tree={self.uuid()}"
        found = self.wire("GET", f"/allocation_candidates?{query}").json
        summaries = found.get("provider_summaries", {}).items()
        return {
            "candidates": len(found.get("allocation_requests", ())),
            "summaries": {
                names[uuid]: (one["resources"], sorted(one["traits"])) for uuid, one in summaries
            },
        }

    def _fleet(self, names: dict[str, str]) -> dict[str, Any]:
        """What Wherry's own half sees; nothing before the host has reported."""
        view = self.wire.engine.view().get(self.host)
        if view is None:
            return {}
        plans = [each.record.plan for each in view.providers]
        return {
            "root": None if view.root is None else names[view.root.uuid],
            "offers": [
                replace(each.offer, provider=SOMEWHERE, generation=0, observed_at=UNSET)
                for each in view.offers
            ],
            "plans": [
                (self._plain(p.name), p.device, p.slots, p.instances, p.counts, p.note)
                for p in plans
            ],
            "findings": [self._plain(one.message) for one in view.record.findings],
        }
