"""Many short stretches of columns at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def spread(start: NDArray[Any], count: NDArray[Any]) -> Numbers:
    """List the members of stretches, one after the other: int64[sum(count)]."""
    ends = np.cumsum(count, dtype=np.int64)
    size = int(ends[-1]) if len(ends) else 0
    offsets = start.astype(np.int64) - (ends - count)
    members: Numbers = np.arange(size) + np.repeat(offsets, count)
    return members
