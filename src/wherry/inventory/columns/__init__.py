"""The fleet in columns of numbers, for searches of a hundred thousand hosts.

`layout` says what the columns are; `build` makes them from values.
"""

from wherry.inventory.columns.assemble import build
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.layout import ClassColumn, Columns
from wherry.inventory.columns.shapes import Shape

__all__ = ["ClassColumn", "Columns", "Interned", "LimitsTable", "Shape", "build"]
