"""What can show of a guest's device with an offer, as a number.

It hangs on the shape and on which causes the rules of a single provider find, not on their
details: so it is worked out once for each shape and set of causes, and islands are compared by
numbers.

Source: specification of compatibility, section 13; design, section 4.
"""

from threading import Lock
from typing import NamedTuple

from wherry.compat.judgement import Judgement
from wherry.compat.table import MODE_BIT, Cause
from wherry.inventory.interning import Shape
from wherry.model.checks import Verdict
from wherry.model.device import Mode, Offer
from wherry.schedule.contract_judge import ContractJudge


class PairKey(NamedTuple):
    """What of a pair can show in the guest's verdicts and in the codes of its reasons."""

    verdicts: tuple[Verdict, ...]
    """In the mode that is asked about, then in each mode of a guest."""
    codes: frozenset[tuple[str, str]]
    """With their severities, in the mode that is asked about."""
    downtime_ms: int | None


class Judged(NamedTuple):
    """A contract with an offer."""

    judgement: Judgement
    """Complete."""
    number: int
    """Of its `PairKey`."""


class Pairs:
    """Numbers what can show of pairs; threads may share it."""

    def __init__(self) -> None:
        self.keys: list[PairKey] = []
        """By number; only grows."""
        self.is_open: list[bool] = []
        """By number: whether anything but `no` shows, in whichever mode."""
        self._numbers: dict[PairKey, int] = {}
        self._known: dict[tuple[bytes, tuple[Mode, ...], bytes, tuple[Cause, ...]], int] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def judge(
        self, judge: ContractJudge, modes: tuple[Mode, ...], offer: Offer, shape: Shape
    ) -> Judged:
        """Judge an offer for one contract, in its own modes."""
        judgement = judge.on(shape)
        found = [] if judgement.is_gated else judge.found_at(offer, shape)
        judgement = judgement.plus(found)
        key = judge.key, modes, shape.digest, tuple([cause for cause, _ in found])
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._number(_pair_key(judgement, modes))
        return Judged(judgement, number)

    def _number(self, key: PairKey) -> int:
        with self._lock:
            number = self._numbers.setdefault(key, len(self.keys))
            if number == len(self.keys):
                self.is_open.append(any(verdict != "no" for verdict in key.verdicts))
                self.keys.append(key)
            return number


def _pair_key(judgement: Judgement, modes: tuple[Mode, ...]) -> PairKey:
    bit = MODE_BIT[modes[0]]
    codes = frozenset((c.code, c.severity) for c, _ in judgement.findings if c.modes & bit)
    by_mode = judgement.verdicts
    return PairKey(tuple(by_mode[mode] for mode in modes), codes, judgement.downtime_ms)
