"""What columns should hold, counted by plain loops over values."""

from obvious_search.world import World
from wherry.inventory.columns import ClassColumn, Columns
from wherry.model.inventory import MAX_INT
from wherry.model.provider import Provider


def by_uuid(columns: Columns) -> dict[str, Provider]:
    """Every provider, found row by row."""
    return {
        columns.uuid(row): columns.provider(row)
        for row in range(columns.rows)
        if columns.is_live(row)
    }


def check(columns: Columns, world: World) -> None:
    """Assert that columns hold a world and nothing else."""
    assert by_uuid(columns) == dict(world.providers)
    assert [each.uuid for each in columns.providers()] == list(by_uuid(columns))
    for uuid in world.providers:
        row = columns.row(uuid)
        assert row is not None
        assert columns.uuid(row) == uuid
    assert columns.row("nobody") is None
    shared = [columns.uuid(row) for row in columns.sharing]
    assert sorted(shared) == sorted(each.uuid for each in world.sharing)
    assert columns.known_classes == world.classes
    assert columns.known_traits == world.traits
    roots = []
    for tree in range(columns.trees):
        check_tree(columns, tree)
        if columns.count[tree]:
            roots.append(columns.uuid(columns.first[tree]))
    assert sorted(roots) == sorted(world.trees)


def check_tree(columns: Columns, tree: int) -> None:
    """Assert that all that is said of a tree as a whole follows from its providers."""
    providers = columns.tree(tree)
    if not providers:
        return
    for name, column in columns.classes.items():
        check_class(column, tree, name, providers)
    first = int(columns.first[tree])
    traits = frozenset().union(*(each.traits for each in providers))
    aggregates = frozenset().union(*(each.aggregates for each in providers))
    assert columns.trait_sets[columns.tree_traits[tree]] == traits
    assert columns.aggregate_sets[columns.tree_aggregates[tree]] == aggregates
    shape = columns.shapes[columns.shape[tree]]
    uuids = [each.uuid for each in providers]
    assert uuids == [columns.uuid(first + place) for place in range(len(providers))]
    for place, provider in enumerate(providers):
        above = shape.parents[place]
        assert above < place
        assert provider.parent == (None if above < 0 else uuids[above])
        line = {place}
        for other, parent in enumerate(shape.parents):
            if parent in line:
                line.add(other)
        assert shape.below[place] == sum(1 << each for each in line)


def check_class(column: ClassColumn, tree: int, name: str, providers: tuple[Provider, ...]) -> None:
    """Assert entries and summaries of one class in one tree."""
    start, end = column.start[tree : tree + 2].tolist()
    expected = []
    for place, provider in enumerate(providers):
        inventory = provider.inventories.get(name)
        if inventory is not None:
            free = inventory.capacity - provider.used.get(name, 0)
            expected.append((place, max(-1, min(free, inventory.max_unit, MAX_INT))))
    assert list(zip(column.local[start:end], column.eff[start:end], strict=True)) == expected
    effs = [eff for _, eff in expected]
    assert column.tmax[tree] == max(effs, default=-1)
    assert column.tsum[tree] == min(MAX_INT, sum(max(eff, 0) for eff in effs))
    assert column.tcnt[tree] == min(255, sum(eff > 0 for eff in effs))
