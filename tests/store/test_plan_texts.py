"""Plans that are read from texts with what is remembered of others."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import an_offer
from wherry.bench.reports import make_report
from wherry.inventory.derive import plan_host
from wherry.model.device import Offer, Parent, Pool
from wherry.model.facts import Report
from wherry.model.inventory import PlannedProvider
from wherry.profiles.builtin import builtin_profiles
from wherry.store.body import decode, encode
from wherry.store.plan_texts import PlanTexts

UUIDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
WORDS = ["0000:41:00.0", "0000:81:00.0", 'a "b"', "None", *UUIDS[:2]]
words, uuids = st.sampled_from(WORDS), st.sampled_from(UUIDS)
TEXTS = PlanTexts(kept=64)
"""One for all examples, so that it knows much of what it is asked, and has forgotten some."""


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """An offer that may name its provider and device in other places too, or elsewhere."""
    address = draw(words | st.just(UNSET))
    return replace(
        an_offer(),
        provider=draw(uuids),
        parent=draw(st.sampled_from([UNSET, Parent(address=address), Parent(driver="x")])),
        description=draw(words | st.just(f'{{"provider":"{UUIDS[0]}"}}') | st.just(UNSET)),
        pools={"POOL": Pool(total=4, provider=draw(uuids | st.just(UNSET)))},
    )


@st.composite
def plans(draw: st.DrawFn) -> PlannedProvider:
    """A plan like many: mostly, of a device that its offers name."""
    plan = PlannedProvider(
        uuid=draw(uuids),
        name=draw(words),
        parent=draw(uuids | st.none()),
        device=draw(words | st.just(UNSET)),
        offers=tuple(draw(st.lists(offers(), max_size=2))),
        slots=tuple(draw(st.lists(words, max_size=1))),
    )
    if draw(st.booleans()):
        return plan
    own = (replace(each, provider=plan.uuid, pools=UNSET) for each in plan.offers)
    parent = Parent(driver="x", address=plan.device)
    return replace(plan, offers=tuple(replace(each, parent=parent) for each in own))


@given(st.lists(plans(), min_size=1, max_size=4))
@example([PlannedProvider(uuid=UUIDS[0], name="a", device="b"), PlannedProvider(uuid="c", name="")])
def test_what_is_remembered_gives_what_the_text_says(several: list[PlannedProvider]) -> None:
    for plan in several:
        text = encode(plan)

        assert encode(TEXTS.read(text)) == text
        assert TEXTS.read(text) == decode(text, PlannedProvider)


def test_a_pool_that_names_its_provider_is_not_that_of_another() -> None:
    """Only what an offer says of itself is put in anew."""
    texts = PlanTexts()
    for uuid in UUIDS:
        pools = {"POOL": Pool(total=4, provider=uuid)}
        offer = replace(an_offer(), provider=uuid, pools=pools)
        text = encode(PlannedProvider(uuid=uuid, name="a", offers=(offer,)))

        assert encode(texts.read(text)) == text


def test_the_boards_of_a_fleet_are_of_one_pattern() -> None:
    """Hosts of four boards each: the host, a NUMA node and a board are remembered, nothing else."""
    texts = PlanTexts()
    for number in range(3):
        report = msgspec.convert(make_report(number), Report)
        for plan in plan_host(report, builtin_profiles()).providers:
            assert encode(texts.read(encode(plan))) == encode(plan)

    assert len(texts) == 3


def test_only_so_many_patterns_are_remembered() -> None:
    texts = PlanTexts(kept=2)
    for number in range(5):
        texts.read(encode(PlannedProvider(uuid=UUIDS[0], name="a", note=f"{number}")))

    assert len(texts) == 2


@pytest.mark.parametrize("text", ["{}", '{"uuid":"a","name":"b","unheard-of":1}', "]"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        PlanTexts().read(text)
