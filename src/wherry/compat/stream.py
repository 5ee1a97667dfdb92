"""Many pairs in one stream: what was read or judged once is not read or judged again.

In a fleet one guest meets many offers, one offer many guests, and most offers are alike.  So
records are remembered by their bytes, and judgements by contract, shape and policy; what
belongs to the single provider is evaluated on each line.  What is remembered is bounded, and
every line that is not plainly a pair goes the ordinary way: each answer is, byte for byte,
that of `wherry.compat.answer`.

Source: docs/reference/compat.md, sections 13 ("Shapes") and 15.
"""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from wherry.compat.answer import answer_line, encode
from wherry.compat.engine import respond
from wherry.compat.judgement import Judgement, judge, provider_findings
from wherry.compat.shapes import shape_of
from wherry.model import strictjson
from wherry.model.checks import Policy
from wherry.model.device import Contract, Offer
from wherry.model.errors import InvalidRequest

REMEMBERED_BYTES: Final = 4 << 20
"""JSON of each kind that is remembered; the values read of it take several times as much."""

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T", Contract, Offer, Policy)
_Key = tuple[bytes, bytes, bytes]

_NOT_PLAIN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidRequest)


class _Pair(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line that is plainly a pair; its parts are read apart."""

    contract: Raw
    offer: Raw
    policy: Raw = Raw(b"{}")


_decode_pair: Final = msgspec.json.Decoder(_Pair).decode


class Stream:
    """Answers one line after another, and remembers what they have in common."""

    def __init__(self, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        """Start with nothing remembered."""
        self._contracts = _Reader(Contract, _of_contract, remembered_bytes)
        self._offers = _Reader(Offer, _of_offer, remembered_bytes)
        self._policies = _Reader(Policy, _of_policy, remembered_bytes)
        self._judged: _Memory[_Key, _Judged] = _Memory(remembered_bytes)

    def answer(self, line: bytes, number: int | None = None) -> bytes:
        """Answer one line; *number* is told where it is no valid request."""
        try:
            pair = _decode_pair(line)
            # A key that comes twice is lost when it is read, and its colon with it.
            if line.count(b":") != encode(pair).count(b":"):
                return answer_line(line, number)
            contract = self._contracts.read(bytes(pair.contract))
            offer = self._offers.read(bytes(pair.offer))
            policy = self._policies.read(bytes(pair.policy))
        except _NOT_PLAIN:
            return answer_line(line, number)
        return self._answer(contract, offer, policy)

    def _answer(
        self, contract: "_Known[Contract]", offer: "_Known[Offer]", policy: "_Known[Policy]"
    ) -> bytes:
        key = (contract.key, offer.key, policy.key)
        judged = self._judged.get(key)
        if judged is None:
            judgement = judge(contract.record, offer.record, policy.record)
            judged = _Judged(judgement, encode(respond(judgement, policy.record)))
            self._judged.keep(key, judged, len(judged.line) + sum(map(len, key)))
        if judged.judgement.is_gated:
            return judged.line
        more = provider_findings(contract.record, offer.record, policy.record)
        if not more:
            return judged.line
        return encode(respond(judged.judgement.plus(more), policy.record))


class _Judged(NamedTuple):
    """A judgement, and the whole answer where the provider adds nothing to it."""

    judgement: Judgement
    line: bytes


class _Known(NamedTuple, Generic[T]):
    """A record, and all that a judgement reads of it as one key."""

    record: T
    key: bytes


class _Memory(dict[K, V]):
    """What is remembered, until it is full; then it starts anew."""

    def __init__(self, limit: int) -> None:
        """Start empty; *limit* is in bytes of JSON."""
        super().__init__()
        self._limit = limit
        self._held = 0

    def keep(self, key: K, value: V, size: int) -> None:
        """Remember a value that was made of so many bytes."""
        self._held += size
        if self._held > self._limit:
            self.clear()
            self._held = size
        self[key] = value


class _Reader(Generic[T]):
    """Reads records of one type; equal bytes are read once."""

    def __init__(self, type_: type[T], key: Callable[[T], bytes], limit: int) -> None:
        """Read *type_*, and name by *key* what a judgement reads of it."""
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(type_).decode
        self._key: Callable[[T], bytes] = key
        self._known: _Memory[bytes, _Known[T]] = _Memory(limit)

    def read(self, data: bytes) -> _Known[T]:
        """Read a record.

        Raises:
            DecodeError, UnicodeDecodeError, RecursionError, InvalidRequest: it is not plainly
                a record of the type.
        """
        known = self._known.get(data)
        if known is None:
            record = self._decode(data)
            strictjson.require_no_key_twice(data, record)
            known = _Known(record, self._key(record))
            self._known.keep(data, known, len(data))
        return known


def _of_contract(contract: Contract) -> bytes:
    """Name a contract but for whose device it is and when it was pinned."""
    return encode(replace(contract, consumer="", slot="", pinned_at=UNSET))


def _of_offer(offer: Offer) -> bytes:
    return encode(shape_of(offer))


def _of_policy(policy: Policy) -> bytes:
    """Name a policy but for the generation, which is that of a single provider (R70)."""
    return encode(replace(policy, offer_generation=UNSET))
