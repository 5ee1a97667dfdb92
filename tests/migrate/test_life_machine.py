"""Every event in every state, in any order, against a plain model of who holds what.

The model is written from the design's words (section 7), not from the table of transitions.
"""

from itertools import product

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import UNSET

from builders import FB, a_contract, a_fleet, a_guest, a_host, a_uuid, an_offer
from moves import LEASE_S, MIGRATION, a_move
from wherry.model.checks import Policy
from wherry.model.errors import InvalidRequest, NotAllowed, TokenExpired, WrongState
from wherry.model.guests import Guest
from wherry.model.migrations import Migration

GUEST = a_uuid("guest")
NIC = {
    "device_class": "network",
    "migration": {"support": "no", "modes": ["cold", "replug"]},
    "interface": {"policy": "none"},
}
PLUGGED = {"in target": "target", "in source": "source", "nowhere": "out"}
OPEN = {"claimed", "confirmed", "started", "lost"}
SENDERS = st.sampled_from((0, 0, 0, 0, -1, -2, 1, None))
"""How far a sender's token is from the present one; None: it has none."""


class Life(RuleBasedStateMachine):
    """What a migration does, and what the model says that it should do."""

    @initialize(
        lease_s=st.sampled_from((10, LEASE_S)),
        stage=st.sampled_from(("claimed", "asked", "confirmed", "started", "lost")),
        alternates=st.sampled_from(((), ("host3",), ("host3", "host4"))),
        replug=st.booleans(),
    )
    def it_has_come_so_far(self, lease_s, stage, alternates=(), replug=False):
        """Begin at any stage: few random walks would come through to the later ones."""
        self.claim(lease_s, alternates, replug)
        for step in STAGES[stage]:
            step(self)

    def claim(self, lease_s, alternates, replug):
        offers = [an_offer(**NIC)] if replug else None
        fleet = a_fleet(*(a_host(f"host{number}", offers=offers) for number in range(1, 5)))
        guest = a_guest(a_contract(**NIC), process="4711:1") if replug else None
        policy = Policy(replug=("gpu0",)) if replug else Policy()
        self.move = a_move(
            guest, fleet=fleet, policy=policy, lease_s=lease_s, alternates=alternates
        )
        self.now = 0.0
        self.model = {
            "state": "claimed",
            "token": 1,
            "attempt": 1,
            "target": "host2",
            "alternates": list(alternates),
            "claims": 1,
            "is_replugged": replug,
            "nic": None,
            "lease_s": lease_s,
            "until": float(lease_s),
            "asked": None,
            "confirmed": set(),
            "outcome": UNSET,
            "last": ("claim", 0, None),
        }
        self.tokens = [1]

    def try_step(self, event, expected, **fields):
        """Take a step; it does what the model expects: an error and nothing else, or none."""
        before = (self.move.migration, self.move.guest, dict(self.move.ledger))
        try:
            self.move.signal(event, self.now, **fields)
            error = None
        except (WrongState, TokenExpired, NotAllowed, InvalidRequest) as raised:
            error = type(raised)
            assert before == (self.move.migration, self.move.guest, self.move.ledger)
        assert error is expected

    def token(self, sender):
        return None if sender is None else self.model["token"] + sender

    def is_lapsed(self):
        return self.model["state"] != "lost" and self.now >= self.model["until"]

    def refusal_of_holder(self, token, *, may_lack=False):
        """Why a holder's step is refused in a state that has it; None where it is not."""
        if token is None:
            return None if may_lack else NotAllowed
        return TokenExpired if token != self.model["token"] or self.is_lapsed() else None

    def goes_to(self, state, *, moves_token=True):
        self.model["state"] = state
        self.model["token"] += moves_token
        self.model["claims"] += state not in OPEN

    def is_refused(self):
        """The next alternate takes the place of the target; without one it is over."""
        model = self.model
        if not model["alternates"]:
            self.goes_to("refused")
            model["last"] = ("refuse", None, None)
            return
        self.goes_to("claimed")
        model["claims"] += 1
        model["target"] = model["alternates"].pop(0)
        model |= {"attempt": model["token"], "asked": None, "confirmed": set()}
        model["last"] = ("retry", None, None)

    @rule(seconds=st.sampled_from((0.5, 3.0, 9.0, 60.0)))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def the_clock_is_looked_at(self):
        """Silence is told first, then the lease."""
        self.move.settle(self.now)
        model = self.model
        asked = model["asked"] is not None and self.now >= model["asked"]
        if model["state"] == "claimed" and asked:
            self.is_refused()
        if model["state"] in {"claimed", "confirmed"} and self.is_lapsed():
            self.goes_to("expired")
            model["last"] = ("expire", None, None)
        elif model["state"] == "started" and self.is_lapsed():
            self.goes_to("lost")
            model["last"] = ("lose", None, None)

    @rule()
    @precondition(lambda self: self.model["state"] == "claimed" and not self.is_lapsed())
    def both_ends_are_asked(self):
        self.move.ask(now=self.now, wait_s=5.0)
        self.model["asked"] = min(self.now + 5.0, self.model["until"])

    @rule(
        side=st.sampled_from(("source", "target")),
        attempt=st.sampled_from((0, 0, 0, -1, 1)),
        probing=st.booleans(),
    )
    def an_end_confirms(self, side, attempt, probing=False):
        model = self.model
        if model["state"] != "claimed":
            expected = WrongState
        elif attempt != 0 or self.is_lapsed():
            expected = TokenExpired
        else:
            expected = None
        slots = ("gpu0",) if probing else ()
        token = model["attempt"] + attempt
        self.try_step("confirm", expected, side=side, token=token, probing=slots)
        if expected is None:
            model["confirmed"].add(side)
            model["last"] = ("confirm", None, None)
            if len(model["confirmed"]) == 2 and not probing:
                self.goes_to("confirmed", moves_token=False)

    @rule(attempt=st.sampled_from((0, 0, -1, 1)))
    def a_probe_settles_it(self, attempt):
        """By the agent of the target, with the token of its job."""
        model = self.model
        if model["state"] != "claimed":
            expected = WrongState
        elif attempt != 0 or self.is_lapsed():
            expected = TokenExpired
        else:
            expected = None
        self.try_step("probe", expected, token=model["attempt"] + attempt)
        if expected is None:
            self.goes_to("confirmed", moves_token=False)
            model["last"] = ("probe", None, None)

    @rule()
    def an_end_refuses(self):
        if self.model["state"] not in {"claimed", "confirmed"}:
            self.try_step("refuse", WrongState)
            return
        self.move.refuse(self.now)
        self.is_refused()

    @rule(sender=SENDERS)
    def it_starts(self, sender):
        token, model = self.token(sender), self.model
        repeated = model["last"][:2] == ("start", token) and not self.is_lapsed()
        if repeated:
            self.try_step("start", None, token=token)
            return
        possible = model["state"] == "confirmed"
        expected = self.refusal_of_holder(token) if possible else WrongState
        self.try_step("start", expected, token=token)
        if expected is None:
            self.goes_to("started", moves_token=False)
            model["until"] = self.now + model["lease_s"]
            model["last"] = ("start", token, None)

    @rule(sender=SENDERS, case=st.sampled_from(("out", "in target", "in source", "nowhere")))
    def a_device_is_told_of(self, sender, case):
        """Unplugged, or plugged in one of the ends, or in none."""
        model, event = self.model, "unplug" if case == "out" else "plug"
        if model["state"] != "started":
            expected = WrongState
        else:
            expected = self.refusal_of_holder(self.token(sender))
        is_out = model["is_replugged"] and (event == "unplug" or model["nic"])
        if expected is None and not is_out:
            expected = InvalidRequest
        case, nic = ("", "out") if case == "out" else (case, PLUGGED[case])
        self.try_step(event, expected, token=self.token(sender), slot="gpu0", case=case)
        if expected is None:
            model["nic"] = nic
            model["last"] = (event, None, None)

    @rule(sender=SENDERS, lease_s=st.sampled_from((UNSET, 10, 50)))
    def it_is_renewed(self, sender, lease_s):
        token, model = self.token(sender), self.model
        possible = model["state"] in {"claimed", "confirmed", "started"}
        expected = self.refusal_of_holder(token) if possible else WrongState
        self.try_step("renew", expected, token=token, lease_s=lease_s)
        if expected is None:
            self.goes_to(model["state"])
            model["lease_s"] = model["lease_s"] if lease_s is UNSET else lease_s
            model["until"] = self.now + model["lease_s"]
            model["last"] = ("renew", token, None)

    @rule(sender=SENDERS, where=st.sampled_from(("on target", "on source")))
    def it_finishes(self, sender, where):
        token, model = self.token(sender), self.model
        if token is not None and model["last"] == ("finish", token, where):
            self.try_step("finish", None, token=token, case=where)
            return
        possible = model["state"] in {"started", "lost"}
        expected = self.refusal_of_holder(token) if possible else WrongState
        self.try_step("finish", expected, token=token, case=where)
        if expected is None:
            arrived = where == "on target"
            self.goes_to("finished" if arrived else "aborted")
            model["outcome"] = "finished" if arrived else "failed"
            model["last"] = ("finish", token, where)

    @rule(sender=SENDERS)
    def it_is_aborted(self, sender):
        token, model = self.token(sender), self.model
        event, taken_with, _ = model["last"]
        if event == "abort" and (token is None or token == taken_with):
            self.try_step("abort", None, token=token)
            return
        expected = (
            self.refusal_of_holder(token, may_lack=True) if model["state"] in OPEN else WrongState
        )
        self.try_step("abort", expected, token=token)
        if expected is None:
            model["last"] = ("abort", model["token"], None)
            self.goes_to("aborted")

    @rule(where=st.sampled_from(("on target", "on source")))
    def reports_show_where_it_is(self, where):
        lost = self.model["state"] == "lost"
        self.try_step("recover", None if lost else WrongState, case=where)
        if lost:
            arrived = where == "on target"
            self.goes_to("finished" if arrived else "aborted")
            self.model["outcome"] = "finished" if arrived else "failed"
            self.model["last"] = ("recover", None, None)

    @rule(event=st.sampled_from(("expire", "lose")))
    def the_clock_is_said_to_have_run(self, event):
        """Not before it has, and not where it means something else."""
        model, lapsed = self.model, self.is_lapsed()
        fitting = {"expire": {"claimed", "confirmed"}, "lose": {"started"}}[event]
        expected = None if model["state"] in fitting and lapsed else WrongState
        self.try_step(event, expected)
        if expected is None:
            self.goes_to("expired" if event == "expire" else "lost")
            model["last"] = (event, None, None)

    @rule()
    def the_service_restarts(self):
        """All that it knows is what it has written."""
        stored = msgspec.json.encode(self.move.migration)
        self.move.migration = msgspec.json.decode(stored, type=Migration)
        self.move.guest = msgspec.json.decode(msgspec.json.encode(self.move.guest), type=Guest)

    @invariant()
    def it_is_as_the_model_says(self):
        if not hasattr(self, "move"):
            return
        migration, model = self.move.migration, self.model
        assert migration.state == model["state"]
        assert migration.token == model["token"]
        assert migration.lease_until == model["until"]
        assert set(migration.confirmed) == model["confirmed"]
        assert migration.outcome == model["outcome"]
        assert migration.history[-1].event == model["last"][0]

    @invariant()
    def both_ends_are_held_until_it_ends_and_one_after(self):
        if not hasattr(self, "move"):
            return
        move, state = self.move, self.model["state"]
        if state in OPEN:
            assert move.held_by(MIGRATION) == {"host1"}
            assert move.held_by(GUEST) == {self.model["target"]}
            assert (move.guest.host, move.guest.migration) == ("host1", MIGRATION)
            return
        home = self.model["target"] if state == "finished" else "host1"
        assert move.ledger.keys() == {GUEST}
        assert move.held_by(GUEST) == {home}
        assert (move.guest.host, move.guest.migration) == (home, UNSET)
        slots = {a_uuid(f"{home}_gpu0")} if self.has_device() else set()
        assert {slot.provider for slot in move.guest.slots.values()} == slots

    def has_device(self):
        """Whether the guest has its device where it is, now that the migration has ended."""
        home = "target" if self.model["state"] == "finished" else "source"
        return self.model["nic"] in {None, home}

    @invariant()
    def what_is_held_is_never_more_or_less_than_was_claimed(self):
        if not hasattr(self, "move"):
            return
        here = self.move.claims[0].holdings[0]
        there = next(
            holding
            for claim in reversed(self.move.claims)
            for holding in claim.holdings
            if holding.consumer == GUEST
            and self.move.fleet.home_of(next(iter(holding.allocations))) == self.model["target"]
        )
        held = {c: h.allocations for c, h in self.move.ledger.items()}
        expected = {MIGRATION: here.allocations, GUEST: there.allocations}
        if self.model["state"] == "finished":
            expected = {GUEST: there.allocations}
        elif self.model["state"] not in OPEN:
            expected = {GUEST: here.allocations}
        if self.model["state"] not in OPEN and not self.has_device():
            expected = {GUEST: without_device(expected[GUEST])}
        assert held == expected

    @invariant()
    def tokens_only_rise_and_a_claim_takes_effect_once(self):
        if not hasattr(self, "move"):
            return
        assert self.move.migration.token >= self.tokens[-1]
        self.tokens.append(self.move.migration.token)
        told = [step.token for step in self.move.migration.history]
        assert told == sorted(told)
        ids = [claim.id for claim in self.move.claims]
        assert len(ids) == len(set(ids)) == self.model["claims"]


