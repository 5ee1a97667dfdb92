"""What an end user sees: yes or no, and the families of what stands in the way.

A version tells an untrusted user which hosts lack a fix, so there is nothing else: no code,
no value, no name.

Source: docs/reference/compat.md, section 12.
"""

from collections.abc import Iterator

from wherry.compat.table import family
from wherry.model.checks import CheckResponse, GuestResponse, Reason, UserView


def user_view(response: CheckResponse | GuestResponse) -> UserView:
    """Give all that an end user may see of an answer."""
    if response.accepted:
        return UserView(verdict="ok", families=())
    families = {family(reason.rule) for reason in _reasons(response) if reason.severity != "info"}
    return UserView(verdict="no", families=tuple(sorted(families)))


def _reasons(response: CheckResponse | GuestResponse) -> Iterator[Reason]:
    yield from response.reasons
    if isinstance(response, GuestResponse):
        for row in response.mapping:
            yield from row.reasons
