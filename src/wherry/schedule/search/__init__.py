"""The search for allocation candidates on the fleet's columns.

`compile` says what a request asks, `scan` finds trees by their summaries, `masks` and `joint`
look closely at those, `placing` works out the ways in a tree, `find` puts it together.  It finds
what the obvious search of the tests finds, its slow twin.
"""
