"""Answers about candidates as ready bytes: the search takes less time than objects for it would.

`requests` fills one template for all candidates of a form; `summaries` keeps the bytes of each
tree until it changes; `answer` puts them together.
"""
