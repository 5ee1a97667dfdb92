"""The HTTP doors: parse, one use case, render."""
