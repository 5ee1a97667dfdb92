"""Names of derived traits: they tell nothing, and nobody can guess one without the salt.

Source: docs/reference/compat.md, section 13, "Labels" and "Canonical JSON".
"""

import hmac
import json
import re
from base64 import b32encode
from typing import Final

from wherry.compat.query.vocabulary import Mark

PREFIX: Final = "CUSTOM_WHERRY_"
STANDARD: Final = "trait"
"""Kind of a mark that is a standard trait: its name is no secret."""
LENGTH: Final = 24
_LABEL: Final = re.compile(f"{PREFIX}[A-Z2-7]{{{LENGTH}}}")


def label(salt: bytes, mark: Mark) -> str:
    """Give the trait of a mark: the same wherever the salt is."""
    if mark[0] == STANDARD:
        return str(mark[1])
    text = json.dumps(mark, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hmac.digest(salt, text.encode("ascii"), "sha256")
    return PREFIX + b32encode(digest)[:LENGTH].decode("ascii")


def is_label(trait: str) -> bool:
    """Tell whether a trait has the form of a label; under which salt, nobody can tell."""
    return _LABEL.fullmatch(trait) is not None
