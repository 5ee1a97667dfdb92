"""The fleet names the hosts that do not take every new guest."""

from hypothesis import given
from hypothesis import strategies as st

from builders import a_host_record, a_root
from wherry.inventory.fleet import Fleet
from wherry.model.changes import Removed

NAMES = ("a", "b", "c")
STATES = st.sampled_from(("enabled", "enabled", "disabled", "maintenance"))
LABELS = st.sampled_from(({}, {"rack": "r1"}, {"tenants": "red"}))
STEPS = st.tuples(st.sampled_from(NAMES), st.none() | st.tuples(STATES, LABELS), st.booleans())


@given(steps=st.lists(STEPS, max_size=12))
def test_they_are_those_of_a_plain_loop_at_every_moment(steps):
    fleet = Fleet()
    for number, (name, said, is_reload) in enumerate(steps, 1):
        if said is None:
            changes = [Removed(what="host", key=name, generation=number)]
        else:
            state, labels = said
            record = a_host_record(name, state=state, labels=labels, generation=number)
            changes = [record, a_root(name, generation=number)]
        before = fleet.view.picky
        (fleet.reload if is_reload else fleet.apply)(changes)

        plain = {host.name for host in fleet.view if not host.record.is_open}
        assert fleet.view.picky == plain
        if plain == before and not is_reload:
            assert fleet.view.picky is before
