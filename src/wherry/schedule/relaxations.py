"""What could be asked or arranged otherwise, so that more hosts take a guest.

Each is one change: of the policy, of the guest, or of what devices are supposed to be.  Only
those are tried that the reasons of the refusals give cause for.

Source: design, section 7 ("remedies"); docs/reference/targets.md, "Remedies".
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.pinning import Choice, pin
from wherry.compat.policies import monotonic, semver
from wherry.compat.shapes import shape_digest, shape_of
from wherry.inventory.host_columns import HostColumns
from wherry.inventory.interning import Shape, Shared
from wherry.inventory.islands import Island
from wherry.model.checks import Policy
from wherry.model.device import Contract, Exclusive, Mode, Offer, VersionPolicy
from wherry.model.guests import Guest
from wherry.model.targets import Relaxation, What
from wherry.model.versions import parse_dotted, parse_semver
from wherry.schedule.question import Question, Supposed

FEW: Final = 4
"""Slots, and types, that are tried."""

_MILDER: Final[dict[Mode, tuple[Mode, ...]]] = {"live": ("suspend", "cold"), "suspend": ("cold",)}
_FULL: Final = frozenset({"CAPACITY", "EXCLUSIVE", "POSITIONS", "MAPPING"})
_NODES: Final = frozenset({"HOST_NUMA", "HOST_NUMA_UNKNOWN"})
_OLDER: Final = frozenset({"VERSION_MINOR_OLDER", "VERSION_OLDER"})


class Variant(NamedTuple):
    """A question like the one that was asked, with one change."""

    change: Relaxation
    question: Question


@dataclass(frozen=True, slots=True)
class Newer:
    """Devices whose drivers support a version where they support an older one now."""

    version: str
    policy: VersionPolicy | UnsetType
    """How the contract compares versions; left out: as the offer says."""

    @property
    def name(self) -> str:
        """Tells suppositions apart."""
        return f"newer {self.policy} {self.version}"

    def see(self, island: Island) -> Island:
        """Give the island with drivers of that version; another major one is no upgrade."""
        offers = tuple(self._lift(offer) for offer in island.offers)
        if offers == island.offers:
            return island
        shapes = tuple(_shape(self._lift(shape.value), shape) for shape in island.shapes)
        return Island(offers, shapes, island.rank)

    def _lift(self, offer: Offer) -> Offer:
        interface = offer.interface
        if interface is UNSET or not isinstance(interface.supports, str):
            return offer
        policy = interface.policy if self.policy is UNSET else self.policy
        if not _is_older(interface.supports, self.version, policy):
            return offer
        return replace(offer, interface=replace(interface, supports=self.version))


@dataclass(frozen=True, slots=True)
class Emptied:
    """Devices that no guest holds anything of; what is reserved stays so."""

    name: str = "emptied"

    def see(self, island: Island) -> Island:
        """Give the island with nothing in use."""
        return Island(tuple(map(_emptied, island.offers)), island.shapes, island.rank)


def variants(question: Question, columns: HostColumns, codes: Collection[str]) -> list[Variant]:
    """Give the questions to try, each with one change.

    Args:
        question: as it was asked.
        columns: the fleet.
        codes: of all reasons for which hosts refuse.
    """
    return [
        *_of_policy(question, frozenset(codes)),
        *_of_nodes(question, frozenset(codes)),
        *_of_slots(question),
        *_of_devices(question, frozenset(codes)),
        *_of_types(question, columns),
    ]


def _of_policy(question: Question, codes: frozenset[str]) -> Iterator[Variant]:
    policy = question.policy
    for mode in _MILDER.get(policy.mode, ()):
        yield _asked(question, "mode", mode, replace(policy, mode=mode))
    downtime = policy.downtime
    if downtime is not UNSET and "DOWNTIME_BUDGET" in codes:
        value = str(downtime.budget_ms)
        yield _asked(question, "downtime", value, replace(policy, downtime=UNSET))
    if "DIRTY_TRACKING_ABSENT" in codes and not policy.allow_untracked_dma:
        yield _asked(question, "untracked_dma", UNSET, replace(policy, allow_untracked_dma=True))
    if policy.postcopy and "POSTCOPY_REQUESTED" in codes:
        yield _asked(question, "postcopy", UNSET, replace(policy, postcopy=False))
    if policy.mode != "cold":
        for slot in _can_be_replugged(question.guest, policy)[:FEW]:
            relaxed = replace(policy, replug=(*policy.replug, slot))
            yield _asked(question, "replug", slot, relaxed)


def _can_be_replugged(guest: Guest, policy: Policy) -> list[str]:
    return [
        name
        for name, slot in guest.slots.items()
        if name not in policy.replug
        and slot.contract.migration is not UNSET
        and "replug" in (slot.contract.migration.modes or ())
    ]


def _of_nodes(question: Question, codes: frozenset[str]) -> Iterator[Variant]:
    if codes & _NODES:
        asked = question.like(guest=replace(question.guest, numa=UNSET))
        yield Variant(Relaxation(what="numa"), asked)


def _of_slots(question: Question) -> Iterator[Variant]:
    """Ask for one device fewer: of equal ones, for the last."""
    guest = question.guest
    last = dict(zip(question.kinds, guest.slots, strict=True))
    for name in list(last.values())[:FEW]:
        slots = {each: slot for each, slot in guest.slots.items() if each != name}
        fewer = replace(guest, slots=slots)
        asked = question.like(guest=fewer)
        yield Variant(Relaxation(what="without", value=name), asked)


def _of_devices(question: Question, codes: frozenset[str]) -> Iterator[Variant]:
    if codes & _OLDER:
        for newer in _newer(question.guest)[:FEW]:
            yield _supposed(question, "version", newer.version, newer)
    if codes & _FULL:
        yield _supposed(question, "room", UNSET, Emptied())


def _newer(guest: Guest) -> list[Newer]:
    interfaces = [slot.contract.interface for slot in guest.slots.values()]
    stated = [each for each in interfaces if each is not UNSET and isinstance(each.version, str)]
    return list({Newer(str(each.version), each.policy): None for each in stated})


def _of_types(question: Question, columns: HostColumns) -> Iterator[Variant]:
    """Boot the guest anew with devices of another type of the same class, all of one type."""
    guest = question.guest
    own = {(slot.contract.kind, slot.contract.type) for slot in guest.slots.values()}
    classes = {slot.contract.device_class for slot in guest.slots.values()}
    if len(own) != 1 or len(classes) != 1 or UNSET in classes:
        return
    policy = replace(question.policy, mode="cold", replug=())
    for shape in _most_common(columns.tables.islands.values, own, classes)[:FEW]:
        slots = {
            name: replace(slot, type=str(shape.type), contract=_booted(shape, guest.uuid, name))
            for name, slot in guest.slots.items()
        }
        asked = question.like(guest=replace(guest, slots=slots), policy=policy)
        yield Variant(Relaxation(what="boot_as", value=f"{shape.kind} {shape.type}"), asked)


def _most_common(
    islands: Iterable[Island], own: Collection[object], classes: Collection[object]
) -> list[Offer]:
    """Give of each other type of these classes the shape that most kinds of islands have."""
    counts = Counter(shape for island in islands for shape in island.shapes)
    first: dict[tuple[str, str], Offer] = {}
    for shape, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0].digest)):
        offer = shape.value
        if offer.type is None or (offer.kind, offer.type) in own:
            continue
        if offer.device_class in classes:
            first.setdefault((offer.kind, offer.type), offer)
    return list(first.values())


def _booted(shape: Offer, consumer: str, slot: str) -> Contract:
    return pin(shape, Choice(), consumer=consumer, slot=slot)


def _asked(question: Question, what: What, value: str | UnsetType, policy: Policy) -> Variant:
    change = Relaxation(what=what, value=value)
    return Variant(change, question.like(policy=policy))


def _supposed(
    question: Question, what: What, value: str | UnsetType, supposed: Supposed
) -> Variant:
    return Variant(Relaxation(what=what, value=value), question.like(supposed=supposed))


def _is_older(offered: str, wanted: str, policy: VersionPolicy | UnsetType) -> bool:
    """Whether an upgrade could help: of semver, a minor one."""
    if policy == "monotonic":
        left, right = parse_dotted(wanted), parse_dotted(offered)
        return left is not None and right is not None and monotonic.compare(left, right) == "OLDER"
    if policy not in {UNSET, "semver"}:
        return False
    ours, theirs = parse_semver(wanted), parse_semver(offered)
    return ours is not None and theirs is not None and semver.compare(ours, theirs) == "MINOR_OLDER"


def _shape(value: Offer, before: Shape) -> Shape:
    return before if value == before.value else Shared(shape_of(value), shape_digest(value))


def _emptied(offer: Offer) -> Offer:
    pools = offer.pools
    if pools is not UNSET:
        pools = {name: replace(pool, used=0) for name, pool in pools.items()}
    exclusive = offer.exclusive
    if exclusive is not UNSET:
        exclusive = Exclusive(by=exclusive.by, in_use=())
    positions = offer.positions
    if positions is not UNSET:
        positions = replace(positions, taken=())
    return replace(offer, pools=pools, exclusive=exclusive, positions=positions)
