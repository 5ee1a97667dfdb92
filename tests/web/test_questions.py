"""A question of where a guest can go, as an address says it."""

import pytest

from wherry.model.checks import Downtime, Policy
from wherry.model.errors import InvalidRequest
from wherry.model.targets import Relaxation, Remedy
from wherry.web.questions import policy_of, relaxed, said_of


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(mode="cold", accept=("ok", "unknown")),
        Policy(replug=("a", "b"), postcopy=True, allow_untracked_dma=True),
        Policy(downtime=Downtime(budget_ms=0)),
    ],
)
def test_an_address_says_a_policy_and_is_read_as_the_same(policy: Policy) -> None:
    assert policy_of({name: (value,) for name, value in said_of(policy).items()}) == policy


@pytest.mark.parametrize("said", [{"mode": "x"}, {"accept": "no"}, {"budget_ms": "-1"}])
def test_what_there_cannot_be_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        policy_of({name: (value,) for name, value in said.items()})


def test_a_remedy_changes_the_question_or_nothing_of_it() -> None:
    """What has to be done on a host or to the guest cannot be asked for."""

    def ask(*relax: Relaxation) -> Policy | None:
        return relaxed(Policy(), Remedy(relax=relax, hosts=1, examples=(), sentence=""))

    accept = Relaxation(what="accept", value="unknown")
    assert ask(accept) == Policy(accept=("ok", "warn", "unknown"))
    assert ask(Relaxation(what="mode", value="cold")) == Policy(mode="cold")
    assert ask(accept, Relaxation(what="state")) is None
    assert ask(Relaxation(what="without", value="gpu0")) is None
