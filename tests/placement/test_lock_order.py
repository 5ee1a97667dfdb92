"""Writers of every kind take rows in one order, so that none has to be sent back."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from placement_wire import RP, Wire, holds
from wherry.app.engine import open_engine
from wherry.app.settings import Settings
from wherry.model.claims import Claim, Holding
from wherry.store.claims import write_claim

UUIDS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 7))
CONSUMERS = tuple(f"c{n:07x}-0000-4000-8000-000000000000" for n in range(1, 7))
WRITERS, TURNS = 8, 20


def held_by(dice, count):
    """Some units of some providers."""
    uuids = dice.sample(UUIDS, count)
    return {uuid: {"resources": {"VCPU": dice.randint(1, 4)}} for uuid in uuids}


def asked_for(wire, dice, consumer):
    """What a client sends that has just read what a consumer holds."""
    found = wire.ok("GET", f"/allocations/{consumer}")
    return holds(held_by(dice, dice.randint(1, 3)), found.get("consumer_generation"))


def allocate(wire, dice):
    consumer = dice.choice(CONSUMERS)
    return wire("PUT", f"/allocations/{consumer}", asked_for(wire, dice, consumer)).status


def allocate_together(wire, dice):
    body = {each: asked_for(wire, dice, each) for each in dice.sample(CONSUMERS, 2)}
    return wire("POST", "/allocations", body).status


def let_go(wire, dice):
    return wire("DELETE", f"/allocations/{dice.choice(CONSUMERS)}").status


def claim(wire, dice):
    """As a guest's claim is written through the service's own door."""
    holdings = tuple(
        Holding(
            consumer=each, consumer_type="INSTANCE", project="p", user="u",
            allocations={uuid: {"VCPU": 1} for uuid in dice.sample(UUIDS, 2)},
        )
        for each in dice.sample(CONSUMERS, 2)
    )  # fmt: skip
    made = Claim(id=str(dice.random()), holdings=holdings)
    wire.engine.store.write(lambda tx: write_claim(tx, made, now=1.0))
    return 204


def reshape(wire, dice):
    consumer = dice.choice(CONSUMERS)
    body = {
        "inventories": {
            uuid: {
                "resource_provider_generation": wire.generation(uuid),
                "inventories": {"VCPU": {"total": 1000}},
            }
            for uuid in dice.sample(UUIDS, 2)
        },
        "allocations": {consumer: asked_for(wire, dice, consumer)},
    }
    return wire("POST", "/reshaper", body).status


def move(wire, dice):
    """Put a provider below another one, or on top."""
    uuid, parent = dice.sample(UUIDS, 2)
    body = {"name": uuid, "parent_provider_uuid": dice.choice((parent, None))}
    return wire("PUT", f"{RP}/{uuid}", body).status


def stock(wire, dice):
    uuid = dice.choice(UUIDS)
    body = {
        "resource_provider_generation": wire.generation(uuid),
        "inventories": {"VCPU": {"total": 1000}, "DISK_GB": {"total": dice.randint(1, 9)}},
    }
    return wire("PUT", f"{RP}/{uuid}/inventories", body).status


WRITES = (allocate, allocate, allocate_together, let_go, claim, reshape, move, stock)


def count_deadlocks(url):
    """Those of a database since it was made; counted once connections have ended."""
    engine = sqlalchemy.create_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=sqlalchemy.NullPool,
    )
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text(query)).scalar_one()


@pytest.mark.timeout(120)
def test_no_two_writers_wait_for_each_other(postgresql_url, tmp_path):
    """Allocations, claims, reshapes, moves in the tree and inventories, all at the same time.

    A deadlock would be run again and nobody would see it, but for the second that it takes.
    """
    engine = open_engine(Settings(state_dir=tmp_path, database=postgresql_url))
    wire = Wire(engine)
    for uuid in UUIDS:
        wire.provider(uuid, VCPU=1000)

    def work(number):
        dice = random.Random(number)
        return [dice.choice(WRITES)(wire, dice) for _ in range(TURNS)]

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = [status for done in pool.map(work, range(WRITERS)) for status in done]
    engine.close()

    assert max(statuses) < 500
    assert sum(status < 300 for status in statuses) > len(statuses) // 4
    assert count_deadlocks(postgresql_url) == 0
