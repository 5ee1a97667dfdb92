"""What a project user sees of an answer: ok or no, families, and its own guests.

A version tells an untrusted user which hosts lack a fix, so no version, driver, firmware,
host or provider leaves by this door; and no question is taken whose answer would tell one
bit of them, such as a policy pack of the user's own over the hosts' facts.

Source: design, section 9; specification of compatibility, section 12.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.compat.redact import user_view
from wherry.compat.table import BY_CODE, family
from wherry.model import strictjson
from wherry.model.caller import Caller
from wherry.model.checks import CheckResponse, Family, GuestResponse, Policy, UserView
from wherry.model.errors import InvalidRequest, NotAllowed, NotFound
from wherry.model.guests import Guest
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.model.wire import GuestList, UserGuest, UserGuestList

OPEN_POLICY = frozenset({"mode", "accept", "postcopy"})
"""What a user may say of a policy: it asks nothing of the facts of single hosts."""

_DEFAULTS = Policy()


def own_guest(guest: Guest, caller: Caller) -> Guest:
    """Let a guest pass if the caller may know that it exists.

    Raises:
        NotFound: it is another project's; just as if there were none.
    """
    if caller.sees_all or guest.tenant == caller.project:
        return guest
    raise NotFound(what="guest", name=guest.uuid)


def guest_for_user(guest: Guest) -> UserGuest:
    """Show slots and features."""
    return UserGuest(
        uuid=guest.uuid,
        tenant=guest.tenant,
        slots={name: slot.contract.features or () for name, slot in guest.slots.items()},
        migrating=isinstance(guest.migration, str),
    )


def guests_for_user(guests: GuestList) -> UserGuestList:
    """Show guests, already those of one project."""
    return UserGuestList(guests=tuple(guest_for_user(guest) for guest in guests.guests))


def targets_for_user(answer: TargetsAnswer) -> UserView:
    """Say whether there is a target, and if not, which families of reasons stand in the way."""
    if answer.total:
        return UserView(verdict="ok", families=())
    families = {_family_of(code) for code in answer.refused.by_reason}
    return UserView(verdict="no", families=tuple(sorted(families)))


def check_for_user(answer: bytes) -> bytes:
    """Redact the answer of a check of a pair or of a whole guest."""
    if "mapping" in msgspec.json.decode(answer):
        view = user_view(msgspec.json.decode(answer, type=GuestResponse))
    else:
        view = user_view(msgspec.json.decode(answer, type=CheckResponse))
    return msgspec.json.encode(view)


def require_plain_list(caller: Caller, query: Mapping[str, Any]) -> None:
    """Let users list their own project's guests only, and not by host.

    Raises:
        NotAllowed: another project's, or a host, is asked for.
    """
    if "host" in query or query.get("tenant", caller.project) != caller.project:
        raise NotAllowed("role user lists the guests of its own project, and not by host")


def require_plain_question(caller: Caller, asked: TargetsRequest) -> None:
    """Refuse questions about single hosts and their facts.

    Raises:
        NotAllowed: with what to leave out.
    """
    if asked.explain or asked.remedies or asked.member_of or asked.hosts is not msgspec.UNSET:
        message = f"role {caller.role} may not name hosts or have them explained: leave out"
        message += " `hosts`, `member_of`, `explain` and `remedies`"
        raise NotAllowed(message)
    _require_open_policy(caller, asked.policy)


def require_stateless_check(caller: Caller, body: bytes) -> None:
    """Let users check what they bring along: a pair, or a whole guest.

    Raises:
        InvalidRequest: the body is no JSON object.
        NotAllowed: stored guests or hosts, or lints, are asked for.
    """
    asked = strictjson.loads(body)
    if not isinstance(asked, dict):
        raise InvalidRequest("the body must be an object", path="$")
    if any(isinstance(asked.get(key), str) for key in ("guest", "target")) or "before" in asked:
        message = f"role {caller.role} may check the records it brings along, not stored ones"
        raise NotAllowed(message)


def _require_open_policy(caller: Caller, policy: Policy) -> None:
    said = {name for name in policy.__struct_fields__ if _differs(policy, name)}
    if closed := sorted(said - OPEN_POLICY):
        message = f"role {caller.role} may not set {', '.join(closed)} of a policy"
        raise NotAllowed(message)


def _differs(policy: Policy, name: str) -> bool:
    return bool(getattr(policy, name) != getattr(_DEFAULTS, name))


def _family_of(code: str) -> Family:
    """Family of a reason; what is no rule's (a host's state) is the host's."""
    entry = BY_CODE.get(code)
    return family(entry.rule) if entry else "host"
