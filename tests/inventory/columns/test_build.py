"""Columns hold what they were built from, and sum it up as a plain loop would."""

from hypothesis import given
from hypothesis import strategies as st

from inventory.columns.naive import by_uuid, check
from schedule.candidates.worlds import a_provider, uuid_of, worlds
from wherry.inventory.columns import build
from wherry.inventory.columns.keys import key_of, keys_of, text_of
from wherry.model.inventory import MAX_INT, Inventory
from wherry.model.provider import SHARES


@given(world=worlds(), data=st.data())
def test_columns_give_back_what_they_were_built_from(world, data):
    listed = data.draw(st.permutations(list(world.providers.values())))

    columns = build(listed, classes=world.classes, traits=world.traits)

    check(columns, world)


def test_a_tree_of_many_providers_is_as_exact_as_a_small_one():
    """More than 64, more than 255: places no longer fit a word or a byte."""
    root = a_provider(uuid_of(0), has={"VCPU": 2})
    arms = [a_provider(uuid_of(n), root, has={"VGPU": n % 5 + 1}) for n in range(1, 400)]
    leaf = a_provider(uuid_of(400), arms[-1], has={"VGPU": 7}, traits=("CUSTOM_RED",))

    columns = build([root, leaf, *arms])

    assert by_uuid(columns) == {each.uuid: each for each in (root, leaf, *arms)}
    shape = columns.shapes[columns.shape[0]]
    assert columns.trees == 1
    assert shape.below[0] == (1 << 401) - 1
    assert shape.below[399] == 0b11 << 399
    vgpu = columns.classes["VGPU"]
    assert vgpu.tmax.tolist() == [7]
    assert vgpu.tcnt.tolist() == [255]


def test_numbers_beyond_32_bits_are_exact_in_values_and_clipped_in_columns():
    huge = Inventory(total=1 << 40, max_unit=1 << 40, allocation_ratio=1e30)
    few = Inventory(total=1, allocation_ratio=2.0)
    host = a_provider(uuid_of(1), has={"DISK_GB": huge, "VCPU": few}, used={"DISK_GB": 1 << 39})

    columns = build([host])

    assert columns.provider(0) == host
    assert columns.classes["DISK_GB"].eff.tolist() == [MAX_INT]
    assert columns.classes["DISK_GB"].tsum.tolist() == [MAX_INT]
    assert columns.classes["VCPU"].eff.tolist() == [2]


def test_the_sum_of_a_tree_is_clipped():
    root = a_provider(uuid_of(1), has={"VCPU": MAX_INT})
    child = a_provider(uuid_of(2), root, has={"VCPU": MAX_INT})

    assert build([root, child]).classes["VCPU"].tsum.tolist() == [MAX_INT]


def test_no_providers_are_columns_too():
    columns = build([], classes=("VCPU",), traits=("CUSTOM_RED",))

    assert (columns.trees, columns.rows, list(columns.providers())) == (0, 0, [])
    assert columns.row(uuid_of(1)) is None
    assert columns.known_classes == {"VCPU"}


def test_a_provider_that_shares_is_listed():
    host = a_provider(uuid_of(1), has={"VCPU": 1})
    disk = a_provider(uuid_of(2), has={"DISK_GB": 1}, traits=(SHARES,))

    columns = build([host, disk])

    assert [columns.uuid(row) for row in columns.sharing] == [disk.uuid]


@given(texts=st.lists(st.sampled_from([uuid_of(n) for n in range(9)]) | st.text(max_size=40)))
def test_every_name_has_a_key_of_its_own(texts):
    keys, odd = keys_of(texts)

    assert [key.tobytes() for key in keys] == [key_of(text) for text in texts]
    assert [odd.get(key_of(text), text_of(key_of(text))) for text in texts] == texts


def test_uuids_are_spelled_in_ascii():
    host, other = a_provider("host"), a_provider(uuid_of(2))

    assert build([host, other]).uuid_texts([1, 0]) == [uuid_of(2).encode(), b"host"]
