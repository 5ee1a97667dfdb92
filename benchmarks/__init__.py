"""Seeded benchmarks; `python -m benchmarks` lists them.

What they hold their answers against, and the PostgreSQL server they run on, are those of the tests.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
