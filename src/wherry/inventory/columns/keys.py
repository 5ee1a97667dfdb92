"""Uuids as sixteen bytes, one by one and by the million.

What is no uuid in lower case with hyphens has a digest in its place; whoever holds the keys
remembers the text.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint8]
"""uint8[P, 16]"""

KEY, TEXT = 16, 36
"""Bytes of a key, characters of a uuid."""

_DASHES = (8, 13, 18, 23)
_DIGITS = np.array([place for place in range(TEXT) if place not in _DASHES])
_NONE = 255
_VALUES = np.full(256, _NONE, np.uint8)
_VALUES[list(b"0123456789abcdef")] = range(16)
_PAIRS = np.array([list(b"%02x" % value) for value in range(256)], np.uint8).view(np.uint16).ravel()


def key_of(text: str) -> bytes:
    """Give the sixteen bytes that stand for a uuid."""
    if len(text) == TEXT and text[8] == text[13] == text[18] == text[23] == "-":
        digits = text.replace("-", "")
        try:
            key = bytes.fromhex(digits)
        except ValueError:
            key = b""
        if len(key) == KEY and key.hex() == digits:
            return key
    return blake2b(text.encode(), digest_size=16).digest()


def text_of(key: bytes) -> str:
    """Spell a key as a uuid."""
    text = key.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def keys_of(texts: Sequence[str]) -> tuple[Keys, dict[bytes, str]]:
    """Give the keys of many uuids, and the texts of those that are none, by their keys."""
    letters = "".join(texts).encode()
    if not set(map(len, texts)) <= {TEXT} or len(letters) != TEXT * len(texts):
        keys = [key_of(text) for text in texts]
        odd = {key: text for key, text in zip(keys, texts, strict=True) if text_of(key) != text}
        return np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY).copy(), odd
    table = np.frombuffer(letters, np.uint8).reshape(-1, TEXT)
    values = _VALUES[table[:, _DIGITS]]
    found = ((values[:, 0::2] << 4) | values[:, 1::2]).astype(np.uint8)
    bad = (values == _NONE).any(axis=1) | (table[:, _DASHES] != ord("-")).any(axis=1)
    odd = {}
    for place in np.flatnonzero(bad).tolist():
        key = key_of(texts[place])
        odd[key] = texts[place]
        found[place] = np.frombuffer(key, np.uint8)
    return found, odd


def texts_of(keys: Keys) -> NDArray[np.uint8]:
    """Spell keys as uuids, in ASCII: uint8[P, 36]."""
    digits = _PAIRS.take(keys).view(np.uint8).reshape(-1, 2 * KEY)
    letters = np.full((len(keys), TEXT), ord("-"), np.uint8)
    # Whole stretches between hyphens are four times quicker than a place at a time.
    for dashes, (begin, end) in enumerate(pairwise((0, 8, 12, 16, 20, 2 * KEY))):
        letters[:, begin + dashes : end + dashes] = digits[:, begin:end]
    return letters
