"""Copies one Placement into another: reads both, writes what differs, reads again and compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.integrations.placement_copy.client import PlacementClient, Reply
from wherry.integrations.placement_copy.compare import Difference, compare
from wherry.integrations.placement_copy.plan import Step, Write, plan_copy
from wherry.integrations.placement_copy.read import Watch, read_world
from wherry.integrations.placement_copy.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One request that the target did not take, and why."""

    subject: str
    method: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a copy did, and whether both hold the same now.

    Attributes:
        steps: what was planned.
        written: requests that the target took.
        source, target: what both hold now.
        differences: between them; empty where the copy is whole.
    """

    steps: tuple[Step, ...]
    written: int
    refused: tuple[Refusal, ...]
    source: World
    target: World
    differences: tuple[Difference, ...]

    @property
    def planned(self) -> int:
        """Requests that were planned."""
        return sum(len(step.writes) for step in self.steps)


def copy_placement(
    source: PlacementClient,
    target: PlacementClient,
    *,
    watch: Watch,
    prune: bool = False,
    dry_run: bool = False,
) -> Outcome:
    """Make the target hold what the source holds, and prove it by reading both again.

    A copy that was cut off goes on where it stopped when it is run again; one that is whole
    writes nothing.

    Args:
        watch: is told how far it is.
        prune: delete what only the target has; else it stays, and is a difference.
        dry_run: plan and compare, and write nothing.

    Raises:
        BadConfiguration: an end is no Placement, or too old.
        NotAllowed: an end does not let us in.
        ServiceUnavailable: an end does not answer.
    """
    for end in (source, target):
        end.require_version()
    ours, theirs = read_world(source, watch), read_world(target, watch)
    steps = plan_copy(ours, theirs, prune=prune)
    written = 0
    refused: tuple[Refusal, ...] = ()
    if steps and not dry_run:
        sender = _Sender(target, theirs)
        sender.send_all(steps, watch)
        written, refused = sender.written, tuple(sender.refused)
        ours, theirs = read_world(source, watch), read_world(target, watch)
    return Outcome(
        steps=steps,
        written=written,
        refused=refused,
        source=ours,
        target=theirs,
        differences=compare(ours, theirs),
    )


@dataclass(slots=True)
class _Sender:
    """Sends what was planned, and keeps each provider's generation as the target tells it."""

    target: PlacementClient
    world: World
    written: int = 0
    refused: list[Refusal] = field(default_factory=list)
    _generations: dict[str, int] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)

    def send_all(self, steps: Sequence[Step], watch: Watch) -> None:
        """Send all requests; what is refused is kept, with the reason, and the rest goes on."""
        self._generations = {uuid: each.generation for uuid, each in self.world.providers.items()}
        for step in steps:
            with watch(len(step.writes), f"writing {step.what}") as advance:
                for write in step.writes:
                    self._send(write)
                    advance()

    def _send(self, write: Write) -> None:
        if lacking := sorted(write.needs & self._missing):
            self._refuse(write, f"not sent, as resource provider {lacking[0]} was refused")
            return
        reply = self.target.send(write.method, write.path, self._body(write), write.microversion)
        if reply.is_refused:
            self._refuse(write, reply.reason)
            return
        self.written += 1
        self._keep_generation(write, reply)

    def _refuse(self, write: Write, reason: str) -> None:
        self.refused.append(
            Refusal(subject=write.subject, method=write.method, path=write.path, reason=reason)
        )
        if write.makes:
            self._missing.add(write.makes)

    def _body(self, write: Write) -> Mapping[str, object] | None:
        if write.counted is None:
            return write.body
        if write.counted not in self._generations:
            found = self.target.find(f"/resource_providers/{write.counted}") or {"generation": 0}
            self._generations[write.counted] = found["generation"]
        generation = self._generations[write.counted]
        return {**(write.body or {}), "resource_provider_generation": generation}

    def _keep_generation(self, write: Write, reply: Reply) -> None:
        for uuid in write.moves:
            self._generations.pop(uuid, None)
        if write.makes:
            self._generations[write.makes] = reply.body["generation"]
        if write.counted:
            self._generations[write.counted] = reply.body["resource_provider_generation"]
