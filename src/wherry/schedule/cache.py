"""Judgements of contracts on shapes, kept between questions.

A judgement holds until the contract or the policy changes, and both are part of its key; an
offer that changes moves to another shape.  So nothing here is ever stale, only unused.

Source: specification of compatibility, section 13 ("Own search: shapes").
"""

from threading import Lock

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.judgement import Asked
from wherry.compat.shapes import NOBODY
from wherry.inventory.interning import digest_of
from wherry.model.checks import Policy
from wherry.model.device import Contract
from wherry.schedule.contract_judge import ContractJudge, Known
from wherry.schedule.fleet_types import TypeCounter
from wherry.schedule.memory import Memory

KEPT = 200_000
"""Judgements and questions kept in all; those of the contracts asked about first go first."""

REMEMBERED = 300_000
"""Answers on islands and on hosts' islands remembered in all, of some 500 bytes each; those not
asked for longest go.  A question with remedies asks up to some ten times."""


class JudgementCache:
    """Judges each contract once for every distinct shape; threads may share it."""

    def __init__(self, kept: int = KEPT, remembered: int = REMEMBERED) -> None:
        self._kept = kept
        self._most = remembered
        self.types = TypeCounter()
        self._by_question: dict[bytes, Known] = {}
        self._memories: dict[bytes, Memory] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return sum(len(known.by_shape) for known in list(self._by_question.values()))

    @property
    def questions(self) -> int:
        """Contracts, each under one policy, of which anything is kept."""
        return len(self._by_question)

    @property
    def remembered(self) -> int:
        """Answers on islands and on hosts' islands, and questions of which there are any."""
        return len(self._memories) + sum(map(len, list(self._memories.values())))

    def open(self, contract: Contract, policy: Policy, asked: Asked) -> ContractJudge:
        """Start asking about one contract within a guest, under one policy."""
        general = _read_by_rules(policy)
        # No rule looks at whose contract it is, so equal devices are judged once.
        anybody = replace(contract, consumer=NOBODY, slot="any", pinned_at=UNSET, keep=False)
        key = digest_of((anybody, general, asked))
        with self._lock:
            self._make_room()
            known = self._by_question.pop(key, None)
            # The latest asked stands last.
            self._by_question[key] = known = Known() if known is None else known
        return ContractJudge(key, anybody, general, asked, known)

    def remember(self, question: bytes) -> Memory:
        """Give what was found out for questions of this key; empty the first time."""
        with self._lock:
            known = self._memories.pop(question, None)
            self._forget()
            if known is None or len(known) > self._most:
                known = Memory()
            self._memories[question] = known
        return known

    def _forget(self) -> None:
        held = self.remembered
        while held > self._most and self._memories:
            first = next(iter(self._memories))
            held -= 1 + len(self._memories.pop(first))

    def _make_room(self) -> None:
        held = sum(1 + len(known) for known in self._by_question.values())
        while held > self._kept and self._by_question:
            first = next(iter(self._by_question))
            held -= 1 + len(self._by_question.pop(first))


def _read_by_rules(policy: Policy) -> Policy:
    """Leave of a policy what a rule of a pair reads, so that questions share judgements.

    What is accepted, the mode, and whether a slot is replugged decide on judgements; the
    budget is that of the guest; the address in the guest is asked with the contract.
    """
    downtime = policy.downtime
    if downtime is not UNSET:
        downtime = replace(downtime, budget_ms=0, strict=False)
    return Policy(
        postcopy=policy.postcopy,
        allow_untracked_dma=policy.allow_untracked_dma,
        downtime=downtime,
        packs=policy.packs,
    )
