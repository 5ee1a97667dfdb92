"""Allocation candidates as Placement's clients know them, as pure code on plain values.

`query` reads what is asked into a `request`, `messages` says what is wrong with it; what is found
are `candidate` values.  The search is `wherry.schedule.search`.
"""
