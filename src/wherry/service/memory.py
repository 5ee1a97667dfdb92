"""How a worker keeps memory: answers of megabytes come one after another.

A page that is given back to the system and taken again costs more than to write it.  And a
fleet is a million objects that live as long as the process: to look through them for cycles
finds none.
"""

import ctypes
import gc

KEPT = 64 << 20
"""Bytes at the end of a heap that stay with the process, for each of the C library's heaps."""
LARGEST = 16 << 20
"""Bytes of the largest piece that is taken from a heap and not from the system alone."""
YOUNG = 20_000
"""Objects made, more than dropped, after which they are looked through for cycles."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt``.  Source: glibc, malloc.h."""


def keep_memory() -> bool:
    """Let this process keep what it takes, and look for cycles less often.

    Says whether the C library can be told; one that cannot goes on as it does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_THRESHOLD, LARGEST))
