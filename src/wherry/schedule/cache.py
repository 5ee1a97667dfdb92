"""Judgements of contracts on shapes, kept between questions.

A judgement holds until the contract or the policy changes, and both are part of its key; an
offer that changes moves to another shape.  So nothing here is ever stale, only unused.

Source: specification of compatibility, section 13 ("Own search: shapes").
"""

from threading import Lock

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.guest import pair_policy
from wherry.compat.judgement import Asked, Judgement, judge
from wherry.compat.shapes import NOBODY
from wherry.inventory.interning import Shape, digest_of
from wherry.model.checks import Policy
from wherry.model.device import Contract

KEPT = 200_000
"""Judgements and questions kept in all; those of the contracts asked about first go first."""

ByShape = dict[bytes, Judgement]


class JudgementCache:
    """Judges each contract once for every distinct shape; threads may share it."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._by_question: dict[bytes, ByShape] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return sum(map(len, list(self._by_question.values())))

    @property
    def questions(self) -> int:
        """Contracts, each under one policy, of which anything is kept."""
        return len(self._by_question)

    def open(self, contract: Contract, policy: Policy, asked: Asked) -> "ContractJudge":
        """Start asking about one contract under one policy."""
        general = pair_policy(policy)
        # No rule looks at whose contract it is, so equal devices are judged once.
        anybody = replace(contract, consumer=NOBODY, slot="any", pinned_at=UNSET, keep=False)
        key = digest_of((anybody, general, asked))
        with self._lock:
            self._make_room()
            known = self._by_question.pop(key, None)
            # The latest asked stands last.
            self._by_question[key] = known = {} if known is None else known
        return ContractJudge(key, anybody, general, asked, known)

    def _make_room(self) -> None:
        held = len(self._by_question) + len(self)
        while held > self._kept and self._by_question:
            first = next(iter(self._by_question))
            held -= 1 + len(self._by_question.pop(first))


class ContractJudge:
    """One contract under one policy; what it has judged it does not judge again."""

    def __init__(
        self, key: bytes, contract: Contract, policy: Policy, asked: Asked, known: ByShape
    ) -> None:
        self.key = key
        """The same for contracts that are judged alike."""
        self.contract = contract
        self.policy = policy
        self._asked = asked
        self._known = known

    def on(self, shape: Shape) -> Judgement:
        """Judge a shape by all rules but those of the single provider."""
        found = self._known.get(shape.digest)
        if found is None:
            found = judge(self.contract, shape.value, self.policy, self._asked)
            self._known[shape.digest] = found
        return found
