"""A guest under a policy, made ready to be asked of many hosts.

What an island gives the guest is worked out once for each distinct island.  Islands that
give it the same, as far as this guest can tell, are of one *class*: they have the same
verdicts and codes for each of its devices, and room for the same number of them.

Source: design, section 4; specification of compatibility, sections 10 and 13.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec import UNSET

from wherry.compat.guest import GUEST_MODES, asked_of, complete_pair
from wherry.compat.judgement import Judgement
from wherry.compat.quantity import demand_of
from wherry.compat.table import MODE_BIT
from wherry.inventory.interning import Shape, digest_of
from wherry.inventory.islands import Island
from wherry.model.checks import Policy, Verdict
from wherry.model.device import Contract, Mode, Offer
from wherry.model.guests import Guest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.memory import IslandAnswer, Least

WEIGHT: Final[Mapping[Verdict, int]] = {"ok": 0, "warn": 1, "unknown": 2, "no": 3}


class PairKey(NamedTuple):
    """What of a pair can show in the guest's verdicts and in the codes of its reasons."""

    verdicts: tuple[Verdict, ...]
    codes: frozenset[tuple[str, str]]
    """With their severities, in the mode that is asked about."""
    downtime_ms: int | None


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
    ) -> None:
        self.guest = guest
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
        self._modes = [self._modes_of(contract) for contract in self.contracts]
        self.taken = frozenset({"info", *policy.accept})
        """Severities of reasons that do not stand in the way."""
        slots = tuple(contract.slot for contract in self.contracts)
        named = None if supposed is None else supposed.name
        self.memory = cache.remember(digest_of((self._keys, slots, policy, named)))

    def about(self, island: Island) -> IslandAnswer:
        """Give what an island gives the guest; worked out the first time."""
        known = self.memory.islands
        found = known.get(island)
        if found is None:
            found = known[island] = self._work_out(island)
        return found

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
        island = self.see(real)
        judgements = tuple(map(self._judge, island.offers, island.shapes))
        found = tuple(tuple(map(_pair_key, row, self._modes)) for row in judgements)
        is_open = any(verdict != "no" for row in found for key in row for verdict in key.verdicts)
        room = self._room_key(island) if is_open else None
        least = tuple(self._least([row[i] for row in found]) for i in range(len(self.contracts)))
        keep = len(self.contracts) if is_open else 1
        return IslandAnswer(judgements, least, self.memory.class_of((found, room), keep), keep)

    def _judge(self, offer: Offer, shape: Shape) -> tuple[Judgement, ...]:
        """Judge an offer for each contract."""
        by_key = {
            key: complete_pair(judge.on(shape), judge.contract, offer, judge.policy)
            for key, judge in self._judges.items()
        }
        return tuple([by_key[key] for key in self._keys])

    def _least(self, keys: Sequence[PairKey]) -> Least:
        best = min(keys, key=lambda key: WEIGHT[key.verdicts[0]])
        codes = frozenset(code for code, severity in best.codes if severity not in self.taken)
        return Least(WEIGHT[best.verdicts[0]], codes)

    def _modes_of(self, contract: Contract) -> tuple[Mode, ...]:
        """The modes a slot has for those of the guest, first the one that is asked about."""
        replugged = contract.slot in self.policy.replug
        asked = (self.policy.mode, *GUEST_MODES)
        return tuple("replug" if replugged and mode != "cold" else mode for mode in asked)

    def _room_key(self, island: Island) -> Hashable:
        """How much of each pool there is, counted no further than the guest could take."""
        most = self._most_asked(island)
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


def _pair_key(judgement: Judgement, modes: tuple[Mode, ...]) -> PairKey:
    bit = MODE_BIT[modes[0]]
    codes = frozenset((c.code, c.severity) for c, _ in judgement.findings if c.modes & bit)
    by_mode = judgement.verdicts
    return PairKey(tuple(by_mode[mode] for mode in modes), codes, judgement.downtime_ms)


def _pools_key(offer: Offer, most: dict[str, int]) -> Hashable:
    if offer.pools is UNSET:
        return None
    return tuple(
        (name, pool.provider, max(0, min(pool.free, most[name])))
        for name, pool in sorted(offer.pools.items())
        if name in most
    )
