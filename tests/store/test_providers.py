"""Providers as stored: what was planned, their counters and their use."""

from sqlalchemy import event

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, holding, occupant, report, stored
from wherry.store.engine import open_store
from wherry.store.providers import exclusive_by, read_provider, read_providers


def fleet(store):
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1")))
    report(store, a_plan("host2", a_device("gpu2", host="host2")))


def read(store, **where):
    return store.read(lambda tx: [*read_providers(tx, **where)])


def test_providers_are_read_by_uuid_by_host_or_all(store):
    fleet(store)

    assert {one.plan.name for one in read(store)} == {"host1", "host2", "gpu0", "gpu1", "gpu2"}
    assert {one.plan.name for one in read(store, host="host2")} == {"host2", "gpu2"}
    named = read(store, uuids=[a_uuid("gpu1"), a_uuid("nobody"), a_uuid("gpu2")])
    assert {one.plan.name for one in named} == {"gpu1", "gpu2"}
    assert read(store, uuids=[]) == []
    assert store.read(lambda tx: read_provider(tx, a_uuid("nobody"))) is None


def test_more_providers_than_one_statement_takes_are_read(store):
    devices = [a_device(f"gpu{number}") for number in range(600)]
    report(store, a_plan("host1", *devices))

    named = read(store, uuids=[device.uuid for device in devices])

    assert {one.plan.name for one in named} == {device.name for device in devices}


def test_a_provider_shows_what_claims_have_changed(store):
    fleet(store)
    claim(
        store,
        holding("one", {"gpu0": {FB: 4096}}, occupant(slot="a", device="m1", exclusive="a")),
        holding("two", {"gpu0": {FB: 1}}, occupant(slot="a", device="m0", exclusive="a")),
    )

    use = stored(store, "gpu0").use

    assert (use.used, use.charged, use.stray) == ({FB: 4097}, {FB: 4097}, {})
    assert (use.exclusive, use.devices) == (("a",), ("m0", "m1"))
    assert stored(store, "gpu1").use == stored(store, "gpu2").use


def test_a_provider_below_a_device_has_the_hosts_root(store):
    report(store, a_plan("host1", a_device("card"), a_device("gpu0", parent=a_uuid("card"))))

    assert stored(store, "gpu0").root == a_uuid("host1")


def test_what_instances_must_agree_in_has_a_name_where_an_offer_tells_it(store):
    fleet(store)

    assert store.read(lambda tx: exclusive_by(tx, a_uuid("gpu0"))) == "exclusive"


def test_who_writes_reads_no_provider_that_goes_meanwhile(postgresql_url):
    """Each statement of a transaction that writes sees what others have written before it."""
    store = open_store(postgresql_url)
    card, gpu = a_device("card"), a_device("gpu0", parent=a_uuid("card"))
    report(store, a_plan("host1", card, gpu, a_device("gpu1")))

    def read_in_pieces(tx):
        @event.listens_for(tx.connection, "after_cursor_execute", once=True)
        def after_the_first(*_):
            report(store, a_plan("host1", a_device("gpu1")), sequence=2)

        return [*read_providers(tx, host="host1")]

    found = store.write(read_in_pieces)
    store.close()
    assert {one.plan.name for one in found} == {"host1", "gpu1"}
