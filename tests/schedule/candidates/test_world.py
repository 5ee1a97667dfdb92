"""A world that changes is the world that would be made anew."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from obvious_search.world import make_world, renew_world
from schedule.candidates.worlds import CLASSES, TRAITS, a_provider, a_world, worlds
from wherry.model.provider import SHARES


def in_order(world):
    """All that a world is, the orders in which a search goes through it too."""
    return (
        list(world.providers.items()),
        list(world.trees.items()),
        world.sharing,
        world.classes,
        world.traits,
    )


@given(before=worlds(), after=worlds(), data=st.data())
def test_a_renewed_world_is_the_one_made_anew(before, after, data):
    """Providers change, come, go and move between trees; others stay the same objects."""
    changed = {}
    for uuid, provider in before.providers.items():
        if data.draw(st.booleans()) and provider.parent is not None:
            other = after.providers.get(uuid, provider)
            changed[uuid] = replace(other, root=provider.root, parent=provider.parent)
    if data.draw(st.booleans()):
        new = a_provider("new", has={"VCPU": 1}, traits=data.draw(st.sampled_from(((), (SHARES,)))))
        changed[new.uuid] = new
    if len(before.trees) > 1 and data.draw(st.booleans()):
        gone = data.draw(st.sampled_from(sorted(before.trees)))
        changed |= {each.uuid: None for each in before.trees[gone]}

    renewed = renew_world(before, changed)

    merged = {**before.providers, **changed}
    anew = make_world(
        [each for each in merged.values() if each is not None],
        classes=before.classes, traits=before.traits,
    )  # fmt: skip
    assert in_order(renewed) == in_order(anew)
    for uuid in before.providers.keys() - changed.keys():
        assert renewed.providers[uuid] is before.providers[uuid]


def test_names_are_those_told_and_those_in_use():
    """A name that nobody uses any more is gone once all names are told."""
    host = a_provider("host", has={"VCPU": 1}, traits=("CUSTOM_OLD",))
    before = a_world(host)

    after = renew_world(before, {"host": replace(host, traits=frozenset())}, traits=("CUSTOM_NEW",))

    assert after.traits == {"CUSTOM_NEW"}
    assert after.classes == {*CLASSES}
    assert before.traits == {*TRAITS, SHARES, "CUSTOM_OLD"}
