"""What a command's end tells a program: 0 yes, 1 no, 2 bad usage or input, 3 service trouble.

Source: design, section 10.
"""

from wherry.model.errors import WherryError

YES = 0
NO = 1
BAD_INPUT = 2
TROUBLE = 3
INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""

_NO = frozenset({"no_target", "report.outdated"})
_TROUBLE = frozenset({"internal", "error"})


def exit_of(error: WherryError) -> int:
    """Choose the exit status for an error."""
    family = error.code.partition(".")[0]
    if family in {"claim", "migration"} or error.code in _NO:
        return NO
    if family in {"service", "store"} or error.code in _TROUBLE:
        return TROUBLE
    return BAD_INPUT
