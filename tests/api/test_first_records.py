"""The first requests of a worker come at once, and each is read by a thread of its own."""

import subprocess
import sys

READ = """
import json, sys, threading
from wherry.api.wire import parse_body
from wherry.bench.reports import make_report
from wherry.model.facts import Report
from wherry.service import assembly, records
records.learn_records()
sys.setswitchinterval(1e-6)
body, start, read = json.dumps(make_report(1)).encode(), threading.Barrier(16), []
def run():
    start.wait()
    read.append(parse_body(body, Report))
threads = [threading.Thread(target=run) for _ in range(16)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(len(read))
"""


def test_threads_that_read_a_record_for_the_first_time_at_once_all_get_it():
    """A type that is still being looked at by one ends the process of the others."""
    words = [sys.executable, "-c", READ]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "16\n"), done.stderr
