"""The states of a migration, and every step from one to another, as data.

Both ends are held in every state that has not ended: the source by the migration, the
target by the guest.  A lease that runs out in ``claimed`` or ``confirmed`` gives the target
back, since nothing has moved yet.  One that runs out in ``started`` gives back nothing:
nobody knows where the guest is, so ``lost`` holds both ends until somebody tells.

``docs/reference/migration-states.md`` prints this table, and a test compares the two.

Source: design, section 7.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from wherry.model.errors import WrongState
from wherry.model.migrations import Event, State

Case = Literal[
    "",
    "one end",
    "both ends",
    "to probe",
    "on target",
    "on source",
    "in target",
    "in source",
    "nowhere",
]
"""What an event tells beside its name: how many ends have confirmed, where the guest is, or in
which end a device is plugged."""

Effect = Literal["keep both", "change target", "release target", "release source"]
"""What becomes of the ends.  ``release target`` drops the guest's allocations there and gives
it the source back; ``change target`` gives it another target instead of the one that it has;
``release source`` drops what the migration holds."""

Who = Literal["holder", "agent", "service"]
"""``holder`` of the fencing token; an ``agent`` of one end, with the token of its job; the
``service`` itself, which needs none."""


class Transition(NamedTuple):
    """What one event does in one state."""

    state: State
    """The next one."""
    effect: Effect
    who: Who
    moves_token: bool
    """Whether the token moves on, so that every one given before has expired."""
    meaning: str


FIRST: Final[State] = "claimed"
ENDED: Final[frozenset[State]] = frozenset({"finished", "aborted", "expired", "refused"})

TRANSITIONS: Final[Mapping[tuple[State, Event, Case], Transition]] = {
    ("claimed", "confirm", "one end"): Transition(
        "claimed", "keep both", "agent", False, "the other end has not answered yet"),
    ("claimed", "confirm", "both ends"): Transition(
        "confirmed", "keep both", "agent", False, "the move may start"),
    ("claimed", "confirm", "to probe"): Transition(
        "claimed", "keep both", "agent", False,
        "both ends confirm but for what the probe, which is permitted, shall settle"),
    ("claimed", "probe", ""): Transition(
        "confirmed", "keep both", "agent", False,
        "the target took what the source says of its device: the move may start"),
    ("claimed", "refuse", ""): Transition(
        "refused", "release target", "service", True,
        "an end objects, its facts moved, or it is silent"),
    ("claimed", "retry", ""): Transition(
        "claimed", "change target", "service", True,
        "the target is refused, and the next alternate is claimed: a new attempt"),
    ("claimed", "renew", ""): Transition(
        "claimed", "keep both", "holder", True, "the lease runs anew from now"),
    ("claimed", "abort", ""): Transition(
        "aborted", "release target", "holder", True, "given up before anything moved"),
    ("claimed", "expire", ""): Transition(
        "expired", "release target", "service", True, "the lease ran out before anything moved"),
    ("confirmed", "refuse", ""): Transition(
        "refused", "release target", "service", True,
        "the configuration cannot be applied, or the facts of an end moved"),
    ("confirmed", "retry", ""): Transition(
        "claimed", "change target", "service", True,
        "the facts moved before the start, and the next alternate is claimed: a new attempt"),
    ("confirmed", "renew", ""): Transition(
        "confirmed", "keep both", "holder", True, "the lease runs anew from now"),
    ("confirmed", "start", ""): Transition(
        "started", "keep both", "holder", False,
        "the hypervisor is told to move the guest; the lease runs anew from now"),
    ("confirmed", "abort", ""): Transition(
        "aborted", "release target", "holder", True, "given up before anything moved"),
    ("confirmed", "expire", ""): Transition(
        "expired", "release target", "service", True, "the lease ran out before anything moved"),
    ("started", "unplug", ""): Transition(
        "started", "keep both", "holder", False,
        "a NIC that is moved by replug is out of the guest; its device stays held"),
    ("started", "plug", "in target"): Transition(
        "started", "keep both", "holder", False,
        "the new device is in the guest, and its contract is pinned"),
    ("started", "plug", "in source"): Transition(
        "started", "keep both", "holder", False, "the old device is in the guest again"),
    ("started", "plug", "nowhere"): Transition(
        "started", "keep both", "holder", False, "the plug failed: the guest is without it"),
    ("started", "renew", ""): Transition(
        "started", "keep both", "holder", True, "the lease runs anew from now"),
    ("started", "finish", "on target"): Transition(
        "finished", "release source", "holder", True, "the guest runs on the target"),
    ("started", "finish", "on source"): Transition(
        "aborted", "release target", "holder", True, "outcome `failed`: it runs on the source"),
    ("started", "abort", ""): Transition(
        "aborted", "release target", "holder", True, "cancelled: the guest runs on the source"),
    ("started", "lose", ""): Transition(
        "lost", "keep both", "service", True, "the lease ran out, and the guest may be anywhere"),
    ("lost", "finish", "on target"): Transition(
        "finished", "release source", "holder", True, "somebody tells: it runs on the target"),
    ("lost", "finish", "on source"): Transition(
        "aborted", "release target", "holder", True, "outcome `failed`: it runs on the source"),
    ("lost", "abort", ""): Transition(
        "aborted", "release target", "holder", True, "somebody tells: it runs on the source"),
    ("lost", "recover", "on target"): Transition(
        "finished", "release source", "service", True, "reports show that it runs on the target"),
    ("lost", "recover", "on source"): Transition(
        "aborted", "release target", "service", True, "reports show that it runs on the source"),
}  # fmt: skip
"""Every step that is possible; what is not here is refused with `WrongState`."""


def possible(state: State, who: Who = "holder") -> frozenset[Event]:
    """Name the events that somebody may tell of in a state."""
    return frozenset(
        event for (now, event, _), step in TRANSITIONS.items() if now == state and step.who == who
    )


def has_ended(state: State) -> bool:
    """Whether nothing is held any more and nothing can follow."""
    return state in ENDED


def find_transition(migration: str, state: State, event: Event, case: Case) -> Transition:
    """Look up what an event does.

    Raises:
        WrongState: the event is not possible from this state.
    """
    found = TRANSITIONS.get((state, event, case))
    if found is None:
        raise WrongState(migration=migration, state=state, event=event)
    return found