def without_device(allocations):
    """What a guest holds beside its device."""
    left = {p: {c: n for c, n in units.items() if c != FB} for p, units in allocations.items()}
    return {provider: units for provider, units in left.items() if units}


def lapse(life):
    life.time_passes(LEASE_S)


CONFIRM = [lambda life: life.an_end_confirms("source", 0)]
BOTH = [*CONFIRM, lambda life: life.an_end_confirms("target", 0)]
START = [*BOTH, lambda life: life.it_starts(0)]
LOSE = [*START, lapse, Life.the_clock_is_looked_at]
STAGES = {
    "claimed": [],
    "renewed": [lambda life: life.it_is_renewed(0, UNSET)],
    "asked": [Life.both_ends_are_asked],
    "one end": CONFIRM,
    "confirmed": BOTH,
    "started": START,
    "lost": LOSE,
    "finished": [*START, lambda life: life.it_finishes(0, "on target")],
    "failed": [*START, lambda life: life.it_finishes(0, "on source")],
    "found": [*LOSE, lambda life: life.reports_show_where_it_is("on target")],
    "aborted": [*START, lambda life: life.it_is_aborted(0)],
    "aborted by an administrator": [*START, lambda life: life.it_is_aborted(None)],
    "expired": [lapse, Life.the_clock_is_looked_at],
    "refused": [Life.an_end_refuses],
}
"""How a migration comes to each state, and to what matters within one."""

