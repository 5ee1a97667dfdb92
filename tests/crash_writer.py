"""A process that claims and lets go in eight threads, and says what was acknowledged.

    python crash_writer.py URL FIRST

It begins with the claims of this number and runs until it is killed.  Each line on stdout is
the id of a claim that took effect, said after the store has said so.
"""

import itertools
import os
import sys
import threading

from builders import FB
from store_worlds import NOW, a_claim, holding, occupant
from wherry.model.errors import CapacityExceeded
from wherry.store.claims import write_claim
from wherry.store.engine import open_store

THREADS, PROVIDERS = 8, 4


def claims(thread, first):
    """Claims of one thread from a number on: guests come, move and go."""
    for number in itertools.count(first):
        guest = f"guest {thread} {number % 5}"
        provider = f"gpu{(thread + number) % PROVIDERS}"
        name = f"claim {thread} {number}"
        if number % 3 == 2:
            yield a_claim(holding(guest), name=name)
        else:
            units = {provider: {FB: 1 + number % 3}, "host1": {"VCPU": 1}}
            yield a_claim(holding(guest, units, occupant(provider, "a")), name=name)


def work(store, thread, first):
    for one in claims(thread, first):
        try:
            store.write(lambda tx, said=one: write_claim(tx, said, now=NOW))
        except CapacityExceeded:
            continue
        os.write(1, f"{one.id}\n".encode())


def claims_by_id(threads, first, count):
    """Claims of each thread from a number on by their id, to say them again."""
    return {
        one.id: one
        for thread in range(threads)
        for one in itertools.islice(claims(thread, first), count)
    }


if __name__ == "__main__":
    opened = open_store(sys.argv[1])
    threads = [
        threading.Thread(target=work, args=(opened, number, int(sys.argv[2])), daemon=True)
        for number in range(THREADS)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
