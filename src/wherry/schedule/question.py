"""A guest under a policy, made ready to be asked of many hosts.

What an island gives the guest is worked out once for each distinct island.  Islands that
give it the same, as far as this guest can tell, are of one *class*: they have the same
verdicts and codes for each of its devices, and room for the same number of them.

Source: design, section 4; specification of compatibility, sections 10 and 13.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, Protocol

from msgspec import UNSET

from wherry.compat.guest import GUEST_MODES, asked_of
from wherry.compat.quantity import demand_of
from wherry.inventory.interning import digest_of
from wherry.inventory.islands import Island
from wherry.model.bounds import FREE, Bounds
from wherry.model.checks import Policy, Verdict
from wherry.model.device import Contract, Mode, Offer
from wherry.model.guests import Guest, NumaAsked
from wherry.schedule.cache import JudgementCache
from wherry.schedule.memory import IslandAnswer, Least

WEIGHT: Final[Mapping[Verdict, int]] = {"ok": 0, "warn": 1, "unknown": 2, "no": 3}


class Supposed(Protocol):
    """What devices are supposed to be, to see whom that would help."""

    @property
    def name(self) -> str:
        """Tells suppositions apart."""

    def see(self, island: Island) -> Island:
        """Give the island as it would be; another object, if it differs."""


class Question:
    """A guest and a policy, with what is remembered of questions like it."""

    def __init__(
        self,
        guest: Guest,
        policy: Policy,
        cache: JudgementCache,
        supposed: Supposed | None = None,
        bounds: Bounds = FREE,
    ) -> None:
        self.guest = guest
        self.numa: NumaAsked | None = None if guest.numa is UNSET else guest.numa
        self.bounds = bounds
        self.cache = cache
        self._supposed = supposed
        self.policy = policy
        self.contracts: tuple[Contract, ...] = tuple(s.contract for s in guest.slots.values())
        asked = asked_of(self.contracts, policy)
        judges = [
            cache.open(contract, policy, each)
            for contract, each in zip(self.contracts, asked, strict=True)
        ]
        self._judges = {judge.key: judge for judge in judges}
        self._keys = tuple(judge.key for judge in judges)
        """Of each contract: equal devices have one judge."""
        modes = [self._modes_of(contract) for contract in self.contracts]
        self._kinds = tuple(zip(self._keys, modes, strict=True))
        """Of each contract: equal devices that are moved in equal modes are of one kind."""
        self.taken = frozenset({"info", *policy.accept})
        """Severities of reasons that do not stand in the way."""
        slots = tuple(contract.slot for contract in self.contracts)
        named = None if supposed is None else supposed.name
        self.memory = cache.remember(digest_of((self._keys, slots, policy, named, self.numa)))

    def like(
        self,
        *,
        guest: Guest | None = None,
        policy: Policy | None = None,
        supposed: Supposed | None = None,
    ) -> "Question":
        """Make the same question with another guest or policy, or of supposed devices."""
        return Question(
            guest or self.guest,
            policy or self.policy,
            self.cache,
            supposed,
            self.bounds,
        )

    def about(self, island: Island) -> IslandAnswer:
        """Give what an island gives the guest; worked out the first time."""
        known = self.memory.islands
        found = known.get(island)
        if found is None:
            found = known[island] = self._work_out(island)
        return found

    def class_at(self, island: Island, node: int) -> int:
        """Number the class of an island where it stands: nodes count if the guest asks for some."""
        answer = self.about(island)
        if self.numa is None:
            return answer.number
        return self.memory.class_of((answer.number, node), answer.keep)

    @property
    def kinds(self) -> tuple[bytes, ...]:
        """Of each device: the same for equal ones."""
        return self._keys

    def see(self, island: Island) -> Island:
        """Give an island as it is asked about: as it is, or as it is supposed to be."""
        if self._supposed is None:
            return island
        known = self.memory.seen
        if island not in known:
            seen = self._supposed.see(island)
            # An island that held itself would never be forgotten.
            known[island] = None if seen is island else seen
        return known[island] or island

    def _work_out(self, real: Island) -> IslandAnswer:
        island, pairs = self.see(real), self.memory.pairs
        kinds = dict(zip(self._kinds, self.contracts, strict=True))
        judged = [
            {kind: pairs.judge(self._judges[kind[0]], kind[1], offer, shape) for kind in kinds}
            for offer, shape in zip(island.offers, island.shapes, strict=True)
        ]
        found = tuple([tuple([row[kind].number for kind in kinds]) for row in judged])
        is_open = any(pairs.is_open[number] for row in found for number in row)
        keep = len(self.contracts) if is_open else 1
        room = self._room_key(island) if is_open else None
        return IslandAnswer(
            judgements=tuple([tuple([row[k].judgement for k in self._kinds]) for row in judged]),
            least=self._least(found),
            number=self.memory.class_of((found, room), keep),
            keep=keep,
        )

    def _least(self, rows: Sequence[Sequence[int]]) -> tuple[Least, ...]:
        """Of each contract, the first of the rows that are least severe for it."""
        known = self.memory.leasts
        least = {}
        for place, kind in enumerate(dict.fromkeys(self._kinds)):
            weights = [self._as_least(row[place], known) for row in rows]
            least[kind] = min(weights, key=_weight_of)
        return tuple([least[kind] for kind in self._kinds])

    def _as_least(self, number: int, known: dict[int, Least]) -> Least:
        found = known.get(number)
        if found is None:
            key = self.memory.pairs.keys[number]
            codes = frozenset(code for code, severity in key.codes if severity not in self.taken)
            found = known[number] = Least(WEIGHT[key.verdicts[0]], codes)
        return found

    def _modes_of(self, contract: Contract) -> tuple[Mode, ...]:
        """The modes a slot has for those of the guest, first the one that is asked about."""
        replugged = contract.slot in self.policy.replug
        asked = (self.policy.mode, *GUEST_MODES)
        return tuple("replug" if replugged and mode != "cold" else mode for mode in asked)

    def _room_key(self, island: Island) -> Hashable:
        """How much of each pool there is, counted no further than the guest could take."""
        shapes = tuple([shape.digest for shape in island.shapes])
        most = self.memory.most.get(shapes)
        if most is None:
            most = self.memory.most[shapes] = self._most_asked(island)
        return tuple(
            (
                offer.provider,
                None if offer.exclusive is UNSET else offer.exclusive.by,
                None if offer.positions is UNSET else offer.positions,
                _pools_key(offer, most),
            )
            for offer in island.offers
        )

    def _most_asked(self, island: Island) -> dict[str, int]:
        """Units of each class that all devices of the guest together could take."""
        most: dict[str, int] = {}
        for contract in self.contracts:
            worst: dict[str, int] = {}
            for offer in island.offers:
                for name, amount in demand_of(contract, offer).items():
                    worst[name] = max(worst.get(name, 0), amount)
            for name, amount in worst.items():
                most[name] = most.get(name, 0) + amount
        return most


def _weight_of(least: Least) -> int:
    return least.weight


def _pools_key(offer: Offer, most: dict[str, int]) -> Hashable:
    if offer.pools is UNSET:
        return None
    return tuple(
        (name, pool.provider, max(0, min(pool.free, most[name])))
        for name, pool in sorted(offer.pools.items())
        if name in most
    )
