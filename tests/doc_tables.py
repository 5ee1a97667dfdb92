"""Tables of the documentation, so that tests can hold a page to the program."""

from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def read_table(page: str, first_column: str) -> list[dict[str, str]]:
    """Give the rows of the table of a page whose first column has this heading.

    Backticks around a whole cell are taken off.
    """
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    tables = [n for n, line in enumerate(lines) if _cells(line)[:1] == [first_column]]
    assert len(tables) == 1, f"{page} has {len(tables)} tables with the column {first_column}"
    head = _cells(lines[tables[0]])
    rows = []
    for line in lines[tables[0] + 2 :]:
        cells = _cells(line)
        if not cells:
            break
        assert len(cells) == len(head), line
        rows.append(dict(zip(head, cells, strict=True)))
    return rows


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [_bare(cell.strip()) for cell in line.strip().strip("|").split("|")]


def _bare(cell: str) -> str:
    inner = cell[1:-1]
    return inner if cell.startswith("`") and cell.endswith("`") and "`" not in inner else cell
