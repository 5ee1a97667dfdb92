"""Allocation candidates as Placement's clients know them, as pure code on plain values.

`query` reads what is asked, `search` finds the candidates in a `world`, `summaries`
describes the providers around them.  The search is the obvious one: any faster one has to
agree with it.
"""
