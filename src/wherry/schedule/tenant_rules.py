"""What the aggregates of a host make of a guest's tenant.

The label `tenants` of a host is another thing that may keep a guest off; where both speak both
must allow.

Source: design, section 7 (filters); docs/reference/targets.md.
"""

from typing import Final

from wherry.compat.table import Finding
from wherry.model.tenancy import Closed
from wherry.schedule.reasons import cause

_AGGREGATE: Final = cause("HOST_AGGREGATE")


def check_aggregates(host: str, tenant: str, closed: Closed) -> list[Finding]:
    """Name the aggregates that keep a guest of this tenant off a host (R81)."""
    by = closed.get(host)
    if by is None:
        return []
    detail = {
        "aggregates": list(by.aggregates),
        "wanted": tenant or None,
        "offered": list(by.tenants),
    }
    return [(_AGGREGATE, detail)]
