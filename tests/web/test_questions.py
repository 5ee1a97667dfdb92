"""A question of where a guest can go, as an address says it."""

import pytest

from wherry.model.checks import Downtime, Policy
from wherry.model.errors import InvalidRequest
from wherry.model.targets import Relaxation, Remedy
from wherry.web.questions import Asked, asked_of, relaxed, said_of

RED, BLUE = (f"{number}" * 8 + "-0000-4000-8000-000000000000" for number in (1, 2))


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(Policy(mode="cold", accept=("ok", "unknown"))),
        Asked(Policy(replug=("a", "b"), postcopy=True, allow_untracked_dma=True)),
        Asked(Policy(downtime=Downtime(budget_ms=0)), (f"in:{RED},{BLUE}", f"!{RED}")),
    ],
)
def test_an_address_says_a_question_and_is_read_as_the_same(asked: Asked) -> None:
    assert asked_of({name: (value,) for name, value in said_of(asked).items()}) == asked


@pytest.mark.parametrize(
    "said",
    [
        *({"mode": "x"}, {"accept": "no"}, {"budget_ms": "-1"}),
        *({"member_of": "red"}, {"member_of": " ".join([RED] * 17)}),
    ],
)
def test_what_there_cannot_be_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        asked_of({name: (value,) for name, value in said.items()})


def test_a_remedy_changes_the_question_or_nothing_of_it() -> None:
    """What has to be done on a host or to the guest cannot be asked for."""

    def ask(*relax: Relaxation) -> Asked | None:
        remedy = Remedy(relax=relax, hosts=1, examples=(), sentence="")
        return relaxed(Asked(Policy(), (RED, BLUE)), remedy)

    accept = Relaxation(what="accept", value="unknown")
    every = (RED, BLUE)
    assert ask(accept) == Asked(Policy(accept=("ok", "warn", "unknown")), every)
    assert ask(Relaxation(what="mode", value="cold")) == Asked(Policy(mode="cold"), every)
    assert ask(Relaxation(what="member_of", value=RED)) == Asked(Policy(), (BLUE,))
    assert ask(accept, Relaxation(what="state")) is None
    assert ask(Relaxation(what="without", value="gpu0")) is None
