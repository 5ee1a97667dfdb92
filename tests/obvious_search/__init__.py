"""The obvious search for allocation candidates: what any faster one has to agree with.

`search` finds the candidates in a `world`, `summaries` describes the providers around them.
"""
