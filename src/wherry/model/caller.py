"""Who asks: the role decides what may be asked and what is shown.

Source: design, section 9.
"""

from typing import Literal

from wherry.model.inventory import Value

Role = Literal["admin", "service", "user"]


class Caller(Value, frozen=True, kw_only=True):
    """One caller, as the door has made sure of it.

    Only ``admin`` and ``service`` see versions, drivers, firmware and reasons; a ``user``
    sees the guests of its own project, and ok or no with the families of the reasons.
    """

    role: Role
    project: str = ""
    """Tenant whose guests a user may see; empty for the other roles."""
    name: str = ""
    """For histories and logs, never for decisions."""

    @property
    def sees_all(self) -> bool:
        """Whether answers go out unredacted."""
        return self.role != "user"


LOCAL_ADMIN = Caller(role="admin", name="local")
"""The caller where no authentication is set up, which is possible on loopback only."""