EVENTS = (
    (Life.an_end_confirms, product(("source", "target"), (-1, 0, 1), (False, True))),
    (Life.a_probe_settles_it, product((-1, 0))),
    (Life.an_end_refuses, ((),)),
    (Life.it_starts, product((0, -1, 1, None))),
    (Life.a_device_is_told_of, product((0, -1, None), ("out", "in target"))),
    (Life.it_is_renewed, product((0, -1, 1, None), (UNSET, 50))),
    (Life.it_finishes, product((0, -1, -2, 1, None), ("on target", "on source"))),
    (Life.it_is_aborted, product((0, -1, -2, 1, None))),
    (Life.reports_show_where_it_is, product(("on target", "on source"))),
    (Life.the_clock_is_said_to_have_run, product(("expire", "lose"))),
    (Life.the_clock_is_looked_at, ((),)),
)
"""Every event, with every sender and case."""
ASKED = [(step, args) for step, many in EVENTS for args in many]


@pytest.mark.parametrize("later_s", [1.0, 5.0, LEASE_S])
@pytest.mark.parametrize("stage", STAGES)
def test_every_event_in_every_state_does_what_the_model_says(stage, later_s):
    """With the present, an old, a later and no token; when deadline and lease run out, too."""
    for (step, args), (alternates, replug) in product(ASKED, (((), True), (("host3",), False))):
        life = Life()
        life.it_has_come_so_far(LEASE_S, stage, alternates, replug)
        life.time_passes(later_s)
        step(life, *args)
        life.it_is_as_the_model_says()
        life.both_ends_are_held_until_it_ends_and_one_after()
        life.what_is_held_is_never_more_or_less_than_was_claimed()
        life.tokens_only_rise_and_a_claim_takes_effect_once()


Life.TestCase.settings = settings(
    max_examples=settings.default.max_examples, stateful_step_count=25, deadline=None
)
TestLife = Life.TestCase
