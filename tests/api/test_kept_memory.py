"""A worker does not give back to the system what its next answer needs again."""

import subprocess
import sys

import pytest

ANSWERS = """
import resource
from wherry.service.memory import keep_memory
kept = keep_memory()
def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        parts = [b"x" * (3 << 20) for _ in range(4)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(2)
print(int(kept), faults(10))
"""


def test_answers_of_megabytes_use_the_memory_of_those_before():
    """Ten times four pieces of three megabytes are thirty thousand pages."""
    asked = [sys.executable, "-c", ANSWERS]
    said = subprocess.run(asked, check=True, capture_output=True, text=True)
    kept, faults = map(int, said.stdout.split())
    if not kept:
        pytest.skip("this C library cannot be told")
    assert faults < 1000
