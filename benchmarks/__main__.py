"""Runs a benchmark by its name; without one, lists them.

    python -m benchmarks
    python -m benchmarks targets --hosts 10000

Every module of this folder with a ``main(argv)`` is one; the first line of its docstring says
what it measures.
"""

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(argv: list[str]) -> int:
    """Run what is asked for; 2 if there is no such benchmark."""
    known = dict(find())
    if not argv or argv[0] in {"-h", "--help"}:
        print(render(known))
        return 0
    name, *rest = argv
    if name not in known:
        print(f"no benchmark {name}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    import_module(f"benchmarks.{name}").main(rest)
    return 0


def find() -> Iterator[tuple[str, str]]:
    """Give each benchmark's name and what it measures, by name, without importing any."""
    for path in sorted(FOLDER.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            yield path.stem, (ast.get_docstring(tree) or "").partition("\n")[0]


def render(known: dict[str, str]) -> str:
    """Put them into lines of name and purpose."""
    width = max(map(len, known), default=0)
    return "\n".join(f"{name:{width}}  {purpose}" for name, purpose in known.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
