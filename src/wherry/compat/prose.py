"""Descriptions are prose: only the words count, not how they are spaced.

Source: docs/reference/compat.md, R16.
"""

import re

_BLANKS = re.compile(r"[ \t\n\v\f\r]+")


def fold(text: str) -> str:
    """Make each run of ASCII white space one blank, with none at the ends."""
    return _BLANKS.sub(" ", text).strip(" ")
