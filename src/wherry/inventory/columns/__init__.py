"""The fleet in columns of numbers, for searches of a hundred thousand hosts.

`layout` says what the columns are; `build` makes them from values, and a `ColumnsWriter`
keeps them at what the values become.
"""

from wherry.inventory.columns.assemble import build
from wherry.inventory.columns.compacting import compact
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.layout import ClassColumn, Columns
from wherry.inventory.columns.shapes import Shape
from wherry.inventory.columns.use import UnknownUse, UseRow
from wherry.inventory.columns.writer import ColumnsWriter

__all__ = [
    "ClassColumn",
    "Columns",
    "ColumnsWriter",
    "Interned",
    "LimitsTable",
    "Shape",
    "UnknownUse",
    "UseRow",
    "build",
    "compact",
]
